import {
  type Expired,
  openStorage,
  type Storage,
  type StorageOptions,
  type StoreStatus,
} from '../../storage/index.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import { runningStatus } from '../control-socket.ts';
import { storageOptions } from '../options.ts';
import { columns, size } from './show.ts';

/** `varve store stats`: asks the Varve that has the data directory open what its store holds. */
export async function stats(sources: ConfigSources): Promise<void> {
  process.stdout.write(showStoreStats(await runningStatus(loadConfig(sources).config.data_dir)));
}

/**
 * `varve store compact`: opens the data directory, which no Varve may have open, and merges its
 * segments as far as it goes.
 *
 * @throws ConfigError; VarveError DATA_DIR_LOCKED, STORE_CORRUPT, IO
 */
export async function compact(sources: ConfigSources): Promise<void> {
  const storage = await openStorage(storageOptions(loadConfig(sources).config));
  try {
    await storage.seal();
    await storage.compact();
    process.stdout.write(showStoreStats(storage.status()));
  } finally {
    await storage.close();
  }
}

/**
 * `varve store retention`: opens the data directory, which no Varve may have open, shows what retention
 * lets go; with `--apply`, and not `--dry-run`, it is let go.
 *
 * @throws ConfigError; VarveError DATA_DIR_LOCKED, STORE_CORRUPT, IO
 */
export async function retention(sources: ConfigSources, switches: ReadonlySet<string>): Promise<void> {
  const options = storageOptions(loadConfig(sources).config);
  // Opened without rules, so that nothing goes before it is told; asked with them.
  const expired = await withStorage(
    { ...options, retention: [], streamRetention: [] },
    async (storage) => await storage.expired(options.retention, options.streamRetention),
  );
  process.stdout.write(showExpired(expired));
  const isDry = !switches.has('apply') || switches.has('dry-run');
  if (isDry || expired.length === 0) return;
  const freed = await withStorage(options, async (storage) => {
    await storage.expire();
    return storage.status().views.expiredBytesTotal;
  });
  process.stdout.write(`${size(freed)} freed\n`);
}

async function withStorage<T>(options: StorageOptions, work: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = await openStorage(options);
  try {
    return await work(storage);
  } finally {
    await storage.close();
  }
}

/** What retention lets go, for people. */
export function showExpired(expired: readonly Expired[]): string {
  if (expired.length === 0) return 'nothing is old or large enough to go\n';
  const bytes = expired.reduce((sum, each) => sum + each.bytes + each.bytesInPart, 0);
  const table = [
    ['tenant', 'table', 'segments', 'records', 'size', 'in part', 'records', 'size'],
    ...expired.map((each) => [
      each.tenant,
      each.table,
      String(each.segments),
      String(each.records),
      size(each.bytes),
      String(each.segmentsInPart),
      String(each.recordsInPart),
      `~${size(each.bytesInPart)}`,
    ]),
  ];
  return `${[...columns(table), '', `about ${size(bytes)} in all`].join('\n')}\n`;
}

/** The views' state for people: upkeep in some lines, then a line for each tenant and table. */
export function showStoreStats({ views }: StoreStatus): string {
  const { compaction, tables } = views;
  const lines = [
    `sealing      ${views.sealError === null ? `${views.sealsTotal} memtables` : `fails: ${views.sealError}`}`,
    `compaction   ${compaction.segmentsMergedTotal} segments merged in ${compaction.mergesTotal} steps: ` +
      `${size(compaction.readBytesTotal)} read, ${size(compaction.writtenBytesTotal)} written`,
  ];
  if (compaction.error !== null) lines.push(`             fails: ${compaction.error}`);
  lines.push(`freed        ${size(views.freedBytesTotal)}, of it expired ${size(views.expiredBytesTotal)}`);
  if (views.retentionError !== null) lines.push(`retention    fails: ${views.retentionError}`);
  if (views.quarantined > 0) lines.push(`quarantined  ${views.quarantined} segments`);
  for (const missing of views.quarantine) lines.push(`missing      ${missing}`);
  if (views.textIndexesDamaged > 0) lines.push(`damaged      ${views.textIndexesDamaged} text indexes`);
  const table = [
    ['tenant', 'table', 'segments', 'records', 'size', 'per record', 'not sealed'],
    ...tables.map((each) => [
      each.tenant,
      each.table,
      String(each.segments),
      String(each.records),
      size(each.bytes),
      each.records === 0 ? '-' : `${(each.bytes / each.records).toFixed(1)} B`,
      `${each.memtableRows} rows, ${size(each.memtableBytes)}`,
    ]),
  ];
  return `${[...lines, '', ...columns(table)].join('\n')}\n`;
}
