import type { Place } from '../errors.ts';
import type {
  CompareOp,
  Field,
  FieldExpr,
  SpansetAggregate,
  SpansetOp,
  StructuralOp,
} from '../plan/generated.ts';

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
