import type { Search } from '../search/index.ts';
import type { Storage, TenantId } from '../storage/index.ts';

/** Limits and defaults of the query APIs; their own defaults live only in `cli/config/schema.ts`. */
export interface QueryApiOptions {
  /** Tenant of requests without `X-Scope-OrgID`; null: such requests are refused. */
  readonly tenantDefault: TenantId | null;
  /** Most tenants that one request may name (`a|b|c`). */
  readonly tenantsPerQueryMax: number;
  /** Longest form body of a POST query. */
  readonly formSizeMaxBytes: number;
  /** Shortest answer that is compressed for clients that accept gzip. */
  readonly gzipMinBytes: number;
  readonly loki: LokiOptions;
  readonly tempo: TempoOptions;
  readonly prometheus: PrometheusOptions;
  readonly sql: SqlOptions;
}

export interface LokiOptions {
  /** Lines of a log query that names no `limit`. */
  readonly entriesLimitDefault: number;
  /** Most lines that a log query may ask for. */
  readonly entriesLimitMax: number;
  /** Most series of a metric query's answer. */
  readonly seriesMax: number;
  /** Most series or streams that a query holds while it runs. */
  readonly seriesHeldMax: number;
  /** Longest time range of a query; 0 allows any. */
  readonly queryLengthMaxMs: number;
  /** How old what is read may be; 0 allows any age. */
  readonly lookbackMaxMs: number;
  /** Longest window of a metric query; 0 allows any. */
  readonly windowMaxMs: number;
  /** Most matchers of a selector. */
  readonly matchersMax: number;
  /** Fewest matchers of a selector. */
  readonly matchersMin: number;
  /** Labels that every selector must have a matcher for. */
  readonly labelsRequired: readonly string[];
  readonly queryTimeoutMs: number;
  /** How long lines are kept; 0 for ever. */
  readonly logsMaxAgeMs: number;
  /** The same of tenants whose own it is. */
  readonly tenantLogsMaxAgeMs: ReadonlyMap<string, number>;
  /** Rules for streams, as Loki's `retention_stream` has them. */
  readonly retentionStreams: readonly RetentionStream[];
  /** The same of tenants that have rules of their own. */
  readonly tenantRetentionStreams: ReadonlyMap<string, readonly RetentionStream[]>;
  /** Most live tails of one tenant at once. */
  readonly tailsPerTenantMax: number;
  /** After how long a live tail ends. */
  readonly tailDurationMaxMs: number;
  /** How often a live tail looks for new lines. */
  readonly tailPollMs: number;
}

/** How long streams are kept that a selector matches; 0 for ever. */
export interface RetentionStream {
  readonly selector: string;
  readonly priority: number;
  readonly maxAgeMs: number;
}

export interface TempoOptions {
  /** Traces of a search that names no `limit`. */
  readonly tracesLimitDefault: number;
  /** Most traces that a search may ask for. */
  readonly tracesLimitMax: number;
  /** Spans listed per span set when a search names no `spss`. */
  readonly spansPerSetDefault: number;
  /** How far back a search without `start` and `end` looks. */
  readonly searchRecentMs: number;
  /** Most series of a metrics query's answer; the rest is cut off and said to be. */
  readonly seriesMax: number;
  /** Most exemplars of a metrics query's answer. */
  readonly exemplarsMax: number;
  /** Most values of one series of a metrics query. */
  readonly intervalsMax: number;
}

export interface PrometheusOptions {
  /** How long after its last sample a series still has a value. */
  readonly lookbackDeltaMs: number;
  /** Origins whose pages may read answers; `*` means any, none turns cross-origin reads off. */
  readonly corsOrigins: readonly string[];
}

export interface SqlOptions {
  /** The most rows of an answer; the rest is cut off and said to be. */
  readonly rowsMax: number;
}

/** What was built, for the peers' build information endpoints. */
export interface BuildInfo {
  /** Varve's own version. */
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildUser: string;
  /** RFC 3339. */
  readonly buildDate: string;
}

/** One request as it was answered, for counters and histograms. */
export interface ServedRequest {
  readonly api: string;
  /** The route's pattern, never the path with its values. */
  readonly route: string;
  readonly status: number;
  readonly elapsedMs: number;
}

/** Counts what was asked; `cli/telemetry.ts` makes metrics of it. */
export interface QueryMetrics {
  served(request: ServedRequest): void;
}

export interface QueryLog {
  debug(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

export interface QueryApiDeps {
  readonly search: Search;
  readonly storage: Pick<Storage, 'status' | 'deletes' | 'position'>;
  readonly log: QueryLog;
  readonly metrics?: QueryMetrics;
  /** Whether queries can be answered now. */
  readonly isReady: () => boolean;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly build: BuildInfo;
}
