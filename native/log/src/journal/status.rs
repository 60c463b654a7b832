//! What an operator asks of the files.

use std::time::Duration;
use varve_types::{Lsn, PartitionId};

use super::{Damage, DiskStatus, Files};

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
    /// Partitions that hold records or held some, in order: trim point, and records from there on.
    pub partitions: Vec<(PartitionId, Lsn, u64)>,
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
}

impl FileCounters {
    pub(super) fn note_sync(&mut self, took: Duration) {
        self.syncs_total += 1;
        self.last_sync_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sync_us_total = self.sync_us_total.saturating_add(self.last_sync_us);
        self.max_sync_us = self.max_sync_us.max(self.last_sync_us);
    }
}

impl Files {
    /// How the files are doing.
    pub fn status(&self) -> FilesStatus {
        let disk = self.disk_status();
        let index = self.index.read();
        let partitions = index.partitions.iter();
        FilesStatus {
            files: index.files.len() as u64,
            bytes: index.files.iter().map(|file| file.end).sum(),
            oldest_file_held_by: index.oldest_is_held_by(),
            counters: *self.counters.lock(),
            damages: index.damages.named.clone(),
            damages_total: index.damages.total,
            disk,
            partitions: partitions
                .map(|(partition, it)| (*partition, it.trim_point, it.held_records()))
                .collect(),
        }
    }
}
