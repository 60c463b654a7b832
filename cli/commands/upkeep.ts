import { relative } from 'node:path';
import {
  type CheckReport,
  checkStore as checkFiles,
  type RepairReport,
  repairStore as repairFiles,
  type StorageOptions,
  type UpkeepProgress,
} from '../../storage/index.ts';
import { UsageError } from '../arguments.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import { storageOptions } from '../options.ts';
import { columns, size } from './show.ts';

/** A check or repair that could not be run, or not to its end: nothing is said of the store. */
export class CouldNotRun extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'CouldNotRun';
  }
}

/**
 * `varve store check [--tenant T] [--fast] [--json]`: looks at every file of a data directory, which no Varve
 * may have open. The exit status is 1 where something is damaged or lost.
 *
 * @throws UsageError, ConfigError; CouldNotRun
 */
export async function checkStore(sources: ConfigSources, switches: ReadonlySet<string>): Promise<void> {
  const { tenant, options } = prepared(sources, switches, ['fast', 'json']);
  const how = { fast: switches.has('fast'), ...(tenant !== undefined && { tenant }) };
  const report = await run(() => checkFiles(options, how, showProgress));
  process.stdout.write(
    switches.has('json') ? `${JSON.stringify(report)}\n` : showCheck(report, options.dataDir),
  );
  if (report.isDamaged) process.exitCode = 1;
}

/**
 * `varve store repair [--dry-run] [--json]`: mends a data directory, which no Varve may have open. The exit
 * status is 1 where records are lost.
 *
 * @throws UsageError, ConfigError; CouldNotRun
 */
export async function repairStore(sources: ConfigSources, switches: ReadonlySet<string>): Promise<void> {
  const { tenant, options } = prepared(sources, switches, ['dry-run', 'json']);
  if (tenant !== undefined) throw new UsageError("'varve store repair' mends the stores of all tenants");
  const dryRun = switches.has('dry-run');
  const report = await run(() => repairFiles(options, { dryRun }, showProgress));
  const shown = (): string => showRepair(report, options.dataDir, dryRun ? 'wouldBe' : 'done');
  process.stdout.write(switches.has('json') ? `${JSON.stringify(report)}\n` : shown());
  if (report.lost.length > 0) process.exitCode = 1;
}

function prepared(
  sources: ConfigSources,
  switches: ReadonlySet<string>,
  known: readonly string[],
): { readonly tenant: string | undefined; readonly options: StorageOptions } {
  const unknown = [...switches].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`--${unknown} is not for this command`);
  const flags = new Map(sources.flags);
  const tenant = flags.get('tenant');
  flags.delete('tenant');
  return { tenant, options: storageOptions(loadConfig({ ...sources, flags }).config) };
}

async function run<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw new CouldNotRun(thrown);
  }
}

function showProgress({ segments, segmentsTotal, bytes, bytesTotal }: UpkeepProgress): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(
    `varve: ${segments} of ${segmentsTotal} segments, ${size(bytes)} of ${size(bytesTotal)}\n`,
  );
}

/** What a check found, for people: a line for each thing that is wrong, then how much was looked at. */
export function showCheck(report: CheckReport, dataDir: string): string {
  const { segments, bytes, rows, findings, isDamaged } = report;
  const table = findings.map(({ path, what, remedy }) => [relative(dataDir, path), what, remedy]);
  const lines =
    table.length === 0 ? [] : [...columns([['file', 'what is wrong', 'what to do'], ...table]), ''];
  const verdict =
    findings.length === 0
      ? 'nothing is wrong'
      : isDamaged
        ? `${findings.length} found, damage among them`
        : `${findings.length} left over, nothing is damaged`;
  const read = rows === 0 ? '' : `, ${rows} rows read`;
  return `${[...lines, `${segments} segments of ${size(bytes)}${read}: ${verdict}`].join('\n')}\n`;
}

/** What a repair did, for people: what is mended, then what is lost, then how much that is. */
export function showRepair(report: RepairReport, dataDir: string, mood: 'done' | 'wouldBe'): string {
  const { segments, repaired, lost, removed } = report;
  const lines = [
    ...repaired.map(({ path, what, how }) => `repaired  ${relative(dataDir, path)}: ${what}; ${how}`),
    ...lost.map(
      ({ tenant, table, segment, records, firstMs, lastMs, what, why }) =>
        `lost      ${records} records of ${table} of ${tenant} from ${time(firstMs)} to ${time(lastMs)}, ` +
        `segment ${segment}: ${what}; ${why}`,
    ),
    ...removed.map((path) => `removed   ${relative(dataDir, path)}`),
  ];
  const counts = `${repaired.length} repaired, ${lost.length} lost, ${removed.length} files removed`;
  const summary = `${segments} segments looked at: ${counts}${mood === 'done' ? '' : '; nothing was changed, this is what would be'}`;
  return `${[...lines, ...(lines.length === 0 ? [] : ['']), summary].join('\n')}\n`;
}

function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
