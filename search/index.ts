import { ConstructUnsupportedError, type Language } from './errors.ts';
import type { TraceqlHow } from './how.ts';
import type { Field, FieldExpr, Plan } from './plan/generated.ts';

export type { SearchOptions } from './budget.ts';
export { ConstructUnsupportedError, type Language, QueryTextError } from './errors.ts';
export { createSearch, type Search, type SearchRequest } from './execute.ts';
export type { LogqlInstant, LogqlRange, PromqlHow, TraceqlHow } from './how.ts';
export { logql } from './logql/logql.ts';
export { lookup, type Selectors, type TimeBounds } from './lookup.ts';
export type {
  AnswerFormat,
  AttributeScope,
  Direction,
  Field,
  FieldExpr,
  Intrinsic,
  LabelMatcher,
  LabelsOf,
  MatchOp,
  Plan,
} from './plan/generated.ts';
export { promql } from './promql/promql.ts';
export { parseTraceId, type TraceId } from './trace-id.ts';

/** TraceQL, Tempo's language. */
interface Traceql {
  /** @throws QueryTextError */
  plan(text: string, how: TraceqlHow): Plan;
  /** The condition of the first spanset filter; broken parts are left out. Never throws. */
  condition(text: string): FieldExpr | null;
  /** One field: `resource.service.name`, `.x`, `name`, `span:status`. @throws QueryTextError */
  field(text: string): Field;
}

export const traceql: Traceql = {
  plan: refuse('traceql'),
  condition: () => null,
  field: refuse('traceql'),
};

function refuse(language: Language): (text: string) => never {
  return (text) => {
    throw new ConstructUnsupportedError(language, { line: 1, column: 1 }, text);
  };
}
