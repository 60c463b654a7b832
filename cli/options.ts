import { resolve } from 'node:path';
import type { IngestOptions } from '../ingest/index.ts';
import type { QueryApiOptions } from '../query-api/index.ts';
import type { SearchOptions } from '../search/index.ts';
import type { StorageOptions, TenantId } from '../storage/index.ts';
import type { Config } from './config/schema.ts';

/** What each folder is told of the configuration, in its own words. */
export function storageOptions({ data_dir, log, view, ingest }: Config): StorageOptions {
  return {
    dataDir: resolve(data_dir),
    partitions: log.partitions,
    tenantPartitions: log.tenant_partitions,
    journalFileBytes: log.journal_file_bytes,
    writeBufferSizeBytes: log.write_buffer_size_bytes,
    diskFreeMinBytes: log.disk_free_min_bytes,
    dedupeWindowMs: log.dedupe_window_ms,
    dedupeKeysMax: log.dedupe_keys_max,
    memtableMaxBytes: view.memtable_max_bytes,
    memtableMaxAgeMs: view.memtable_max_age_ms,
    textBlockRows: view.text_block_rows,
    bodyDecompressedMaxBytes: ingest.body_decompressed_max_bytes,
    lineMaxBytes: ingest.line_max_bytes,
    recordMaxAgeMs: ingest.record_max_age_ms,
    recordMaxAheadMs: ingest.record_max_ahead_ms,
  };
}

export function ingestOptions({ ingest }: Config, tenantDefault: TenantId | null): IngestOptions {
  return {
    tenantDefault,
    bodyMaxBytes: ingest.body_max_bytes,
    inFlightMaxBytes: ingest.in_flight_max_bytes,
    tenantInFlightMaxBytes: ingest.tenant_in_flight_max_bytes,
    appendTimeoutMs: ingest.append_timeout_ms,
    retryAfterSeconds: ingest.retry_after_seconds,
  };
}

export function searchOptions({ query }: Config): SearchOptions {
  return {
    queryTimeoutMs: query.timeout_ms,
    queryMemoryMaxBytes: query.memory_max_bytes,
    querySeriesMax: query.series_max,
    querySamplesMax: query.samples_max,
  };
}

export function queryApiOptions({ query, tenancy }: Config, tenantDefault: TenantId | null): QueryApiOptions {
  return {
    tenantDefault,
    tenantsPerQueryMax: tenancy.tenants_per_query_max,
    formSizeMaxBytes: query.form_size_max_bytes,
    gzipMinBytes: query.gzip_min_bytes,
    loki: {
      entriesLimitDefault: query.loki_entries_limit_default,
      entriesLimitMax: query.loki_entries_limit_max,
      queryLengthMaxMs: query.loki_query_length_max_ms,
    },
    tempo: {
      tracesLimitDefault: query.tempo_traces_limit_default,
      tracesLimitMax: query.tempo_traces_limit_max,
      spansPerSetDefault: query.tempo_spans_per_set_default,
      searchRecentMs: query.tempo_search_recent_ms,
    },
    prometheus: {
      lookbackDeltaMs: query.prometheus_lookback_delta_ms,
      corsOrigins: query.prometheus_cors_origins,
    },
  };
}
