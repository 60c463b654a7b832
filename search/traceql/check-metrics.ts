import { type Place, QueryTextError } from '../errors.ts';
import { checkCondition, checkTraceql } from './check.ts';
import type { MetricsAggregate, MetricsExpr } from './syntax.ts';

/** The most fields of one `by`; a function that makes buckets takes one of them. */
const groupsMax = 5;
const compareTopMax = 1_000n;

/**
 * The types and bounds of a metrics query.
 *
 * @throws QueryTextError in Tempo's words
 */
export function checkMetrics(expr: MetricsExpr): void {
  switch (expr.kind) {
    case 'aggregate':
      checkTraceql(expr.pipeline);
      checkFunction(expr);
      return;
    case 'rank':
      if (expr.count <= 0n) throw refusal(expr.place, 'limit must be greater than 0');
      if (expr.count > 2n ** 32n - 1n) throw refusal(expr.place, 'limit must be less than 2^32');
      checkInput(expr.input, expr.place);
      return;
    case 'compare':
    case 'scale':
      checkInput(expr.input, expr.place);
      return;
    case 'binary':
      checkInput(expr.left, expr.place);
      checkInput(expr.right, expr.place);
      return;
  }
}

/** Series of `compare()` mean nothing to what works on values. */
function checkInput(input: MetricsExpr, place: Place): void {
  checkMetrics(input);
  if (input.kind === 'aggregate' && input.function.name === 'compare')
    throw refusal(place, '`compare()` cannot be used with second stage functions');
}

function checkFunction({ place, function: called }: MetricsAggregate): void {
  switch (called.name) {
    case 'rate':
    case 'count_over_time':
    case 'min_over_time':
    case 'max_over_time':
    case 'sum_over_time':
      checkGroups(called.by.length, groupsMax, place);
      return;
    case 'avg_over_time':
    case 'histogram_over_time':
      checkGroups(called.by.length, groupsMax - 1, place);
      return;
    case 'quantile_over_time': {
      checkGroups(called.by.length, groupsMax - 1, place);
      const outside = called.quantiles.find((quantile) => quantile < 0 || quantile > 1);
      if (outside !== undefined) throw refusal(place, `quantile must be between 0 and 1: ${outside}`);
      return;
    }
    case 'compare': {
      checkCondition(called.selection, place);
      if (called.top <= 0n || called.top > compareTopMax)
        throw refusal(place, 'compare() top number of values must be an integer between 1 and 1000');
      if (called.from === 0n && called.to === 0n) return;
      if (called.from <= 0n || called.to <= 0n || called.to > 2n ** 63n - 1n)
        throw refusal(place, 'compare() timestamps must be positive integer unix nanoseconds');
      if (called.to <= called.from)
        throw refusal(place, 'compare() end timestamp must be greater than start timestamp');
      return;
    }
  }
}

function checkGroups(count: number, most: number, place: Place): void {
  if (count > most) throw refusal(place, `metrics group by ${count} values not yet supported`);
}

function refusal(place: Place, message: string): QueryTextError {
  return new QueryTextError('traceql', place, message);
}
