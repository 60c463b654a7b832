//! Why a segment cannot be written or read.

use std::{io, path::PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// Why a segment cannot be written or read; it names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The file could not be opened, written or synced.
    #[error("segment file {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file's bytes are not what was written.
    #[error("segment file {path} is damaged: {reason}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Rows that do not fit the table's schema, or would overflow a column.
    #[error("rows cannot be clustered: {0}")]
    Rows(#[from] ArrowError),
}

impl SegmentError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: impl Into<PathBuf>, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.into(), reason: reason.to_string() }
    }

    pub(crate) fn parquet(path: impl Into<PathBuf>, error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<io::Error>() {
                Ok(source) if is_damage(&source) => Self::damaged(path, source),
                Ok(source) => Self::Io { path: path.into(), source: *source },
                Err(other) => Self::damaged(path, other),
            },
            other => Self::damaged(path, other),
        }
    }
}

/// Whether a read failed because of what is in the file: other bytes, or too few.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}
