import { traceql } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import type { Asked, Question } from '../api.ts';
import { badParameter } from '../errors.ts';
import { lokiRefusal } from '../loki/errors.ts';
import * as loki from '../loki/query.ts';
import type { QueryApiOptions } from '../options.ts';
import { type Params, quoted } from '../params.ts';
import { prometheusRefusal } from '../prometheus/errors.ts';
import * as prometheus from '../prometheus/query.ts';
import { tempoRefusal } from '../tempo/errors.ts';
import * as tempoMetrics from '../tempo/metrics.ts';
import { searchQuestion } from '../tempo/search.ts';
import { flagOf } from './flags.ts';

/** How a query would be answered. */
export interface Planned {
  /** The path that answers it. */
  readonly endpoint: string;
  /** Nothing where the endpoint answers without reading: all that is asked for is too old. */
  readonly question: Question | undefined;
}

/** What a language's own API says of a query, and of what is wrong with one. */
interface Explained {
  readonly plan: (asked: Asked, options: QueryApiOptions) => Planned;
  readonly refuse: (error: unknown) => Answer;
}

const languages = {
  logql: {
    refuse: lokiRefusal,
    plan: (asked, { loki: options }) =>
      isInstant(asked.params)
        ? { endpoint: '/loki/api/v1/query', question: loki.instantQuestion(asked, options) }
        : { endpoint: '/loki/api/v1/query_range', question: loki.rangeQuestion(asked, options) },
  },
  promql: {
    refuse: prometheusRefusal,
    plan: (asked, { prometheus: options }) =>
      isInstant(asked.params) || !namesRange(asked.params)
        ? { endpoint: '/api/v1/query', question: prometheus.instantQuestion(asked, options) }
        : { endpoint: '/api/v1/query_range', question: prometheus.rangeQuestion(asked, options) },
  },
  traceql: {
    refuse: tempoRefusal,
    plan: (asked, { tempo: options }) => {
      const text = tempoMetrics.metricsText(asked.params);
      if (text === '' || !traceql.isMetrics(text))
        return { endpoint: '/api/search', question: searchQuestion(asked, text, options) };
      return isInstant(asked.params)
        ? { endpoint: '/api/metrics/query', question: tempoMetrics.instantQuestion(asked, options) }
        : { endpoint: '/api/metrics/query_range', question: tempoMetrics.rangeQuestion(asked, options) };
    },
  },
} as const satisfies Record<string, Explained>;

export type LanguageName = keyof typeof languages;

export const explained: Readonly<Record<LanguageName, Explained>> = languages;

/** The language that a request names; undefined where there is none such. */
export function languageOf(params: Params): LanguageName | undefined {
  const name = params.get('language');
  return Object.hasOwn(languages, name) ? (name as LanguageName) : undefined;
}

/** Why a request's language cannot be explained here. */
export function languageRefused(params: Params): Error {
  const name = params.get('language');
  if (name === 'sql')
    return badParameter('SQL explains its statements itself: send EXPLAIN or EXPLAIN ANALYZE to /api/sql');
  return badParameter(`language is ${quoted(name)}; it must be logql, promql or traceql`);
}

/** Whether a query is asked at one instant; TraceQL's over the whole range. */
function isInstant(params: Params): boolean {
  return params.get('time') !== '' || flagOf(params, 'instant');
}

function namesRange(params: Params): boolean {
  return ['start', 'end', 'step'].some((name) => params.get(name) !== '');
}
