import { showPrometheusDuration } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import { type Call, get, type Route } from '../api.ts';
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
    { methods: get, path: '/loki/api/v1/drilldown-limits', handle: (call) => drilldownLimits(call, options) },
    ...rulePaths.map(
      (path): Route => ({
        methods: get,
        path,
        handle: () => {
          throw new Refused('notFound', 'no rule groups found');
        },
      }),
    ),
  ];
}

/** Rule groups, whole, by namespace and by name, at today's path and at that of before Loki 1.0. */
const rulePaths = ['/loki/api/v1/rules', '/api/prom/rules'].flatMap((path) =>
  ['', '/:namespace', '/:namespace/:group'].map((rest) => `${path}${rest}`),
);

/** What Logs Drilldown adapts its pages to: the fields that Loki publishes, with what holds here. */
function drilldownLimits({ tenants }: Call, options: LokiOptions): Answer {
  return jsonAnswer({
    limits: {
      discover_log_levels: true,
      discover_service_name: serviceNameLabels,
      log_level_fields: levelFields,
      max_entries_limit_per_query: options.entriesLimitMax,
      max_line_size_truncate: false,
      max_query_bytes_read: '0B',
      max_query_length: shownMs(options.queryLengthMaxMs),
      max_query_lookback: shownMs(options.lookbackMaxMs),
      max_query_range: shownMs(options.windowMaxMs),
      max_query_series: options.seriesMax,
      metric_aggregation_enabled: false,
      otlp_config: {},
      pattern_persistence_enabled: false,
      query_timeout: shownMs(options.queryTimeoutMs),
      retention_period: shownMs(retentionMs(tenants, options)),
      retention_stream: retentionStreams(tenants, options),
      volume_enabled: true,
      volume_max_series: options.seriesHeldMax,
    },
    pattern_ingester_enabled: true,
    version: offeredVersions.loki,
  });
}

/** How long lines are kept; of several tenants, where they are kept the shortest. */
function retentionMs(
  tenants: readonly string[],
  { logsMaxAgeMs, tenantLogsMaxAgeMs }: Pick<LokiOptions, 'logsMaxAgeMs' | 'tenantLogsMaxAgeMs'>,
): number {
  const ages = tenants.map((tenant) => tenantLogsMaxAgeMs.get(tenant) ?? logsMaxAgeMs).filter((ms) => ms > 0);
  return ages.length === 0 ? 0 : Math.min(...ages);
}

/** The rules of the tenant, in Loki's form; null without any, or for several tenants, whose rules differ. */
function retentionStreams(
  [tenant = '', ...others]: readonly string[],
  { retentionStreams: common, tenantRetentionStreams: own }: LokiOptions,
): object | null {
  const rules = others.length > 0 ? [] : (own.get(tenant) ?? common);
  if (rules.length === 0) return null;
  return rules.map(({ selector, priority, maxAgeMs }) => ({ period: shownMs(maxAgeMs), priority, selector }));
}

function shownMs(ms: number): string {
  return showPrometheusDuration(BigInt(ms) * nanos.millisecond);
}

/** Of which label a stream's `service_name` is made: `native/wire/src/decode/log_sink.rs`. */
const serviceNameLabels = [
  'service',
  'app',
  'application',
  'app_name',
  'name',
  'app_kubernetes_io_name',
  'container',
  'container_name',
  'k8s_container_name',
  'component',
  'workload',
  'job',
  'k8s_job_name',
];

/** Which fields tell a line's level: `native/wire/src/decode/level.rs`. */
const levelFields = [
  'level',
  'LEVEL',
  'Level',
  'log.level',
  'severity',
  'SEVERITY',
  'Severity',
  'SeverityText',
  'lvl',
  'LVL',
  'Lvl',
  'severity_text',
  'Severity_Text',
  'SEVERITY_TEXT',
];
