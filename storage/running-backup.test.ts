import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restore } from './backup.ts';
import { backUpRunning, type RunningStore } from './running-backup.ts';

let home: string;
const at = (...parts: string[]): string => join(home, ...parts);
const nothing = (): void => undefined;

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), text);
}

/** A store with a segment, a manifest that has changed since, and a journal file that is being written. */
function running(more: Partial<RunningStore> = {}): RunningStore {
  return {
    pin: async () =>
      await Promise.resolve({ manifest: '{"pinned":1}', files: [at('data/segments/1.parquet')] }),
    journalFiles: async () =>
      await Promise.resolve({ files: [{ path: at('data/journal/1.wal'), bytes: 6 }], tails: {} }),
    renew: () => Promise.resolve(),
    ...more,
  };
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'varve-backup-'));
  await put('data/manifest/manifest.json', '{"later":2}');
  await put('data/segments/1.parquet', 'rows');
  await put('data/segments/2.parquet', 'not named yet');
  await put('data/meta/control', 'holds');
  await put('data/journal/1.wal', 'syncedand not');
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

describe('a backup of a store that is open', () => {
  it('has what was pinned, and of the journal what is synced', async () => {
    const { files, bytes } = await backUpRunning(at('data'), at('backup'), running(), nothing);
    expect([files, bytes]).toEqual([5, 39]);
    await restore(at('backup'), at('again'), nothing);
    const read = async (path: string) => await readFile(at('again', path), 'utf8');
    expect(await read('manifest/manifest.json')).toBe('{"pinned":1}');
    expect(await read('manifest/manifest.copy.json')).toBe('{"pinned":1}');
    expect(await read('segments/1.parquet')).toBe('rows');
    expect(await read('journal/1.wal')).toBe('synced');
    await expect(read('segments/2.parquet')).rejects.toThrow('ENOENT');
  });

  it('copies only what is new when it is made again', async () => {
    await backUpRunning(at('data'), at('backup'), running(), nothing);
    const again = await backUpRunning(at('data'), at('backup'), running(), nothing);
    expect([again.files, again.filesKept]).toEqual([5, 5]);
  });

  it('is none where the files may have gone meanwhile', async () => {
    let left = 1;
    const renew = async (): Promise<void> => {
      await Promise.resolve();
      if (left-- === 0) throw new Error('the backup was silent for too long');
    };
    const made = backUpRunning(at('data'), at('backup'), running({ renew }), nothing);
    await expect(made).rejects.toThrow('silent for too long');
    await expect(restore(at('backup'), at('again'), nothing)).rejects.toThrow('did not come to its end');
  });

  it('names a file that is not there', async () => {
    await rm(at('data/segments/1.parquet'));
    const made = backUpRunning(at('data'), at('backup'), running(), nothing);
    await expect(made).rejects.toThrow('segments/1.parquet');
  });
});
