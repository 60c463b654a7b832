import { type Place, QueryTextError } from '../errors.ts';
import type { LabelMatcher } from '../plan/generated.ts';
import { acceptsEmpty } from '../text/empty-match.ts';
import { quote } from '../text/string.ts';
import type {
  BinaryExpr,
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
    case 'labelReplace':
      checkLogql(expr.input);
      return;
    case 'literal':
    case 'vector':
      return;
  }
}

/** @throws QueryTextError when every matcher also accepts streams without its label */
export function checkMatchers(matchers: readonly LabelMatcher[], place: Place): void {
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
  switch (stage.kind) {
    case 'lineFilter':
      if (!['|=', '!='].includes(stage.op) && stage.patterns.some(({ ip }) => ip))
        throw refusal(stage.place, `stage '${stage.op} ip(…)' : ip: invalid operation`);
      if (stage.op === '|>' || stage.op === '!>')
        for (const { text } of stage.patterns) checkLinePattern(stage.place, text);
      return;
    case 'regexp':
      checkCaptures(stage.place, stage.expression);
      return;
    case 'pattern':
      checkPattern(stage.place, stage.expression);
      return;
    case 'labelFormat': {
      const names = stage.formats.map(({ to }) => to);
      const twice = firstRepeated(names);
      if (twice !== undefined)
        throw refusal(
          stage.place,
          `stage '| label_format …' : multiple label name '${twice}' not allowed in a single format operation`,
        );
      return;
    }
    case 'labelFilter':
    case 'json':
    case 'logfmt':
    case 'unpack':
    case 'decolorize':
    case 'lineFormat':
    case 'drop':
    case 'keep':
      return;
  }
}

function checkCaptures(place: Place, expression: string): void {
  const names = [...expression.matchAll(/\(\?P?<(\w+)>/g)].map(([, name]) => name ?? '');
  if (names.length === 0)
    throw refusal(place, 'invalid regexp parser: at least one named capture must be supplied');
  const twice = firstRepeated(names);
  if (twice !== undefined)
    throw refusal(place, `invalid regexp parser: duplicate extracted label name '${twice}'`);
}

/** A line pattern has unnamed captures alone, none beside another. */
function checkLinePattern(place: Place, expression: string): void {
  const captures = [...expression.matchAll(/<([A-Za-z_][A-Za-z0-9_]*)>/g)].map(([, name]) => name ?? '');
  if (captures.some((name) => name !== '_')) throw refusal(place, 'named captures are not allowed');
  if (expression.includes('<_><_>')) throw refusal(place, 'found consecutive capture: invalid expression');
}

function checkPattern(place: Place, expression: string): void {
  const captures = [...expression.matchAll(/<([A-Za-z_][A-Za-z0-9_]*)>/g)].map(([, name]) => name ?? '');
  const names = captures.filter((name) => name !== '_');
  if (names.length === 0) throw refusal(place, 'invalid pattern parser: at least one capture is required');
  const twice = firstRepeated(names);
  if (twice !== undefined)
    throw refusal(place, `invalid pattern parser: duplicate capture name (${twice}): invalid expression`);
  if (/<[A-Za-z_][A-Za-z0-9_]*><[A-Za-z_][A-Za-z0-9_]*>/.test(expression))
    throw refusal(place, 'invalid pattern parser: found consecutive capture: invalid expression');
}

function firstRepeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

function checkRangeAggregation({ op, place, param, input, grouping }: RangeAggregation): void {
  checkLog(input.log);
  const unwraps = input.unwrap !== null;
  if (op === 'quantile_over_time') {
    if (param === null) throw refusal(place, `parameter required for operation ${op}`);
  } else if (param !== null) throw refusal(place, `parameter ${param} not supported for operation ${op}`);
  if (unwrapUse[op] === 'needs' && !unwraps) throw refusal(place, `invalid aggregation ${op} without unwrap`);
  if (unwrapUse[op] === 'refuses' && unwraps) throw refusal(place, `invalid aggregation ${op} with unwrap`);
  if (grouping !== null && !groupable.has(op))
    throw refusal(place, `grouping not allowed for ${op} aggregation`);
}

function checkVectorAggregation({ op, place, param, input, grouping }: VectorAggregation): void {
  checkMetric(input, op, place);
  const needsParam = op === 'topk' || op === 'bottomk' || op === 'approx_topk';
  if (needsParam && param === null) throw refusal(place, `parameter required for operation ${op}`);
  if (!needsParam && param !== null)
    throw refusal(place, `unsupported parameter for operation ${op}(${param},`);
  if (needsParam && !(Number.isInteger(param) && Number(param) > 0))
    throw refusal(place, `invalid parameter (must be a whole number greater than 0) ${op}(${Number(param)},`);
  const ungroupable = op === 'approx_topk' || op === 'sort' || op === 'sort_desc';
  if (ungroupable && grouping !== null) throw refusal(place, `grouping not allowed for ${op} aggregation`);
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
        `unexpected literal for ${side} leg of logical/set binary operation (${quote(op).slice(1, -1)}): ${leg.value}`,
      );
    checkLogql(leg);
  }
}

/** Loki gives these errors no position; ours keep it in their fields. */
function refusal(place: Place, message: string): QueryTextError {
  return new QueryTextError('logql', place, `parse error : ${message}`);
}
