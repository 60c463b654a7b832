import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp, isUnfinishedRestore, restore } from './backup.ts';

let home: string;
const at = (...parts: string[]): string => join(home, ...parts);
const nothing = (): void => undefined;

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), text);
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'varve-backup-'));
  await put('data/lock', '17');
  await put('data/manifest/manifest.json', '{}');
  await put('data/manifest/manifest.json.new', '{');
  await put('data/segments/shop/logs/1.parquet', 'rows');
  await put('data/segments/shop/logs/2.parquet', 'more rows');
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

describe('a backup', () => {
  it('is restored as it was, without the lock and half made files', async () => {
    const told: number[] = [];
    const summary = await backUp(at('data'), at('backup'), ({ bytes }) => told.push(bytes));
    expect(summary).toEqual({ files: 3, bytes: 15, filesKept: 0 });
    expect(told).toEqual([2, 6, 15]);
    await restore(at('backup'), at('again'), nothing);
    expect((await readdir(at('again'))).sort()).toEqual(['manifest', 'segments']);
    expect(await readdir(at('again/manifest'))).toEqual(['manifest.json']);
    expect(await readFile(at('again/segments/shop/logs/2.parquet'), 'utf8')).toBe('more rows');
  });

  it('copies only what is not there yet when it is made again, and forgets what is gone', async () => {
    await backUp(at('data'), at('backup'), nothing);
    const before = await stat(at('backup/segments/shop/logs/1.parquet'));
    await rm(at('data/segments/shop/logs/2.parquet'));
    await put('data/segments/shop/logs/3.parquet', 'merged');
    expect(await backUp(at('data'), at('backup'), nothing)).toEqual({ files: 3, bytes: 12, filesKept: 2 });
    expect((await readdir(at('backup/segments/shop/logs'))).sort()).toEqual(['1.parquet', '3.parquet']);
    expect((await stat(at('backup/segments/shop/logs/1.parquet'))).mtimeMs).toBe(before.mtimeMs);
  });

  it('that did not come to its end is not restored, and goes on', async () => {
    await backUp(at('data'), at('backup'), nothing);
    await rm(at('backup/backup.json'));
    await writeFile(at('backup/segments/shop/logs/1.parquet'), 'row');
    await expect(restore(at('backup'), at('again'), nothing)).rejects.toThrow('did not come to its end');
    expect((await backUp(at('data'), at('backup'), nothing)).filesKept).toBe(2);
    expect((await restore(at('backup'), at('again'), nothing)).files).toBe(3);
  });

  it.each([
    ['data/backup', 'inside of the data directory'],
    ['other', 'has other files in it (letter.txt)'],
  ])('is not made in %s: %s', async (target, message) => {
    await put('other/letter.txt', 'dear');
    await expect(backUp(at('data'), at(target), nothing)).rejects.toThrow(message);
  });
});

describe('a restore', () => {
  it('names a file that is not what was backed up, and goes on once it is', async () => {
    await backUp(at('data'), at('backup'), nothing);
    await writeFile(at('backup/segments/shop/logs/2.parquet'), 'More rows');
    await expect(restore(at('backup'), at('again'), nothing)).rejects.toThrow('2.parquet is damaged');
    expect(await isUnfinishedRestore(at('again'))).toBe(true);
    await writeFile(at('backup/segments/shop/logs/2.parquet'), 'more rows');
    expect((await restore(at('backup'), at('again'), nothing)).filesKept).toBe(2);
    expect(await isUnfinishedRestore(at('again'))).toBe(false);
  });

  it('is refused where something else is', async () => {
    await backUp(at('data'), at('backup'), nothing);
    await expect(restore(at('backup'), at('data'), nothing)).rejects.toThrow('is not empty');
  });
});
