import type { LogqlInstant, LogqlRange } from '../how.ts';
import { withinDepth } from '../plan/depth.ts';
import type { LabelMatcher, Plan } from '../plan/generated.ts';
import { checkLogql, checkMatchers } from './check.ts';
import { formatLogql } from './format.ts';
import { lowerLogql } from './lower.ts';
import { parseLogql, parseSelector } from './parse.ts';

/** LogQL, Loki's language. */
export const logql = {
  /** @throws QueryTextError */
  plan(text: string, how: LogqlRange | LogqlInstant): Plan {
    const expr = parseLogql(text);
    checkLogql(expr);
    return withinDepth('logql', lowerLogql(expr, how));
  },

  /** A stream selector without a pipeline; `{}` gives no matchers. @throws QueryTextError */
  selector(text: string): LabelMatcher[] {
    const { matchers, place } = parseSelector(text);
    if (matchers.length > 0) checkMatchers(matchers, place);
    return [...matchers];
  },

  /** The query laid out for people. @throws QueryTextError */
  format(text: string): string {
    const expr = parseLogql(text);
    checkLogql(expr);
    return formatLogql(expr);
  },

  /** Whether the query answers with series instead of lines. @throws QueryTextError */
  isMetric(text: string): boolean {
    return parseLogql(text).kind !== 'log';
  },
};
