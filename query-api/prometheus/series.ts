import {
  type LabelMatcher,
  type LabelsOf,
  lookup,
  promql,
  QueryTextError,
  type TimeBounds,
} from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, get, type Route, read } from '../api.ts';
import { badParameter } from '../errors.ts';
import { timeMax, timeMin } from '../time.ts';
import { encodedAnswer } from './answers.ts';
import { parseCount, parseLabelName, parseLimit, parseTimeOr } from './params.ts';

/** Label names and values, series, and what is known of metrics. */
export function seriesRoutes(prefix: string): readonly Route[] {
  return [
    {
      methods: read,
      path: `${prefix}/labels`,
      handle: async (call) => await seriesLabels(call, { kind: 'names' }),
    },
    {
      // Prometheus has GET only; Grafana's suggestions come by POST, and its picker stays empty there.
      methods: read,
      path: `${prefix}/label/:name/values`,
      handle: async (call) => {
        const name = parseLabelName(call.pathPart('name'));
        return await seriesLabels(call, { kind: 'values', name });
      },
    },
    {
      methods: read,
      path: `${prefix}/series`,
      handle: async (call) => {
        if (call.params.all('match[]').length === 0) throw badParameter('no match[] parameter provided');
        return await seriesLabels(call, { kind: 'sets' });
      },
    },
    {
      methods: get,
      path: `${prefix}/metadata`,
      handle: async (call) => {
        const metric = call.params.get('metric') || null;
        const [limit, perMetric] = [
          parseCount(call.params, 'limit'),
          parseCount(call.params, 'limit_per_metric'),
        ];
        const plan = lookup.metricMetadata(metric, limit, perMetric);
        return encodedAnswer(await call.ask({ plan, answer: 'prometheus' }));
      },
    },
  ];
}

async function seriesLabels(call: Call, of: LabelsOf): Promise<Answer> {
  const limit = parseLimit(call.params);
  const range = parseBounds(call);
  const selectors = call.params.all('match[]').map(parseSelector);
  const plan = lookup.seriesLabels(selectors, range, of, limit);
  return encodedAnswer(await call.ask({ plan, answer: 'prometheus' }));
}

/** `start` and `end`, both included; all time without them. */
function parseBounds({ params }: Call): TimeBounds {
  const from = parseTimeOr(params, 'start', timeMin);
  const last = parseTimeOr(params, 'end', timeMax);
  return { from, to: last === timeMax ? timeMax : last + 1n };
}

function parseSelector(text: string): LabelMatcher[] {
  try {
    return promql.selector(text);
  } catch (error) {
    if (error instanceof QueryTextError) throw badParameter(`invalid parameter "match[]": ${error.message}`);
    throw error;
  }
}
