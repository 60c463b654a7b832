import { parsePrometheusDuration } from '../text/duration.ts';
import { parseNumber } from '../text/number.ts';
import type { Cursor } from './cursor.ts';
import type { MatrixSelector, PromqlExpr, Subquery, VectorSelector } from './syntax.ts';

type Movable = VectorSelector | MatrixSelector | Subquery;

/** What follows an expression: `[5m]`, `[5m:1m]`, `offset 5m`, `@ 1700000000`, in any number. */
export function modifiers(cursor: Cursor, expr: PromqlExpr): PromqlExpr {
  for (;;) {
    if (cursor.is('[')) {
      cursor.countOperator();
      expr = range(cursor, expr);
    } else if (cursor.isWord('offset')) expr = offset(cursor, expr);
    else if (cursor.is('@')) expr = at(cursor, expr);
    else return expr;
  }
}

function range(cursor: Cursor, expr: PromqlExpr): PromqlExpr {
  const bracket = cursor.token.from;
  cursor.expect('[');
  const length = positive(cursor);
  if (cursor.skip(':')) {
    const step = cursor.is(']') ? null : positive(cursor);
    cursor.expect(']', 'subquery selector', '"]"');
    return { kind: 'subquery', from: expr.from, input: expr, range: length, step, offset: null, at: null };
  }
  cursor.expect(']', 'subquery or range', '":" or "]"');
  if (expr.kind !== 'vector') throw cursor.error('ranges only allowed for vector selectors', bracket);
  if (expr.offset !== null) throw cursor.error('no offset modifiers allowed before range', bracket);
  if (expr.at !== null) throw cursor.error('no @ modifiers allowed before range', bracket);
  return { ...expr, kind: 'matrix', range: length };
}

function offset(cursor: Cursor, expr: PromqlExpr): PromqlExpr {
  if (!isMovable(expr))
    throw cursor.error(
      'offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
      expr.from,
    );
  cursor.advance();
  const negative = cursor.is('-');
  if (!cursor.skip('-')) cursor.skip('+');
  const length = durationNanos(cursor, 'offset');
  if (expr.offset !== null) throw cursor.error('offset may not be set multiple times', expr.from);
  return { ...expr, offset: negative ? -length : length };
}

function at(cursor: Cursor, expr: PromqlExpr): PromqlExpr {
  if (!isMovable(expr))
    throw cursor.error(
      '@ modifier must be preceded by an instant vector selector or range vector selector or a subquery',
      expr.from,
    );
  if (expr.at !== null) throw cursor.error('@ <timestamp> may not be set multiple times', expr.from);
  cursor.expect('@');
  return { ...expr, at: moment(cursor) };
}

function isMovable(expr: PromqlExpr): expr is Movable {
  return expr.kind === 'vector' || expr.kind === 'matrix' || expr.kind === 'subquery';
}

/** `start()`, `end()` or seconds since the epoch, as nanoseconds; to the millisecond, as Prometheus keeps it. */
function moment(cursor: Cursor): bigint | 'start' | 'end' {
  for (const end of ['start', 'end'] as const) {
    if (!cursor.skipWord(end)) continue;
    cursor.expect('(', '@', '"("');
    cursor.expect(')', '@', '")"');
    return end;
  }
  const sign = cursor.skip('-') ? -1 : 1;
  if (sign === 1) cursor.skip('+');
  const { text, from } = cursor.token;
  const seconds = cursor.isA('number') ? parseNumber(text) : null;
  if (seconds === null) throw cursor.unexpected('@', 'timestamp');
  const milliseconds = Math.round(sign * seconds * 1e3);
  if (Math.abs(milliseconds) > 9e12)
    throw cursor.error(`timestamp out of bounds for @ modifier: ${text}`, from);
  cursor.advance();
  return BigInt(milliseconds) * 1_000_000n;
}

/** A length longer than nothing, in nanoseconds. */
function positive(cursor: Cursor): bigint {
  const { from } = cursor.token;
  const length = durationNanos(cursor, 'subquery or range');
  if (length <= 0n) throw cursor.error('duration must be greater than 0', from);
  return length;
}

/** A duration, or a number of seconds, in nanoseconds. */
export function durationNanos(cursor: Cursor, context = ''): bigint {
  const { kind, text, from } = cursor.token;
  if (kind !== 'duration' && kind !== 'number') throw cursor.unexpected(context, 'number or duration');
  const seconds = kind === 'number' ? parseNumber(text) : null;
  const outOfRange = seconds !== null && !(Math.abs(seconds) < 9e9);
  const length =
    seconds !== null && !outOfRange
      ? BigInt(Math.round(seconds * 1e3)) * 1_000_000n
      : parsePrometheusDuration(text);
  if (length === null)
    throw cursor.error(outOfRange ? 'duration out of range' : `not a valid duration string: "${text}"`, from);
  cursor.advance();
  return length;
}
