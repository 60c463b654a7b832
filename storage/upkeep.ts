import { type CheckReport, type RepairReport, Upkeep, type UpkeepProgress } from '../native/index.ts';
import type { StorageOptions } from './options.ts';

export type { CheckReport, RepairReport, UpkeepProgress } from '../native/index.ts';

const progressMs = 1_000;

/**
 * Looks at the store of a data directory that nothing has open, and changes nothing.
 *
 * @throws VarveError DATA_DIR_LOCKED, TENANT_INVALID, IO: it could not be looked at
 */
export async function checkStore(
  options: StorageOptions,
  how: { readonly tenant?: string; readonly fast: boolean },
  onProgress: (progress: UpkeepProgress) => void,
): Promise<CheckReport> {
  return await watched(options, onProgress, (upkeep) => upkeep.check(how));
}

/**
 * Mends the store of a data directory that nothing has open, as far as that goes.
 *
 * @throws VarveError DATA_DIR_LOCKED, STORE_CORRUPT, IO: what was mended is, the next repair goes on
 */
export async function repairStore(
  options: StorageOptions,
  how: { readonly dryRun: boolean },
  onProgress: (progress: UpkeepProgress) => void,
): Promise<RepairReport> {
  return await watched(options, onProgress, (upkeep) => upkeep.repair(how));
}

async function watched<T>(
  options: StorageOptions,
  onProgress: (progress: UpkeepProgress) => void,
  work: (upkeep: Upkeep) => Promise<T>,
): Promise<T> {
  const upkeep = await Upkeep.open(options);
  const timer = setInterval(() => {
    onProgress(upkeep.progress());
  }, progressMs);
  try {
    return await work(upkeep);
  } finally {
    clearInterval(timer);
    upkeep.close();
  }
}
