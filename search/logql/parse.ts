import { QueryTextError } from '../errors.ts';
import type { Grouping, Matching } from '../plan/generated.ts';
import { parseDuration, parsePrometheusDuration } from '../text/duration.ts';
import { Cursor } from './cursor.ts';
import { folded } from './fold.ts';
import {
  labelFilters,
  logExpr,
  logSelector,
  numberOf,
  pipeline,
  startsLabelFilter,
  unwrapFollows,
} from './parse-pipeline.ts';
import {
  type BinaryExpr,
  type LogExpr,
  type LogqlExpr,
  type LogRange,
  type MetricExpr,
  type RangeOp,
  rangeOps,
  type Unwrap,
  type VectorOp,
  vectorOps,
} from './syntax.ts';

/*
 * Written by hand, not on the editor's grammar (@grafana/lezer-logql): that one gives operators no
 * precedence, hides parentheses, and repairs wrong text instead of saying what was expected there.
 * The grammar is Loki's pkg/logql/syntax/syntax.y; languages.test.ts compares with the editor's.
 */

/**
 * A whole LogQL query.
 *
 * @throws QueryTextError
 */
export function parseLogql(text: string): LogqlExpr {
  if (text === '')
    throw new QueryTextError('logql', { line: 1, column: 1 }, 'parse error : syntax error: unexpected $end');
  checkLength(text);
  const cursor = new Cursor(text);
  const expr = binary(cursor, 1);
  if (cursor.token.kind !== 'end') throw cursor.unexpected();
  return expr;
}

/**
 * A stream selector and nothing else.
 *
 * @throws QueryTextError
 */
export function parseSelector(text: string): LogExpr {
  checkLength(text);
  const cursor = new Cursor(text);
  const { place } = cursor;
  const matchers = logSelector(cursor);
  if (cursor.token.kind !== 'end')
    throw new QueryTextError('logql', cursor.place, 'only label matchers are supported');
  return { kind: 'log', place, matchers, stages: [] };
}

/** Loki's; a query of this length is the first that is too long. */
const sizeMaxBytes = 131_072;

function checkLength(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes < sizeMaxBytes) return;
  const message = `parse error : input size too long (${bytes} > ${sizeMaxBytes})`;
  throw new QueryTextError('logql', { line: 1, column: 1 }, message);
}

/** How tightly an operator binds; `^` is right-associative. */
const strength: Readonly<Record<BinaryExpr['op'], number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  '^': 6,
};

function binary(cursor: Cursor, atLeast: number): LogqlExpr {
  let left = cursor.nested(() => primary(cursor));
  for (;;) {
    const op = operator(cursor);
    if (op === undefined || strength[op] < atLeast) return left;
    const { place } = cursor;
    cursor.skip(op);
    cursor.countOperator();
    const returnBool = cursor.skip('bool');
    const matching = matchingOf(cursor, op);
    const right = cursor.nested(() => binary(cursor, op === '^' ? strength[op] : strength[op] + 1));
    left = joined({ kind: 'binary', place, op, left, right, returnBool, matching });
  }
}

/** An operation; of two numbers its result, as Loki has it from here on. */
function joined(operation: BinaryExpr): LogqlExpr {
  const { op, left, right } = operation;
  if (left.kind !== 'literal' || right.kind !== 'literal') return operation;
  const value = folded(op, left.value, right.value);
  return value === undefined ? operation : { kind: 'literal', place: left.place, value };
}

function operator(cursor: Cursor): BinaryExpr['op'] | undefined {
  const { kind, text } = cursor.token;
  return (kind === 'symbol' || kind === 'keyword') && Object.hasOwn(strength, text)
    ? (text as BinaryExpr['op'])
    : undefined;
}

function matchingOf(cursor: Cursor, op: BinaryExpr['op']): Matching | null {
  const on = cursor.is('on');
  if (!cursor.skip('on') && !cursor.skip('ignoring')) return null;
  const labels = labelList(cursor);
  const setOperator = op === 'and' || op === 'or' || op === 'unless';
  let cardinality: Matching['cardinality'] = setOperator ? 'manyToMany' : 'oneToOne';
  let include: string[] = [];
  if (cursor.is('group_left') || cursor.is('group_right')) {
    cardinality = cursor.skip('group_left') ? 'manyToOne' : 'oneToMany';
    cursor.skip('group_right');
    // As Loki reads it, a parenthesis here always begins labels, never the right side.
    if (cursor.is('(')) include = labelList(cursor);
  }
  return { on, labels, cardinality, include };
}

function labelList(cursor: Cursor): string[] {
  cursor.expect('(');
  if (cursor.skip(')')) return [];
  if (!cursor.isA('identifier')) throw cursor.unexpected('IDENTIFIER', ')');
  const labels = cursor.list(() => cursor.take('identifier'));
  cursor.expect(')', [',', ')']);
  return labels;
}

function primary(cursor: Cursor): LogqlExpr {
  const { place, token } = cursor;
  if (token.kind === 'number' || cursor.is('-') || cursor.is('+'))
    return { kind: 'literal', place, value: literal(cursor) };
  if (cursor.is('{')) return logExpr(cursor);
  if (cursor.skip('(')) {
    const inner = binary(cursor, 1);
    cursor.expect(')', []);
    return inner;
  }
  if (token.kind !== 'function') throw cursor.unexpected();
  if (rangeOps.some((op) => op === token.text)) return rangeAggregation(cursor, token.text as RangeOp);
  if (vectorOps.some((op) => op === token.text)) return vectorAggregation(cursor, token.text as VectorOp);
  if (cursor.skip('vector')) {
    cursor.expect('(');
    const value = numberOf(cursor, 'vectorExpr');
    cursor.expect(')');
    return { kind: 'vector', place, value };
  }
  if (cursor.skip('label_replace')) return labelReplace(cursor, place);
  throw cursor.unexpected();
}

/** A number with its sign. */
function literal(cursor: Cursor): number {
  const sign = cursor.skip('-') ? -1 : 1;
  if (sign === 1) cursor.skip('+');
  return sign * numberOf(cursor);
}

function metric(cursor: Cursor): MetricExpr {
  const expr = cursor.nested(() => binary(cursor, 1));
  // A log query where series are wanted: what follows it is what Loki stumbles on.
  if (expr.kind === 'log') throw cursor.unexpected();
  return expr;
}

function labelReplace(cursor: Cursor, place: MetricExpr['place']): MetricExpr {
  cursor.expect('(');
  const input = metric(cursor);
  const text = (expected?: readonly string[]): string => {
    cursor.expect(',', expected);
    return cursor.take('string');
  };
  const to = text([]);
  const replacement = text();
  const from = text();
  const regex = text();
  cursor.expect(')');
  return { kind: 'labelReplace', place, input, to, replacement, from, regex };
}

function vectorAggregation(cursor: Cursor, op: VectorOp): MetricExpr {
  const { place } = cursor;
  cursor.skip(op);
  const before = grouping(cursor);
  cursor.expect('(');
  let param: number | null = null;
  if (cursor.token.kind === 'number' && cursor.is(',', 1)) {
    param = numberOf(cursor);
    cursor.expect(',');
  }
  const input = metric(cursor);
  cursor.expect(')', []);
  return { kind: 'vectorAggregation', place, op, param, input, grouping: before ?? grouping(cursor) };
}

function grouping(cursor: Cursor): Grouping | null {
  const without = cursor.is('without');
  if (!cursor.skip('without') && !cursor.skip('by')) return null;
  return { without, labels: labelList(cursor) };
}

function rangeAggregation(cursor: Cursor, op: RangeOp): MetricExpr {
  const { place } = cursor;
  cursor.skip(op);
  cursor.expect('(');
  let param: number | null = null;
  if (cursor.token.kind === 'number') {
    param = numberOf(cursor);
    cursor.expect(',');
    if (!cursor.is('{') && !cursor.is('(')) throw cursor.unexpected('{', '(');
  } else if (!cursor.is('{') && !cursor.is('(')) throw cursor.unexpected('NUMBER', '{', '(');
  const input = logRange(cursor);
  cursor.expect(')');
  return { kind: 'rangeAggregation', place, op, param, input, grouping: grouping(cursor) };
}

type RangeParts = {
  -readonly [Key in keyof LogRange]: LogRange[Key] | (Key extends 'range' ? null : never);
};

function logRange(cursor: Cursor): LogRange {
  const parts = rangeParts(cursor);
  const { range } = parts;
  if (range === null) throw rangeMissing(cursor, parts);
  return { ...parts, range };
}

/**
 * `{…}[5m]` in all its orders: stages before or after the range, parentheses around either, `unwrap`
 * last or before the range.
 */
function rangeParts(cursor: Cursor): RangeParts {
  if (cursor.skip('(')) {
    const parts = cursor.nested(() => rangeParts(cursor));
    if (!cursor.skip(')')) throw rangeMissing(cursor, parts);
    if (parts.range !== null) return parts;
    if (!cursor.isA('range')) throw cursor.unexpected('RANGE');
    takeRange(cursor, parts);
    if (parts.unwrap === null && parts.log.stages.length === 0) parts.unwrap = unwrap(cursor);
    return parts;
  }
  if (!cursor.is('{')) throw cursor.unexpected('{', '(');
  const { place } = cursor;
  const log: LogExpr = { kind: 'log', place, matchers: logSelector(cursor), stages: pipeline(cursor) };
  const parts: RangeParts = { log, range: null, offset: 0n, unwrap: unwrap(cursor) };
  if (!cursor.isA('range')) return parts;
  takeRange(cursor, parts);
  if (parts.unwrap === null && log.stages.length === 0) {
    parts.log = { ...log, stages: pipeline(cursor) };
    parts.unwrap = unwrap(cursor);
  }
  return parts;
}

function takeRange(cursor: Cursor, parts: RangeParts): void {
  parts.range = parsePrometheusDuration(cursor.take('range')) ?? 0n;
  if (cursor.skip('offset')) parts.offset = offsetOf(cursor);
}

/** What Loki says where a range, or the end of what has one, is missing. */
function rangeMissing(cursor: Cursor, { range, unwrap }: RangeParts): QueryTextError {
  if (range !== null) return cursor.unexpected(')');
  return unwrap === null ? cursor.unexpected() : cursor.unexpected('RANGE', '|');
}

function offsetOf(cursor: Cursor): bigint {
  return parseDuration(cursor.take('duration')) ?? 0n;
}

function unwrap(cursor: Cursor): Unwrap | null {
  if (!unwrapFollows(cursor)) return null;
  const { place } = cursor;
  cursor.expect('|');
  cursor.expect('unwrap');
  let conversion: Unwrap['conversion'] = null;
  for (const name of ['bytes', 'duration', 'duration_seconds'] as const) {
    if (cursor.skip(name)) conversion = name;
  }
  if (conversion !== null) cursor.expect('(');
  else if (!cursor.isA('identifier'))
    throw cursor.unexpected('IDENTIFIER', 'BYTES_CONV', 'DURATION_CONV', 'DURATION_SECONDS_CONV');
  const label = cursor.take('identifier');
  if (conversion !== null) cursor.expect(')');
  const filters = [];
  while (cursor.skip('|')) {
    if (!startsLabelFilter(cursor)) throw cursor.unexpected('IDENTIFIER', '(');
    filters.push(labelFilters(cursor));
  }
  return { place, label, conversion, filters };
}
