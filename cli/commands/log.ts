import type { StoreStatus } from '../../storage/index.ts';
import type { ConfigSources } from '../config/load.ts';
import { readStatus } from './running.ts';
import { columns, size } from './show.ts';

/** `varve log status`: asks the Varve that runs with this configuration how its log is. */
export async function status(sources: ConfigSources): Promise<void> {
  process.stdout.write(showLogStatus(await readStatus(sources)));
}

/** The log's state for people: the journal in three lines, then a line for each partition. */
export function showLogStatus({ journal }: StoreStatus): string {
  const { incarnation, files, bytes, waitingBytes, groupsTotal, syncsTotal } = journal;
  const lines = [
    `journal     ${stateOf(journal)}`,
    `disk        ${diskOf(journal.disk)}`,
    `starts      ${incarnation}`,
    `files       ${files}, ${size(bytes)}, ${size(waitingBytes)} waiting for the disk`,
    `groups      ${groupsTotal} of ${size(mean(journal.groupBytesTotal, groupsTotal))} on average`,
    `retries     ${journal.duplicatesTotal} records were there already; ${journal.keysRemembered} keys are remembered`,
    `syncs       ${syncsTotal}: ${duration(mean(journal.syncUsTotal, syncsTotal))} on average, ` +
      `${duration(journal.lastSyncUs)} the last, ${duration(journal.maxSyncUs)} the longest`,
  ];
  if (journal.oldestFileHeldBy.length > 0)
    lines.push(`held by     ${journal.oldestFileHeldBy.join(', ')} (the oldest file)`);
  for (const damage of journal.damages) lines.push(`damaged     ${damage}`);
  if (journal.trimError !== null) lines.push(`trim fails  ${journal.trimError}`);
  const table = [
    ['partition', 'tail', 'trimmed to', 'held records', 'held by'],
    ...journal.partitions.map((each) => [
      each.partition,
      each.tail,
      each.trimPoint,
      String(each.heldRecords),
      each.heldBy ?? '-',
    ]),
  ];
  return `${[...lines, '', ...columns(table)].join('\n')}\n`;
}

function stateOf({ readOnly, disk: { resumeBytes } }: StoreStatus['journal']): string {
  if (readOnly !== null) return `read-only: ${readOnly}`;
  if (resumeBytes !== null) return `disk full: appends are refused until ${size(resumeBytes)} are free`;
  return 'writable';
}

function diskOf({ folder, freeBytes, totalBytes, minBytes }: StoreStatus['journal']['disk']): string {
  return `${size(freeBytes)} of ${size(totalBytes)} free at ${folder}, appends need ${size(minBytes)}`;
}

function mean(total: number, count: number): number {
  return count === 0 ? 0 : total / count;
}

function duration(us: number): string {
  return us < 1_000 ? `${Math.round(us)} µs` : `${(us / 1_000).toFixed(1)} ms`;
}
