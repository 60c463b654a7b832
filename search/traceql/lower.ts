import { ConstructUnsupportedError, type Place } from '../errors.ts';
import type { TraceqlHow } from '../how.ts';
import { timeRange } from '../plan/build.ts';
import type { CompareOp, Field, FieldExpr, Plan, SpansetExpr, Static } from '../plan/generated.ts';
import { showField } from './fields.ts';
import { folded } from './fold.ts';
import { showExpr } from './show.ts';
import type { Pipeline, PipelineStage, ScalarFilter, Spanset } from './syntax.ts';

/**
 * A checked query as a plan.
 *
 * @param measured fields that a metrics query computes with, which a search for its spans shows
 *
 * @throws ConstructUnsupportedError for what the plan has no node for
 */
export function lowerTraceql(query: Pipeline, how: TraceqlHow, measured: readonly Field[] = []): Plan {
  const mentioned: Mentioned = new Map();
  const spanset = pipeline(query, mentioned);
  for (const field of measured) mentioned.set(`select ${showField(field)}`, field);
  return {
    node: 'traceSearch',
    spanset,
    range: timeRange(how.from, how.to),
    limit: how.limit,
    spansPerSet: how.spansPerSet,
    select: [...mentioned.values()],
    summariesOnly: how.summariesOnly,
  };
}

/**
 * The spans that a pipeline finds.
 *
 * @throws ConstructUnsupportedError for what the plan has no node for
 */
export function lowerSpanset(query: Pipeline): SpansetExpr {
  return pipeline(query, new Map());
}

/**
 * Fields in the order of their first mention. One that a condition has and `select()` too is in it twice: a
 * field that is only compared is shown only on spans where it compares so.
 */
type Mentioned = Map<string, Field>;

function pipeline({ stages }: Pipeline, mentioned: Mentioned): SpansetExpr {
  const [first, ...others] = stages;
  if (first === undefined) throw new Error('a pipeline has no stage; parse.ts refuses that');
  // A first stage that is no span set works on the spans of whole traces.
  const start: SpansetExpr = { node: 'filter', condition: null };
  const input = isSpanset(first) ? spanset(first, mentioned) : then(start, first, mentioned);
  return others.reduce((before, stage) => then(before, stage, mentioned), input);
}

function isSpanset(stage: PipelineStage): stage is Spanset {
  switch (stage.kind) {
    case 'filter':
    case 'combine':
    case 'structural':
    case 'pipeline':
      return true;
    case 'scalarFilter':
    case 'by':
    case 'coalesce':
    case 'select':
      return false;
  }
}

function then(input: SpansetExpr, stage: PipelineStage, mentioned: Mentioned): SpansetExpr {
  switch (stage.kind) {
    case 'filter':
      mention(stage.condition, mentioned);
      return { node: 'then', input, condition: stage.condition };
    case 'scalarFilter':
      return aggregateFilter(input, stage, mentioned);
    case 'by':
      mention(stage.by, mentioned);
      return { node: 'groupBy', input, by: stage.by, label: `by(${showExpr(stage.by)})` };
    case 'coalesce':
      return { node: 'coalesce', input };
    case 'select':
      for (const field of stage.fields) mentioned.set(`select ${showField(field)}`, field);
      return input;
    case 'combine':
    case 'structural':
    case 'pipeline':
      throw unsupported(stage.place, 'an operation between span sets after |');
  }
}

function spanset(expr: Spanset, mentioned: Mentioned): SpansetExpr {
  switch (expr.kind) {
    case 'filter':
      mention(expr.condition, mentioned);
      return { node: 'filter', condition: expr.condition };
    case 'combine':
      return {
        node: 'combine',
        op: expr.op,
        left: spanset(expr.left, mentioned),
        right: spanset(expr.right, mentioned),
      };
    case 'structural':
      return {
        node: 'structural',
        op: expr.op,
        negated: expr.negated,
        union: expr.union,
        left: spanset(expr.left, mentioned),
        right: spanset(expr.right, mentioned),
      };
    case 'pipeline':
      return pipeline(expr, mentioned);
  }
}

/** `2 < count()` is `count() > 2`. */
const mirrored: Readonly<Record<CompareOp, CompareOp>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

function aggregateFilter(
  input: SpansetExpr,
  { op, left, right, place }: ScalarFilter,
  mentioned: Mentioned,
): SpansetExpr {
  const turned = left.kind === 'constant';
  const aggregate = turned ? right : left;
  const constant = turned ? left : right;
  if (aggregate.kind === 'operation' || constant.kind === 'operation')
    throw unsupported(place, 'arithmetic on aggregates');
  if (aggregate.kind !== 'aggregate') throw unsupported(place, 'a comparison of two constants');
  if (constant.kind !== 'constant') throw unsupported(place, 'a comparison of two aggregates');
  mention(aggregate.field, mentioned);
  return {
    node: 'aggregateFilter',
    input,
    aggregate: aggregate.aggregate,
    field: aggregate.field,
    op: turned ? mirrored[op] : op,
    value: staticOf(constant.expr, constant.place),
  };
}

function staticOf(expr: FieldExpr, place: Place): Static {
  const value = folded(expr);
  if (value === null) throw unsupported(place, 'arithmetic in an aggregate filter');
  return value;
}

function mention(expr: FieldExpr | null, mentioned: Mentioned): void {
  if (expr === null) return;
  switch (expr.kind) {
    case 'field':
      mentionField(expr.field, mentioned);
      return;
    case 'static':
      return;
    case 'not':
    case 'negate':
      mention(expr.input, mentioned);
      return;
    case 'binary':
      mention(expr.left, mentioned);
      mention(expr.right, mentioned);
      return;
  }
}

function mentionField(field: Field, mentioned: Mentioned): void {
  const shown = showField(field);
  if (!mentioned.has(shown)) mentioned.set(shown, field);
}

function unsupported(place: Place, construct: string): ConstructUnsupportedError {
  return new ConstructUnsupportedError('traceql', place, construct);
}
