import { matchingByAllLabels } from '../plan/build.ts';
import type { BinaryOp, Grouping, Matching } from '../plan/generated.ts';
import { parseNumber, writeNumber } from '../text/number.ts';
import { Cursor } from './cursor.ts';
import { functions } from './functions.ts';
import { durationNanos } from './parse-duration.ts';
import { modifiers } from './parse-modifiers.ts';
import { selector } from './parse-selector.ts';
import {
  type Aggregation,
  type AggregationOp,
  aggregationOps,
  aggregationParams,
  type PromqlExpr,
} from './syntax.ts';

/*
 * Written by hand, not on the editor's grammar (@prometheus-io/lezer-promql): that one reads
 * `-1 ^ 2` as `(-1) ^ 2` and `a + b offset 5m` as `(a + b) offset 5m`, and repairs wrong text instead
 * of saying what was expected there. The grammar is Prometheus' promql/parser/generated_parser.y;
 * languages.test.ts compares with the editor's.
 */

/**
 * A whole PromQL query.
 *
 * @throws QueryTextError
 */
export function parsePromql(text: string): PromqlExpr {
  const cursor = new Cursor(text);
  if (cursor.isA('end')) throw cursor.error('no expression found in input');
  const expr = binary(cursor, 1);
  if (!cursor.isA('end')) throw cursor.unexpected();
  return expr;
}

/** How tightly an operator binds; `^` is right-associative, a sign binds like `*`. */
const strength: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '</': 3,
  '>/': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
};

function binary(cursor: Cursor, atLeast: number): PromqlExpr {
  const { from } = cursor.token;
  let left = cursor.nested(() => unary(cursor));
  for (;;) {
    const op = operator(cursor);
    if (op === undefined || strength[op] < atLeast) return left;
    cursor.advance();
    cursor.countOperator();
    const returnBool = cursor.skipWord('bool');
    const matching = matchingOf(cursor, op);
    const right = cursor.nested(() => binary(cursor, op === '^' ? strength[op] : strength[op] + 1));
    left = { kind: 'binary', from, op, left, right, returnBool, matching };
  }
}

function operator(cursor: Cursor): BinaryOp | undefined {
  const { kind, text } = cursor.token;
  const name = text.toLowerCase();
  return (kind === 'symbol' || kind === 'word') && Object.hasOwn(strength, name)
    ? (name as BinaryOp)
    : undefined;
}

function unary(cursor: Cursor): PromqlExpr {
  const { from } = cursor.token;
  const op = cursor.is('-') ? '-' : '+';
  if (!cursor.skip('-') && !cursor.skip('+')) return modifiers(cursor, primary(cursor));
  const input = cursor.nested(() => binary(cursor, strength['^']));
  if (input.kind !== 'number') return { kind: 'unary', from, op, input };
  return { ...input, from, value: op === '-' ? -input.value : input.value };
}

/** How both sides find each other, and what stands for the series of one that the other lacks. */
function matchingOf(cursor: Cursor, op: BinaryOp): Matching | null {
  const matching = labelMatchingOf(cursor, op);
  const fill = fillOf(cursor);
  return fill === null ? matching : { ...(matching ?? matchingByAllLabels(op)), ...fill };
}

type Fill = Pick<Matching, 'fillLeft' | 'fillRight'>;

/** `fill (0)`, or `fill_left (0)` and `fill_right (1)` in either order; metrics may have these names, too. */
function fillOf(cursor: Cursor): Fill | null {
  const stands = (word: string): boolean => cursor.isWord(word) && cursor.is('(', 1);
  if (stands('fill')) {
    const value = fillValue(cursor);
    return { fillLeft: value, fillRight: value };
  }
  if (stands('fill_left')) {
    const fillLeft = fillValue(cursor);
    return stands('fill_right') ? { fillLeft, fillRight: fillValue(cursor) } : { fillLeft };
  }
  if (!stands('fill_right')) return null;
  const fillRight = fillValue(cursor);
  return stands('fill_left') ? { fillLeft: fillValue(cursor), fillRight } : { fillRight };
}

function fillValue(cursor: Cursor): string {
  cursor.advance();
  cursor.expect('(');
  const negative = cursor.is('-');
  if (!cursor.skip('-')) cursor.skip('+');
  const literal = primary(cursor);
  if (literal.kind !== 'number')
    throw cursor.error('unexpected expression in fill modifier, expected number', literal.from);
  cursor.expect(')');
  return writeNumber(negative ? -literal.value : literal.value);
}

function labelMatchingOf(cursor: Cursor, op: BinaryOp): Matching | null {
  const on = cursor.isWord('on');
  if (!cursor.skipWord('on') && !cursor.skipWord('ignoring')) return null;
  const labels = groupingLabels(cursor);
  const setOperator = op === 'and' || op === 'or' || op === 'unless';
  let cardinality: Matching['cardinality'] = setOperator ? 'manyToMany' : 'oneToOne';
  if (!cursor.isWord('group_left') && !cursor.isWord('group_right'))
    return { on, labels, cardinality, include: [] };
  if (setOperator) throw cursor.error(`no grouping allowed for "${op}" operation`);
  cardinality = cursor.skipWord('group_left') ? 'manyToOne' : 'oneToMany';
  cursor.skipWord('group_right');
  const include = cursor.is('(') ? groupingLabels(cursor) : [];
  const both = on ? include.find((label) => labels.includes(label)) : undefined;
  if (both !== undefined)
    throw cursor.error(`label ${JSON.stringify(both)} must not occur in ON and GROUP clause at once`);
  return { on, labels, cardinality, include };
}

function groupingLabels(cursor: Cursor): string[] {
  const context = 'grouping opts';
  cursor.expect('(', context, '"("');
  const labels: string[] = [];
  while (!cursor.skip(')')) {
    if (!cursor.isA('word') && !cursor.isA('string')) throw cursor.unexpected(context, 'label');
    labels.push(cursor.advance());
    if (!cursor.is(')')) cursor.expect(',', context, '"," or ")"');
  }
  return labels;
}

function primary(cursor: Cursor): PromqlExpr {
  const { kind, text, from } = cursor.token;
  if (kind === 'number' || kind === 'duration')
    return { kind: 'number', from, value: numberOrSeconds(cursor), isDuration: kind === 'duration' };
  if (kind === 'string') return { kind: 'string', from, value: cursor.advance() };
  if (cursor.skip('(')) {
    const inner = binary(cursor, 1);
    cursor.expect(')');
    return { kind: 'paren', from, inner };
  }
  if (cursor.is('{')) return selector(cursor);
  if (kind !== 'word') throw cursor.unexpected();
  const lower = text.toLowerCase();
  if (lower === 'inf' || lower === 'nan') {
    cursor.advance();
    return { kind: 'number', from, value: lower === 'inf' ? Infinity : NaN, isDuration: false };
  }
  const aggregates = cursor.is('(', 1) || cursor.isWord('by', 1) || cursor.isWord('without', 1);
  const op = aggregationOps.find((candidate) => candidate === lower);
  if (op !== undefined && aggregates) return aggregation(cursor, op);
  // The set operators can be names of metrics, as in Prometheus.
  if (['bool', 'on', 'ignoring', 'group_left', 'group_right', 'atan2'].includes(lower))
    throw cursor.unexpected();
  if (!cursor.is('(', 1)) return selector(cursor);
  cursor.advance();
  if (!functions.has(text)) throw cursor.error(`unknown function with name ${JSON.stringify(text)}`, from);
  return { kind: 'call', from, name: text, args: callArgs(cursor) };
}

function numberOrSeconds(cursor: Cursor): number {
  const { kind, text, from } = cursor.token;
  const value = kind === 'duration' ? Number(durationNanos(cursor)) / 1e9 : parseNumber(text);
  if (value === null) throw cursor.error(`bad number or duration syntax: ${JSON.stringify(text)}`, from);
  if (kind === 'number') cursor.advance();
  return value;
}

function callArgs(cursor: Cursor): PromqlExpr[] {
  cursor.expect('(');
  if (cursor.skip(')')) return [];
  const args = cursor.list(() => {
    if (cursor.is(')')) throw cursor.error('trailing commas not allowed in function call args');
    return cursor.nested(() => binary(cursor, 1));
  });
  cursor.expect(')');
  return args;
}

function aggregation(cursor: Cursor, op: AggregationOp): Aggregation {
  const { from } = cursor.token;
  cursor.advance();
  const before = grouping(cursor);
  const args = callArgs(cursor);
  const after = before ?? grouping(cursor);
  const wanted = aggregationParams[op] !== undefined ? 2 : 1;
  const input = args.at(-1);
  if (input === undefined || args.length !== wanted) {
    const message =
      args.length === 0
        ? 'no arguments for aggregate expression provided'
        : `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`;
    throw cursor.error(message, from);
  }
  const param = wanted === 2 ? (args[0] ?? null) : null;
  return { kind: 'aggregation', from, op, param, input, grouping: after };
}

function grouping(cursor: Cursor): Grouping | null {
  const without = cursor.isWord('without');
  if (!cursor.skipWord('without') && !cursor.skipWord('by')) return null;
  return { without, labels: groupingLabels(cursor) };
}
