//! What the files of a journal are opened with. Defaults are in the program's configuration, not here.

use std::path::PathBuf;

use super::{DiskReserve, OpenError, file_header::FILE_HEADER_BYTES, group::CLOSING_GROUP_BYTES};

/// Bounds on [`FileSettings::file_bytes`]: the lower leaves room for a record of each tenant, the
/// upper keeps a payload's length in 32 bits.
const FILE_BYTES_MIN: u64 = 16 << 10;
const FILE_BYTES_MAX: u64 = 4 << 30;

/// Settings of the files. None has a default.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// The data directory: the journal has `journal/` and `meta/` in it. Who opens a journal holds
    /// its [`crate::DataDirLock`].
    pub dir: PathBuf,
    /// What one file takes; reserved when it is made. A group must fit into one. 16 KiB to 4 GiB.
    /// Files are smaller where the disk has little room left.
    pub file_bytes: u64,
    /// What has to stay free on the disk: appends do not use it.
    pub disk_reserve: DiskReserve,
}

impl FileSettings {
    pub(super) fn check(&self) -> Result<(), OpenError> {
        if (FILE_BYTES_MIN..=FILE_BYTES_MAX).contains(&self.file_bytes) {
            return Ok(());
        }
        let reason = format!(
            "file_bytes = {} must be {FILE_BYTES_MIN} to {FILE_BYTES_MAX}",
            self.file_bytes
        );
        Err(OpenError::Settings { reason })
    }

    pub(super) fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// What a group may take in a file, schemas included.
    pub(super) fn group_max_bytes(&self) -> u64 {
        self.file_bytes - FILE_HEADER_BYTES - CLOSING_GROUP_BYTES
    }
}
