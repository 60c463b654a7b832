import { showField } from '../traceql/fields.ts';
import { showExpr } from '../traceql/show.ts';
import type { FieldExpr, SpanFunction, SpanSeriesExpr, SpansetExpr } from './generated.ts';

/** Spans of each trace, from the inside out. */
export function explainSpanset(expr: SpansetExpr): string {
  switch (expr.node) {
    case 'filter':
      return braces(expr.condition);
    case 'combine':
      return `(${explainSpanset(expr.left)} ${expr.op} ${explainSpanset(expr.right)})`;
    case 'structural': {
      const op = `${expr.negated ? '!' : ''}${expr.union ? '&' : ''}${expr.op}`;
      return `(${explainSpanset(expr.left)} ${op} ${explainSpanset(expr.right)})`;
    }
    case 'then':
      return `${explainSpanset(expr.input)} | ${braces(expr.condition)}`;
    case 'aggregateFilter': {
      const of = expr.field === null ? '' : showExpr(expr.field);
      const value = showExpr({ kind: 'static', value: expr.value });
      return `${explainSpanset(expr.input)} | ${expr.aggregate}(${of}) ${expr.op} ${value}`;
    }
    case 'groupBy':
      return `${explainSpanset(expr.input)} | ${expr.label}`;
    case 'coalesce':
      return `${explainSpanset(expr.input)} | coalesce()`;
  }
}

/** Series over spans. */
export function explainSpanSeries(expr: SpanSeriesExpr): string {
  switch (expr.node) {
    case 'window': {
      const by = expr.by.length === 0 ? '' : ` by (${expr.by.map(({ label }) => label).join(', ')})`;
      return `${explainSpanset(expr.input)} | ${called(expr.function)}${by}`;
    }
    case 'compare': {
      const within = expr.to === '0' ? '' : `, ${expr.from}, ${expr.to}`;
      return `${explainSpanset(expr.input)} | compare(${braces(expr.selection)}, ${expr.top}${within})`;
    }
    case 'rank':
      return `${explainSpanSeries(expr.input)} | ${expr.op}(${expr.count})`;
    case 'filter':
      return `${explainSpanSeries(expr.input)} ${expr.op} ${expr.value}`;
    case 'scale': {
      const input = `(${explainSpanSeries(expr.input)})`;
      return expr.constantLeft ? `${expr.value} ${expr.op} ${input}` : `${input} ${expr.op} ${expr.value}`;
    }
    case 'binary':
      return `(${explainSpanSeries(expr.left)}) ${expr.op} (${explainSpanSeries(expr.right)})`;
  }
}

function called(fn: SpanFunction): string {
  switch (fn.name) {
    case 'rate':
    case 'count_over_time':
      return `${fn.name}()`;
    case 'quantile_over_time':
      return `${fn.name}(${[showField(fn.of), ...fn.quantiles].join(', ')})`;
    case 'min_over_time':
    case 'max_over_time':
    case 'sum_over_time':
    case 'avg_over_time':
    case 'histogram_over_time':
      return `${fn.name}(${showField(fn.of)})`;
  }
}

function braces(condition: FieldExpr | null): string {
  return condition === null ? '{ }' : `{ ${showExpr(condition)} }`;
}
