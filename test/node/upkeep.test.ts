import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { getJson, startVarve, temporaryFolder } from '../support/varve.ts';

interface Ran {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

function varve(dataDir: string, ...words: readonly string[]): Ran {
  const args = ['dist/cli/main.js', ...words, '--data-dir', dataDir];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, output: stdout, errors: stderr };
}

const traceId = '0af7651916cd43dd8448eb211c80319c';

/** Pushes three lines and a span to a Varve, and seals them. */
async function filledStore(log: 'held' | 'trimmed'): Promise<string> {
  const running = await startVarve();
  if (log === 'held') expect(varve(running.dataDir, 'log', 'hold', 'test', '1h').status).toBe(0);
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const post = async (port: number, path: string, body: object): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.ok).toBe(true);
  };
  const values = ['paid', 'declined', 'paid again'].map((line, at) => [String(nowNs + BigInt(at)), line]);
  await post(running.ports.loki, '/loki/api/v1/push', { streams: [{ stream: { app: 'shop' }, values }] });
  const [startTimeUnixNano, endTimeUnixNano] = [String(nowNs), String(nowNs + 5_000n)];
  const span = { traceId, spanId: 'b7ad6b7169203331', name: 'GET /cart', startTimeUnixNano, endTimeUnixNano };
  await post(running.ports.otlp, '/v1/traces', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  expect(await running.stop()).toBe(0);
  expect(varve(running.dataDir, 'store', 'compact').status).toBe(0);
  return running.dataDir;
}

function fileOf(dataDir: string, table: string, extension: string): string {
  const folder = join(dataDir, 'segments', 'anonymous', table);
  const name = readdirSync(folder).find((each) => each.endsWith(`.${extension}`));
  return join(folder, name ?? 'none');
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(path, bytes);
}

interface Found {
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
  readonly hasTrace: boolean;
}

/** What a Varve answers of the store. */
async function answersOf(dataDir: string): Promise<Found> {
  const running = await startVarve({ dataDir });
  const query = { query: '{app="shop"} |= "paid"' };
  const answer = (await getJson(running.ports.loki, '/loki/api/v1/query_range', query)) as {
    readonly warnings?: readonly string[];
    readonly data: { readonly result: readonly { readonly values: readonly [string, string][] }[] };
  };
  const trace = await fetch(`http://127.0.0.1:${running.ports.tempo}/api/traces/${traceId}`);
  await running.stop();
  const lines = answer.data.result.flatMap(({ values }) => values.map(([, line]) => line));
  return { lines: lines.sort(), warnings: answer.warnings ?? [], hasTrace: trace.ok };
}

const whole: Found = { lines: ['paid', 'paid again'], warnings: [], hasTrace: true };

describe('varve store check and repair', () => {
  let dataDir = '';
  beforeAll(async () => {
    dataDir = await filledStore('trimmed');
  });

  it('finds nothing in a store that is whole', () => {
    const checked = varve(dataDir, 'store', 'check');
    expect([checked.status, checked.errors]).toEqual([0, '']);
    expect(checked.output).toMatch(/^2 segments of .* KiB, 4 rows read: nothing is wrong\n$/);
    expect(varve(dataDir, 'store', 'repair').output).toBe(
      '2 segments looked at: 0 repaired, 0 lost, 0 files removed\n',
    );
  });

  it('exits 2 where it cannot look', async () => {
    const missing = varve(join(temporaryFolder(), 'none'), 'store', 'check');
    expect(missing.status).toBe(2);
    expect(missing.errors).toContain('is no folder; name the data directory');
    const running = await startVarve();
    const locked = varve(running.dataDir, 'store', 'check');
    expect(locked.status).toBe(2);
    expect(locked.errors).toContain(`is held by process ${running.pid}`);
    await running.stop();
    expect(varve(dataDir, 'store', 'check', '--tenant', 'a/b').status).toBe(2);
    expect(varve(dataDir, 'store', 'repair', '--fast').errors).toContain('--fast is not for this command');
  });

  it('names a damaged text index, manifest and Bloom filter, and mends them', async () => {
    const text = fileOf(dataDir, 'logs', 'text');
    const directory = fileOf(dataDir, 'spans', 'directory');
    const manifest = join(dataDir, 'manifest', 'manifest.json');
    flip(text);
    rmSync(directory);
    truncateSync(manifest, 40);
    for (const more of [[], ['--fast']]) {
      const checked = varve(dataDir, 'store', 'check', '--json', ...more);
      expect(checked.status).toBe(1);
      const report = JSON.parse(checked.output) as {
        readonly findings: readonly { readonly path: string }[];
      };
      expect(report.findings.map(({ path }) => path).sort()).toEqual([directory, text, manifest].sort());
    }
    const dry = varve(dataDir, 'store', 'repair', '--dry-run');
    expect(dry.output).toContain('3 repaired, 0 lost, 0 files removed; nothing was changed');
    const repaired = varve(dataDir, 'store', 'repair');
    expect([repaired.status, repaired.errors]).toEqual([0, '']);
    expect(repaired.output).toContain('2 segments looked at: 3 repaired, 0 lost, 0 files removed\n');
    expect(varve(dataDir, 'store', 'check').status).toBe(0);
    expect(await answersOf(dataDir)).toEqual(whole);
  });

  it('sets a segment aside whose rows are damaged, and says what is lost', async () => {
    const backup = temporaryFolder();
    expect(varve(dataDir, 'backup', backup).status).toBe(0);
    flip(fileOf(dataDir, 'logs', 'parquet'));
    const checked = varve(dataDir, 'store', 'check');
    expect(checked.status).toBe(1);
    expect(checked.output).toContain('are not those that were written');
    const repaired = varve(dataDir, 'store', 'repair');
    expect(repaired.status).toBe(1);
    expect(repaired.output).toMatch(
      /^lost {6}3 records of logs of anonymous from 20\S+Z to 20\S+Z, segment /,
    );
    const answers = await answersOf(dataDir);
    expect(answers).toMatchObject({ lines: [], hasTrace: true });
    expect(answers.warnings[0]).toMatch(/^3 records of logs from \d+ to \d+ ms are missing: /);
    expect(varve(dataDir, 'store', 'check').output).toContain('quarantine/anonymous-logs-');
    const restored = temporaryFolder();
    expect(varve(restored, 'restore', backup).status).toBe(0);
    expect(varve(restored, 'store', 'check').status).toBe(0);
    expect(await answersOf(restored)).toEqual(whole);
  });

  it('takes rows from the log where someone holds that', async () => {
    const held = await filledStore('held');
    flip(fileOf(held, 'logs', 'parquet'));
    rmSync(fileOf(held, 'spans', 'parquet'));
    expect(varve(held, 'store', 'check', '--fast').status).toBe(1);
    const dry = varve(held, 'store', 'repair', '--dry-run');
    expect([dry.status, dry.output]).toEqual([0, expect.stringContaining('2 repaired, 0 lost')]);
    const repaired = varve(held, 'store', 'repair');
    expect([repaired.status, repaired.errors]).toEqual([0, '']);
    expect(repaired.output.match(/its rows are taken from the log/g)).toHaveLength(2);
    expect(varve(held, 'store', 'check').output).toContain('nothing is wrong');
    expect(await answersOf(held)).toEqual(whole);
  });
});
