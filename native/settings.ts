import type { LabelMatch } from './deletes.ts';

/** How long a tenant's rows of a table are kept. */
export interface RetentionRule {
  /** null: tenants without a rule of their own. */
  readonly tenant: string | null;
  readonly table: 'logs' | 'spans' | 'samples' | 'exemplars';
  /** 0 = any age. */
  readonly maxAgeMs: number;
  /** On disk; 0 = any size. */
  readonly maxBytes: number;
}

/** How long streams or series are kept that a selector matches. */
export interface StreamRetentionRule extends RetentionRule {
  /** All must hold. */
  readonly labels: readonly LabelMatch[];
  /** Of several rules that match the one with the highest counts, of equals that which keeps shortest. */
  readonly priority: number;
}

/** All that native code is told; names are the settings' (`docs/configuration.md`), sizes in bytes, times in milliseconds. */
export interface NativeSettings {
  readonly dataDir: string;
  readonly partitions: number;
  readonly tenantPartitions: number;
  readonly journalFileBytes: number;
  readonly writeBufferSizeBytes: number;
  /** No segment is larger: memtables are sealed before they are, and smaller ones merged up to it. */
  readonly segmentSizeBytes: number;
  readonly epochTimeoutMs: number;
  readonly coordinatorCount: number;
  readonly diskFreeMinBytes: number;
  readonly diskFreeMinPercent: number;
  /** The longest age of a hold. */
  readonly holdMaxAgeMs: number;
  /** Of a subscriber to the log. */
  readonly subscribeCreditBytes: number;
  /** 0 = nothing is remembered. */
  readonly dedupeWindowMs: number;
  readonly dedupeKeysMax: number;
  readonly dedupeKeysTotalMax: number;
  readonly memtableMaxBytes: number;
  readonly memtableMaxAgeMs: number;
  readonly textBlockRows: number;
  /** Attributes whose values are in the filters of segments. */
  readonly filterAttributes: readonly string[];
  /** 0 = segments are not merged. */
  readonly compactionSegmentsMin: number;
  readonly compactionWindowMs: number;
  readonly compactionCpuPercentMax: number;
  readonly deleteCancelPeriodMs: number;
  readonly retention: readonly RetentionRule[];
  /** A tenant with a rule in `retention` has only those of its own. */
  readonly streamRetention: readonly StreamRetentionRule[];
  readonly expiredRewritePeriodMs: number;
  /** Queries that run at once. */
  readonly queriesRunningMax: number;
  /** 0 = nothing is kept. */
  readonly keptRowsMaxBytes: number;
  /** `local`, or a name such as `Europe/Berlin`. */
  readonly syslogTimeZone: string;
  readonly metricTranslation: MetricTranslation;
  /** Of every tenant that has none of its own. */
  readonly limits: RecordLimits;
  readonly tenantLimits: Readonly<Record<string, RecordLimits>>;
}

/** How OTLP's metrics become Prometheus' series; names are those below `otlp`. */
export interface MetricTranslation {
  readonly translationStrategy:
    | 'UnderscoreEscapingWithSuffixes'
    | 'UnderscoreEscapingWithoutSuffixes'
    | 'NoUTF8EscapingWithSuffixes'
    | 'NoTranslation';
  readonly labelNameUnderscoreSanitization: boolean;
  readonly labelNamePreserveMultipleUnderscores: boolean;
  readonly promoteResourceAttributes: readonly string[];
  readonly promoteAllResourceAttributes: boolean;
  readonly ignoreResourceAttributes: readonly string[];
  readonly keepIdentifyingResourceAttributes: boolean;
  readonly promoteScopeMetadata: boolean;
  readonly convertHistogramsToNhcb: boolean;
  readonly nativeDeltaIngestion: boolean;
}

/** What bodies and records are held against, as `native/wire` knows it; names are those below `limits`. */
export interface RecordLimits {
  readonly bodyDecompressedMaxBytes: number;
  readonly bodyRecordsMax: number;
  readonly lineMaxBytes: number;
  /** 0 = any age. */
  readonly recordMaxAgeMs: number;
  readonly recordMaxAheadMs: number;
  readonly labelsMax: number;
  readonly labelNameMaxBytes: number;
  readonly labelValueMaxBytes: number;
  readonly metadataMaxEntries: number;
  readonly metadataMaxBytes: number;
  readonly attributesMax: number;
  readonly attributesMaxBytes: number;
  readonly streamsMax: number;
  readonly seriesMax: number;
  readonly activeWindowMs: number;
  readonly softPercent: number;
}
