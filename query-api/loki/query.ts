import { logql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { LokiOptions } from '../options.ts';
import { encodedAnswer, entryFormat } from './answers.ts';
import { checkLength, parseDirection, parseInstant, parseLimit, parseRange } from './params.ts';

/** LogQL over a range and at an instant. */
export function queryRoutes(options: LokiOptions): readonly Route[] {
  return [
    {
      methods: read,
      path: '/loki/api/v1/query_range',
      handle: async (call) => await queryRange(call, options),
    },
    { methods: read, path: '/loki/api/v1/query', handle: async (call) => await queryInstant(call, options) },
  ];
}

async function queryRange(call: Call, options: LokiOptions): Promise<Answer> {
  const range = parseRange(call.params, call.now, options.entriesLimitDefault);
  const text = call.params.get('query');
  if (!logql.isMetric(text)) checkEntries(range.limit, options.entriesLimitMax);
  checkLength(range, options.queryLengthMaxMs);
  const plan = logql.plan(text, { kind: 'range', ...range });
  return encodedAnswer(await call.ask({ plan, answer: entryFormat(call) }));
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
  const plan = logql.plan(text, { kind: 'instant', time, limit, direction });
  return encodedAnswer(await call.ask({ plan, answer: entryFormat(call) }));
}

function checkEntries(limit: number, max: number): void {
  if (limit <= max) return;
  throw badParameter(
    `max entries limit per query exceeded, limit > max_entries_limit_per_query (${limit} > ${max})`,
  );
}
