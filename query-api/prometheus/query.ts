import { promql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, type Route, read } from '../api.ts';
import type { PrometheusOptions } from '../options.ts';
import { encodedAnswer } from './answers.ts';
import { parseLookback, parseRange, parseTimeOr, parseTimeout } from './params.ts';

/** PromQL over a range and at an instant, below `prefix`. */
export function queryRoutes(prefix: string, options: PrometheusOptions): readonly Route[] {
  return [
    { methods: read, path: `${prefix}/query`, handle: async (call) => await queryInstant(call, options) },
    { methods: read, path: `${prefix}/query_range`, handle: async (call) => await queryRange(call, options) },
  ];
}

async function queryInstant(call: Call, { lookbackDeltaMs }: PrometheusOptions): Promise<Answer> {
  const { params, now } = call;
  const time = parseTimeOr(params, 'time', now);
  const lookback = parseLookback(params, lookbackDeltaMs);
  const timeout = parseTimeout(params);
  const plan = promql.plan(params.get('query'), { kind: 'instant', time, lookback });
  return encodedAnswer(await call.ask({ plan, answer: 'prometheus', ...timeout }));
}

async function queryRange(call: Call, { lookbackDeltaMs }: PrometheusOptions): Promise<Answer> {
  const { params } = call;
  const range = parseRange(params);
  const lookback = parseLookback(params, lookbackDeltaMs);
  const timeout = parseTimeout(params);
  const plan = promql.plan(params.get('query'), { kind: 'range', ...range, lookback });
  return encodedAnswer(await call.ask({ plan, answer: 'prometheus', ...timeout }));
}
