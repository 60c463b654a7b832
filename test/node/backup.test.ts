import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { getJson, startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

interface Ran {
  readonly status: number | null;
  readonly told: string;
}

async function varve(dataDir: string, ...words: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, ['dist/cli/main.js', ...words, '--data-dir', dataDir]);
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (told += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (told += part));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, told };
}

/** Seals and merges all the time. */
const busy = { 'view-memtable-max-age-ms': '1000', 'view-compaction-segments-min': '2' };

/** Sends numbered lines one after the other until it is stopped; how many were acknowledged. */
function numberedLines({ ports }: Varve): { readonly count: () => number; stop(): Promise<void> } {
  let count = 0;
  const stopping = new AbortController();
  const sending = (async () => {
    while (!stopping.signal.aborted) {
      const values = [[`${Date.now()}${String(count % 1_000_000).padStart(6, '0')}`, String(count)]];
      const response = await fetch(`http://127.0.0.1:${ports.loki}/loki/api/v1/push`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ streams: [{ stream: { app: 'numbers' }, values }] }),
      });
      expect(response.status).toBe(204);
      count += 1;
    }
  })();
  return {
    count: () => count,
    stop: async () => {
      stopping.abort();
      await sending;
    },
  };
}

/** The numbers that a Varve on the data directory answers, and what it says of its log. */
async function numbersOf(dataDir: string): Promise<{ readonly numbers: number[]; readonly log: string }> {
  const running = await startVarve({ dataDir });
  const numbers: number[] = [];
  const start = `${Date.now() - 3_600_000}000000`;
  let end = `${Date.now() + 60_000}000000`;
  for (;;) {
    const query = { query: '{app="numbers"}', limit: '5000', start, end };
    const answer = (await getJson(running.ports.loki, '/loki/api/v1/query_range', query)) as {
      readonly data: { readonly result: readonly { readonly values: readonly [string, string][] }[] };
    };
    const lines = answer.data.result.flatMap(({ values }) => values);
    if (lines.length === 0) break;
    numbers.push(...lines.map(([, line]) => Number(line)));
    end = lines.map(([time]) => time).sort()[0] ?? '0';
  }
  const { told: log } = await varve(dataDir, 'log', 'status');
  await running.stop();
  return { numbers: numbers.sort((a, b) => a - b), log };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('a backup of a Varve that runs', () => {
  it('has every line that was acknowledged before it, none twice and none behind a gap', async () => {
    const running = await startVarve({ settings: busy });
    const lines = numberedLines(running);
    const backup = temporaryFolder();
    let before = 0;
    for (const round of [1, 2, 3]) {
      await until(() => lines.count() > round * 300);
      before = lines.count();
      const { status, told } = await varve(running.dataDir, 'backup', backup);
      expect([status, told]).toEqual([
        0,
        expect.stringMatching(/ files, .* there already; up to logs\/\d+ \d+:\d+/),
      ]);
    }
    await until(() => lines.count() > before + 100);
    await lines.stop();
    expect((await varve(running.dataDir, 'log', 'holds')).told).toBe('nobody holds the log\n');
    await running.stop();

    const restored = temporaryFolder();
    expect((await varve(restored, 'restore', backup)).status).toBe(0);
    const checked = await varve(restored, 'store', 'check');
    expect([checked.status, checked.told]).toEqual([0, expect.stringContaining('nothing is wrong')]);
    const { numbers, log } = await numbersOf(restored);
    expect(numbers.length).toBeGreaterThanOrEqual(before);
    expect(numbers).toEqual(numbers.map((_, at) => at));
    expect(log).not.toContain('damaged');
    expect(log).toContain('writable');
  });

  it('is refused while another one is under way, and not after that', async () => {
    const running = await startVarve();
    const lines = numberedLines(running);
    await until(() => lines.count() > 50);
    await lines.stop();
    const socket = join(running.dataDir, 'control.sock');
    const ask = (method: string) =>
      new Promise<string>((resolve, reject) => {
        const sent = request({ socketPath: socket, method, path: '/backup' }, (answer) => {
          text(answer).then(resolve, reject);
        });
        sent.on('error', reject);
        sent.end();
      });
    expect(await ask('POST')).toContain('manifest');
    const refused = await varve(running.dataDir, 'backup', temporaryFolder());
    expect(refused).toEqual({ status: 1, told: 'varve: another backup is under way; wait for it\n' });
    expect(await ask('DELETE')).toBe('');
    expect((await varve(running.dataDir, 'backup', temporaryFolder())).status).toBe(0);
    await running.stop();
  });
});
