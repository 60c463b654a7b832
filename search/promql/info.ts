import type { LabelMatcher } from '../plan/generated.ts';
import type { Duration, Modifiers, PromqlExpr } from './syntax.ts';

/** What must hold of info series: what the query says of them, and that they are `target_info` or `.+_info` where it names none. */
export function infoMatchers(written: readonly LabelMatcher[]): LabelMatcher[] {
  const names = written.filter(({ name }) => name === '__name__');
  if (names.some(({ op }) => op === '=' || op === '=~')) return [...written];
  const name: LabelMatcher =
    names.length === 0
      ? { name: '__name__', op: '=', value: 'target_info' }
      : { name: '__name__', op: '=~', value: '.+_info' };
  return [name, ...written];
}

interface Moment {
  readonly offset: bigint;
  readonly at: Modifiers['at'];
}

/**
 * When the first selector of an expression is read: its own `@` or that of the nearest subquery around
 * it, and all offsets up to there.
 */
export function firstMoment(expr: PromqlExpr, nanos: (offset: Duration | null) => bigint): Moment {
  return momentIn(expr, nanos) ?? { offset: 0n, at: null };
}

function momentIn(expr: PromqlExpr, nanos: (offset: Duration | null) => bigint): Moment | null {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return null;
    case 'vector':
    case 'matrix':
      return { offset: nanos(expr.offset), at: expr.at };
    case 'subquery': {
      const inner = momentIn(expr.input, nanos);
      if (inner?.at !== null) return inner;
      return { offset: inner.offset + nanos(expr.offset), at: expr.at };
    }
    case 'paren':
      return momentIn(expr.inner, nanos);
    case 'unary':
      return momentIn(expr.input, nanos);
    case 'binary':
      return momentIn(expr.left, nanos) ?? momentIn(expr.right, nanos);
    case 'aggregation':
      return momentIn(expr.input, nanos) ?? (expr.param === null ? null : momentIn(expr.param, nanos));
    case 'call': {
      for (const arg of expr.args) {
        const found = momentIn(arg, nanos);
        if (found !== null) return found;
      }
      return null;
    }
  }
}
