import type { StoreStatus } from '../../storage/index.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';

const timeoutMs = 5_000;

/**
 * `varve log status`: asks the Varve that runs with this configuration how its log is.
 *
 * @throws ConfigError; Error when nothing answers on `listen.http_port`
 */
export async function status(sources: ConfigSources): Promise<void> {
  const { host, http_port: port } = loadConfig(sources).config.listen;
  if (port === 'off' || port === 0)
    throw new Error("which port to ask is not known; give Varve's with --listen-http-port");
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${port}/status`;
  process.stdout.write(showLogStatus(await read(address)));
}

async function read(address: string): Promise<StoreStatus> {
  let response: Response;
  try {
    response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) });
  } catch (thrown) {
    throw new Error(`nothing answers at ${address}; is Varve running, and is --listen-http-port its port?`, {
      cause: thrown,
    });
  }
  if (!response.ok) throw new Error(`${address} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as StoreStatus;
}

/** The log's state for people: the journal in three lines, then a line for each partition. */
export function showLogStatus({ journal }: StoreStatus): string {
  const { incarnation, files, bytes, waitingBytes, groupsTotal, syncsTotal } = journal;
  const state = journal.readOnly === null ? 'writable' : `read-only: ${journal.readOnly}`;
  const lines = [
    `journal     ${state}`,
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

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function mean(total: number, count: number): number {
  return count === 0 ? 0 : total / count;
}

function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1_024 && unit < units.length - 1; unit++) value /= 1_024;
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

function duration(us: number): string {
  return us < 1_000 ? `${Math.round(us)} µs` : `${(us / 1_000).toFixed(1)} ms`;
}
