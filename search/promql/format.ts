import { showAggregationOp, showBinaryOp, showPromql, showSubqueryRange } from './show.ts';
import type { PromqlExpr } from './syntax.ts';

/** Longest expression that stays on one line. */
const lineMaxChars = 100;

/**
 * A query for people, as Prometheus' `format_query` lays it out: what fits stays on one line, the rest
 * has a line for each argument and operand, two blanks deeper than what they belong to.
 *
 * @param level how deep the query stands
 */
export function formatPromql(expr: PromqlExpr, level = 0): string {
  const indent = '  '.repeat(level);
  const line = showPromql(expr);
  if (line.length <= lineMaxChars) return indent + line;
  const block = (open: string, ...inner: readonly PromqlExpr[]): string => {
    const lines = inner.map((one) => formatPromql(one, level + 1));
    return `${indent}${open}(\n${lines.join(',\n')}\n${indent})`;
  };
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'vector':
    case 'matrix':
      return indent + line;
    case 'paren':
      return block('', expr.inner);
    case 'unary':
      return indent + expr.op + formatPromql(expr.input, level).trim();
    case 'subquery':
      return formatPromql(expr.input, level) + showSubqueryRange(expr);
    case 'aggregation':
      return block(showAggregationOp(expr), ...(expr.param === null ? [] : [expr.param]), expr.input);
    case 'binary': {
      const [left, right] = [expr.left, expr.right].map((side) => formatPromql(side, level + 1));
      return `${left}\n${indent}${showBinaryOp(expr)}\n${right}`;
    }
    case 'call':
      return block(expr.name, ...expr.args);
  }
}
