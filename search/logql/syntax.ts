import type { Place } from '../errors.ts';
import type {
  BinaryOp,
  CompareOp,
  Extraction,
  Grouping,
  LabelMatcher,
  LabelPick,
  LineFilterOp,
  Matching,
  NumberUnit,
} from '../plan/generated.ts';

/** A LogQL query as it is written; `place` is where each construct starts. */
export type LogqlExpr = LogExpr | MetricExpr;

/** A selector and its pipeline. */
export interface LogExpr {
  readonly kind: 'log';
  readonly place: Place;
  readonly matchers: readonly LabelMatcher[];
  readonly stages: readonly LogStage[];
}

export type LogStage = { readonly place: Place } & (
  | {
      readonly kind: 'lineFilter';
      /** Besides the plan's: `|>` and `!>`, line patterns. */
      readonly op: LineFilterOp | '|>' | '!>';
      readonly patterns: readonly LinePattern[];
    }
  | { readonly kind: 'labelFilter'; readonly filter: LabelFilter }
  | { readonly kind: 'json'; readonly expressions: readonly Extraction[] }
  | {
      readonly kind: 'logfmt';
      readonly strict: boolean;
      readonly keepEmpty: boolean;
      readonly expressions: readonly Extraction[];
    }
  | { readonly kind: 'regexp' | 'pattern'; readonly expression: string }
  | { readonly kind: 'unpack' | 'decolorize' }
  | { readonly kind: 'lineFormat'; readonly template: string }
  | { readonly kind: 'labelFormat'; readonly formats: readonly LabelFormat[] }
  | { readonly kind: 'drop' | 'keep'; readonly labels: readonly LabelPick[] }
);

/** `"text"` or `ip("range")`. */
export interface LinePattern {
  readonly text: string;
  readonly ip: boolean;
}

/** `to=from` renames, `to="{{.x}}"` sets. */
export interface LabelFormat {
  readonly to: string;
  readonly from: { readonly kind: 'label' | 'template'; readonly text: string };
}

export type LabelFilter =
  | { readonly kind: 'and' | 'or'; readonly left: LabelFilter; readonly right: LabelFilter }
  | { readonly kind: 'text'; readonly matcher: LabelMatcher }
  | {
      readonly kind: 'number';
      readonly name: string;
      readonly op: CompareOp;
      readonly unit: NumberUnit;
      readonly value: number;
    }
  | {
      readonly kind: 'ip';
      readonly place: Place;
      readonly name: string;
      readonly op: '=' | '!=';
      readonly range: string;
    };

export type MetricExpr =
  | RangeAggregation
  | VectorAggregation
  | BinaryExpr
  | LabelReplaceExpr
  | { readonly kind: 'literal' | 'vector'; readonly place: Place; readonly value: number };

/** `rate({…}[5m])`: a function over windows of lines. */
export interface RangeAggregation {
  readonly kind: 'rangeAggregation';
  readonly place: Place;
  readonly op: RangeOp;
  /** `0.9` of `quantile_over_time(0.9, …)`. */
  readonly param: number | null;
  readonly input: LogRange;
  readonly grouping: Grouping | null;
}

/** Lines of windows, and the label whose value counts, if not the line does. */
export interface LogRange {
  readonly log: LogExpr;
  /** Nanoseconds. */
  readonly range: bigint;
  /** Nanoseconds; negative for the future. */
  readonly offset: bigint;
  readonly unwrap: Unwrap | null;
}

export interface Unwrap {
  readonly place: Place;
  readonly label: string;
  readonly conversion: 'bytes' | 'duration' | 'duration_seconds' | null;
  /** Applied to what was unwrapped. */
  readonly filters: readonly LabelFilter[];
}

export interface VectorAggregation {
  readonly kind: 'vectorAggregation';
  readonly place: Place;
  readonly op: VectorOp;
  readonly param: number | null;
  readonly input: MetricExpr;
  readonly grouping: Grouping | null;
}

export interface BinaryExpr {
  readonly kind: 'binary';
  readonly place: Place;
  readonly op: Exclude<BinaryOp, 'atan2' | '</' | '>/'>;
  readonly left: LogqlExpr;
  readonly right: LogqlExpr;
  readonly returnBool: boolean;
  readonly matching: Matching | null;
}

export interface LabelReplaceExpr {
  readonly kind: 'labelReplace';
  readonly place: Place;
  readonly input: MetricExpr;
  readonly to: string;
  readonly replacement: string;
  readonly from: string;
  readonly regex: string;
}

export const rangeOps = [
  'rate',
  'rate_counter',
  'count_over_time',
  'bytes_rate',
  'bytes_over_time',
  'avg_over_time',
  'sum_over_time',
  'min_over_time',
  'max_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'first_over_time',
  'last_over_time',
  'absent_over_time',
] as const;
export type RangeOp = (typeof rangeOps)[number];

export const vectorOps = [
  'sum',
  'avg',
  'count',
  'max',
  'min',
  'stddev',
  'stdvar',
  'bottomk',
  'topk',
  'approx_topk',
  'sort',
  'sort_desc',
] as const;
export type VectorOp = (typeof vectorOps)[number];
