import type { Function as PlanFunction, WindowFunction } from '../plan/generated.ts';

/** What an expression gives. */
export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

/** How PromQL's messages call it. */
export const typeNames: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

/** What a function becomes in a plan. */
export type Lowering =
  | { readonly to: 'call'; readonly function: PlanFunction }
  /** Of the minute, hour or day: of the evaluation time where no argument is given. */
  | { readonly to: 'timeCall'; readonly function: PlanFunction }
  | { readonly to: 'window'; readonly function: WindowFunction }
  | { readonly to: 'absent' | 'labelReplace' | 'labelJoin' | 'info' }
  /** The larger or smaller of two scalars: one of them is clamped by the other. */
  | { readonly to: 'clamp'; readonly function: 'clamp_min' | 'clamp_max' }
  /** A constant of the request, in seconds. */
  | { readonly to: 'queryTime'; readonly of: 'start' | 'end' | 'step' | 'range' }
  /** Known and typed, but the plan has no node for it. */
  | { readonly to: 'nothing' };

/** A function's signature. The last `optional` of `args` may be left out; the very last may repeat. */
export interface Signature {
  readonly args: readonly ValueType[];
  readonly optional: number;
  readonly repeats: boolean;
  readonly gives: ValueType;
  readonly lowering: Lowering;
}

const call = (name: PlanFunction): Lowering => ({ to: 'call', function: name });
const window = (name: WindowFunction): Lowering => ({ to: 'window', function: name });
const nothing: Lowering = { to: 'nothing' };

function signature(
  args: readonly ValueType[],
  gives: ValueType,
  lowering: Lowering,
  more: { optional?: number; repeats?: boolean } = {},
): Signature {
  return { args, gives, lowering, optional: more.optional ?? 0, repeats: more.repeats ?? false };
}

function each<Name extends string>(
  names: readonly Name[],
  of: (name: Name) => Signature,
): [string, Signature][] {
  return names.map((name) => [name, of(name)]);
}

const elementwise = [
  'abs',
  'ceil',
  'floor',
  'exp',
  'ln',
  'log2',
  'log10',
  'sqrt',
  'sgn',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'deg',
  'rad',
  'timestamp',
  'sort',
  'sort_desc',
] as const;

const ofTime = [
  'minute',
  'hour',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'month',
  'year',
] as const;

const windows = [
  'rate',
  'increase',
  'delta',
  'irate',
  'idelta',
  'deriv',
  'changes',
  'resets',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'sum_over_time',
  'count_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'mad_over_time',
  'last_over_time',
  'first_over_time',
  'present_over_time',
] as const;

const ofHistograms = [
  'histogram_count',
  'histogram_sum',
  'histogram_avg',
  'histogram_stddev',
  'histogram_stdvar',
] as const;

const whenOverTime = [
  'ts_of_min_over_time',
  'ts_of_max_over_time',
  'ts_of_first_over_time',
  'ts_of_last_over_time',
] as const;

/** PromQL's functions, experimental ones included, by name. */
export const functions: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ...each(elementwise, (name) => signature(['vector'], 'vector', call(name))),
  ...each(ofTime, (name) =>
    signature(['vector'], 'vector', { to: 'timeCall', function: name }, { optional: 1 }),
  ),
  ...each(windows, (name) => signature(['matrix'], 'vector', { to: 'window', function: name })),
  ...each(ofHistograms, (name) => signature(['vector'], 'vector', call(name))),
  ...each(whenOverTime, (name) => signature(['matrix'], 'vector', window(name))),
  ['start_timestamp', signature(['vector'], 'vector', nothing)],
  ...each(['start', 'end', 'step', 'range'] as const, (of) =>
    signature([], 'scalar', { to: 'queryTime', of }),
  ),
  ['max_of', signature(['scalar', 'scalar'], 'scalar', { to: 'clamp', function: 'clamp_min' })],
  ['min_of', signature(['scalar', 'scalar'], 'scalar', { to: 'clamp', function: 'clamp_max' })],
  ...each(['pi', 'time'] as const, (name) => signature([], 'scalar', call(name))),
  ...each(['clamp_min', 'clamp_max'] as const, (name) =>
    signature(['vector', 'scalar'], 'vector', call(name)),
  ),
  ...each(['sort_by_label', 'sort_by_label_desc'] as const, (name) =>
    signature(['vector', 'string'], 'vector', call(name), { optional: 1, repeats: true }),
  ),
  ['clamp', signature(['vector', 'scalar', 'scalar'], 'vector', call('clamp'))],
  ['round', signature(['vector', 'scalar'], 'vector', call('round'), { optional: 1 })],
  ['scalar', signature(['vector'], 'scalar', call('scalar'))],
  ['vector', signature(['scalar'], 'vector', call('vector'))],
  ['histogram_quantile', signature(['scalar', 'vector'], 'vector', call('histogram_quantile'))],
  ['histogram_fraction', signature(['scalar', 'scalar', 'vector'], 'vector', call('histogram_fraction'))],
  [
    'histogram_quantiles',
    signature(['vector', 'string', 'scalar'], 'vector', call('histogram_quantiles'), { repeats: true }),
  ],
  ['info', signature(['vector', 'vector'], 'vector', { to: 'info' }, { optional: 1 })],
  ['absent', signature(['vector'], 'vector', { to: 'absent' })],
  ['absent_over_time', signature(['matrix'], 'vector', { to: 'absent' })],
  [
    'quantile_over_time',
    signature(['scalar', 'matrix'], 'vector', { to: 'window', function: 'quantile_over_time' }),
  ],
  ['predict_linear', signature(['matrix', 'scalar'], 'vector', { to: 'window', function: 'predict_linear' })],
  [
    'double_exponential_smoothing',
    signature(['matrix', 'scalar', 'scalar'], 'vector', {
      to: 'window',
      function: 'double_exponential_smoothing',
    }),
  ],
  [
    'label_replace',
    signature(['vector', 'string', 'string', 'string', 'string'], 'vector', { to: 'labelReplace' }),
  ],
  [
    'label_join',
    signature(
      ['vector', 'string', 'string', 'string'],
      'vector',
      { to: 'labelJoin' },
      { optional: 1, repeats: true },
    ),
  ],
]);
