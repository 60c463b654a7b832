import { type AnswerFormat, logql, QueryTextError } from '../../search/index.ts';
import type { QueryAnswer } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
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
  const text = call.params.get('query');
  const asked = parseRange(call.params, call.now, options.entriesLimitDefault);
  if (!logql.isMetric(text)) {
    const lines = await askLines(call, { text, range: asked, answer: entryFormat(call) }, options);
    return lines === undefined ? emptyAnswer('streams') : encodedAnswer(lines);
  }
  checkReads(text, options);
  if (readsTooOld(text, asked.to, call, options)) return emptyAnswer('matrix');
  const range = withinLookback(asked, call.now, options.lookbackMaxMs);
  checkLength(range, options.queryLengthMaxMs);
  const plan = logql.plan(text, { kind: 'range', ...alignedToSteps(range) });
  return seriesAnswer(call, await call.ask({ plan, answer: entryFormat(call) }), options);
}

/** Lines of a range, asked for; undefined where all of it is too old to be read. */
export async function askLines(
  call: Call,
  { text, range: asked, answer }: { text: string; range: RangeParams; answer: AnswerFormat },
  options: LokiOptions,
): Promise<QueryAnswer | undefined> {
  checkEntries(asked.limit, options.entriesLimitMax);
  checkReads(text, options);
  if (readsTooOld(text, asked.to, call, options)) return undefined;
  const range = withinLookback(asked, call.now, options.lookbackMaxMs);
  checkLength(range, options.queryLengthMaxMs);
  return await call.ask({ plan: logql.plan(text, { kind: 'range', ...range }), answer });
}

async function queryInstant(call: Call, options: LokiOptions): Promise<Answer> {
  const { params } = call;
  const time = parseInstant(params.get('time'), call.now);
  const limit = parseLimit(params, options.entriesLimitDefault);
  const direction = parseDirection(params);
  const text = params.get('query');
  if (!logql.isMetric(text)) {
    throw badParameter(
      'log queries are not supported as an instant query type, please change your query to a range query type',
    );
  }
  checkReads(text, options);
  if (readsTooOld(text, time, call, options)) return emptyAnswer('vector');
  const plan = logql.plan(text, { kind: 'instant', time, limit, direction });
  return seriesAnswer(call, await call.ask({ plan, answer: entryFormat(call) }), options);
}

/** Whether a query reads lines and all of them would be too old. */
function readsTooOld(text: string, to: bigint, { now }: Call, { lookbackMaxMs }: LokiOptions): boolean {
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
