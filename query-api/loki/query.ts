import { type AnswerFormat, logql, QueryTextError } from '../../search/index.ts';
import type { QueryAnswer } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import { type Asked, type Call, type Question, type Route, read } from '../api.ts';
import { parseInstant } from '../bounds.ts';
import { badParameter } from '../errors.ts';
import type { LokiOptions } from '../options.ts';
import { encodedAnswer, entryFormat, jsonAnswer } from './answers.ts';
import { checkEntries, checkLength, checkReads, isTooOld, withinLookback } from './limits.ts';
import { parseDirection, parseLimit, parseRange, type RangeParams } from './params.ts';
import { excessOf, limitSeries } from './series-limit.ts';

/** LogQL over a range and at an instant. */
export function queryRoutes(options: LokiOptions): readonly Route[] {
  return [
    {
      methods: read,
      path: '/loki/api/v1/query_range',
      handle: async (call) => await queryRange(call, options),
    },
    { methods: read, path: '/loki/api/v1/query', handle: async (call) => await queryInstant(call, options) },
    { methods: read, path: '/loki/api/v1/format_query', access: 'open', handle: formatted },
  ];
}

async function queryRange(call: Call, options: LokiOptions): Promise<Answer> {
  const question = rangeQuestion(call, options);
  const isMetric = logql.isMetric(call.params.get('query'));
  if (question === undefined) return emptyAnswer(isMetric ? 'matrix' : 'streams');
  const answer = await call.ask(question);
  return isMetric ? seriesAnswer(call, answer, options) : encodedAnswer(answer);
}

/** What a range query asks; undefined where all of it is too old to be read. */
export function rangeQuestion(asked: Asked, options: LokiOptions): Question | undefined {
  const { params, now } = asked;
  const text = params.get('query');
  const wanted = parseRange(params, now, options.entriesLimitDefault);
  const answer = entryFormat(asked);
  if (!logql.isMetric(text)) return lineQuestion(asked, { text, range: wanted, answer }, options);
  checkReads(text, options);
  if (readsTooOld(text, wanted.to, asked, options)) return undefined;
  const range = withinLookback(wanted, now, options.lookbackMaxMs);
  checkLength(range, options.queryLengthMaxMs);
  return { plan: logql.plan(text, { kind: 'range', ...alignedToSteps(range) }), answer };
}

/** The same for a query that is known to be for lines. */
export function lineQuestion(
  asked: Asked,
  { text, range: wanted, answer }: { text: string; range: RangeParams; answer: AnswerFormat },
  options: LokiOptions,
): Question | undefined {
  checkEntries(wanted.limit, options.entriesLimitMax);
  checkReads(text, options);
  if (readsTooOld(text, wanted.to, asked, options)) return undefined;
  const range = withinLookback(wanted, asked.now, options.lookbackMaxMs);
  checkLength(range, options.queryLengthMaxMs);
  return { plan: logql.plan(text, { kind: 'range', ...range }), answer };
}

async function queryInstant(call: Call, options: LokiOptions): Promise<Answer> {
  const question = instantQuestion(call, options);
  if (question === undefined) return emptyAnswer('vector');
  return seriesAnswer(call, await call.ask(question), options);
}

/** What a query at one instant asks; undefined where that is too long ago. */
export function instantQuestion(asked: Asked, options: LokiOptions): Question | undefined {
  const { params, now } = asked;
  const time = parseInstant(params.get('time'), now);
  const limit = parseLimit(params, options.entriesLimitDefault);
  const direction = parseDirection(params);
  const text = params.get('query');
  if (!logql.isMetric(text)) {
    throw badParameter(
      'log queries are not supported as an instant query type, please change your query to a range query type',
    );
  }
  checkReads(text, options);
  if (readsTooOld(text, time, asked, options)) return undefined;
  return { plan: logql.plan(text, { kind: 'instant', time, limit, direction }), answer: entryFormat(asked) };
}

/** Whether a query reads lines and all of them would be too old. */
function readsTooOld(text: string, to: bigint, { now }: Asked, { lookbackMaxMs }: LokiOptions): boolean {
  return isTooOld(to, now, lookbackMaxMs) && logql.reads(text).length > 0;
}

function emptyAnswer(resultType: 'streams' | 'matrix' | 'vector'): Answer {
  return jsonAnswer({ status: 'success', data: { resultType, result: [], stats: {} } });
}

function seriesAnswer(call: Call, answer: QueryAnswer, { seriesMax }: LokiOptions): Answer {
  return encodedAnswer({ ...answer, body: limitSeries(answer.body, seriesMax, excessOf(call)) });
}

/** The query laid out for people; a bad one is refused in JSON, unlike elsewhere in Loki. */
function formatted({ params }: Call): Answer {
  try {
    return jsonAnswer({ status: 'success', data: logql.format(params.get('query')) });
  } catch (error) {
    if (!(error instanceof QueryTextError)) throw error;
    return { ...jsonAnswer({ status: 'invalid-query', error: error.message }), status: 400 };
  }
}

/**
 * The first and last instant moved apart to whole steps since 1970, as Loki moves them before it splits
 * a metric query: neighbouring ranges then share their points.
 */
function alignedToSteps(range: RangeParams): RangeParams {
  const { from, to, step } = range;
  return { ...range, from: from - (from % step), to: to + ((step - (to % step)) % step) };
}
