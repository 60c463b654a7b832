import type { TraceqlMetricsHow } from '../how.ts';
import type { Field, Plan, SpanFunction, SpanGroup, SpanSeriesExpr } from '../plan/generated.ts';
import { writeNumber } from '../text/number.ts';
import { showField } from './fields.ts';
import { lowerSpanset } from './lower.ts';
import type { Hint, MetricsAggregate, MetricsExpr, MetricsFunction } from './syntax.ts';

/**
 * A checked metrics query as a plan.
 *
 * @throws ConstructUnsupportedError for what the plan has no node for
 */
export function lowerMetrics(metrics: MetricsExpr, hints: readonly Hint[], how: TraceqlMetricsHow): Plan {
  const { from, to, step } = how;
  return {
    node: 'spanSeries',
    expr: series(metrics),
    intervals: { from: from.toString(), to: to.toString(), step: step.toString() },
    exemplars: exemplarsOf(hints, how),
    limit: how.seriesMax,
  };
}

/** What the first series are grouped by and computed of. */
export function measuredFields(expr: MetricsExpr): readonly Field[] {
  switch (expr.kind) {
    case 'aggregate': {
      const called = expr.function;
      if (called.name === 'compare') return [];
      return 'of' in called ? [...called.by, called.of] : called.by;
    }
    case 'rank':
    case 'compare':
    case 'scale':
      return measuredFields(expr.input);
    case 'binary':
      return measuredFields(expr.left);
  }
}

/** The hint `exemplars` counts more than what the request says. */
function exemplarsOf(hints: readonly Hint[], { exemplars, exemplarsMax }: TraceqlMetricsHow): number {
  const hint = hints.find(({ name }) => name === 'exemplars')?.value;
  if (hint?.type === 'bool' && !hint.value) return 0;
  const wanted = hint?.type === 'int' ? Math.max(Number(hint.value), 0) : exemplars;
  return Math.min(wanted, exemplarsMax);
}

function series(expr: MetricsExpr): SpanSeriesExpr {
  switch (expr.kind) {
    case 'aggregate':
      return aggregate(expr);
    case 'rank':
      return { node: 'rank', input: series(expr.input), op: expr.op, count: Number(expr.count) };
    case 'compare':
      return { node: 'filter', input: series(expr.input), op: expr.op, value: writeNumber(expr.value) };
    case 'scale': {
      const { op, value, constantLeft } = expr;
      return { node: 'scale', input: series(expr.input), op, value: writeNumber(value), constantLeft };
    }
    case 'binary':
      return { node: 'binary', op: expr.op, left: series(expr.left), right: series(expr.right) };
  }
}

function aggregate({ pipeline, function: called }: MetricsAggregate): SpanSeriesExpr {
  const input = lowerSpanset(pipeline);
  if (called.name === 'compare') {
    const { selection, top, from, to } = called;
    const within = { from: from.toString(), to: to.toString() };
    return { node: 'compare', input, selection, top: Number(top), ...within };
  }
  return { node: 'window', input, function: spanFunction(called), by: called.by.map(group) };
}

function spanFunction(called: Exclude<MetricsFunction, { readonly name: 'compare' }>): SpanFunction {
  switch (called.name) {
    case 'rate':
    case 'count_over_time':
      return { name: called.name };
    case 'quantile_over_time':
      return { name: called.name, of: called.of, quantiles: called.quantiles.map(writeNumber) };
    case 'min_over_time':
    case 'max_over_time':
    case 'sum_over_time':
    case 'avg_over_time':
    case 'histogram_over_time':
      return { name: called.name, of: called.of };
  }
}

function group(field: Field): SpanGroup {
  return { field, label: showField(field) };
}
