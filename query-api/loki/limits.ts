import { logql, showPrometheusDuration, type TimeBounds } from '../../search/index.ts';
import { badParameter } from '../errors.ts';
import type { LokiOptions } from '../options.ts';
import { nanos, timeMin } from '../time.ts';

/** Refuses to answer with more lines than the server's most. */
export function checkEntries(limit: number, max: number): void {
  if (limit <= max) return;
  throw badParameter(
    `max entries limit per query exceeded, limit > max_entries_limit_per_query (${limit} > ${max})`,
  );
}

/** Refuses ranges over the server's longest. @param maxMs 0 allows any */
export function checkLength({ from, to }: TimeBounds, maxMs: number): void {
  const max = BigInt(maxMs) * nanos.millisecond;
  if (max === 0n || to - from <= max) return;
  throw badParameter(
    `the query time range exceeds the limit (query length: ${showPrometheusDuration(to - from)}, limit: ${showPrometheusDuration(max)})`,
  );
}

type ReadLimits = Pick<LokiOptions, 'matchersMax' | 'matchersMin' | 'labelsRequired' | 'windowMaxMs'>;

/**
 * Refuses a query with selectors of too many, too few or the wrong labels, or with too long a window.
 *
 * @throws Refused badParameter, in Loki's words; QueryTextError
 */
export function checkReads(text: string, options: ReadLimits): void {
  const windowMax = BigInt(options.windowMaxMs) * nanos.millisecond;
  for (const { matchers, window } of logql.reads(text)) {
    checkLabels(
      matchers.map(({ name }) => name),
      options,
    );
    if (windowMax > 0n && window !== null && window > windowMax) {
      const [asked, allowed] = [window, windowMax].map(showPrometheusDuration);
      throw badParameter(`[interval] value exceeds limit: [${asked}] > [${allowed}]`);
    }
  }
}

function checkLabels(
  names: readonly string[],
  { matchersMax, matchersMin, labelsRequired }: ReadLimits,
): void {
  if (names.length > matchersMax)
    throw badParameter(
      `max streams matchers per query exceeded, matchers-count > limit (${names.length} > ${matchersMax})`,
    );
  const present = names.join(', ');
  const missing = labelsRequired.filter((label) => !names.includes(label));
  if (missing.length > 0)
    throw badParameter(
      `stream selector is missing required matchers [${missing.join(', ')}], labels present in the query were [${present}]`,
    );
  if (names.length < matchersMin)
    throw badParameter(
      `stream selector has less label matchers than required: (present: [${present}], number_present: ${names.length}, required_number_label_matchers: ${matchersMin})`,
    );
}

/** The part of a range that is not too old; an empty one where all of it is. @param maxMs 0 allows any age */
export function withinLookback<Range extends TimeBounds>(range: Range, now: bigint, maxMs: number): Range {
  const oldest = oldestAt(now, maxMs);
  const bounded = (instant: bigint): bigint => (instant < oldest ? oldest : instant);
  return { ...range, from: bounded(range.from), to: bounded(range.to) };
}

/** Whether a query up to `to` has nothing to read: as Loki, it is then answered with nothing. */
export function isTooOld(to: bigint, now: bigint, maxMs: number): boolean {
  return to < oldestAt(now, maxMs);
}

function oldestAt(now: bigint, maxMs: number): bigint {
  return maxMs === 0 ? timeMin : now - BigInt(maxMs) * nanos.millisecond;
}
