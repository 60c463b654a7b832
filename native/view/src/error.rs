//! Why views do not open, take, or give.

use std::{any::Any, io, path::PathBuf, sync::Arc};

use varve_log::{ReadError, SubscribeError};
use varve_segment::SegmentError;
use varve_text::TextError;
use varve_types::{ErrorCode, Lsn, PartitionId, Table, TenantId};

use crate::entry::SegmentEntry;

/// Why the views could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The manifest is damaged.
    #[error(
        "manifest {path} {reason}; 'varve store repair' puts its copy in its place if that is whole, else restore the data directory from a backup, or move it away to start empty"
    )]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The manifest is of a version that is not read.
    #[error(
        "manifest {path} has version {version}, this program reads {oldest} to {newest}; start the version that wrote it"
    )]
    ManifestVersion {
        /// The file.
        path: PathBuf,
        /// The one it has.
        version: u32,
        /// The first that is read.
        oldest: u32,
        /// The last that is read.
        newest: u32,
    },
    /// A file or folder could not be read or written.
    #[error("opening the views failed at {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log does not give what the views still need of it.
    #[error("replaying the log failed: {0}")]
    Replay(#[from] ReadError),
    /// What is between the segments and the log is in neither.
    #[error(
        "the segments cover {partition} up to {}, but its log begins at {trim_point}: what is between was sealed ({}) and is not here; restore manifest/ and segments/ from a backup, or move the data directory away to start empty",
        covered.unwrap_or(Lsn::new(1, 0)), snapshot.as_deref().unwrap_or("no snapshot is known")
    )]
    Gap {
        /// Of which partition.
        partition: PartitionId,
        /// The first place that no segment has; `None` if there are none of the partition.
        covered: Option<Lsn>,
        /// The first place that the log has.
        trim_point: Lsn,
        /// Where what is between was, when the log let go of it.
        snapshot: Option<Arc<str>>,
    },
    /// The segments have more than the log ever gave: records that come would be taken for old ones.
    #[error(
        "the segments are not of this log: {0}; restore journal/, meta/, manifest/ and segments/ from one backup, or move the data directory away to start empty"
    )]
    OtherLog(#[from] SubscribeError),
    /// A record of the log is not what this version writes.
    #[error("record {at} cannot be replayed: {reason}; start the version that wrote it")]
    Record {
        /// Its partition and place.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A thread could not be started.
    #[error("starting a thread of the views failed: {0}; check the limit on threads")]
    Thread(#[source] io::Error),
}

impl OpenError {
    /// The code that crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Manifest { .. }
            | Self::ManifestVersion { .. }
            | Self::Replay(_)
            | Self::Gap { .. }
            | Self::OtherLog(_)
            | Self::Record { .. } => ErrorCode::StoreCorrupt,
            Self::Io { .. } | Self::Thread(_) => ErrorCode::Io,
        }
    }
}

/// Why an append was refused. Nothing of the request was stored.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The log refused it.
    #[error(transparent)]
    Log(#[from] varve_log::AppendError),
    /// Memtables have grown faster than they can be sealed for longer than senders are held back.
    #[error("{bytes} bytes wait to be sealed, over twice view.memtable_max_bytes = {max_bytes}{}; send again later", because(reason.as_deref()))]
    MemtablesFull {
        /// Held now.
        bytes: u64,
        /// At which they are sealed.
        max_bytes: u64,
        /// Why sealing fails, if it does.
        reason: Option<String>,
    },
    /// A batch that is not of its table's schema.
    #[error("a batch does not fit its table: {0}")]
    Batch(String),
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" (sealing fails: {reason})")).unwrap_or_default()
}

impl AppendError {
    /// The code that crosses the binding.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Log(error) => error.code(),
            Self::MemtablesFull { .. } => ErrorCode::Overloaded,
            Self::Batch(_) => ErrorCode::Internal,
        }
    }
}

/// Why a segment could not be read. It names the file.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SegmentReadError {
    message: String,
    damaged: Option<DamagedSegment>,
}

/// A segment whose files are not what was written, or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedSegment {
    /// Whose.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
    /// Its id.
    pub segment: u64,
}

impl DamagedSegment {
    pub(crate) fn of(entry: &SegmentEntry) -> Self {
        Self { tenant: entry.tenant.clone(), table: entry.table, segment: entry.id }
    }
}

impl From<SegmentError> for SegmentReadError {
    fn from(error: SegmentError) -> Self {
        Self::new(error.to_string())
    }
}

impl SegmentReadError {
    /// A reason that says nothing of a file.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), damaged: None }
    }

    /// What was met in a segment: its damage, unless the machine is what fails.
    pub(crate) fn of(error: &SegmentError, entry: &SegmentEntry) -> Self {
        let is_damage = match error {
            SegmentError::Io { source, .. } => is_io_damage(source),
            _ => true,
        };
        let damaged = is_damage.then(|| DamagedSegment::of(entry));
        Self { message: error.to_string(), damaged }
    }

    pub(crate) fn text(path: &std::path::Path, error: &TextError) -> Self {
        Self::new(format!("{}: {error}", path.display()))
    }

    /// The segment to be set aside ([`crate::Store::set_aside`]), if that is what is wrong.
    #[must_use]
    pub fn damaged(&self) -> Option<&DamagedSegment> {
        self.damaged.as_ref()
    }
}

/// Too many open files, no permission: the segment is not what is wrong. A sector that cannot be read
/// (`EIO`) is.
pub(crate) fn is_io_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::EIO)
}
