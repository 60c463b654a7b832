import { type Place, QueryTextError } from '../errors.ts';
import type { LabelMatcher } from '../plan/generated.ts';
import { acceptsEmpty } from '../text/empty-match.ts';
import { goRegexpFault } from '../text/go-regexp.ts';
import {
  firstRepeated,
  ipRangeFault,
  jsonPathFault,
  linePatternFault,
  logfmtPathFault,
  patternFault,
  regexpFault,
} from './check-expressions.ts';
import { showStage } from './show.ts';
import type {
  BinaryExpr,
  LabelFilter,
  LinePattern,
  LogExpr,
  LogqlExpr,
  LogStage,
  MetricExpr,
  RangeAggregation,
  RangeOp,
  VectorAggregation,
} from './syntax.ts';

/** Whether an aggregation takes its values from a label (`| unwrap x`). */
const unwrapUse: Readonly<Record<RangeOp, 'needs' | 'takes' | 'refuses'>> = {
  rate: 'takes',
  absent_over_time: 'takes',
  count_over_time: 'refuses',
  bytes_rate: 'refuses',
  bytes_over_time: 'refuses',
  rate_counter: 'needs',
  avg_over_time: 'needs',
  sum_over_time: 'needs',
  min_over_time: 'needs',
  max_over_time: 'needs',
  stddev_over_time: 'needs',
  stdvar_over_time: 'needs',
  quantile_over_time: 'needs',
  first_over_time: 'needs',
  last_over_time: 'needs',
};

const groupable: ReadonlySet<RangeOp> = new Set([
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'first_over_time',
  'last_over_time',
]);

/**
 * What the grammar allows and the language does not: selectors that select everything, operands and
 * parameters of the wrong kind.
 *
 * @throws QueryTextError in Loki's words
 */
export function checkLogql(expr: LogqlExpr): void {
  switch (expr.kind) {
    case 'log':
      checkLog(expr);
      return;
    case 'rangeAggregation':
      checkRangeAggregation(expr);
      return;
    case 'vectorAggregation':
      checkVectorAggregation(expr);
      return;
    case 'binary':
      checkBinary(expr);
      return;
    case 'labelReplace': {
      const fault = goRegexpFault(`^(?:${expr.regex})$`);
      if (fault !== undefined) throw refusal(expr.place, `invalid regex in label_replace: ${fault}`);
      checkLogql(expr.input);
      return;
    }
    case 'literal':
    case 'vector':
      return;
  }
}

/** @throws QueryTextError when every matcher also accepts streams without its label */
export function checkMatchers(matchers: readonly LabelMatcher[], place: Place): void {
  checkExpressions(matchers, place);
  if (matchers.some((matcher) => !acceptsEmpty(matcher))) return;
  throw refusal(
    place,
    'queries require at least one regexp or equality matcher that does not have an empty-compatible value. ' +
      'For instance, app=~".*" does not meet this requirement, but app=~".+" will',
  );
}

function checkLog({ matchers, place, stages }: LogExpr): void {
  checkMatchers(matchers, place);
  stages.forEach(checkStage);
}

function checkStage(stage: LogStage): void {
  const fault = stageFault(stage);
  if (fault !== undefined) throw refusal(stage.place, `stage '${showStage(stage)}' : ${fault}`);
  if (stage.kind === 'labelFilter') checkExpressions(matchersOf(stage.filter), stage.place);
  if (stage.kind === 'drop' || stage.kind === 'keep')
    checkExpressions(
      stage.labels.flatMap(({ matches }) => matches ?? []),
      stage.place,
    );
  if (stage.kind !== 'regexp' && stage.kind !== 'pattern') return;
  const check = stage.kind === 'regexp' ? regexpFault : patternFault;
  const inside = check(stage.expression);
  if (inside !== undefined) throw refusal(stage.place, `invalid ${stage.kind} parser: ${inside}`);
}

/** What is wrong with a stage for which Loki shows the stage. */
function stageFault(stage: LogStage): string | undefined {
  switch (stage.kind) {
    case 'lineFilter':
      if (!['|=', '!='].includes(stage.op) && stage.patterns.some(({ ip }) => ip))
        return 'ip: invalid operation';
      return firstFault(stage.patterns, (pattern) => lineFilterFault(stage.op, pattern));
    case 'labelFormat': {
      const names = stage.formats.map(({ to }) => to);
      if (names.includes('__error__')) return '__error__ cannot be formatted';
      const twice = firstRepeated(names);
      if (twice === undefined) return undefined;
      return `multiple label name '${twice}' not allowed in a single format operation`;
    }
    case 'json':
      return firstFault(stage.expressions, ({ path }) => extractionFault(path, jsonPathFault));
    case 'logfmt':
      return firstFault(stage.expressions, ({ path }) => extractionFault(path, logfmtPathFault));
    case 'labelFilter':
      return firstFault(rangesOf(stage.filter), ipRangeFault);
    case 'regexp':
    case 'pattern':
    case 'unpack':
    case 'decolorize':
    case 'lineFormat':
    case 'drop':
    case 'keep':
      return undefined;
  }
}

function lineFilterFault(op: string, { text, ip }: LinePattern): string | undefined {
  if (ip) return ipRangeFault(text);
  if (op === '|>' || op === '!>') return linePatternFault(text);
  return op === '|~' || op === '!~' ? goRegexpFault(text) : undefined;
}

function checkExpressions(matchers: readonly Pick<LabelMatcher, 'op' | 'value'>[], place: Place): void {
  const fault = firstFault(matchers, ({ op, value }) =>
    op === '=~' || op === '!~' ? goRegexpFault(value) : undefined,
  );
  if (fault !== undefined) throw refusal(place, fault);
}

function matchersOf(filter: LabelFilter): LabelMatcher[] {
  return leavesOf(filter).flatMap((leaf) => (leaf.kind === 'text' ? leaf.matcher : []));
}

function rangesOf(filter: LabelFilter): string[] {
  return leavesOf(filter).flatMap((leaf) => (leaf.kind === 'ip' ? leaf.range : []));
}

function leavesOf(filter: LabelFilter): LabelFilter[] {
  if (filter.kind !== 'and' && filter.kind !== 'or') return [filter];
  return [...leavesOf(filter.left), ...leavesOf(filter.right)];
}

function extractionFault(path: string, check: (path: string) => string | undefined): string | undefined {
  const fault = check(path);
  return fault === undefined ? undefined : `cannot parse expression [${path}]: ${fault}`;
}

function firstFault<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  return items.map(check).find((fault) => fault !== undefined);
}

function checkRangeAggregation({ op, place, param, input, grouping }: RangeAggregation): void {
  const unwraps = input.unwrap !== null;
  if (op === 'quantile_over_time') {
    if (param === null) throw refusal(place, `parameter required for operation ${op}`);
  } else if (param !== null) throw refusal(place, `parameter ${param} not supported for operation ${op}`);
  if (grouping !== null && !groupable.has(op))
    throw refusal(place, `grouping not allowed for ${op} aggregation`);
  if (unwrapUse[op] === 'needs' && !unwraps) throw refusal(place, `invalid aggregation ${op} without unwrap`);
  if (unwrapUse[op] === 'refuses' && unwraps) throw refusal(place, `invalid aggregation ${op} with unwrap`);
  checkLog(input.log);
  for (const filter of input.unwrap?.filters ?? []) checkStage({ kind: 'labelFilter', place, filter });
}

function checkVectorAggregation({ op, place, param, input, grouping }: VectorAggregation): void {
  checkMetric(input, op, place);
  const needsParam = op === 'topk' || op === 'bottomk' || op === 'approx_topk';
  if (needsParam && param === null) throw refusal(place, `parameter required for operation ${op}`);
  if (!needsParam && param !== null)
    throw refusal(place, `unsupported parameter for operation ${op}(${param},`);
  if (needsParam && !Number.isInteger(param))
    throw refusal(place, `invalid parameter ${op}(${Number(param)},`);
  if (needsParam && Number(param) <= 0)
    throw refusal(place, `invalid parameter (must be greater than 0) ${op}(${Number(param)}`);
  if (op === 'approx_topk' && grouping !== null)
    throw refusal(place, `grouping not allowed for ${op} aggregation`);
  const sorts = op === 'sort' || op === 'sort_desc';
  if (sorts && grouping !== null && grouping.labels.length > 0)
    throw refusal(place, "sort and sort_desc doesn't allow grouping by ");
}

function checkMetric(input: MetricExpr, op: string, place: Place): void {
  if (input.kind === 'literal')
    throw refusal(
      place,
      `unexpected literal ${input.value} in ${op}(); it takes series, such as rate({…}[5m])`,
    );
  checkLogql(input);
}

function checkBinary({ op, left, right, place }: BinaryExpr): void {
  for (const [leg, side] of [
    [left, 'left'],
    [right, 'right'],
  ] as const) {
    if (leg.kind === 'log') {
      const type = leg.stages.length === 0 ? 'MatchersExpr' : 'PipelineExpr';
      throw refusal(place, `unexpected type for ${side} leg of binary operation (${op}): *syntax.${type}`);
    }
    if ((op === 'and' || op === 'or' || op === 'unless') && leg.kind === 'literal')
      throw refusal(
        place,
        `unexpected literal for ${side} leg of logical/set binary operation (${op}): ${leg.value.toFixed(6)}`,
      );
    checkLogql(leg);
  }
}

/** Loki gives these errors no position; ours keep it in their fields. */
function refusal(place: Place, message: string): QueryTextError {
  return new QueryTextError('logql', place, `parse error : ${message}`);
}
