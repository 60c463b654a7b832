import { lookup, promql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Asked, type Call, type Question, type Route, read } from '../api.ts';
import { badParameter } from '../errors.ts';
import type { PrometheusOptions } from '../options.ts';
import { timeMax, timeMin } from '../time.ts';
import { encodedAnswer, success } from './answers.ts';
import { parseLimit, parseLookback, parseRange, parseTimeOr, parseTimeout } from './params.ts';

/** PromQL over a range and at an instant, below `prefix`. */
export function queryRoutes(prefix: string, options: PrometheusOptions): readonly Route[] {
  return [
    { methods: read, path: `${prefix}/query`, handle: async (call) => await queryInstant(call, options) },
    { methods: read, path: `${prefix}/format_query`, access: 'open', handle: formatted },
    { methods: read, path: `${prefix}/parse_query`, access: 'open', handle: parsed },
    { methods: read, path: `${prefix}/query_exemplars`, handle: queryExemplars },
    { methods: read, path: `${prefix}/query_range`, handle: async (call) => await queryRange(call, options) },
  ];
}

async function queryInstant(call: Call, options: PrometheusOptions): Promise<Answer> {
  return encodedAnswer(await call.ask(instantQuestion(call, options)));
}

/** What a query at one instant asks. */
export function instantQuestion({ params, now }: Asked, { lookbackDeltaMs }: PrometheusOptions): Question {
  const seriesLimit = parseLimit(params) || undefined;
  const time = parseTimeOr(params, 'time', now);
  const lookback = parseLookback(params, lookbackDeltaMs);
  const timeout = parseTimeout(params);
  const plan = promql.plan(params.get('query'), { kind: 'instant', time, lookback });
  return { plan, answer: 'prometheus', seriesLimit, ...timeout };
}

function formatted({ params }: Call): Answer {
  return success(promql.format(params.get('query')));
}

function parsed({ params }: Call): Answer {
  return success(promql.tree(params.get('query')));
}

/** Exemplars of the series of every selector in the query, whatever is made of them there. */
async function queryExemplars(call: Call): Promise<Answer> {
  const { params } = call;
  const from = parseTimeOr(params, 'start', timeMin);
  const last = parseTimeOr(params, 'end', timeMax);
  if (last < from)
    throw badParameter('invalid parameter "end": end timestamp must not be before start timestamp');
  const selectors = promql.selectorsOf(params.get('query'));
  // As Prometheus answers to a query without a selector.
  if (selectors.length === 0) return { status: 204, contentType: 'text/plain', body: Buffer.alloc(0) };
  const plan = lookup.exemplars(selectors, { from, to: last === timeMax ? timeMax : last + 1n });
  return encodedAnswer(await call.ask({ plan, answer: 'prometheus' }));
}

async function queryRange(call: Call, options: PrometheusOptions): Promise<Answer> {
  return encodedAnswer(await call.ask(rangeQuestion(call, options)));
}

/** What a range query asks. */
export function rangeQuestion({ params }: Asked, { lookbackDeltaMs }: PrometheusOptions): Question {
  const seriesLimit = parseLimit(params) || undefined;
  const range = parseRange(params);
  const lookback = parseLookback(params, lookbackDeltaMs);
  const timeout = parseTimeout(params);
  const plan = promql.plan(params.get('query'), { kind: 'range', ...range, lookback });
  return { plan, answer: 'prometheus', seriesLimit, ...timeout };
}
