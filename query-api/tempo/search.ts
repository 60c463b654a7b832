import { traceql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Asked, type Call, get, type Question, type Route } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { TempoOptions } from '../options.ts';
import type { Params } from '../params.ts';
import { encodedAnswer } from './answers.ts';
import { parseBounds, parseDuration, parseUnsigned } from './params.ts';
import { traceqlOfTags } from './tag-search.ts';

export function searchRoutes(options: TempoOptions): readonly Route[] {
  return [{ methods: get, path: '/api/search', handle: async (call) => await search(call, options) }];
}

async function search(call: Call, options: TempoOptions): Promise<Answer> {
  const question = searchQuestion(call, call.params.get('q'), options);
  return encodedAnswer(await call.ask(question), 'application/json');
}

/** What a search asks. @param query TraceQL, or nothing for a search by tags */
export function searchQuestion({ params, now }: Asked, query: string, options: TempoOptions): Question {
  const text = queryText(params, query);
  // The search before TraceQL told of whole traces, and its clients know no span sets.
  const summariesOnly = query === '';
  const limit = parseLimit(params, options);
  const spansPerSet = params.get('spss') === '' ? options.spansPerSetDefault : parseUnsigned(params, 'spss');
  const range = parseBounds(params, now, options.searchRecentMs);
  const plan = traceql.plan(text, { ...range, limit, spansPerSet, summariesOnly });
  return { plan, answer: 'tempoV1' };
}

function parseLimit(params: Params, { tracesLimitDefault, tracesLimitMax }: TempoOptions): number {
  if (params.get('limit') === '') return tracesLimitDefault;
  const limit = parseUnsigned(params, 'limit');
  if (limit === 0) throw badParameter('invalid limit: must be a positive number');
  if (limit > tracesLimitMax) throw badParameter(`limit ${limit} exceeds max limit ${tracesLimitMax}`);
  return limit;
}

/** The query, or what the older parameters mean in TraceQL; everything when there is neither. */
function queryText(params: Params, text: string): string {
  const tags = params.get('tags');
  if (text !== '' && tags !== '') {
    throw badParameter("invalid request: can't specify tags and q in the same query");
  }
  const durationMin = parseDuration(params, 'minDuration');
  const durationMax = parseDuration(params, 'maxDuration');
  if (durationMin !== undefined && durationMax !== undefined && durationMax < durationMin) {
    throw badParameter('invalid maxDuration: must be greater than minDuration');
  }
  return text === '' ? traceqlOfTags({ tags, durationMin, durationMax }) : text;
}
