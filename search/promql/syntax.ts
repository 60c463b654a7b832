import type { BinaryOp, Grouping, LabelMatcher, Matching } from '../plan/generated.ts';

/** A PromQL query as it is written; `from` is the offset of each expression's first character. */
export type PromqlExpr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Aggregation
  | BinaryExpr
  | UnaryExpr
  | ParenExpr
  | Call;

export interface NumberLiteral {
  readonly kind: 'number';
  readonly from: number;
  readonly value: number;
  /** Whether it is written as a duration: `5m` for 300. */
  readonly isDuration: boolean;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly from: number;
  readonly value: string;
}

/** A length in nanoseconds, or the arithmetic that gives it once the query's step and range are known. */
export type Duration = bigint | PromqlExpr;

/** Where in time something is read. */
export interface Modifiers {
  /** Back; negative for the future; `null` where none is written. */
  readonly offset: Duration | null;
  /** A time in nanoseconds, or an end of the query; `null` where none is written. */
  readonly at: bigint | 'start' | 'end' | null;
}

/** Whether a selector's edges take over the sample before them, or lie between those around them. */
export type Extension = 'anchored' | 'smoothed';

export interface VectorSelector extends Modifiers {
  readonly kind: 'vector';
  readonly from: number;
  readonly extension: Extension | null;
  /** The metric's name is the label `__name__`. */
  readonly matchers: readonly LabelMatcher[];
  /** Whether the name stands before the braces; its matcher is then the first. */
  readonly isNamed: boolean;
}

export interface MatrixSelector extends Modifiers {
  readonly kind: 'matrix';
  readonly from: number;
  readonly extension: Extension | null;
  readonly matchers: readonly LabelMatcher[];
  readonly isNamed: boolean;
  readonly range: Duration;
}

export interface Subquery extends Modifiers {
  readonly kind: 'subquery';
  readonly from: number;
  readonly input: PromqlExpr;
  readonly range: Duration;
  /** `null` for the default. */
  readonly step: Duration | null;
}

export interface Aggregation {
  readonly kind: 'aggregation';
  readonly from: number;
  readonly op: AggregationOp;
  readonly param: PromqlExpr | null;
  readonly input: PromqlExpr;
  readonly grouping: Grouping | null;
}

export interface BinaryExpr {
  readonly kind: 'binary';
  readonly from: number;
  readonly op: BinaryOp;
  readonly left: PromqlExpr;
  readonly right: PromqlExpr;
  readonly returnBool: boolean;
  readonly matching: Matching | null;
}

export interface UnaryExpr {
  readonly kind: 'unary';
  readonly from: number;
  readonly op: '-' | '+';
  readonly input: PromqlExpr;
}

export interface ParenExpr {
  readonly kind: 'paren';
  readonly from: number;
  readonly inner: PromqlExpr;
}

export interface Call {
  readonly kind: 'call';
  readonly from: number;
  readonly name: string;
  readonly args: readonly PromqlExpr[];
}

export const aggregationOps = [
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'quantile',
  'count_values',
  'limitk',
  'limit_ratio',
] as const;
export type AggregationOp = (typeof aggregationOps)[number];

/** Aggregations that take a parameter before the vector, and its type. */
export const aggregationParams: Readonly<Partial<Record<AggregationOp, 'scalar' | 'string'>>> = {
  topk: 'scalar',
  bottomk: 'scalar',
  quantile: 'scalar',
  limitk: 'scalar',
  limit_ratio: 'scalar',
  count_values: 'string',
};
