import type { LabelMatcher } from '../plan/generated.ts';
import type { LogqlExpr } from './syntax.ts';

/** A selector of a query, and the length of the window that is reckoned over its lines. */
export interface LogqlRead {
  readonly matchers: readonly LabelMatcher[];
  /** Nanoseconds; null for the lines themselves. */
  readonly window: bigint | null;
}

/** Everything that a query reads, from left to right. */
export function readsOf(expr: LogqlExpr): LogqlRead[] {
  switch (expr.kind) {
    case 'log':
      return [{ matchers: expr.matchers, window: null }];
    case 'rangeAggregation':
      return [{ matchers: expr.input.log.matchers, window: expr.input.range }];
    case 'vectorAggregation':
    case 'labelReplace':
      return readsOf(expr.input);
    case 'binary':
      return [...readsOf(expr.left), ...readsOf(expr.right)];
    case 'literal':
    case 'vector':
      return [];
  }
}
