import type { Place } from '../errors.ts';
import type {
  CompareOp,
  Field,
  FieldExpr,
  RankOp,
  SpanSeriesOp,
  SpansetAggregate,
  SpansetOp,
  Static,
  StructuralOp,
} from '../plan/generated.ts';

/** A whole query. */
export interface Query {
  /** What a search finds; of a metrics query its first spans. */
  readonly pipeline: Pipeline;
  /** `null` for a search. */
  readonly metrics: MetricsExpr | null;
  readonly hints: readonly Hint[];
}

/** `most_recent=true` of `with (most_recent=true)`. */
export interface Hint {
  readonly name: string;
  readonly value: Static;
}

/** Stages from left to right, each on the span sets of the one before. */
export interface Pipeline {
  readonly kind: 'pipeline';
  readonly place: Place;
  readonly stages: readonly PipelineStage[];
}

/** Conditions on fields are the plan's own expressions; they mean the same here. */
export type PipelineStage =
  | Spanset
  | ScalarFilter
  | { readonly kind: 'by'; readonly place: Place; readonly by: FieldExpr }
  | { readonly kind: 'coalesce'; readonly place: Place }
  | { readonly kind: 'select'; readonly place: Place; readonly fields: readonly Field[] };

export type Spanset =
  | { readonly kind: 'filter'; readonly place: Place; readonly condition: FieldExpr | null }
  | {
      readonly kind: 'combine';
      readonly place: Place;
      readonly op: SpansetOp;
      readonly left: Spanset;
      readonly right: Spanset;
    }
  | {
      readonly kind: 'structural';
      readonly place: Place;
      readonly op: StructuralOp;
      readonly negated: boolean;
      readonly union: boolean;
      readonly left: Spanset;
      readonly right: Spanset;
    }
  /** A pipeline in parentheses, as an operand. */
  | Pipeline;

/** `count() > 2`, `avg(duration) > 2 * min(duration)`. */
export interface ScalarFilter {
  readonly kind: 'scalarFilter';
  readonly place: Place;
  readonly op: CompareOp;
  readonly left: ScalarExpr;
  readonly right: ScalarExpr;
}

export type ScalarExpr =
  | {
      readonly kind: 'aggregate';
      readonly place: Place;
      readonly aggregate: SpansetAggregate;
      /** `null` for `count`. */
      readonly field: FieldExpr | null;
    }
  /** A constant, or an operation on constants. */
  | { readonly kind: 'constant'; readonly place: Place; readonly expr: FieldExpr }
  | {
      readonly kind: 'operation';
      readonly place: Place;
      readonly left: ScalarExpr;
      readonly right: ScalarExpr;
    };

/** Series over spans, and what is done with them. */
export type MetricsExpr =
  | MetricsAggregate
  | {
      readonly kind: 'rank';
      readonly place: Place;
      readonly op: RankOp;
      readonly count: bigint;
      readonly input: MetricsExpr;
    }
  | {
      readonly kind: 'compare';
      readonly place: Place;
      readonly op: CompareOp;
      readonly value: number;
      readonly input: MetricsExpr;
    }
  | {
      readonly kind: 'scale';
      readonly place: Place;
      readonly op: SpanSeriesOp;
      readonly value: number;
      readonly constantLeft: boolean;
      readonly input: MetricsExpr;
    }
  | {
      readonly kind: 'binary';
      readonly place: Place;
      readonly op: SpanSeriesOp;
      readonly left: MetricsExpr;
      readonly right: MetricsExpr;
    };

/** `{ … } | rate() by (name)`. */
export interface MetricsAggregate {
  readonly kind: 'aggregate';
  readonly place: Place;
  readonly pipeline: Pipeline;
  readonly function: MetricsFunction;
}

export type MetricsFunction =
  | { readonly name: 'rate' | 'count_over_time'; readonly by: readonly Field[] }
  | {
      readonly name:
        | 'min_over_time'
        | 'max_over_time'
        | 'sum_over_time'
        | 'avg_over_time'
        | 'histogram_over_time';
      readonly of: Field;
      readonly by: readonly Field[];
    }
  | {
      readonly name: 'quantile_over_time';
      readonly of: Field;
      readonly quantiles: readonly number[];
      readonly by: readonly Field[];
    }
  | {
      readonly name: 'compare';
      readonly selection: FieldExpr | null;
      readonly top: bigint;
      /** Nanoseconds; 0 for any time. */
      readonly from: bigint;
      readonly to: bigint;
    };
