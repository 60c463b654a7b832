import { showPrometheusDuration } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { get, type Route } from '../api.ts';
import { Refused } from '../errors.ts';
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

/** How many series Logs Drilldown draws at most; a query may answer with more. */
const seriesShownMax = 1_000;

/** What Logs Drilldown adapts its pages to. */
function drilldownLimits({ entriesLimitMax, queryLengthMaxMs }: LokiOptions): Answer {
  return jsonAnswer({
    limits: {
      discover_log_levels: true,
      discover_service_name: ['service', 'app', 'application', 'name', 'container', 'component', 'job'],
      log_level_fields: ['level', 'LEVEL', 'Level', 'severity', 'lvl'],
      max_entries_limit_per_query: entriesLimitMax,
      max_line_size_truncate: false,
      max_query_bytes_read: '0B',
      max_query_length: showPrometheusDuration(BigInt(queryLengthMaxMs) * nanos.millisecond),
      max_query_lookback: '0s',
      max_query_range: '0s',
      max_query_series: seriesShownMax,
      metric_aggregation_enabled: false,
      otlp_config: {},
      pattern_persistence_enabled: false,
      retention_period: '0s',
      retention_stream: null,
      volume_enabled: true,
      volume_max_series: seriesShownMax,
    },
    pattern_ingester_enabled: true,
    version: offeredVersions.loki,
  });
}
