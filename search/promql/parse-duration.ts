import { parsePrometheusDuration } from '../text/duration.ts';
import { parseNumber } from '../text/number.ts';
import type { Cursor } from './cursor.ts';
import type { Duration, PromqlExpr } from './syntax.ts';

const expected = 'number, duration, step(), or range()';

/** How tightly the operators of a length bind; `^` is right-associative. */
const strength = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '^': 3 } as const;
type Operator = keyof typeof strength;

/** The length of a range or subquery, or its step: longer than nothing. */
export function rangeLength(cursor: Cursor): Duration {
  const { from } = cursor.token;
  const length = constant(arithmetic(cursor, 1, 'subquery or range'));
  if (typeof length === 'bigint' && length <= 0n) throw cursor.error('duration must be greater than 0', from);
  return length;
}

/**
 * The length after `offset`: one number, duration, call or bracket. What follows is arithmetic with the
 * selector (`a offset 5m * 2`), except after a bracket without a sign, which may go on.
 */
export function offsetLength(cursor: Cursor): Duration {
  const { from } = cursor.token;
  const context = 'offset';
  const op = signAt(cursor);
  if (op === undefined)
    return constant(cursor.is('(') ? arithmetic(cursor, 1, context) : operand(cursor, context));
  cursor.advance();
  return constant(signed(op, from, operand(cursor, context)));
}

function arithmetic(cursor: Cursor, atLeast: number, context: string): PromqlExpr {
  const { from } = cursor.token;
  let left = cursor.nested(() => signedOperand(cursor, context));
  for (;;) {
    const op = operatorAt(cursor);
    if (op === undefined || strength[op] < atLeast) return left;
    const place = cursor.token.from;
    cursor.advance();
    cursor.countOperator();
    const right = cursor.nested(() =>
      arithmetic(cursor, op === '^' ? strength[op] : strength[op] + 1, context),
    );
    if (right.kind === 'number' && right.value === 0 && (op === '/' || op === '%'))
      throw cursor.error(op === '/' ? 'division by zero' : 'modulo by zero', place);
    left = { kind: 'binary', from, op, left, right, returnBool: false, matching: null };
  }
}

function operatorAt(cursor: Cursor): Operator | undefined {
  const { kind, text } = cursor.token;
  return kind === 'symbol' && Object.hasOwn(strength, text) ? (text as Operator) : undefined;
}

function signAt(cursor: Cursor): '+' | '-' | undefined {
  if (cursor.is('-')) return '-';
  return cursor.is('+') ? '+' : undefined;
}

function signedOperand(cursor: Cursor, context: string): PromqlExpr {
  const { from } = cursor.token;
  const op = signAt(cursor);
  if (op === undefined) return operand(cursor, context);
  cursor.advance();
  return signed(op, from, arithmetic(cursor, strength['^'], context));
}

function signed(op: '+' | '-', from: number, input: PromqlExpr): PromqlExpr {
  if (input.kind !== 'number') return { kind: 'unary', from, op, input };
  return { ...input, from, value: op === '-' ? -input.value : input.value };
}

function operand(cursor: Cursor, context: string): PromqlExpr {
  const { kind, text, from } = cursor.token;
  if (kind === 'number' || kind === 'duration')
    return {
      kind: 'number',
      from,
      value: Number(durationNanos(cursor)) / 1e9,
      isDuration: kind === 'duration',
    };
  if (cursor.skip('(')) {
    const inner = arithmetic(cursor, 1, context);
    cursor.expect(')');
    return { kind: 'paren', from, inner };
  }
  const name = text.toLowerCase();
  const takes = { step: 0, range: 0, min_of: 2, max_of: 2 }[name];
  if (kind !== 'word' || takes === undefined || !cursor.is('(', 1))
    throw cursor.unexpected(context, expected);
  cursor.advance();
  cursor.expect('(');
  const args: PromqlExpr[] = [];
  if (takes === 2) {
    args.push(arithmetic(cursor, 1, context));
    cursor.expect(',');
    args.push(arithmetic(cursor, 1, context));
  }
  cursor.expect(')');
  return { kind: 'call', from, name, args };
}

/** What is written out is known at once. */
function constant(length: PromqlExpr): Duration {
  return length.kind === 'number' ? nanosOf(length.value) : length;
}

function nanosOf(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e3)) * 1_000_000n;
}

/** A duration, or a number of seconds, in nanoseconds. */
export function durationNanos(cursor: Cursor): bigint {
  const { kind, text, from } = cursor.token;
  const seconds = kind === 'number' ? parseNumber(text) : null;
  const outOfRange = seconds !== null && !(Math.abs(seconds) < 9e9);
  const length = seconds !== null && !outOfRange ? nanosOf(seconds) : parsePrometheusDuration(text);
  if (length === null)
    throw cursor.error(outOfRange ? 'duration out of range' : `not a valid duration string: "${text}"`, from);
  cursor.advance();
  return length;
}
