import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import type { JournalFiles, PinnedFiles } from '../native/index.ts';
import { type CopyProgress, type CopySummary, filesToCopy, type WantedFile, writeBackup } from './backup.ts';

/** An open store, as whoever copies it sees it. */
export interface RunningStore {
  /** Keeps segments and log from being removed, for a while. */
  pin(): Promise<PinnedFiles>;
  journalFiles(): Promise<JournalFiles>;
  /** Keeps them on. @throws Error where they may be gone already */
  renew(): Promise<void>;
}

/**
 * Copies the data directory of an open store, as a crash would leave it after the last of it is copied:
 * segments and the manifest first, then what is small, then the journal as far as it is synced, which is
 * behind all of that. Otherwise it is like {@link backUp}.
 *
 * @throws Error naming the file that cannot be read or written, or saying that files may be gone
 */
export async function backUpRunning(
  dataDir: string,
  target: string,
  running: RunningStore,
  onProgress: (progress: CopyProgress) => void,
): Promise<CopySummary> {
  const pathOf = (path: string): string => relative(dataDir, path);
  const sealed = async (): Promise<WantedFile[]> => {
    const { manifest, files } = await running.pin();
    const wanted: WantedFile[] = [];
    for (const path of files) wanted.push({ path: pathOf(path), bytes: (await stat(path)).size });
    const content = { content: manifest, bytes: Buffer.byteLength(manifest) };
    const names = ['manifest/manifest.json', 'manifest/manifest.copy.json'];
    return [...wanted, ...names.map((path) => ({ path, ...content }))];
  };
  const small = async (): Promise<WantedFile[]> => {
    const all: WantedFile[] = [];
    for (const folder of ['quarantine', 'meta', 'counters'])
      all.push(...(await filesToCopy(dataDir, folder)));
    return all;
  };
  const journal = async (): Promise<WantedFile[]> => {
    await running.renew();
    const { files } = await running.journalFiles();
    return files.map(({ path, bytes }) => ({ path: pathOf(path), bytes, frontBytes: bytes }));
  };
  const stillThere = async (): Promise<WantedFile[]> => {
    await running.renew();
    return [];
  };
  return await writeBackup(dataDir, target, onProgress, [sealed, small, journal, stillThere]);
}
