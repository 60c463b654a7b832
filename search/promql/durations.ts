import { arithmetic } from '../arithmetic.ts';
import type { QueryTextError } from '../errors.ts';
import type { PromqlHow } from '../how.ts';
import { parseError } from './lex.ts';
import type { Duration, PromqlExpr } from './syntax.ts';

/** A constant of the request, in seconds; at an instant start and end are that instant, and there is no step. */
export function queryTime(how: PromqlHow, of: 'start' | 'end' | 'step' | 'range'): number {
  const { start, end, step } = how.kind === 'range' ? how : { start: how.time, end: how.time, step: 0n };
  return Number({ start, end, step, range: end - start }[of]) / 1e9;
}

/** Turns the lengths of one query into nanoseconds; knows its text, for places, and its times, for `step()` and `range()`. */
export class Durations {
  readonly #text: string;
  readonly #how: PromqlHow;

  constructor(text: string, how: PromqlHow) {
    this.#text = text;
    this.#how = how;
  }

  /** @throws QueryTextError for a length that is none */
  offset(length: Duration | null): bigint {
    return length === null ? 0n : this.#nanos(length);
  }

  /** @throws QueryTextError for a length that is none, or not longer than nothing */
  range(length: Duration): bigint {
    const nanos = this.#nanos(length);
    if (nanos <= 0n) throw this.#refused(length, 'duration must be greater than 0');
    return nanos;
  }

  #nanos(length: Duration): bigint {
    if (typeof length === 'bigint') return length;
    const seconds = this.#seconds(length);
    if (!Number.isFinite(seconds)) throw this.#refused(length, 'duration is NaN or infinite');
    if (Math.abs(seconds) >= 2 ** 63 / 1e9) throw this.#refused(length, 'duration is out of range');
    return BigInt(Math.trunc(seconds * 1e3)) * 1_000_000n;
  }

  #seconds(expr: PromqlExpr): number {
    switch (expr.kind) {
      case 'number':
        return expr.value;
      case 'paren':
        return this.#seconds(expr.inner);
      case 'unary':
        return expr.op === '-' ? -this.#seconds(expr.input) : this.#seconds(expr.input);
      case 'binary': {
        const [left, right] = [this.#seconds(expr.left), this.#seconds(expr.right)];
        if (right === 0 && expr.op === '/') throw this.#refused(expr, 'division by zero');
        if (right === 0 && expr.op === '%') throw this.#refused(expr, 'modulo by zero');
        const value = arithmetic(expr.op, left, right);
        if (value === undefined) throw new Error(`${expr.op} makes no length; parse-duration.ts reads none`);
        return value;
      }
      case 'call':
        if (expr.name === 'step' || expr.name === 'range') return queryTime(this.#how, expr.name);
        return Math[expr.name === 'min_of' ? 'min' : 'max'](...expr.args.map((arg) => this.#seconds(arg)));
      case 'string':
      case 'vector':
      case 'matrix':
      case 'subquery':
      case 'aggregation':
        throw new Error('a length is made of series; parse-duration.ts reads none');
    }
  }

  #refused(length: Duration, message: string): QueryTextError {
    return parseError(this.#text, typeof length === 'bigint' ? 0 : length.from, message);
  }
}
