import { parseNumber } from '../text/number.ts';
import type { Cursor } from './cursor.ts';
import { durationNanos, offsetLength, rangeLength } from './parse-duration.ts';
import type { Extension, MatrixSelector, PromqlExpr, Subquery, VectorSelector } from './syntax.ts';

type Movable = VectorSelector | MatrixSelector | Subquery;

/** What follows an expression: `[5m]`, `[5m:1m]`, `offset 5m`, `@ 1700000000`, `anchored`, in any number. */
export function modifiers(cursor: Cursor, expr: PromqlExpr): PromqlExpr {
  for (;;) {
    if (cursor.is('[')) {
      cursor.countOperator();
      expr = range(cursor, expr);
    } else if (cursor.isWord('offset')) expr = offset(cursor, expr);
    else if (cursor.is('@')) expr = at(cursor, expr);
    else if (cursor.isWord('anchored')) expr = extension(cursor, expr, 'anchored');
    else if (cursor.isWord('smoothed')) expr = extension(cursor, expr, 'smoothed');
    else return expr;
  }
}

function range(cursor: Cursor, expr: PromqlExpr): PromqlExpr {
  const bracket = cursor.token.from;
  cursor.expect('[');
  const length = rangeLength(cursor);
  if (cursor.skip(':')) {
    const step = cursor.is(']') ? null : rangeLength(cursor);
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
  const length = offsetLength(cursor);
  if (expr.offset !== null) throw cursor.error('offset may not be set multiple times', expr.from);
  return { ...expr, offset: length };
}

function extension(cursor: Cursor, expr: PromqlExpr, how: Extension): PromqlExpr {
  if (expr.kind === 'subquery')
    throw cursor.error(`${how} modifier is not supported for subqueries`, expr.from);
  if (expr.kind !== 'vector' && expr.kind !== 'matrix')
    throw cursor.error(
      `${how} modifier must be preceded by an instant vector selector or range vector selector`,
      expr.from,
    );
  if (expr.extension !== null && expr.extension !== how)
    throw cursor.error('anchored and smoothed modifiers cannot be used together', expr.from);
  cursor.advance();
  return { ...expr, extension: how };
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
  if (cursor.isA('duration')) return BigInt(sign) * durationNanos(cursor);
  const { text, from } = cursor.token;
  const seconds = cursor.isA('number') ? parseNumber(text) : null;
  if (seconds === null) throw cursor.unexpected('@', 'timestamp');
  const milliseconds = Math.round(sign * seconds * 1e3);
  if (Math.abs(milliseconds) > 9e12)
    throw cursor.error(`timestamp out of bounds for @ modifier: ${text}`, from);
  cursor.advance();
  return BigInt(milliseconds) * 1_000_000n;
}
