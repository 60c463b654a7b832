import { logql, words } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { LokiOptions } from '../options.ts';
import { encodedAnswer } from './answers.ts';
import { checkEntries, checkLength, withinLookback } from './limits.ts';
import { parseLimit, parseRangeBounds } from './params.ts';

/**
 * Searching lines for words (docs/search.md). Loki has nothing like it, so the path is Varve's own;
 * parameters, limits and errors are those of Loki's queries.
 */
export function wordRoutes(options: LokiOptions): readonly Route[] {
  return [
    {
      methods: read,
      path: '/varve/api/v1/logs/search',
      handle: async (call) => await found(call, options),
    },
  ];
}

async function found(call: Call, options: LokiOptions): Promise<Answer> {
  const { params } = call;
  const range = withinLookback(parseRangeBounds(params, call.now), call.now, options.lookbackMaxMs);
  const limit = parseLimit(params, options.entriesLimitDefault);
  checkEntries(limit, options.entriesLimitMax);
  checkLength(range, options.queryLengthMaxMs);
  const selector = params.get('selector');
  const matchers = selector === '' ? [] : logql.selector(selector);
  const order = orderOf(params.get('order'));
  const plan = words.plan(params.get('query'), { ...range, matchers, order, limit });
  return encodedAnswer(await call.ask({ plan, answer: 'loki' }));
}

function orderOf(text: string): 'score' | 'newest' {
  switch (text) {
    case '':
    case 'score':
      return 'score';
    case 'newest':
      return 'newest';
    default:
      throw badParameter(`invalid order '${text}'; it is 'score' or 'newest'`);
  }
}
