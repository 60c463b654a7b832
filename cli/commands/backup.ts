import { resolve } from 'node:path';
import { backUp, type CopyProgress, openStorage, restore as restoreFiles } from '../../storage/index.ts';
import { UsageError } from '../arguments.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import { storageOptions } from '../options.ts';
import { size } from './show.ts';

/**
 * `varve backup FOLDER`: seals what a data directory has, which no Varve may have open, and copies it.
 * Nothing merges or goes meanwhile, so the copy is of one position of the log.
 *
 * @throws UsageError, ConfigError; VarveError DATA_DIR_LOCKED, STORE_CORRUPT, IO; Error naming a file
 */
export async function backup(sources: ConfigSources, folder: string | undefined): Promise<void> {
  if (folder === undefined) throw new UsageError('varve backup needs the folder to copy to');
  const options = storageOptions(loadConfig(sources).config);
  const storage = await openStorage({ ...options, retention: [], compactionSegmentsMin: 0 });
  try {
    await storage.seal();
    const { files, bytes, filesKept } = await backUp(options.dataDir, resolve(folder), showProgress());
    const positions = storage.status().views.covered.map(({ partition, upTo }) => `${partition} ${upTo}`);
    process.stdout.write(
      `${files} files, ${size(bytes)}, ${filesKept} of them there already; up to ${positions.join(', ')}\n`,
    );
  } finally {
    await storage.close();
  }
}

/**
 * `varve restore FOLDER`: makes the data directory of a backup.
 *
 * @throws UsageError, ConfigError; Error where the data directory is not empty, or naming a damaged file
 */
export async function restore(sources: ConfigSources, folder: string | undefined): Promise<void> {
  if (folder === undefined) throw new UsageError('varve restore needs the folder of the backup');
  const { dataDir } = storageOptions(loadConfig(sources).config);
  const { files, bytes, filesKept } = await restoreFiles(resolve(folder), dataDir, showProgress());
  process.stdout.write(`${files} files, ${size(bytes)}, ${filesKept} of them there already\n`);
}

/** A line on standard error every second. */
function showProgress(): (progress: CopyProgress) => void {
  let shownAtMs = Date.now();
  return ({ files, filesTotal, bytes, bytesTotal }) => {
    if (Date.now() - shownAtMs < 1_000) return;
    shownAtMs = Date.now();
    process.stderr.write(`varve: ${files} of ${filesTotal} files, ${size(bytes)} of ${size(bytesTotal)}\n`);
  };
}
