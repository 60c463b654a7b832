//! What a log on one disk is opened with. Defaults are in the program's configuration, not here.

use std::path::PathBuf;

use crate::{
    ProducerSettings,
    journal::{DiskReserve, FileSettings, OpenError},
};

/// Settings of a journal. None has a default.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// See [`FileSettings::dir`].
    pub dir: PathBuf,
    /// Partitions of each log; fixed once the data directory is made.
    pub partitions: u32,
    /// See [`FileSettings::file_bytes`].
    pub file_bytes: u64,
    /// Bytes of requests (with their frames) that may wait for the disk; past it they are refused.
    pub write_buffer_max_bytes: u64,
    /// How long a record may wait for its write quorum before its epoch is given up. On one node it waits
    /// for nobody.
    pub epoch_timeout_ms: u64,
    /// Over how many coordinators sessions are spread; fixed once the data directory is made.
    pub coordinator_count: u32,
    /// What has to stay free on the disk; below it requests are refused until there is room.
    pub disk_reserve: DiskReserve,
    /// The longest age of a hold.
    pub hold_max_age_ms: u64,
    /// What is remembered of producers.
    pub producers: ProducerSettings,
}

impl JournalSettings {
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let refused = |reason: &str| Err(OpenError::Settings { reason: reason.to_owned() });
        if self.partitions == 0 {
            return refused("partitions must be at least 1");
        }
        if self.write_buffer_max_bytes == 0 {
            return refused("write_buffer_max_bytes must be over 0");
        }
        Ok(())
    }

    pub(super) fn of_files(&self) -> FileSettings {
        let Self { file_bytes, disk_reserve, .. } = *self;
        FileSettings { dir: self.dir.clone(), file_bytes, disk_reserve }
    }
}
