import { ConstructUnsupportedError, QueryTextError } from '../errors.ts';
import type { LogqlInstant, LogqlRange } from '../how.ts';
import { equalityLabels, instant, matchingByAllLabels, number, steps, timeRange } from '../plan/build.ts';
import type {
  LabelFilterExpr,
  LogRows,
  LogWindowFunction,
  Plan,
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
  VectorAggregation,
} from './syntax.ts';

/**
 * A checked query as a plan.
 *
 * @throws QueryTextError for an instant log query; ConstructUnsupportedError for what the plan has no
 *   node for
 */
export function lowerLogql(expr: LogqlExpr, how: LogqlRange | LogqlInstant): Plan {
  if (expr.kind !== 'log') {
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
      const { op, patterns, place } = stage;
      if (op === '|>' || op === '!>') throw unsupported(place, `line pattern filter ${op}`);
      if (patterns.some(({ ip }) => ip)) throw unsupported(place, `line filter ${op} ip(…)`);
      return { stage: 'lineFilter', op, patterns: patterns.map(({ text }) => text) };
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
    case 'unpack':
    case 'decolorize':
      throw unsupported(stage.place, `stage ${stage.kind}`);
    case 'lineFormat':
      throw unsupported(stage.place, 'stage line_format');
    case 'labelFormat':
      throw unsupported(stage.place, 'stage label_format');
  }
}

function labelFilter(filter: LabelFilter): LabelFilterExpr {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, left: labelFilter(filter.left), right: labelFilter(filter.right) };
    case 'text':
      return { kind: 'text', matcher: filter.matcher };
    case 'number': {
      const { name, op, unit, value } = filter;
      return { kind: 'number', name, op, unit, value };
    }
    case 'ip':
      throw unsupported(filter.place, `label filter ${filter.op} ip(…)`);
  }
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

function rangeAggregation({ op, place, input, grouping }: RangeAggregation): SeriesExpr {
  if (input.unwrap !== null) throw unsupported(input.unwrap.place, `${op}() over unwrapped values`);
  switch (op) {
    case 'rate':
    case 'count_over_time':
    case 'bytes_rate':
    case 'bytes_over_time':
      return { ...logWindow(input, op), grouping };
    case 'absent_over_time':
      return {
        node: 'absent',
        input: logWindow(input, 'count_over_time'),
        labels: equalityLabels(input.log.matchers),
      };
    case 'rate_counter':
    case 'avg_over_time':
    case 'sum_over_time':
    case 'min_over_time':
    case 'max_over_time':
    case 'stddev_over_time':
    case 'stdvar_over_time':
    case 'quantile_over_time':
    case 'first_over_time':
    case 'last_over_time':
      throw unsupported(place, `${op}()`);
  }
}

function logWindow(
  { log, range, offset }: LogRange,
  windowFunction: LogWindowFunction,
): SeriesExpr & { node: 'logWindow' } {
  return {
    node: 'logWindow',
    input: logRows(log, null),
    function: windowFunction,
    range: range.toString(),
    offset: offset.toString(),
    grouping: null,
  };
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
  return expr.kind === 'literal' || (expr.kind === 'binary' && isScalar(expr.left) && isScalar(expr.right));
}

function unsupported(place: LogExpr['place'], construct: string): ConstructUnsupportedError {
  return new ConstructUnsupportedError('logql', place, construct);
}
