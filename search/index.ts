export type { SearchOptions } from './budget.ts';
export { type Language, QueryTextError } from './errors.ts';
export { createSearch, type Search, type SearchRequest } from './execute.ts';
export type { LogqlInstant, LogqlRange, PromqlHow, TraceqlHow, TraceqlMetricsHow } from './how.ts';
export { logql } from './logql/logql.ts';
export { lookup, type Selectors, type TimeBounds } from './lookup.ts';
export { explain } from './plan/explain.ts';
export type {
  AnswerFormat,
  AsOf,
  AttributeScope,
  Direction,
  Field,
  FieldExpr,
  FieldsOf,
  Intrinsic,
  LabelMatcher,
  LabelsOf,
  LogRows,
  MatchOp,
  Plan,
  SpanSelection,
  VolumeBy,
} from './plan/generated.ts';
export { promql } from './promql/promql.ts';
export type { SqlFormat, SqlStatement } from './sql.ts';
export { showPrometheusDuration } from './text/duration.ts';
export { parseTraceId, type TraceId } from './trace-id.ts';
export { traceql } from './traceql/traceql.ts';
export { type WordsHow, words } from './words/words.ts';
