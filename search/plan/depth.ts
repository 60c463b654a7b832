import { type Language, QueryTextError } from '../errors.ts';
import type { Plan } from './generated.ts';

/** How deep objects and arrays of a plan may nest. Native code's JSON reader stops at 128, the query's own among them. */
const depthMax = 120;

/**
 * The plan itself, when native code can read it.
 *
 * @throws QueryTextError when it nests deeper than that
 */
export function withinDepth(language: Language, plan: Plan): Plan {
  if (nestsDeeper(plan, depthMax))
    throw new QueryTextError(
      language,
      { line: 1, column: 1 },
      'the query nests too many operations in each other; use fewer, or join alternatives in one regular expression',
    );
  return plan;
}

/** Whether objects and arrays in `value` nest deeper than `levels`. */
export function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => nestsDeeper(inner, levels - 1));
}
