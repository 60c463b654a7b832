import { hostname, userInfo } from 'node:os';
import type { HoldStatus, StoreStatus } from '../../storage/index.ts';
import { UsageError } from '../arguments.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import { durationMs } from '../config/quantity.ts';
import { showQuorums } from '../config/replication.ts';
import { command, runningStatus } from '../control-socket.ts';
import { columns, size } from './show.ts';

type Lag = Pick<StoreStatus['journal']['followers'][number], 'lagRecords' | 'lagBytes' | 'oldestMs'>;

const minuteMs = 60_000;
const placesShown = 4;
/** As the log bounds names. */
const ownerMaxLength = 64;

/** `varve log status`: asks the Varve that has the data directory open how its log is. */
export async function status(sources: ConfigSources): Promise<void> {
  const { data_dir: dataDir, log } = loadConfig(sources).config;
  process.stdout.write(showLogStatus(await runningStatus(dataDir), showQuorums(log), Date.now()));
}

/** `varve log holds`: asks the Varve that has the data directory open who keeps records. */
export async function holds(sources: ConfigSources): Promise<void> {
  const { journal } = await runningStatus(loadConfig(sources).config.data_dir);
  process.stdout.write(showHolds(journal.holds, Date.now()));
}

/**
 * `varve log hold NAME [AGE] [oldest|tail]`: sets a hold in the Varve that has the data directory open, or
 * begins its age anew.
 *
 * @throws UsageError, ConfigError; Error with what Varve refuses
 */
export async function hold(sources: ConfigSources, words: readonly string[]): Promise<void> {
  const { data_dir: dataDir, log } = loadConfig(sources).config;
  const [name = '', age = log.hold_max_age, from = 'oldest', ...more] = words;
  const maxAgeMs = durationMs(age);
  if (maxAgeMs === undefined || maxAgeMs === 0)
    throw new UsageError(`'${age}' is no age; give one such as 30m, at most log.hold_max_age`);
  if ((from !== 'oldest' && from !== 'tail') || more.length > 0)
    throw new UsageError("a hold begins at 'oldest', the first record that the log has, or at 'tail'");
  const owner = ownerOfHolds();
  await command(dataDir, 'PUT', `/holds/${encodeURIComponent(name)}`, { owner, maxAgeMs, from });
  process.stdout.write(`${name} holds the log for ${showAge(maxAgeMs)}; set it again before that\n`);
}

/** Who sets a hold from here, as the log bounds names. */
export function ownerOfHolds(): string {
  return `${userInfo().username}.${hostname()}`.replaceAll(/[^\w.-]/g, '_').slice(0, ownerMaxLength);
}

/** `varve log release NAME`. @throws ConfigError; Error where there is no such hold */
export async function release(sources: ConfigSources, [name = '']: readonly string[]): Promise<void> {
  await command(loadConfig(sources).config.data_dir, 'DELETE', `/holds/${encodeURIComponent(name)}`);
  process.stdout.write(`${name} holds nothing any more\n`);
}

/** Holds for people, each with how long it holds yet. */
export function showHolds(all: readonly HoldStatus[], nowMs: number): string {
  if (all.length === 0) return 'nobody holds the log\n';
  const table = [
    ['hold', 'owner', 'holds for', 'from'],
    ...all.map((each) => [each.name, each.owner, showLeft(each, nowMs), showPlaces(each)]),
  ];
  return `${columns(table).join('\n')}\n`;
}

function showLeft({ expired, setAtMs, maxAgeMs }: HoldStatus, nowMs: number): string {
  if (expired) return `expired after ${showAge(maxAgeMs)}`;
  return showAge(Math.max(0, maxAgeMs - Math.max(0, nowMs - setAtMs)));
}

function showPlaces({ places }: HoldStatus): string {
  const all = Object.entries(places).map(([partition, place]) => `${partition} ${place}`);
  const shown = all.slice(0, placesShown).join(', ');
  return all.length > placesShown ? `${shown}, and ${all.length - placesShown} more` : shown || '-';
}

function showKept(hold: HoldStatus): string {
  if (hold.expired) return 'expired, keeps nothing';
  return `${showPlaces(hold)}; ${hold.keptRecords} records of ${size(hold.keptBytes)}`;
}

function showLag({ lagRecords, lagBytes, oldestMs }: Lag, nowMs: number): string {
  if (lagRecords === 0) return 'has all';
  const oldest = oldestMs === null ? '' : `, the oldest ${showAge(Math.max(0, nowMs - oldestMs))} old`;
  return `${lagRecords} records of ${size(lagBytes)} behind${oldest}`;
}

function showAge(ms: number): string {
  if (ms < 2 * minuteMs) return `${Math.round(ms / 1_000)} s`;
  if (ms < 120 * minuteMs) return `${Math.round(ms / minuteMs)} min`;
  return `${Math.round(ms / (60 * minuteMs))} h`;
}

/** The log's state for people: the journal, `quorums` as {@link showQuorums} has them, then each partition. */
export function showLogStatus({ journal }: StoreStatus, quorums: string, nowMs: number): string {
  const { incarnation, files, bytes, waitingBytes, groupsTotal, syncsTotal } = journal;
  const lines = [
    `journal     ${stateOf(journal)}`,
    `disk        ${diskOf(journal.disk)}`,
    `copies      ${quorums}`,
    `starts      ${incarnation}`,
    `files       ${files}, ${size(bytes)}`,
    `window      ${size(waitingBytes)} of ${size(journal.waitingMaxBytes)} wait for the disk`,
    `groups      ${groupsTotal} of ${size(mean(journal.groupBytesTotal, groupsTotal))} on average`,
    `retries     ${journal.duplicatesTotal} records were there already; ${journal.keysRemembered} keys are remembered, ${journal.keysForgottenTotal} were forgotten early`,
    `seals       ${journal.sealsTotal}, and ${journal.repairsTotal} records repaired`,
    `syncs       ${syncsTotal}: ${duration(mean(journal.syncUsTotal, syncsTotal))} on average, ` +
      `${duration(journal.lastSyncUs)} the last, ${duration(journal.maxSyncUs)} the longest`,
  ];
  if (journal.oldestFileHeldBy.length > 0)
    lines.push(`held by     ${journal.oldestFileHeldBy.join(', ')} (the oldest file)`);
  for (const damage of journal.damages) lines.push(`damaged     ${damage}`);
  if (journal.cutTail !== null) lines.push(`cut tail    ${journal.cutTail}`);
  for (const { name, kind, ...lag } of journal.followers)
    lines.push(`follows     ${name} by ${kind}s: ${showLag(lag, nowMs)}`);
  for (const each of journal.holds)
    lines.push(`hold        ${each.name} of ${each.owner}: ${showKept(each)}`);
  if (journal.trimError !== null) lines.push(`trim fails  ${journal.trimError}`);
  const table = [
    ['partition', 'epoch', 'tail', 'trimmed to', 'held records', 'bytes', 'oldest', 'held by'],
    ...journal.partitions.map((each) => [
      each.partition,
      each.tail.slice(0, each.tail.indexOf(':')),
      each.tail,
      each.trimPoint,
      String(each.heldRecords),
      size(each.heldBytes),
      each.oldestHeldMs === null ? '-' : showAge(Math.max(0, nowMs - each.oldestHeldMs)),
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
