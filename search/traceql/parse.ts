import { QueryTextError } from '../errors.ts';
import { balanced } from '../plan/build.ts';
import type { Field, FieldExpr, SpansetAggregate, StructuralOp } from '../plan/generated.ts';
import { depthMax } from '../text/cursor.ts';
import { Cursor } from './cursor.ts';
import { compareOp, constant, field, fieldExpr } from './parse-field.ts';
import {
  firstPipeline,
  holdsMetricsInBrackets,
  metricsExpr,
  metricsStages,
  startsMetrics,
} from './parse-metrics.ts';
import { strength } from './show.ts';
import type {
  Hint,
  MetricsExpr,
  Pipeline,
  PipelineStage,
  Query,
  ScalarExpr,
  ScalarFilter,
  Spanset,
} from './syntax.ts';

/*
 * Written by hand, not on the editor's grammar (@grafana/lezer-traceql): that one gives operators no
 * precedence, does not know nestedSetParent, and repairs wrong text instead of saying what was
 * expected there. The grammar is Tempo's pkg/traceql/expr.y; languages.test.ts compares with the editor's.
 */

/**
 * A whole TraceQL query.
 *
 * @throws QueryTextError
 */
export function parseTraceql(text: string): Query {
  if (text === '')
    throw new QueryTextError(
      'traceql',
      { line: 1, column: 1 },
      'parse error : syntax error: unexpected $end',
    );
  const cursor = new Cursor(text);
  const inBrackets = holdsMetricsInBrackets(cursor);
  const query = inBrackets ? metricsQuery(cursor) : pipelineQuery(cursor);
  const hints: Hint[] = [];
  while (cursor.skip('with')) hints.push(...hintList(cursor));
  if (cursor.isA('end')) return { ...query, hints };
  // Behind a metrics pipeline so much could stand that Tempo names nothing.
  throw query.metrics === null || inBrackets ? cursor.unexpected('with') : cursor.unexpected();
}

function pipelineQuery(cursor: Cursor): Omit<Query, 'hints'> {
  const found = pipeline(cursor);
  return { pipeline: found, metrics: startsMetrics(cursor) ? metricsStages(cursor, found) : null };
}

function metricsQuery(cursor: Cursor): Omit<Query, 'hints'> {
  const metrics = metricsExpr(cursor, metricsPipeline);
  return { pipeline: firstPipeline(metrics), metrics };
}

/** `{ … } | rate()` in brackets. */
function metricsPipeline(cursor: Cursor): MetricsExpr {
  const found = pipeline(cursor);
  if (!startsMetrics(cursor)) throw cursor.unexpected();
  return metricsStages(cursor, found);
}

/**
 * One condition as it stands between braces.
 *
 * @throws QueryTextError
 */
export function parseCondition(text: string): FieldExpr {
  const cursor = new Cursor(text);
  const condition = fieldExpr(cursor);
  if (!cursor.isA('end')) throw cursor.unexpected();
  return condition;
}

/**
 * One field: `resource.service.name`, `.x`, `name`, `span:status`.
 *
 * @throws QueryTextError
 */
export function parseField(text: string): Field {
  const cursor = new Cursor(text);
  const found = field(cursor);
  if (!cursor.isA('end')) throw cursor.unexpected();
  return found;
}

function hintList(cursor: Cursor): Hint[] {
  cursor.expect('(', '(');
  const hints = cursor.list(() => {
    if (!cursor.isA('identifier') && !cursor.isA('keyword')) throw cursor.unexpected('IDENTIFIER');
    const name = cursor.advance();
    cursor.expect('=', '=');
    return { name, value: constant(cursor) };
  });
  cursor.expect(')', ')', ',');
  return hints;
}

/** Stages up to one that makes series. */
function pipeline(cursor: Cursor): Pipeline {
  const { place } = cursor;
  // There is nothing yet to flatten.
  if (cursor.is('coalesce')) throw cursor.unexpected();
  const stages = [stage(cursor)];
  while (cursor.is('|') && !startsMetrics(cursor)) {
    cursor.advance();
    cursor.countOperator();
    stages.push(stage(cursor));
  }
  return { kind: 'pipeline', place, stages };
}

function stage(cursor: Cursor): PipelineStage {
  const { place } = cursor;
  if (cursor.is('{')) return spanset(cursor, 1);
  if (cursor.is('(') && !startsScalar(cursor)) return spanset(cursor, 1);
  if (cursor.skip('by')) {
    cursor.expect('(', '(');
    const by = fieldExpr(cursor);
    cursor.expect(')', ')');
    return { kind: 'by', place, by };
  }
  if (cursor.skip('coalesce')) {
    cursor.expect('(', '(');
    cursor.expect(')', ')');
    return { kind: 'coalesce', place };
  }
  if (cursor.skip('select')) {
    cursor.expect('(', '(');
    const fields = cursor.list(() => field(cursor));
    cursor.expect(')', ')', ',');
    return { kind: 'select', place, fields };
  }
  return scalarFilter(cursor);
}

/** Whether the parentheses here hold an operation on aggregates or numbers, not span sets. */
function startsScalar(cursor: Cursor): boolean {
  let ahead = 0;
  // Deeper ones are refused whatever they hold; each level looks ahead again.
  while (ahead <= depthMax && cursor.is('(', ahead)) ahead += 1;
  return !cursor.is('{', ahead);
}

const structural: Readonly<Record<string, StructuralOp>> = {
  '>>': '>>',
  '>': '>',
  '<<': '<<',
  '<': '<',
  '~': '~',
};

/** Span sets joined by `&&`, `||` (binding alike) and the structural operators, which bind tighter. */
function spanset(cursor: Cursor, atLeast: 1 | 2): Spanset {
  let left = cursor.nested(() => operand(cursor));
  for (;;) {
    const { place, token } = cursor;
    const joins = token.kind === 'symbol' && (token.text === '&&' || token.text === '||');
    if (joins && atLeast === 1) {
      const op = token.text === '&&' ? '&&' : '||';
      const operands: [Spanset, ...Spanset[]] = [left];
      while (cursor.skip(op)) {
        cursor.countOperator();
        operands.push(cursor.nested(() => spanset(cursor, 2)));
      }
      left = balanced(operands, (one, other) => ({ kind: 'combine', place, op, left: one, right: other }));
      continue;
    }
    const prefix = /^[!&]/.exec(token.text)?.[0] ?? '';
    const op = structural[token.text.slice(prefix.length)];
    if (token.kind !== 'symbol' || op === undefined) return left;
    cursor.advance();
    cursor.countOperator();
    const right = cursor.nested(() => operand(cursor));
    left = { kind: 'structural', place, op, negated: prefix === '!', union: prefix === '&', left, right };
  }
}

function operand(cursor: Cursor): Spanset {
  const { place } = cursor;
  if (cursor.skip('(')) {
    const inner = pipeline(cursor);
    cursor.expect(')');
    const [only] = inner.stages;
    const plain = only !== undefined && inner.stages.length === 1 && isSpanset(only);
    return plain ? only : inner;
  }
  cursor.expect('{', '{', '(');
  if (cursor.skip('}')) return { kind: 'filter', place, condition: null };
  const condition = fieldExpr(cursor);
  cursor.expect('}');
  return { kind: 'filter', place, condition };
}

function isSpanset(stage: PipelineStage): stage is Spanset {
  switch (stage.kind) {
    case 'filter':
    case 'combine':
    case 'structural':
      return true;
    case 'scalarFilter':
    case 'by':
    case 'coalesce':
    case 'select':
    case 'pipeline':
      return false;
  }
}

function scalarFilter(cursor: Cursor): ScalarFilter {
  const { place } = cursor;
  const left = scalar(cursor, strength['+']);
  const op = compareOp(cursor);
  if (op === undefined) {
    // `({ } | count()) > 2`: what is compared stands in parentheses with its span sets.
    if (cursor.is(')')) throw cursor.unsupported('an aggregate of a pipeline in parentheses');
    throw cursor.unexpected();
  }
  cursor.advance();
  return { kind: 'scalarFilter', place, op, left, right: scalar(cursor, strength['+']) };
}

function scalar(cursor: Cursor, atLeast: number): ScalarExpr {
  const { place } = cursor;
  let left = cursor.nested(() => scalarPrimary(cursor));
  for (;;) {
    const op = (['+', '-', '*', '/', '%', '^'] as const).find((candidate) => cursor.is(candidate));
    if (op === undefined || strength[op] < atLeast) return left;
    cursor.advance();
    cursor.countOperator();
    const right = cursor.nested(() => scalar(cursor, op === '^' ? strength[op] : strength[op] + 1));
    left =
      left.kind === 'constant' && right.kind === 'constant'
        ? { kind: 'constant', place, expr: { kind: 'binary', op, left: left.expr, right: right.expr } }
        : { kind: 'operation', place, left, right };
  }
}

const aggregates: readonly SpansetAggregate[] = ['count', 'avg', 'min', 'max', 'sum'];

function scalarPrimary(cursor: Cursor): ScalarExpr {
  const { place } = cursor;
  if (cursor.is('(') && !startsScalar(cursor))
    throw cursor.unsupported('arithmetic on pipelines in parentheses');
  if (cursor.skip('(')) {
    const inner = scalar(cursor, strength['+']);
    cursor.expect(')');
    return inner;
  }
  const aggregate = aggregates.find((candidate) => cursor.skip(candidate));
  if (aggregate !== undefined) {
    cursor.expect('(', '(');
    const of = aggregate === 'count' ? null : fieldExpr(cursor);
    cursor.expect(')', ')');
    return { kind: 'aggregate', place, aggregate, field: of };
  }
  if (cursor.isA('intrinsic') || cursor.isA('attribute')) throw cursor.unexpected();
  // A sign binds to its number here, so that `> -1` is a constant.
  const expr = cursor.is('-') ? fieldExpr(cursor, strength['^'] + 1) : null;
  return { kind: 'constant', place, expr: expr ?? { kind: 'static', value: constant(cursor) } };
}
