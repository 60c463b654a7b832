/** State of one open data directory, as native code tells it; places in the log are `epoch:offset`. */
export interface StoreStatus {
  readonly journal: JournalStatus;
  readonly views: ViewStatus;
  readonly keptRows: KeptRowsStatus;
  /** Those that sent something not long ago (`limits.active_window_ms`). */
  readonly tenants: readonly TenantActivity[];
}

/** `native/binding/src/tenants.rs` */
export interface TenantActivity {
  readonly tenant: string;
  readonly streams: number;
  readonly streamsMax: number;
  readonly series: number;
  readonly seriesMax: number;
}

/** `native/log/src/node/status.rs` */
export interface JournalStatus {
  /** How often the node has started; each start opens an epoch of every partition. */
  readonly incarnation: number;
  readonly files: number;
  /** Of whole groups in the files. */
  readonly bytes: number;
  readonly disk: DiskStatus;
  /** Of requests that wait for the disk. */
  readonly waitingBytes: number;
  /** `log.write_buffer_size` */
  readonly waitingMaxBytes: number;
  /** Partitions that keep the oldest file: once their records are sealed it goes. */
  readonly oldestFileHeldBy: readonly string[];
  readonly groupsTotal: number;
  readonly groupBytesTotal: number;
  readonly recordsTotal: number;
  /** Records that a retry brought again. */
  readonly duplicatesTotal: number;
  /** Idempotency keys by which a retry would be known. */
  readonly keysRemembered: number;
  /** Those that were forgotten before their window ended, for want of room. */
  readonly keysForgottenTotal: number;
  readonly syncsTotal: number;
  readonly syncUsTotal: number;
  readonly lastSyncUs: number;
  readonly maxSyncUs: number;
  /** Why nothing is written any more; null while the journal is sound. */
  readonly readOnly: string | null;
  readonly trimError: string | null;
  /** Stretches of the files that cannot be read any more: which file, where, and what was there. */
  readonly damages: readonly string[];
  /** Found since the start, also in files that are gone. */
  readonly damagesTotal: number;
  /** Those of which nothing is known: any frame may have been there. */
  readonly unknownFramesTotal: number;
  /** The last group of the journal, where this start did not find it whole and cut it. */
  readonly cutTail: string | null;
  readonly sealsTotal: number;
  /** Records that were written again because a store lacked them. */
  readonly repairsTotal: number;
  /** Bounds by which `syncCounts` counts syncs; the last of those took longer than all. */
  readonly syncBoundsUs: readonly number[];
  readonly syncCounts: readonly number[];
  readonly partitions: readonly PartitionStatus[];
  readonly holds: readonly HoldStatus[];
  readonly followers: readonly FollowerStatus[];
}

/** Who follows the log, and how far behind the tails it is; of several of one name the furthest. */
export interface FollowerStatus {
  readonly name: string;
  /** By snapshots, as views do (behind them is what a start reads again), or by a subscription that is open. */
  readonly kind: 'snapshot' | 'subscription';
  readonly lagRecords: number;
  readonly lagBytes: number;
  /** When the oldest of them was appended, in milliseconds since 1970; null where there is none. */
  readonly oldestMs: number | null;
}

/** Who keeps records of the log from being trimmed by name. */
export interface HoldStatus {
  readonly name: string;
  readonly owner: string;
  /** When it was set or moved last, in milliseconds since 1970. */
  readonly setAtMs: number;
  readonly maxAgeMs: number;
  /** It grew older than that, and holds nothing any more. */
  readonly expired: boolean;
  /** By partition, the first place that it keeps. */
  readonly places: Readonly<Record<string, string>>;
  /** From there to the tails. */
  readonly keptRecords: number;
  readonly keptBytes: number;
  /** When the oldest of them was appended, in milliseconds since 1970; null where there is none. */
  readonly oldestKeptMs: number | null;
}

/** The disk that the journal is on. */
export interface DiskStatus {
  readonly folder: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** What has to stay free, by `log.disk_free_min_bytes` and `log.disk_free_min_percent`. */
  readonly minBytes: number;
  /** While appends are refused: what would have to be free; null while they are taken. */
  readonly resumeBytes: number | null;
}

export interface PartitionStatus {
  /** `logs/0` */
  readonly partition: string;
  /** The first place that is not committed. */
  readonly tail: string;
  /** The first place that can still be read. */
  readonly trimPoint: string;
  /** Records between the two: what a start would replay. */
  readonly heldRecords: number;
  readonly heldBytes: number;
  /** When the oldest of them was appended, in milliseconds since 1970; null where there is none. */
  readonly oldestHeldMs: number | null;
  /** Who needs the records from the trim point on; null while nobody has said so. */
  readonly heldBy: string | null;
}

/** `native/query/src/kept_rows.rs` */
export interface KeptRowsStatus {
  readonly bytes: number;
  readonly maxBytes: number;
  readonly hitsTotal: number;
  /** Segments that were not there, or not for all of the times. */
  readonly missesTotal: number;
}

/** `native/view/src/status.rs` */
export interface ViewStatus {
  readonly memtableBytes: number;
  readonly memtableRows: number;
  readonly sealsTotal: number;
  /** Why the last sealing failed; null after one that did not. */
  readonly sealError: string | null;
  readonly quarantined: number;
  /** What is missing for that, a sentence for each, as answers say it. */
  readonly quarantine: readonly string[];
  /** Memory of the trace-id filters. */
  readonly traceFilterBytes: number;
  /** Records that the log lost before they were sealed, as this start met them. */
  readonly logLost: readonly string[];
  readonly textIndexesDamaged: number;
  readonly compaction: CompactionStatus;
  /** Of files that were removed since the start: merged, expired or erased. */
  readonly freedBytesTotal: number;
  /** Of segments that retention let go since the start. */
  readonly expiredBytesTotal: number;
  /** Why retention could not look for what is due, or let it go; null after it could. */
  readonly retentionError: string | null;
  readonly tables: readonly TableStatus[];
  /** By partition, the first place that no segment holds. */
  readonly covered: readonly { readonly partition: string; readonly upTo: string }[];
}

/** What was merged since the start. */
export interface CompactionStatus {
  readonly mergesTotal: number;
  readonly segmentsMergedTotal: number;
  readonly readBytesTotal: number;
  readonly writtenBytesTotal: number;
  /** Why the last merge failed; null after one that did not. */
  readonly error: string | null;
}

export interface TableStatus {
  readonly tenant: string;
  readonly table: string;
  readonly segments: number;
  readonly records: number;
  readonly bytes: number;
  readonly memtableRows: number;
  readonly memtableBytes: number;
}
