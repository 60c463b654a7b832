//! What an operator asks of the files.

use std::time::Duration;
use varve_types::{Lsn, PartitionId};

use super::{CutTail, Damage, DiskStatus, Files, Frame, FrameKind, Lag, lag::Oldest};

/// The files at one moment.
#[derive(Clone, Debug)]
pub struct FilesStatus {
    /// How many there are.
    pub files: u64,
    /// Bytes of whole groups in them. On disk the file that is written takes `file_bytes`.
    pub bytes: u64,
    /// Partitions that keep the oldest file from being removed: seal and trim these to free space.
    pub oldest_file_held_by: Vec<PartitionId>,
    /// What is counted since the start.
    pub counters: FileCounters,
    /// What is damaged in them, as far as it was found.
    pub damages: Vec<Damage>,
    /// Damaged stretches found since the start, also in files that are gone.
    pub damages_total: u64,
    /// The disk they are on.
    pub disk: DiskStatus,
    /// Those of which nothing is known: any frame may have been there.
    pub unknown_frames_total: u64,
    /// What this start cut off.
    pub cut_tail: Option<CutTail>,
    /// Partitions that hold records or held some, in order: trim point, and records from there on.
    pub partitions: Vec<(PartitionId, Lsn, Lag)>,
}

/// What is counted while the journal runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileCounters {
    /// Groups written since the start.
    pub groups_total: u64,
    /// Records in them.
    pub records_total: u64,
    /// Their bytes.
    pub group_bytes_total: u64,
    /// Syncs of groups since the start.
    pub syncs_total: u64,
    /// How long they took together, in microseconds.
    pub sync_us_total: u64,
    /// How long the last sync took, in microseconds.
    pub last_sync_us: u64,
    /// How long the slowest sync since the start took, in microseconds.
    pub max_sync_us: u64,
    /// How many took no longer than each of [`SYNC_BOUNDS_US`], and no less than the one before; last
    /// those that took longer.
    pub sync_counts: [u64; SYNC_BOUNDS_US.len() + 1],
    /// Seals of epochs written since the start.
    pub seals_total: u64,
    /// Records written since the start that another store, or a start, had to write again.
    pub repairs_total: u64,
}

/// Bounds by which syncs are counted, in microseconds.
pub const SYNC_BOUNDS_US: [u64; 11] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

impl FileCounters {
    pub(super) fn note_sync(&mut self, took: Duration) {
        self.syncs_total += 1;
        self.last_sync_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sync_us_total = self.sync_us_total.saturating_add(self.last_sync_us);
        self.max_sync_us = self.max_sync_us.max(self.last_sync_us);
        let bucket = SYNC_BOUNDS_US.partition_point(|bound_us| *bound_us < self.last_sync_us);
        if let Some(count) = self.sync_counts.get_mut(bucket) {
            *count += 1;
        }
    }

    pub(super) fn note_frames(&mut self, frames: &[Frame]) {
        let count = |is_meant: fn(&Frame) -> bool| {
            frames.iter().filter(|frame| is_meant(frame)).count() as u64
        };
        self.seals_total += count(|frame| frame.kind == FrameKind::Seal);
        self.repairs_total += count(|frame| frame.is_repair);
    }
}

impl Files {
    /// How the files are doing.
    pub fn status(&self) -> FilesStatus {
        let disk = self.disk_status();
        let index = self.index.read();
        let known = index.partitions.iter();
        let lags: Vec<_> = known
            .map(|(&partition, it)| (partition, it.trim_point, index.lag(partition, it.trim_point)))
            .collect();
        let mut status = FilesStatus {
            files: index.files.len() as u64,
            bytes: index.files.iter().map(|file| file.end).sum(),
            oldest_file_held_by: index.oldest_is_held_by(),
            counters: *self.counters.lock(),
            damages: index.damages.named.clone(),
            damages_total: index.damages.total,
            unknown_frames_total: index.damages.unknown,
            cut_tail: index.damages.cut_tail.clone(),
            disk,
            partitions: Vec::new(),
        };
        // Who writes does not wait for what is read now.
        drop(index);
        let read = |(partition, trim_point, (lag, oldest)): (_, _, (Lag, Option<Oldest>))| {
            let oldest_ms = oldest.and_then(|oldest| oldest.append_time_ms());
            (partition, trim_point, Lag { oldest_ms, ..lag })
        };
        status.partitions = lags.into_iter().map(read).collect();
        status
    }
}
