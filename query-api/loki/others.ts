import { showPrometheusDuration } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { get, type Route, read } from '../api.ts';
import { notSupported, Refused, switchedOff } from '../errors.ts';
import type { BuildInfo, LokiOptions } from '../options.ts';
import { nanos } from '../time.ts';
import { offeredVersions } from '../versions.ts';
import { jsonAnswer } from './answers.ts';

/** What Loki answers without looking at logs. */
export function statusRoutes(build: BuildInfo, options: LokiOptions): readonly Route[] {
  return [
    {
      methods: get,
      path: '/loki/api/v1/status/buildinfo',
      access: 'open',
      handle: () => jsonAnswer({ ...build, version: offeredVersions.loki, goVersion: '' }),
    },
    { methods: get, path: '/loki/api/v1/drilldown-limits', handle: () => drilldownLimits(options) },
    ...['', '/:namespace', '/:namespace/:group'].map(
      (rest): Route => ({
        methods: get,
        path: `/loki/api/v1/rules${rest}`,
        handle: () => {
          throw new Refused('notFound', 'no rule groups found');
        },
      }),
    ),
  ];
}

/** What Logs Drilldown adapts its pages to; pages whose data Varve cannot give are switched off. */
function drilldownLimits({ entriesLimitMax, queryLengthMaxMs }: LokiOptions): Answer {
  return jsonAnswer({
    limits: {
      discover_log_levels: true,
      max_entries_limit_per_query: entriesLimitMax,
      max_query_length: showPrometheusDuration(BigInt(queryLengthMaxMs) * nanos.millisecond),
      max_query_lookback: '0s',
      max_query_range: '0s',
      metric_aggregation_enabled: false,
      pattern_persistence_enabled: false,
      retention_period: '0s',
      volume_enabled: true,
    },
    pattern_ingester_enabled: false,
    version: offeredVersions.loki,
  });
}

const unserved = [
  ['/loki/api/v1/index/stats', switchedOff, 'index statistics are'],
  ['/loki/api/v1/detected_labels', switchedOff, 'detected labels are'],
  ['/loki/api/v1/detected_fields', switchedOff, 'detected fields are'],
  ['/loki/api/v1/detected_field/:name/values', switchedOff, 'values of detected fields are'],
  ['/loki/api/v1/patterns', switchedOff, 'log patterns are'],
  ['/loki/api/v1/delete', switchedOff, 'deletion of log lines is'],
  ['/loki/api/v1/tail', notSupported, 'live tail is'],
] as const;

/**
 * What clients of Loki call and Varve cannot answer yet: said, instead of an empty answer. Grafana
 * leaves a tab empty on 404 and goes on, and alerts on 5xx.
 */
export const unservedRoutes: readonly Route[] = unserved.map(([path, refusal, what]) => ({
  methods: read,
  path,
  handle: () => {
    throw refusal(what);
  },
}));
