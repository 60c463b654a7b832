import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sendShop } from '../grafana/shop.ts';
import { startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;

beforeAll(async () => {
  varve = await startVarve({ settings: { 'view-memtable-max-age-ms': '1000' } });
  await sendShop(varve.ports);
  await vi.waitFor(
    () => {
      expect(filesOf()).toEqual({ logs: 1, spans: 1, samples: 1 });
    },
    { timeout: 20_000 },
  );
});

afterAll(async () => {
  await varve.stop();
});

function paths(table: string): string[] {
  return globSync(join(varve.dataDir, 'segments', '*', table, '*.parquet'));
}

function filesOf(): Record<string, number> {
  const tables = ['logs', 'spans', 'samples'];
  return Object.fromEntries(tables.map((table) => [table, Math.min(1, paths(table).length)]));
}

async function rowsOf(table: string): Promise<Record<string, unknown>[]> {
  const files = await Promise.all(paths(table).map(async (path) => await readFile(path)));
  const rows = await Promise.all(
    files.map(async (file) => {
      const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
      const read = await parquetReadObjects({ file: bytes, compressors });
      expect(read).toHaveLength(Number(parquetMetadata(bytes).num_rows));
      return read;
    }),
  );
  return rows.flat();
}

/** What another program than ours reads of the files. */
describe('a reader of Parquet that knows nothing of Varve', () => {
  it('reads the lines of logs, with their streams and attributes', async () => {
    const rows = await rowsOf('logs');
    expect(rows).toHaveLength(14);
    expect(rows.every(({ body }) => typeof body === 'string' && body !== '')).toBe(true);
    expect(rows.every(({ stream }) => typeof stream === 'string' && stream.startsWith('{"'))).toBe(true);
    expect(rows.some(({ attributes }) => Array.isArray(attributes) && attributes.length > 0)).toBe(true);
    expect(rows.every(({ _offset }) => _offset !== undefined)).toBe(true);
  });

  it('reads spans, with their events', async () => {
    const rows = await rowsOf('spans');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every(({ name }) => typeof name === 'string')).toBe(true);
    expect(rows.every(({ end_unix_nano: end, start_unix_nano: start }) => Number(end) >= Number(start))).toBe(
      true,
    );
  });

  it('reads the series of samples, whose chunks docs/format.md tells', async () => {
    const rows = await rowsOf('samples');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every(({ series }) => typeof series === 'string' && series.startsWith('{"'))).toBe(true);
    expect(rows.every(({ count }) => Number(count) > 0)).toBe(true);
  });
});
