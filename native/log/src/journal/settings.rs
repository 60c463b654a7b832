//! What a journal is opened with. Defaults are in the program's configuration, not here.

use std::path::PathBuf;

use crate::ProducerSettings;

use super::{OpenError, file_header::FILE_HEADER_BYTES, writer::CLOSING_GROUP_BYTES};

/// Bounds on [`JournalSettings::file_bytes`]: the lower leaves room for a record of each tenant, the
/// upper keeps a payload's length in 32 bits.
const FILE_BYTES_MIN: u64 = 16 << 10;
const FILE_BYTES_MAX: u64 = 4 << 30;

/// Settings of a journal. None has a default.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// The data directory: the journal has `journal/` and `meta/` in it. Who opens a journal holds
    /// its [`crate::DataDirLock`].
    pub dir: PathBuf,
    /// Partitions of each log. Records of partitions above it, from before it was lowered, are
    /// still read.
    pub partitions: u32,
    /// What one file takes; reserved when it is made. A request must fit into one. 16 KiB to 4 GiB.
    pub file_bytes: u64,
    /// Bytes of requests (with their frames) that may wait for the disk; past it they are refused.
    pub write_buffer_max_bytes: u64,
    /// What has to stay free on the disk; below it requests are refused until there is room.
    pub disk_free_min_bytes: u64,
    /// What is remembered of producers.
    pub producers: ProducerSettings,
}

impl JournalSettings {
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let refused = |reason: String| Err(OpenError::Settings { reason });
        if self.partitions == 0 {
            return refused("partitions must be at least 1".to_owned());
        }
        if !(FILE_BYTES_MIN..=FILE_BYTES_MAX).contains(&self.file_bytes) {
            return refused(format!(
                "file_bytes = {} must be {FILE_BYTES_MIN} to {FILE_BYTES_MAX}",
                self.file_bytes
            ));
        }
        if self.write_buffer_max_bytes == 0 {
            return refused("write_buffer_max_bytes must be over 0".to_owned());
        }
        Ok(())
    }

    /// What a group may take in a file, schemas included.
    pub(super) fn group_max_bytes(&self) -> u64 {
        self.file_bytes - FILE_HEADER_BYTES - CLOSING_GROUP_BYTES
    }
}
