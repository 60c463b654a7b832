import { QueryTextError } from '../errors.ts';
import type { LogqlInstant, LogqlRange } from '../how.ts';
import type { TimeBounds } from '../lookup.ts';
import { withinDepth } from '../plan/depth.ts';
import type { LabelMatcher, LogRows, Plan } from '../plan/generated.ts';
import { checkLogql, checkMatchers } from './check.ts';
import { formatLogql } from './format.ts';
import { lowerLogql } from './lower.ts';
import { parseLogql, parseSelector } from './parse.ts';
import { type LogqlRead, readsOf } from './reads.ts';

/** LogQL, Loki's language. */
export const logql = {
  /** @throws QueryTextError */
  plan(text: string, how: LogqlRange | LogqlInstant): Plan {
    const expr = parseLogql(text);
    checkLogql(expr);
    return withinDepth('logql', lowerLogql(expr, how));
  },

  /** A log query's selector and pipeline over a range, for plans of another kind. @throws QueryTextError */
  rows(text: string, { from, to }: TimeBounds): LogRows {
    const lines = {
      kind: 'range',
      from,
      to,
      step: 1n,
      interval: 0n,
      limit: 1,
      direction: 'backward',
    } as const;
    const plan = logql.plan(text, lines);
    if (plan.node === 'logRows') return plan.input;
    const place = { line: 1, column: 1 };
    throw new QueryTextError(
      'logql',
      place,
      `parse error : expected a log query, not one for series: ${text}`,
    );
  },

  /** A stream selector without a pipeline; `{}` gives no matchers. @throws QueryTextError */
  selector(text: string): LabelMatcher[] {
    const { matchers, place } = parseSelector(text);
    if (matchers.length > 0) checkMatchers(matchers, place);
    return [...matchers];
  },

  /** The same, but `{}` is refused as all are that take every stream. @throws QueryTextError */
  narrowSelector(text: string): LabelMatcher[] {
    const { matchers, place } = parseSelector(text);
    checkMatchers(matchers, place);
    return [...matchers];
  },

  /** The query laid out for people. @throws QueryTextError */
  format(text: string): string {
    const expr = parseLogql(text);
    checkLogql(expr);
    return formatLogql(expr);
  },

  /** Its selectors and windows, for limits on them. @throws QueryTextError */
  reads(text: string): LogqlRead[] {
    const expr = parseLogql(text);
    checkLogql(expr);
    return readsOf(expr);
  },

  /** Whether the query answers with series instead of lines. @throws QueryTextError */
  isMetric(text: string): boolean {
    return parseLogql(text).kind !== 'log';
  },
};
