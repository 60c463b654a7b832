import { QueryTextError } from '../errors.ts';
import type { LogqlInstant, LogqlRange } from '../how.ts';
import { equalityLabels, instant, matchingByAllLabels, number, steps, timeRange } from '../plan/build.ts';
import type {
  LabelFilterExpr,
  LabelMatcher,
  LogRows,
  LogWindowFunction,
  NumberUnit,
  Plan,
  Unwrap as PlanUnwrap,
  SeriesExpr,
  Stage,
  TimeRange,
} from '../plan/generated.ts';
import type {
  BinaryExpr,
  LabelFilter,
  LogExpr,
  LogqlExpr,
  LogRange,
  LogStage,
  MetricExpr,
  RangeAggregation,
  Unwrap,
  VectorAggregation,
} from './syntax.ts';
import { wordsOf } from './words-pattern.ts';

/**
 * A checked query as a plan.
 *
 * @throws QueryTextError for an instant log query
 */
export function lowerLogql(expr: LogqlExpr, how: LogqlRange | LogqlInstant): Plan {
  if (expr.kind !== 'log') {
    if (how.kind === 'range') refuseApproximations(expr);
    const when = how.kind === 'range' ? steps(how.from, how.to, how.step) : instant(how.time);
    return { node: 'series', expr: series(expr), steps: when, dialect: 'loki' };
  }
  if (how.kind === 'instant')
    throw new QueryTextError(
      'logql',
      expr.place,
      'log queries are not supported as an instant query type, please change your query to a range query type',
    );
  return {
    node: 'logRows',
    input: logRows(expr, timeRange(how.from, how.to)),
    limit: how.limit,
    direction: how.direction,
    interval: how.interval.toString(),
  };
}

function logRows({ matchers, stages }: LogExpr, range: TimeRange | null): LogRows {
  return { scan: { matchers: [...matchers], range }, stages: stages.map(stageOf) };
}

function stageOf(stage: LogStage): Stage {
  switch (stage.kind) {
    case 'lineFilter': {
      const { op, patterns } = stage;
      return { stage: 'lineFilter', op, patterns: patterns.map(({ text, ip }) => ({ text, ip })) };
    }
    case 'labelFilter':
      return { stage: 'labelFilter', expr: labelFilter(stage.filter) };
    case 'json':
      return { stage: 'parse', parser: { kind: 'json', expressions: [...stage.expressions] } };
    case 'logfmt': {
      const { strict, keepEmpty, expressions } = stage;
      return {
        stage: 'parse',
        parser: { kind: 'logfmt', strict, keepEmpty, expressions: [...expressions] },
      };
    }
    case 'drop':
    case 'keep':
      return { stage: stage.kind, labels: [...stage.labels] };
    case 'regexp':
    case 'pattern':
      return { stage: 'parse', parser: { kind: stage.kind, expression: stage.expression } };
    case 'unpack':
      return { stage: 'parse', parser: { kind: 'unpack' } };
    case 'decolorize':
      return { stage: 'decolorize' };
    case 'lineFormat':
      return { stage: 'lineFormat', template: stage.template };
    case 'labelFormat':
      return { stage: 'labelFormat', formats: stage.formats.map(({ to, from }) => ({ to, from })) };
  }
}

function labelFilter(filter: LabelFilter): LabelFilterExpr {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, left: labelFilter(filter.left), right: labelFilter(filter.right) };
    case 'text':
      return textFilter(filter.matcher);
    case 'number': {
      const { name, op, unit, value } = filter;
      return { kind: 'number', name, op, unit, value };
    }
    case 'ip':
      return { kind: 'ip', name: filter.name, negated: filter.op === '!=', range: filter.range };
  }
}

function textFilter(matcher: LabelMatcher): LabelFilterExpr {
  const { name, op, value } = matcher;
  const words = op === '=~' || op === '!~' ? wordsOf(value) : undefined;
  if (words === undefined) return { kind: 'text', matcher };
  const { ignoresCase, tests } = words;
  return { kind: 'words', name, negated: op === '!~', ignoresCase, tests: [...tests] };
}

function series(expr: MetricExpr): SeriesExpr {
  switch (expr.kind) {
    case 'literal':
      return number(expr.value);
    case 'vector':
      return { node: 'call', function: 'vector', args: [number(expr.value)] };
    case 'rangeAggregation':
      return rangeAggregation(expr);
    case 'vectorAggregation':
      return vectorAggregation(expr);
    case 'labelReplace': {
      const { to, replacement, from, regex } = expr;
      return { node: 'labelReplace', input: series(expr.input), to, replacement, from, regex };
    }
    case 'binary':
      return binary(expr);
  }
}

function rangeAggregation({ op, param, input, grouping }: RangeAggregation): SeriesExpr {
  if (op === 'absent_over_time') {
    return {
      node: 'absent',
      input: logWindow(input, 'count_over_time'),
      labels: equalityLabels(input.log.matchers),
    };
  }
  // As in Loki, a grouping that names no label leaves none: `without ()` too.
  const without = grouping !== null && grouping.without && grouping.labels.length > 0;
  const groups = grouping === null ? null : { without, labels: grouping.labels };
  return { ...logWindow(input, op), grouping: groups, param };
}

function logWindow(
  { log, range, offset, unwrap }: LogRange,
  windowFunction: LogWindowFunction,
): SeriesExpr & { node: 'logWindow' } {
  return {
    node: 'logWindow',
    input: logRows(log, null),
    function: windowFunction,
    range: range.toString(),
    offset: offset.toString(),
    grouping: null,
    unwrap: unwrap === null ? null : unwrapped(unwrap),
    param: null,
  };
}

function unwrapped({ label, conversion, filters }: Unwrap): PlanUnwrap {
  return { label, unit: unitOf(conversion), filters: filters.map(labelFilter) };
}

function unitOf(conversion: Unwrap['conversion']): NumberUnit {
  switch (conversion) {
    case null:
      return 'plain';
    case 'bytes':
      return 'bytes';
    case 'duration':
    case 'duration_seconds':
      return 'seconds';
  }
}

function vectorAggregation({ op, param, input, grouping }: VectorAggregation): SeriesExpr {
  return {
    node: 'aggregate',
    // Exact counts are the best approximation.
    op: op === 'approx_topk' ? 'topk' : op,
    input: series(input),
    grouping,
    param: param === null ? null : number(param),
  };
}

/** Loki counts approximately at one instant only. */
function refuseApproximations(expr: LogqlExpr): void {
  switch (expr.kind) {
    case 'vectorAggregation':
      if (expr.op === 'approx_topk')
        throw new QueryTextError(
          'logql',
          expr.place,
          'count min sketches are only supported on instant queries',
        );
      refuseApproximations(expr.input);
      return;
    case 'labelReplace':
      refuseApproximations(expr.input);
      return;
    case 'binary':
      refuseApproximations(expr.left);
      refuseApproximations(expr.right);
      return;
    case 'log':
    case 'rangeAggregation':
    case 'literal':
    case 'vector':
      return;
  }
}

function binary({ op, left, right, returnBool, matching }: BinaryExpr): SeriesExpr {
  if (left.kind === 'log' || right.kind === 'log')
    throw new Error(`${op} has a log query as operand; check.ts refuses that`);
  const joins = !isScalar(left) && !isScalar(right);
  return {
    node: 'binary',
    op,
    left: series(left),
    right: series(right),
    returnBool,
    matching: joins ? (matching ?? matchingByAllLabels(op)) : null,
  };
}

function isScalar(expr: LogqlExpr): boolean {
  return expr.kind === 'literal';
}
