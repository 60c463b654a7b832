import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { getJson, spawnVarve, startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

async function push({ ports }: Varve, line: string): Promise<number> {
  const values = [[`${Date.now()}000000`, line]];
  const response = await fetch(`http://127.0.0.1:${ports.all}/loki/api/v1/push`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ streams: [{ stream: { app: 'lifecycle' }, values }] }),
  });
  return response.status;
}

async function lines({ ports }: Varve): Promise<string[]> {
  const answer = (await getJson(ports.loki, '/loki/api/v1/query_range', { query: '{app="lifecycle"}' })) as {
    data: { result: { values: [string, string][] }[] };
  };
  return answer.data.result.flatMap(({ values }) => values.map(([, line]) => line));
}

describe('a node', () => {
  it('exits 0 on SIGTERM within 10 s and keeps what it acknowledged', async () => {
    const varve = await startVarve();
    expect(await push(varve, 'before')).toBe(204);
    const stoppedAt = performance.now();
    expect(await varve.stop()).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    const again = await startVarve({ dataDir: varve.dataDir });
    expect(await lines(again)).toEqual(['before']);
    await again.stop();
  });

  it('refuses a data directory that another one holds, with its process id', async () => {
    const varve = await startVarve();
    const second = spawnVarve({ dataDir: varve.dataDir });
    let told = '';
    second.stderr?.setEncoding('utf8').on('data', (text: string) => (told += text));
    expect(await once(second, 'exit')).toEqual([1, null]);
    expect(told).toContain(String(varve.pid));
    expect(await push(varve, 'still there')).toBe(204);
    await varve.stop();
  });

  it('names the setting of a port that is in use', async () => {
    const varve = await startVarve();
    const second = spawnVarve({ settings: { 'listen-loki-port': String(varve.ports.loki) } });
    let told = '';
    second.stderr?.setEncoding('utf8').on('data', (text: string) => (told += text));
    expect(await once(second, 'exit')).toEqual([1, null]);
    expect(told).toContain(
      `port ${varve.ports.loki} on 127.0.0.1 for Loki API and push is in use; set listen.loki_port`,
    );
    await varve.stop();
  });

  it('says what is wrong with its configuration and exits 2', () => {
    const file = join(temporaryFolder(), 'varve.yaml');
    writeFileSync(file, 'listen:\n  loki_prot: 1\n');
    const ran = spawnSync(process.execPath, ['dist/cli/main.js', 'config', 'check', '--config', file], {
      encoding: 'utf8',
    });
    expect([ran.status, ran.stderr]).toEqual([
      2,
      `varve: unknown setting listen.loki_prot in ${file}; did you mean listen.loki_port?\n`,
    ]);
  });

  it('refuses to start on damaged files with a sentence, and changes nothing', async () => {
    const dataDir = temporaryFolder();
    mkdirSync(join(dataDir, 'meta'));
    writeFileSync(join(dataDir, 'meta', 'node'), 'no node');
    const child = spawnVarve({ dataDir });
    let told = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (told += text));
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(told).toContain(join(dataDir, 'meta'));
  });

  it('shows its metrics', async () => {
    const varve = await startVarve();
    await push(varve, 'counted');
    const metrics = await (await fetch(`http://127.0.0.1:${varve.ports.all}/metrics`)).text();
    expect(metrics).toContain('varve_ingest_accepted_records_total{receiver="lokiPush"} 1');
    expect(metrics).toContain('varve_log_read_only 0');
    expect(metrics).toMatch(/^varve_log_held_records\{partition="logs\/\d+"\} 1$/m);
    expect(metrics).toMatch(/^varve_view_memtable_bytes\{tenant="\w+",table="logs"\} [1-9]/m);
    await varve.stop();
  });

  it('tells how its log is', async () => {
    const varve = await startVarve();
    await push(varve, 'counted');
    const args = ['dist/cli/main.js', 'log', 'status', '--data-dir', varve.dataDir];
    const asked = await promisify(execFile)(process.execPath, args);
    expect(asked.stdout).toMatch(/^journal +writable$/m);
    expect(asked.stdout).toMatch(/^logs\/\d+ +1 +1:1 +0:0 +1 +[\d.]+ KiB +\d+ s +-$/m);
    await varve.stop();
    await expect(promisify(execFile)(process.execPath, args)).rejects.toThrow(
      `nothing answers at ${join(varve.dataDir, 'control.sock')}; is Varve running with this data_dir?`,
    );
  });
});
