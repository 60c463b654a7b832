import { resolve } from 'node:path';
import {
  backUp,
  backUpRunning,
  type CopyProgress,
  type CopySummary,
  type JournalFiles,
  openStorage,
  type PinnedFiles,
  type RunningStore,
  restore as restoreFiles,
  type StorageOptions,
} from '../../storage/index.ts';
import { UsageError } from '../arguments.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import { answers, command } from '../control-socket.ts';
import { storageOptions } from '../options.ts';
import { ownerOfHolds } from './log.ts';
import { size } from './show.ts';

/** How long the log is held at a time, and how often that is said again. */
const holdMs = 600_000;
const renewMs = 15_000;
const holdName = 'varve-backup';

/**
 * `varve backup FOLDER`: seals what a data directory has, and copies it. Where no Varve has it open, nothing
 * merges or goes meanwhile; one that has keeps what is copied until that is done.
 *
 * @throws UsageError, ConfigError; VarveError DATA_DIR_LOCKED, STORE_CORRUPT, IO; Error naming a file
 */
export async function backup(sources: ConfigSources, folder: string | undefined): Promise<void> {
  if (folder === undefined) throw new UsageError('varve backup needs the folder to copy to');
  const options = storageOptions(loadConfig(sources).config);
  const target = resolve(folder);
  const { dataDir, holdMaxAgeMs } = options;
  const copied = (await answers(dataDir))
    ? await backUpOpen(dataDir, target, Math.min(holdMs, holdMaxAgeMs))
    : await backUpClosed(options, target);
  const { files, bytes, filesKept, positions } = copied;
  process.stdout.write(
    `${files} files, ${size(bytes)}, ${filesKept} of them there already; up to ${positions.join(', ')}\n`,
  );
}

type Copied = CopySummary & { readonly positions: readonly string[] };

async function backUpClosed(options: StorageOptions, target: string): Promise<Copied> {
  const storage = await openStorage({ ...options, retention: [], compactionSegmentsMin: 0 });
  try {
    await storage.seal();
    const copied = await backUp(options.dataDir, target, showProgress());
    const { covered } = storage.status().views;
    return { ...copied, positions: covered.map(({ partition, upTo }) => `${partition} ${upTo}`) };
  } finally {
    await storage.close();
  }
}

/** Of a Varve that has the data directory open, over its control socket. */
async function backUpOpen(dataDir: string, target: string, maxAgeMs: number): Promise<Copied> {
  const hold = { owner: ownerOfHolds(), maxAgeMs, from: 'oldest' };
  const renew = async (): Promise<void> => {
    await command(dataDir, 'PUT', '/backup');
    await command(dataDir, 'PUT', `/holds/${holdName}`, hold);
  };
  const seen: { tails: JournalFiles['tails']; began: boolean } = { tails: {}, began: false };
  const running: RunningStore = {
    pin: async () => {
      // The log first: what is sealed behind what is pinned has to stay in it.
      await command(dataDir, 'PUT', `/holds/${holdName}`, hold);
      const pinned = JSON.parse(await command(dataDir, 'POST', '/backup')) as PinnedFiles;
      seen.began = true;
      return pinned;
    },
    journalFiles: async () => {
      const journal = JSON.parse(await command(dataDir, 'GET', '/backup/journal')) as JournalFiles;
      seen.tails = journal.tails;
      return journal;
    },
    renew,
  };
  // What fails here fails again when the copy is done, and there it counts.
  const timer = setInterval(() => void (seen.began && renew().catch(() => undefined)), renewMs);
  try {
    const copied = await backUpRunning(dataDir, target, running, showProgress());
    return {
      ...copied,
      positions: Object.entries(seen.tails).map(([partition, tail]) => `${partition} ${tail}`),
    };
  } finally {
    clearInterval(timer);
    // Where that fails they end by themselves.
    if (seen.began) {
      await command(dataDir, 'DELETE', '/backup').catch(() => undefined);
      await command(dataDir, 'DELETE', `/holds/${holdName}`).catch(() => undefined);
    }
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
