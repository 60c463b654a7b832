//! Why views do not open, take, or give.

use std::{any::Any, io, path::PathBuf};

use varve_log::ReadError;
use varve_segment::SegmentError;
use varve_text::TextError;
use varve_types::ErrorCode;

/// Why the views could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The manifest is damaged or of a version that is not read.
    #[error(
        "manifest {path} {reason}; restore the data directory from a backup, or move it away to start empty"
    )]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder could not be read or written.
    #[error("opening the views failed at {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log does not give what the views still need of it.
    #[error("replaying the log failed")]
    Replay(#[from] ReadError),
    /// A record of the log is not what this version writes.
    #[error("record {at} cannot be replayed: {reason}; start the version that wrote it")]
    Record {
        /// Its partition and place.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A thread could not be started.
    #[error("starting a thread of the views failed; check the limit on threads")]
    Thread(#[source] io::Error),
}

impl OpenError {
    /// The code that crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Manifest { .. } | Self::Replay(_) | Self::Record { .. } => {
                ErrorCode::StoreCorrupt
            }
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
    /// Memtables grow faster than they can be sealed.
    #[error("{bytes} bytes wait to be sealed, over four times view.memtable_max_bytes = {max_bytes}{}; send again later", because(reason.as_deref()))]
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
#[error("{0}")]
pub struct SegmentReadError(pub String);

impl From<SegmentError> for SegmentReadError {
    fn from(error: SegmentError) -> Self {
        Self(error.to_string())
    }
}

impl SegmentReadError {
    pub(crate) fn text(path: &std::path::Path, error: &TextError) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}
