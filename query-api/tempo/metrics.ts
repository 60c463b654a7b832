import { type TraceqlMetricsHow, traceql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Asked, type Call, get, type Question, type Route } from '../api.ts';
import { parseBounds } from '../bounds.ts';
import { badParameter } from '../errors.ts';
import type { TempoOptions } from '../options.ts';
import { type Params, parseWhole, quoted } from '../params.ts';
import { nanos, parseDecimal, parseGoDuration } from '../time.ts';
import { encodedAnswer } from './answers.ts';

/** TraceQL metrics: values over a range, and one value over all of it. */
export function metricsRoutes(options: TempoOptions): readonly Route[] {
  return [
    {
      methods: get,
      path: '/api/metrics/query_range',
      handle: async (call) => await answered(call, rangeQuestion(call, options)),
    },
    {
      methods: get,
      path: '/api/metrics/query',
      handle: async (call) => await answered(call, instantQuestion(call, options)),
    },
  ];
}

async function answered(call: Call, question: Question): Promise<Answer> {
  return encodedAnswer(await call.ask(question), 'application/json');
}

/** What a query for values over a range asks. */
export function rangeQuestion(asked: Asked, options: TempoOptions): Question {
  return questionOf(asked, rangeOf(asked, options));
}

/** What a query for one value over the whole range asks. */
export function instantQuestion(asked: Asked, options: TempoOptions): Question {
  return questionOf(asked, instantOf(asked, options));
}

function questionOf({ params }: Asked, how: TraceqlMetricsHow): Question {
  return { plan: traceql.metrics(metricsText(params), how), answer: 'tempoV1' };
}

/** The query, under either of its names. */
export function metricsText(params: Params): string {
  return params.get('q') === '' ? params.get('query') : params.get('q');
}

function rangeOf({ params, now }: Asked, options: TempoOptions): TraceqlMetricsHow {
  const { from, to } = bounds(params, now);
  const step = parseStep(params, to - from);
  if ((to - from) / step > BigInt(options.intervalsMax)) {
    throw badParameter(
      `step of ${Number(step) / 1e9}s is too small: the range has more than ${options.intervalsMax} steps; ask for a longer step or raise query.tempo_intervals_max`,
    );
  }
  // Whole steps since 1970, so that a query gives the same values when it is refreshed. The first
  // value is of the step that ends where the range starts.
  const start = (from / step) * step - step;
  // A step that is not over yet would look like a fall of the curve.
  const end = to > now ? (now / step) * step : ((to + step - 1n) / step) * step;
  const limits = limitsOf(params, options);
  return { from: start < 0n ? 0n : start, to: end > start ? end : start + step, step, ...limits };
}

/** Both bounds count. */
function instantOf({ params, now }: Asked, options: TempoOptions): TraceqlMetricsHow {
  const { from, to } = bounds(params, now);
  return { from: from - 1n, to, step: 0n, ...limitsOf(params, options), exemplars: 0 };
}

function bounds(params: Params, now: bigint): ReturnType<typeof parseBounds> {
  const range = parseBounds(params, now);
  if (range.from >= range.to) throw badParameter('end must be greater than start');
  if (range.from < 0n) throw badParameter('start must not be before 1970');
  return range;
}

function limitsOf(
  params: Params,
  { exemplarsMax, seriesMax }: TempoOptions,
): Pick<TraceqlMetricsHow, 'exemplars' | 'exemplarsMax' | 'seriesMax'> {
  // As in Tempo, what cannot be read is as if it were not there, and 0 means the most.
  const exemplars = Number(parseWhole(params.get('exemplars')) ?? 0n);
  const series = Number(parseWhole(params.get('maxSeries')) ?? 0n);
  return {
    exemplars: exemplars > 0 ? Math.min(exemplars, exemplarsMax) : exemplarsMax,
    exemplarsMax,
    seriesMax: series > 0 ? Math.min(series, seriesMax) : seriesMax,
  };
}

/** Float seconds or a Go duration; without one as many as a graph shows. */
function parseStep(params: Params, length: bigint): bigint {
  const text = params.get('step');
  if (text === '') return stepFor(length);
  const seconds = parseDecimal(text);
  const step = seconds === undefined ? parseGoDuration(text.replace(/^[-+]/, '')) : nanosOf(seconds);
  if (step === undefined) throw badParameter(`cannot parse ${quoted(text)} to a valid duration`);
  if (step <= 0n || text.startsWith('-'))
    throw badParameter(`cannot parse ${quoted(text)}: step must be positive`);
  return step;
}

function nanosOf(seconds: number): bigint | undefined {
  return Math.abs(seconds) > 9_223_372_036 ? undefined : BigInt(Math.round(seconds * 1e9));
}

const granularities = [
  nanos.hour,
  5n * nanos.minute,
  nanos.minute,
  15n * nanos.second,
  5n * nanos.second,
  nanos.second,
];

/** About 240 steps, in lengths that people would choose. */
function stepFor(length: bigint): bigint {
  const wanted = length / 240n;
  if (length < nanos.minute) {
    const shortest = 50n * nanos.millisecond;
    return wanted > shortest ? (wanted / shortest) * shortest : shortest;
  }
  const granularity = granularities.find((candidate) => wanted > candidate);
  return granularity === undefined ? nanos.second : (wanted / granularity) * granularity;
}
