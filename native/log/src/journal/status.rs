//! What an operator asks of a journal.

use std::{sync::Arc, time::Duration};
use varve_types::{Lsn, PartitionId};

/// A journal at one moment.
#[derive(Clone, Debug)]
pub struct JournalStatus {
    /// Opened at this start.
    pub epoch: u32,
    /// How many files there are.
    pub files: u64,
    /// Bytes of whole groups in them. On disk the file that is written takes `file_bytes`.
    pub bytes: u64,
    /// Partitions that keep the oldest file from being removed: seal and trim these to free space.
    pub oldest_file_held_by: Vec<PartitionId>,
    /// Bytes of requests that wait for the disk.
    pub waiting_bytes: u64,
    /// Groups written since the start.
    pub groups_total: u64,
    /// Records written since the start.
    pub records_total: u64,
    /// Records that were there already, by their idempotency keys.
    pub duplicates_total: u64,
    /// Idempotency keys by which a retry would be known again.
    pub keys_remembered: u64,
    /// Bytes of the groups.
    pub group_bytes_total: u64,
    /// Syncs of groups since the start.
    pub syncs_total: u64,
    /// How long they took together, in microseconds.
    pub sync_us_total: u64,
    /// How long the last sync took, in microseconds.
    pub last_sync_us: u64,
    /// How long the slowest sync since the start took, in microseconds.
    pub max_sync_us: u64,
    /// Why nothing is written any more; `None` while the journal is sound.
    pub read_only: Option<Arc<str>>,
    /// Why the last trim could not be made durable, or its files not be removed. The next tries again.
    pub trim_error: Option<Arc<str>>,
    /// Partitions that hold records or held some, in order.
    pub partitions: Vec<PartitionStatus>,
}

/// One partition of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// Which.
    pub partition: PartitionId,
    /// The first place that is not committed yet.
    pub tail: Lsn,
    /// The first place that may still be read.
    pub trim_point: Lsn,
    /// Records from there to the tail: what a start would replay.
    pub held_records: u64,
}

/// What is counted while the journal runs.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) groups_total: u64,
    pub(super) records_total: u64,
    pub(super) duplicates_total: u64,
    pub(super) group_bytes_total: u64,
    pub(super) syncs_total: u64,
    pub(super) sync_us_total: u64,
    pub(super) last_sync_us: u64,
    pub(super) max_sync_us: u64,
    pub(super) trim_error: Option<Arc<str>>,
}

impl Counters {
    pub(super) fn note_sync(&mut self, took: Duration) {
        self.syncs_total += 1;
        self.last_sync_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sync_us_total = self.sync_us_total.saturating_add(self.last_sync_us);
        self.max_sync_us = self.max_sync_us.max(self.last_sync_us);
    }
}
