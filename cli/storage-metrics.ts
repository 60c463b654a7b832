import { Counter, Gauge, type Registry } from 'prom-client';
import type { StoreStatus } from '../storage/index.ts';
import { keptRowsMetrics } from './kept-rows-metrics.ts';
import { lagMetrics } from './lag-metrics.ts';
import { ageOf, type Metric, type Point } from './status-metric.ts';
import { SyncSeconds } from './sync-seconds.ts';

const one = (value: number): readonly Point[] => [{ value }];

/** `3:1200` → 3. */
const epochOf = (place: string): number => Number(place.slice(0, place.indexOf(':')));

/** `3:1200` → 1200: the place within the epoch, which `varve_log_epoch` gives. */
const offsetOf = (place: string): number => Number(place.slice(place.indexOf(':') + 1));

const ofPartitions =
  (value: (partition: StoreStatus['journal']['partitions'][number]) => number) =>
  ({ journal }: StoreStatus): readonly Point[] =>
    journal.partitions.map((each) => ({ labels: { partition: each.partition }, value: value(each) }));

const ofTables =
  (value: (table: StoreStatus['views']['tables'][number]) => number) =>
  ({ views }: StoreStatus): readonly Point[] =>
    views.tables.map((each) => ({
      labels: { tenant: each.tenant, table: each.table },
      value: value(each),
    }));

const ofTenants =
  (value: (tenant: StoreStatus['tenants'][number]) => number) =>
  ({ tenants }: StoreStatus): readonly Point[] =>
    tenants.slice(0, 1_000).map((each) => ({ labels: { tenant: each.tenant }, value: value(each) }));

const metrics: readonly Metric[] = [
  {
    name: 'varve_tenant_active_streams',
    help: 'Streams with a record within limits.active_window_ms.',
    labels: ['tenant'],
    read: ofTenants(({ streams }) => streams),
  },
  {
    name: 'varve_tenant_streams_max',
    help: 'limits.streams_max of the tenant.',
    labels: ['tenant'],
    read: ofTenants(({ streamsMax }) => streamsMax),
  },
  {
    name: 'varve_tenant_active_series',
    help: 'Series with a sample within limits.active_window_ms.',
    labels: ['tenant'],
    read: ofTenants(({ series }) => series),
  },
  {
    name: 'varve_tenant_series_max',
    help: 'limits.series_max of the tenant.',
    labels: ['tenant'],
    read: ofTenants(({ seriesMax }) => seriesMax),
  },
  {
    name: 'varve_log_starts_total',
    help: 'Starts of this node: each opens an epoch of every partition.',
    read: ({ journal }) => one(journal.incarnation),
  },
  {
    name: 'varve_log_epoch',
    help: 'The epoch that this node leads.',
    labels: ['partition'],
    read: ofPartitions(({ tail }) => epochOf(tail)),
  },
  {
    name: 'varve_log_read_only',
    help: '1 when the journal takes no writes until a restart, because a write or fsync failed.',
    read: ({ journal }) => one(journal.readOnly === null ? 0 : 1),
  },
  {
    name: 'varve_log_disk_full',
    help: '1 while appends are refused because the disk has too little space left; it ends by itself.',
    read: ({ journal }) => one(journal.disk.resumeBytes === null ? 0 : 1),
  },
  {
    name: 'varve_log_disk_free_bytes',
    help: "Free on the journal's disk.",
    read: ({ journal }) => one(journal.disk.freeBytes),
  },
  {
    name: 'varve_log_disk_free_min_bytes',
    help: 'Below it appends are refused.',
    read: ({ journal }) => one(journal.disk.minBytes),
  },
  {
    name: 'varve_log_trim_failing',
    help: '1 while trimmed files cannot be removed or the trim point not be made durable.',
    read: ({ journal }) => one(journal.trimError === null ? 0 : 1),
  },
  {
    name: 'varve_log_damages_total',
    help: 'Damaged stretches found in journal files; varve log status names them.',
    read: ({ journal }) => one(journal.damagesTotal),
  },
  {
    name: 'varve_log_unknown_frames_total',
    help: 'Those of which nothing is known: any frame may have been there.',
    read: ({ journal }) => one(journal.unknownFramesTotal),
  },
  {
    name: 'varve_log_cut_tails_total',
    help: '1 where this start cut the last group of the journal, which was not whole; varve log status tells more.',
    read: ({ journal }) => one(journal.cutTail === null ? 0 : 1),
  },
  {
    name: 'varve_log_seals_total',
    help: 'Epochs sealed: a start seals the last one of each partition.',
    read: ({ journal }) => one(journal.sealsTotal),
  },
  {
    name: 'varve_log_repairs_total',
    help: 'Records written again because a store lacked them.',
    read: ({ journal }) => one(journal.repairsTotal),
  },
  { name: 'varve_log_files', help: 'Journal files.', read: ({ journal }) => one(journal.files) },
  { name: 'varve_log_bytes', help: 'Groups in journal files.', read: ({ journal }) => one(journal.bytes) },
  {
    name: 'varve_log_waiting_bytes',
    help: 'Requests that wait for the disk.',
    read: ({ journal }) => one(journal.waitingBytes),
  },
  {
    name: 'varve_log_waiting_max_bytes',
    help: 'How many of them may: log.write_buffer_size.',
    read: ({ journal }) => one(journal.waitingMaxBytes),
  },
  {
    name: 'varve_log_groups_total',
    help: 'Groups written.',
    read: ({ journal }) => one(journal.groupsTotal),
  },
  {
    name: 'varve_log_group_bytes_total',
    help: 'Their bytes.',
    read: ({ journal }) => one(journal.groupBytesTotal),
  },
  {
    name: 'varve_log_records_total',
    help: 'Records written; a record is the rows of one request for one partition.',
    read: ({ journal }) => one(journal.recordsTotal),
  },
  {
    name: 'varve_log_duplicates_total',
    help: 'Records that were there already: a sender had sent its request again.',
    read: ({ journal }) => one(journal.duplicatesTotal),
  },
  {
    name: 'varve_log_keys_remembered',
    help: 'Idempotency keys by which a request would be known again.',
    read: ({ journal }) => one(journal.keysRemembered),
  },
  {
    name: 'varve_log_keys_forgotten_total',
    help: 'Keys that were forgotten before log.dedupe_window_ms ended: there were too many.',
    read: ({ journal }) => one(journal.keysForgottenTotal),
  },
  { name: 'varve_log_syncs_total', help: 'Syncs.', read: ({ journal }) => one(journal.syncsTotal) },
  {
    name: 'varve_log_sync_seconds_total',
    help: 'Time that syncs took.',
    read: ({ journal }) => one(journal.syncUsTotal / 1e6),
  },
  {
    name: 'varve_log_tail_offset',
    help: 'First offset of the epoch that is not committed.',
    labels: ['partition'],
    read: ofPartitions(({ tail }) => offsetOf(tail)),
  },
  {
    name: 'varve_log_held_records',
    help: 'Records that views have not sealed: what a start would replay.',
    labels: ['partition'],
    read: ofPartitions(({ heldRecords }) => heldRecords),
  },
  {
    name: 'varve_log_held_bytes',
    help: 'Their payloads.',
    labels: ['partition'],
    read: ofPartitions(({ heldBytes }) => heldBytes),
  },
  {
    name: 'varve_log_held_age_seconds',
    help: 'How long ago the oldest of them was appended; 0 where there is none.',
    labels: ['partition'],
    read: ofPartitions(({ oldestHeldMs }) => ageOf(oldestHeldMs)),
  },
  {
    name: 'varve_log_oldest_file_held',
    help: '1 for each partition that keeps the oldest journal file.',
    labels: ['partition'],
    read: ({ journal }) => journal.oldestFileHeldBy.map((partition) => ({ labels: { partition }, value: 1 })),
  },
  ...lagMetrics,
  {
    name: 'varve_log_trim_epoch',
    help: 'Epoch of the first record that is still in the log.',
    labels: ['partition'],
    read: ofPartitions(({ trimPoint }) => epochOf(trimPoint)),
  },
  {
    name: 'varve_log_trim_offset',
    help: 'Its offset there.',
    labels: ['partition'],
    read: ofPartitions(({ trimPoint }) => offsetOf(trimPoint)),
  },
  {
    name: 'varve_log_held_by',
    help: '1 for who keeps the trim point of a partition where it is: a view, or a hold by its name.',
    labels: ['partition', 'holder'],
    read: ({ journal }) =>
      journal.partitions.flatMap(({ partition, heldBy }) =>
        heldBy === null ? [] : [{ labels: { partition, holder: heldBy }, value: 1 }],
      ),
  },
  { name: 'varve_view_seals_total', help: 'Memtables sealed.', read: ({ views }) => one(views.sealsTotal) },
  {
    name: 'varve_view_seal_failing',
    help: '1 while memtables cannot be sealed.',
    read: ({ views }) => one(views.sealError === null ? 0 : 1),
  },
  {
    name: 'varve_view_merges_total',
    help: 'Merges of segments by compaction.',
    read: ({ views }) => one(views.compaction.mergesTotal),
  },
  {
    name: 'varve_view_merged_segments_total',
    help: 'Segments that went into them.',
    read: ({ views }) => one(views.compaction.segmentsMergedTotal),
  },
  {
    name: 'varve_view_merge_read_bytes_total',
    help: 'Bytes of those.',
    read: ({ views }) => one(views.compaction.readBytesTotal),
  },
  {
    name: 'varve_view_merge_written_bytes_total',
    help: 'Bytes of the segments that came out.',
    read: ({ views }) => one(views.compaction.writtenBytesTotal),
  },
  {
    name: 'varve_view_compaction_failing',
    help: '1 after a merge that failed, until one that does not.',
    read: ({ views }) => one(views.compaction.error === null ? 0 : 1),
  },
  {
    name: 'varve_view_freed_bytes_total',
    help: 'Files of segments that were removed: merged, expired or erased.',
    read: ({ views }) => one(views.freedBytesTotal),
  },
  {
    name: 'varve_view_expired_bytes_total',
    help: 'Segments that retention let go, and what it took from others.',
    read: ({ views }) => one(views.expiredBytesTotal),
  },
  {
    name: 'varve_view_retention_failing',
    help: '1 after retention could not look for what is due, or let it go, until it can.',
    read: ({ views }) => one(views.retentionError === null ? 0 : 1),
  },
  {
    name: 'varve_view_quarantined_segments',
    help: 'Segments set aside because they could not be read.',
    read: ({ views }) => one(views.quarantined),
  },
  {
    name: 'varve_view_trace_filter_bytes',
    help: 'Memory of the filters by which traces, spans and values of attributes are found.',
    read: ({ views }) => one(views.traceFilterBytes),
  },
  {
    name: 'varve_view_log_losses',
    help: 'Ranges of records that the log lost before they were sealed, met by this start.',
    read: ({ views }) => one(views.logLost.length),
  },
  {
    name: 'varve_view_damaged_text_indexes',
    help: 'Text indexes that are not used because they are damaged; answers are the same, slower.',
    read: ({ views }) => one(views.textIndexesDamaged),
  },
  {
    name: 'varve_view_memtable_bytes',
    help: 'Rows that are not sealed yet.',
    labels: ['tenant', 'table'],
    read: ofTables(({ memtableBytes }) => memtableBytes),
  },
  {
    name: 'varve_view_segments',
    help: 'Sealed segments.',
    labels: ['tenant', 'table'],
    read: ofTables(({ segments }) => segments),
  },
  {
    name: 'varve_view_segment_bytes',
    help: 'Sealed segments on disk, indexes included.',
    labels: ['tenant', 'table'],
    read: ofTables(({ bytes }) => bytes),
  },
  {
    name: 'varve_view_segment_records',
    help: 'Records in sealed segments.',
    labels: ['tenant', 'table'],
    read: ofTables(({ records }) => records),
  },
  ...keptRowsMetrics,
];

/** State of log and views as metrics, read once for each time that `/metrics` is asked for. */
export function registerStorageMetrics(registry: Registry, readStatus: () => StoreStatus): void {
  let status: StoreStatus;
  metrics.forEach(({ name, help, labels = [], read }, index) => {
    const points = (): readonly Point[] => {
      // Metrics are collected in the order in which they were registered.
      if (index === 0) status = readStatus();
      return read(status);
    };
    const settings = { name, help, labelNames: [...labels], registers: [registry] };
    // What ends so only grows, but for a restart.
    if (name.endsWith('_total'))
      new Counter({
        ...settings,
        collect() {
          this.reset();
          for (const { labels: of = {}, value } of points()) this.inc({ ...of }, value);
        },
      });
    else
      new Gauge({
        ...settings,
        collect() {
          this.reset();
          for (const { labels: of = {}, value } of points()) this.set({ ...of }, value);
        },
      });
  });
  registry.registerMetric(new SyncSeconds(() => status.journal));
}
