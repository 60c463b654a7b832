import { type Expired, openStorage, type StoreStatus } from '../../storage/index.ts';
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
 * `varve store retention`: opens the data directory, which no Varve may have open, and shows what
 * retention lets go at the next start. Nothing is removed.
 *
 * @throws ConfigError; VarveError DATA_DIR_LOCKED, STORE_CORRUPT, IO
 */
export async function retention(sources: ConfigSources): Promise<void> {
  const options = storageOptions(loadConfig(sources).config);
  // Opened without rules, so that nothing goes; asked with them.
  const storage = await openStorage({ ...options, retention: [] });
  try {
    process.stdout.write(showExpired(await storage.expired(options.retention)));
  } finally {
    await storage.close();
  }
}

/** What retention lets go, for people. */
export function showExpired(expired: readonly Expired[]): string {
  if (expired.length === 0) return 'nothing is old or large enough to go\n';
  const bytes = expired.reduce((sum, each) => sum + each.bytes, 0);
  const table = [
    ['tenant', 'table', 'segments', 'records', 'size'],
    ...expired.map((each) => [
      each.tenant,
      each.table,
      String(each.segments),
      String(each.records),
      size(each.bytes),
    ]),
  ];
  return `${[...columns(table), '', `${size(bytes)} in all`].join('\n')}\n`;
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
