import type { Field } from '../plan/generated.ts';
import type { Cursor } from './cursor.ts';
import { metricsFunctions } from './lex.ts';
import { compareOp, constant, field, fieldExpr } from './parse-field.ts';
import type { MetricsExpr, MetricsFunction, Pipeline } from './syntax.ts';

/** Whether `|` and a function that makes series of spans stand here. */
export function startsMetrics(cursor: Cursor): boolean {
  return cursor.is('|') && isFunction(cursor, 1);
}

function isFunction(cursor: Cursor, ahead: number): boolean {
  const { kind, text } = cursor.peek(ahead);
  return kind === 'keyword' && metricsFunctions.includes(text);
}

/**
 * Whether the query is an expression over metrics in brackets, `({ } | rate()) / 2`: such functions
 * stand in brackets and nowhere else.
 */
export function holdsMetricsInBrackets(cursor: Cursor): boolean {
  const depths = functionDepths(cursor, 'end');
  return depths.size > 0 && !depths.has(0);
}

/** How many brackets each function stands in, from here to a closing bracket or the end. */
function functionDepths(cursor: Cursor, until: 'end' | 'closed'): Set<number> {
  const depths = new Set<number>();
  let depth = 0;
  for (let ahead = 0; cursor.peek(ahead).kind !== 'end'; ahead += 1) {
    if (cursor.is('(', ahead)) depth += 1;
    else if (cursor.is(')', ahead)) depth -= 1;
    else if (isFunction(cursor, ahead)) depths.add(depth);
    if (until === 'closed' && depth === 0) break;
  }
  return depths;
}

/** The spans of the leftmost series. */
export function firstPipeline(expr: MetricsExpr): Pipeline {
  switch (expr.kind) {
    case 'aggregate':
      return expr.pipeline;
    case 'rank':
    case 'compare':
    case 'scale':
      return firstPipeline(expr.input);
    case 'binary':
      return firstPipeline(expr.left);
  }
}

/** `| rate() by (name) | topk(3) > 5` after the spans. */
export function metricsStages(cursor: Cursor, pipeline: Pipeline): MetricsExpr {
  const { place } = cursor;
  cursor.expect('|');
  const aggregate = { kind: 'aggregate', place, pipeline, function: metricsFunction(cursor) } as const;
  return secondStages(cursor, aggregate);
}

/** `topk`, `bottomk` and comparisons, in any number. */
function secondStages(cursor: Cursor, from: MetricsExpr): MetricsExpr {
  let input = from;
  for (;;) {
    const { place } = cursor;
    const op = compareOp(cursor);
    if (op !== undefined) {
      cursor.advance();
      cursor.countOperator();
      const { value, isDuration } = scalar(cursor);
      input = { kind: 'compare', place, op, value: isDuration ? value / 1e9 : value, input };
    } else if (cursor.is('|')) {
      cursor.advance();
      cursor.countOperator();
      const rank = (['topk', 'bottomk'] as const).find((name) => cursor.skip(name));
      if (rank === undefined) throw cursor.unexpected('topk', 'bottomk');
      cursor.expect('(', '(');
      const count = integer(cursor);
      cursor.expect(')', ')');
      input = { kind: 'rank', place, op: rank, count, input };
    } else return input;
  }
}

function metricsFunction(cursor: Cursor): MetricsFunction {
  const name = cursor.advance() as MetricsFunction['name'];
  cursor.expect('(', '(');
  switch (name) {
    case 'rate':
    case 'count_over_time':
      cursor.expect(')', ')');
      return { name, by: groups(cursor) };
    case 'min_over_time':
    case 'max_over_time':
    case 'sum_over_time':
    case 'avg_over_time':
    case 'histogram_over_time': {
      const of = field(cursor);
      cursor.expect(')', ')');
      return { name, of, by: groups(cursor) };
    }
    case 'quantile_over_time': {
      const of = field(cursor);
      cursor.expect(',', ',');
      const quantiles = cursor.list(() => plainNumber(cursor));
      cursor.expect(')', ')', ',');
      return { name, of, quantiles, by: groups(cursor) };
    }
    case 'compare':
      return comparison(cursor);
  }
}

function comparison(cursor: Cursor): MetricsFunction {
  cursor.expect('{', '{');
  const selection = cursor.is('}') ? null : fieldExpr(cursor);
  cursor.expect('}');
  const top = cursor.skip(',') ? integer(cursor) : 10n;
  let [from, to] = [0n, 0n];
  if (cursor.skip(',')) {
    from = integer(cursor);
    cursor.expect(',', ',');
    to = integer(cursor);
  }
  cursor.expect(')', ')', ',');
  return { name: 'compare', selection, top, from, to };
}

function groups(cursor: Cursor): readonly Field[] {
  if (!cursor.skip('by')) return [];
  cursor.expect('(', '(');
  const fields = cursor.list(() => field(cursor));
  cursor.expect(')', ')', ',');
  return fields;
}

function integer(cursor: Cursor): bigint {
  if (!cursor.isA('integer')) throw cursor.unexpected('INTEGER');
  return BigInt(cursor.advance());
}

function plainNumber(cursor: Cursor): number {
  if (!cursor.isA('integer') && !cursor.isA('float')) throw cursor.unexpected('FLOAT', 'INTEGER');
  return Number(cursor.advance());
}

/** A constant, as far as arithmetic on it goes. */
interface Scalar {
  readonly value: number;
  readonly isWhole: boolean;
  readonly isDuration: boolean;
}

/** Constants or series: either may be an operand of arithmetic. */
type Operand = { readonly series: MetricsExpr } | { readonly scalar: Scalar };

/** Series in brackets, joined with each other and with constants by arithmetic. */
export function metricsExpr(cursor: Cursor, pipeline: (cursor: Cursor) => MetricsExpr): MetricsExpr {
  const found = sum(cursor, pipeline);
  if (!('series' in found)) throw cursor.unexpected();
  return secondStages(cursor, found.series);
}

function scalar(cursor: Cursor): Scalar {
  const found = sum(cursor, () => {
    throw cursor.unexpected();
  });
  if ('series' in found) throw cursor.unexpected();
  return found.scalar;
}

function sum(cursor: Cursor, pipeline: (cursor: Cursor) => MetricsExpr): Operand {
  return chain(cursor, ['+', '-'], () =>
    chain(cursor, ['*', '/'], () => cursor.nested(() => operand(cursor, pipeline))),
  );
}

function chain(cursor: Cursor, ops: readonly ('+' | '-' | '*' | '/')[], read: () => Operand): Operand {
  let left = read();
  for (;;) {
    const { place } = cursor;
    const op = ops.find((candidate) => cursor.is(candidate));
    if (op === undefined) return left;
    cursor.advance();
    cursor.countOperator();
    const right = read();
    if ('series' in left && 'series' in right)
      left = { series: { kind: 'binary', place, op, left: left.series, right: right.series } };
    else if ('series' in left && 'scalar' in right) {
      const value = factor(cursor, right.scalar);
      left = { series: { kind: 'scale', place, op, value, constantLeft: false, input: left.series } };
    } else if ('scalar' in left && 'series' in right) {
      const value = factor(cursor, left.scalar);
      left = { series: { kind: 'scale', place, op, value, constantLeft: true, input: right.series } };
    } else if ('scalar' in left && 'scalar' in right)
      left = { scalar: folded(cursor, op, left.scalar, right.scalar) };
  }
}

function factor(cursor: Cursor, { value, isDuration }: Scalar): number {
  if (isDuration) throw cursor.error('duration cannot be used as a scalar operand in metric arithmetic');
  return value;
}

/** Whole numbers stay whole, also divided, as everywhere in TraceQL. */
function folded(cursor: Cursor, op: '+' | '-' | '*' | '/', left: Scalar, right: Scalar): Scalar {
  if (left.isDuration || right.isDuration) throw cursor.error('duration cannot be used in scalar arithmetic');
  const isWhole = left.isWhole && right.isWhole;
  const [one, other] = [left.value, right.value];
  switch (op) {
    case '+':
      return { value: one + other, isWhole, isDuration: false };
    case '-':
      return { value: one - other, isWhole, isDuration: false };
    case '*':
      return { value: one * other, isWhole, isDuration: false };
    case '/':
      if (isWhole && other === 0) throw cursor.error('division by zero');
      return { value: isWhole ? Math.trunc(one / other) : one / other, isWhole, isDuration: false };
  }
}

function operand(cursor: Cursor, pipeline: (cursor: Cursor) => MetricsExpr): Operand {
  if (cursor.skip('-')) {
    const found = cursor.nested(() => operand(cursor, pipeline));
    if ('series' in found) throw cursor.unexpected();
    return { scalar: { ...found.scalar, value: -found.scalar.value } };
  }
  if (cursor.is('(')) {
    const direct = functionDepths(cursor, 'closed').has(1);
    cursor.advance();
    const inner: Operand = direct ? { series: pipeline(cursor) } : sum(cursor, pipeline);
    cursor.expect(')', ')');
    return inner;
  }
  const value = constant(cursor);
  switch (value.type) {
    case 'int':
      return { scalar: { value: Number(value.value), isWhole: true, isDuration: false } };
    case 'float':
      return { scalar: { value: Number(value.value), isWhole: false, isDuration: false } };
    case 'duration':
      return { scalar: { value: Number(value.value), isWhole: false, isDuration: true } };
    case 'nil':
    case 'string':
    case 'bool':
    case 'status':
    case 'kind':
      throw cursor.error('only numbers are operands in metric arithmetic');
  }
}
