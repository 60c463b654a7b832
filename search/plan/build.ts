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
  return matchers
    .filter(({ name, op }) => op === '=' && matchers.filter((other) => other.name === name).length === 1)
    .map(({ name, value }) => ({ name, value }));
}
