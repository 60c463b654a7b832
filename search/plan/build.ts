import { writeNumber } from '../text/number.ts';
import type { BinaryOp, Label, LabelMatcher, Matching, SeriesExpr, Steps, TimeRange } from './generated.ts';

/** One instant, in nanoseconds: the answer is a vector or scalar. */
export function instant(time: bigint): Steps {
  return { start: time.toString(), end: time.toString(), step: '0' };
}

/** Every `step` nanoseconds from `start` to at most `end`. */
export function steps(start: bigint, end: bigint, step: bigint): Steps {
  return { start: start.toString(), end: end.toString(), step: step.toString() };
}

/** From `from` (included) to `to` (excluded), nanoseconds. */
export function timeRange(from: bigint, to: bigint): TimeRange {
  return { from: from.toString(), to: to.toString() };
}

/** A constant scalar. */
export function number(value: number): SeriesExpr {
  return { node: 'number', value: writeNumber(value) };
}

/** How series of two vectors find each other where the query says nothing: by all their labels. */
export function matchingByAllLabels(op: BinaryOp): Matching {
  const cardinality = op === 'and' || op === 'or' || op === 'unless' ? 'manyToMany' : 'oneToOne';
  return { on: false, labels: [], cardinality, include: [] };
}

/** The labels that an absent series would have: those with one `=` matcher and no other. */
export function equalityLabels(matchers: readonly LabelMatcher[]): Label[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name } of matchers) (seen.has(name) ? repeated : seen).add(name);
  return matchers
    .filter(({ name, op }) => op === '=' && !repeated.has(name))
    .map(({ name, value }) => ({ name, value }));
}

/**
 * Operands of an associative operator as a tree of the least depth, in their order: hundreds of
 * alternatives stay within what native code reads.
 */
export function balanced<T>(operands: readonly [T, ...T[]], join: (left: T, right: T) => T): T {
  if (operands.length === 1) return operands[0];
  const middle = Math.ceil(operands.length / 2);
  const [first, ...others] = operands.slice(middle);
  const left = operands.slice(0, middle) as [T, ...T[]];
  return first === undefined
    ? balanced(left, join)
    : join(balanced(left, join), balanced([first, ...others], join));
}
