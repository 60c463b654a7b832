import { QueryTextError } from '../errors.ts';
import type { TraceqlHow, TraceqlMetricsHow } from '../how.ts';
import { balanced } from '../plan/build.ts';
import { nestsDeeper, withinDepth } from '../plan/depth.ts';
import type { Field, FieldExpr, Plan } from '../plan/generated.ts';
import { checkCondition, checkOfOneSpan, checkTraceql } from './check.ts';
import { checkMetrics } from './check-metrics.ts';
import { lowerTraceql } from './lower.ts';
import { lowerMetrics, measuredFields } from './lower-metrics.ts';
import { narrowing } from './narrowing.ts';
import { parseCondition, parseField, parseTraceql } from './parse.ts';

/** As deep as a condition may nest and still have room for others beside it, in a plan around it. */
const conditionDepthMax = 100;

/** TraceQL, Tempo's language. */
export const traceql = {
  /** A search; of a metrics query for the spans that it is about. @throws QueryTextError */
  plan(text: string, how: TraceqlHow): Plan {
    const { pipeline, metrics } = parseTraceql(text);
    if (metrics === null) checkTraceql(pipeline);
    else checkMetrics(metrics);
    return withinDepth(
      'traceql',
      lowerTraceql(pipeline, how, metrics === null ? [] : measuredFields(metrics)),
    );
  },

  /** Series over spans. @throws QueryTextError also for a search */
  metrics(text: string, how: TraceqlMetricsHow): Plan {
    const { metrics, hints } = parseTraceql(text);
    if (metrics === null) throw new QueryTextError('traceql', { line: 1, column: 1 }, 'not a metrics query');
    checkMetrics(metrics);
    return withinDepth('traceql', lowerMetrics(metrics, hints, how));
  },

  /** Whether the query answers with series instead of traces. @throws QueryTextError */
  isMetrics(text: string): boolean {
    return parseTraceql(text).metrics !== null;
  },

  /**
   * The condition of the first spanset filter, for pickers that send what is typed so far: parts
   * that are broken are left out, and what Tempo does not narrow lists by. Never throws.
   */
  condition(text: string): FieldExpr | null {
    const condition = finishedCondition(text);
    return condition === null ? null : narrowing(condition);
  },

  /** The condition of a query that is one spanset filter and nothing else. @throws QueryTextError */
  filter(text: string): FieldExpr | null {
    const { pipeline, metrics } = parseTraceql(text);
    checkTraceql(pipeline);
    const [first, ...others] = pipeline.stages;
    if (metrics !== null || first?.kind !== 'filter' || others.length > 0)
      throw new QueryTextError(
        'traceql',
        pipeline.place,
        'expected one spanset filter such as { name = "x" }',
      );
    return first.condition;
  },

  /**
   * The condition of one spanset filter that single spans can be asked for, without their trace.
   *
   * @throws QueryTextError
   */
  spanCondition(text: string): FieldExpr | null {
    const condition = traceql.filter(text);
    if (condition !== null) checkOfOneSpan(condition, { line: 1, column: 1 });
    return condition;
  },

  /** One field: `resource.service.name`, `.x`, `name`, `span:status`. @throws QueryTextError */
  field(text: string): Field {
    return parseField(text);
  },
};

function conditionOrNull(text: string): FieldExpr | null {
  try {
    const condition = parseCondition(text);
    checkCondition(condition, { line: 1, column: 1 });
    return nestsDeeper(condition, conditionDepthMax) ? null : condition;
  } catch (thrown) {
    if (thrown instanceof QueryTextError) return null;
    throw thrown;
  }
}

/** The condition of the first spanset filter without the parts that are broken. */
function finishedCondition(text: string): FieldExpr | null {
  const [filter, content = ''] = /\{((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^}"`])*)\}?/.exec(text) ?? [''];
  const inside = content.trim();
  // Spans that stand in a relation to others are not those of the first filter.
  const isRelated = /^\s*[!&]?(?:[<>]|~)/.test(text.slice(text.indexOf(filter) + filter.length));
  if (inside === '' || isRelated) return null;
  const whole = conditionOrNull(inside);
  // Leaving out a part of an `||` would hide values instead of showing more.
  if (whole !== null || inside.includes('||')) return whole;
  const [first, ...others] = inside
    .split('&&')
    .map(conditionOrNull)
    .filter((part) => part !== null);
  if (first === undefined) return null;
  return balanced([first, ...others], (left, right) => ({ kind: 'binary', op: '&&', left, right }));
}
