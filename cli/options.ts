import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { IngestOptions } from '../ingest/index.ts';
import type { QueryApiOptions } from '../query-api/index.ts';
import type { SearchOptions } from '../search/index.ts';
import { parseTenant, type StorageOptions, type TenantId } from '../storage/index.ts';
import { asksForCredentials } from './auth.ts';
import { durationMs, known, sizeBytes } from './config/quantity.ts';
import { shownRule, streamRetention, streamsOf } from './config/retention.ts';
import type { Config } from './config/schema.ts';

/** Queries wait for disk as well, so a few more than cores run at once. */
const queriesRunningMax = 2 * availableParallelism();

/** What each folder is told of the configuration, in its own words. */
export function storageOptions(config: Config): StorageOptions {
  const { data_dir, log, view, query, retention, limits, tenants } = config;
  return {
    dataDir: resolve(data_dir),
    partitions: log.partitions,
    tenantPartitions: log.tenant_partitions,
    journalFileBytes: log.journal_file_bytes,
    writeBufferSizeBytes: known(sizeBytes(log.write_buffer_size)),
    segmentSizeBytes: known(sizeBytes(log.segment_size)),
    epochTimeoutMs: known(durationMs(log.epoch_timeout)),
    coordinatorCount: log.coordinator_count,
    diskFreeMinBytes: log.disk_free_min_bytes,
    diskFreeMinPercent: log.disk_free_min_percent,
    holdMaxAgeMs: known(durationMs(log.hold_max_age)),
    subscribeCreditBytes: known(sizeBytes(log.subscribe_credit)),
    dedupeWindowMs: log.dedupe_window_ms,
    dedupeKeysMax: log.dedupe_keys_max,
    dedupeKeysTotalMax: log.dedupe_keys_total_max,
    memtableMaxBytes: view.memtable_max_bytes,
    memtableMaxAgeMs: view.memtable_max_age_ms,
    textBlockRows: view.text_block_rows,
    filterAttributes: view.filter_attributes,
    compactionSegmentsMin: view.compaction_segments_min,
    compactionWindowMs: view.compaction_window_ms,
    compactionCpuPercentMax: view.compaction_cpu_percent_max,
    deleteCancelPeriodMs: retention.delete_cancel_period_ms,
    retention: [
      ...rulesOf(null, retention),
      ...Object.entries(tenants).flatMap(([tenant, own]) =>
        own.retention === undefined ? [] : rulesOf(tenant, { ...retention, ...own.retention }),
      ),
    ],
    streamRetention: streamRetention(config),
    expiredRewritePeriodMs: retention.expired_rewrite_period_ms,
    queriesRunningMax,
    keptRowsMaxBytes: query.kept_rows_max_bytes,
    syslogTimeZone: config.ingest.syslog_time_zone,
    metricTranslation: metricTranslation(config.otlp),
    limits: recordLimits(limits),
    tenantLimits: Object.fromEntries(
      Object.keys(tenants).map((tenant) => [tenant, recordLimits(limitsOf(config, tenant))]),
    ),
  };
}

/** Exemplars say something of samples only as long as those are there. */
function rulesOf(tenant: string | null, rules: Config['retention']): StorageOptions['retention'] {
  const samples = { maxAgeMs: rules.samples_max_age_ms, maxBytes: rules.samples_max_bytes };
  return [
    { tenant, table: 'logs', maxAgeMs: rules.logs_max_age_ms, maxBytes: rules.logs_max_bytes },
    { tenant, table: 'spans', maxAgeMs: rules.spans_max_age_ms, maxBytes: rules.spans_max_bytes },
    { tenant, table: 'samples', ...samples },
    { tenant, table: 'exemplars', ...samples },
  ];
}

function metricTranslation(otlp: Config['otlp']): StorageOptions['metricTranslation'] {
  return {
    translationStrategy: otlp.translation_strategy,
    labelNameUnderscoreSanitization: otlp.label_name_underscore_sanitization,
    labelNamePreserveMultipleUnderscores: otlp.label_name_preserve_multiple_underscores,
    promoteResourceAttributes: otlp.promote_resource_attributes,
    promoteAllResourceAttributes: otlp.promote_all_resource_attributes,
    ignoreResourceAttributes: otlp.ignore_resource_attributes,
    keepIdentifyingResourceAttributes: otlp.keep_identifying_resource_attributes,
    promoteScopeMetadata: otlp.promote_scope_metadata,
    convertHistogramsToNhcb: otlp.convert_histograms_to_nhcb,
    nativeDeltaIngestion: otlp.native_delta_ingestion,
  };
}

type Limits = Config['limits'];

/** The limits in force for a tenant: its own, and everybody's where it has none. */
function limitsOf({ limits, tenants }: Config, tenant: string): Limits {
  return { ...limits, ...tenants[tenant]?.limits };
}

function recordLimits(limits: Limits): StorageOptions['limits'] {
  return {
    bodyDecompressedMaxBytes: limits.body_decompressed_max_bytes,
    bodyRecordsMax: limits.body_records_max,
    lineMaxBytes: limits.line_max_bytes,
    recordMaxAgeMs: limits.record_max_age_ms,
    recordMaxAheadMs: limits.record_max_ahead_ms,
    labelsMax: limits.labels_max,
    labelNameMaxBytes: limits.label_name_max_bytes,
    labelValueMaxBytes: limits.label_value_max_bytes,
    metadataMaxEntries: limits.metadata_max_entries,
    metadataMaxBytes: limits.metadata_max_bytes,
    attributesMax: limits.attributes_max,
    attributesMaxBytes: limits.attributes_max_bytes,
    streamsMax: limits.streams_max,
    seriesMax: limits.series_max,
    activeWindowMs: limits.active_window_ms,
    softPercent: limits.soft_percent,
  };
}

export function ingestOptions(config: Config, tenantDefault: TenantId | null): IngestOptions {
  const { ingest, limits, tenants } = config;
  return {
    tenantDefault,
    limits: requestLimits(limits),
    tenantLimits: new Map(
      Object.keys(tenants).map((tenant) => [tenant, requestLimits(limitsOf(config, tenant))]),
    ),
    inFlightMaxBytes: ingest.in_flight_max_bytes,
    appendTimeoutMs: ingest.append_timeout_ms,
    retryAfterSeconds: ingest.retry_after_seconds,
    corsOrigins: ingest.cors_origins,
    syslog: syslogOptions(config, tenantDefault),
  };
}

function syslogOptions(config: Config, tenantDefault: TenantId | null): IngestOptions['syslog'] {
  const { ingest, tenancy } = config;
  const ofNobody = asksForCredentials(config) ? null : tenantDefault;
  const tenant = tenancy.syslog === '' ? ofNobody : parseTenant(tenancy.syslog);
  const limits = limitsOf(config, tenant ?? '');
  const waitingMaxBytes = Math.min(
    ingest.syslog_waiting_max_bytes,
    limits.body_max_bytes,
    limits.body_decompressed_max_bytes,
    limits.in_flight_max_bytes,
  );
  return {
    tenant,
    messageMaxBytes: Math.min(ingest.syslog_message_max_bytes, Math.floor(waitingMaxBytes / 2)),
    waitingMaxBytes,
    connectionsMax: ingest.syslog_connections_max,
  };
}

function requestLimits(limits: Limits): IngestOptions['limits'] {
  return {
    bodyMaxBytes: limits.body_max_bytes,
    inFlightMaxBytes: limits.in_flight_max_bytes,
    bytesPerSecond: limits.ingest_bytes_per_second,
    burstBytes: limits.ingest_burst_bytes,
    recordsPerSecond: limits.ingest_records_per_second,
    burstRecords: limits.ingest_burst_records,
  };
}

export function searchOptions({ query }: Config): SearchOptions {
  return {
    queryTimeoutMs: query.timeout_ms,
    queryMemoryMaxBytes: query.memory_max_bytes,
    querySeriesMax: query.series_max,
    querySamplesMax: query.samples_max,
    queriesRunningMax,
    queriesWaitingPerTenantMax: query.waiting_per_tenant_max,
  };
}

export function queryApiOptions(config: Config, tenantDefault: TenantId | null): QueryApiOptions {
  const { query, tenancy } = config;
  return {
    tenantDefault,
    tenantsPerQueryMax: tenancy.tenants_per_query_max,
    formSizeMaxBytes: query.form_size_max_bytes,
    gzipMinBytes: query.gzip_min_bytes,
    loki: lokiOptions(config),
    tempo: {
      tracesLimitDefault: query.tempo_traces_limit_default,
      tracesLimitMax: query.tempo_traces_limit_max,
      spansPerSetDefault: query.tempo_spans_per_set_default,
      searchRecentMs: query.tempo_search_recent_ms,
      seriesMax: query.tempo_series_max,
      exemplarsMax: query.tempo_exemplars_max,
      intervalsMax: query.tempo_intervals_max,
    },
    prometheus: {
      lookbackDeltaMs: query.prometheus_lookback_delta_ms,
      corsOrigins: query.prometheus_cors_origins,
    },
    sql: { rowsMax: query.sql_rows_max },
  };
}

function lokiOptions({ query, retention, tenants }: Config): QueryApiOptions['loki'] {
  return {
    entriesLimitDefault: query.loki_entries_limit_default,
    entriesLimitMax: query.loki_entries_limit_max,
    seriesMax: query.loki_series_max,
    seriesHeldMax: query.series_max,
    queryLengthMaxMs: query.loki_query_length_max_ms,
    lookbackMaxMs: query.loki_lookback_max_ms,
    windowMaxMs: query.loki_window_max_ms,
    matchersMax: query.loki_matchers_max,
    matchersMin: query.loki_matchers_min,
    labelsRequired: query.loki_labels_required,
    queryTimeoutMs: query.timeout_ms,
    logsMaxAgeMs: retention.logs_max_age_ms,
    tenantLogsMaxAgeMs: new Map(
      Object.entries(tenants).map(([tenant, own]) => [
        tenant,
        own.retention?.logs_max_age_ms ?? retention.logs_max_age_ms,
      ]),
    ),
    retentionStreams: retention.logs_streams.map(shownRule),
    tenantRetentionStreams: new Map(
      Object.entries(tenants).flatMap(([tenant, own]) => {
        if (own.retention === undefined) return [];
        return [[tenant, streamsOf(own.retention, retention).map(shownRule)]];
      }),
    ),
    tailsPerTenantMax: query.loki_tails_per_tenant_max,
    tailDurationMaxMs: query.loki_tail_duration_max_ms,
    tailPollMs: query.loki_tail_poll_ms,
  };
}
