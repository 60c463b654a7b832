import { placeOf, QueryTextError } from '../errors.ts';
import type { PromqlHow } from '../how.ts';
import { withinDepth } from '../plan/depth.ts';
import type { LabelMatcher, Plan } from '../plan/generated.ts';
import { checkPromql } from './check.ts';
import { lowerPromql } from './lower.ts';
import { parsePromql } from './parse.ts';

/** PromQL, Prometheus' language. */
export const promql = {
  /** @throws QueryTextError */
  plan(text: string, how: PromqlHow): Plan {
    const expr = parsePromql(text);
    const type = checkPromql(text, expr);
    return withinDepth('promql', lowerPromql(text, expr, type, how));
  },

  /** A vector selector without range or modifiers. @throws QueryTextError */
  selector(text: string): LabelMatcher[] {
    const expr = parsePromql(text);
    if (expr.kind !== 'vector' || expr.offset !== null || expr.at !== null)
      throw new QueryTextError(
        'promql',
        placeOf(text, expr.from),
        `expected a series selector such as up{job="api"}, got ${JSON.stringify(text)}`,
      );
    return [...expr.matchers];
  },
};
