//! Why a journal does not open.

use std::{io, path::PathBuf, sync::Arc};
use varve_types::ErrorCode;

/// Why a journal could not be opened. Nothing was changed but, at most, a torn tail cut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A setting is out of its bounds.
    #[error("journal settings: {reason}")]
    Settings {
        /// Which, and what it may be.
        reason: String,
    },
    /// A setting is another than that with which the data directory was made.
    #[error(
        "{setting} is {asked}, but the data directory {} was made with {made_with}, and by it a retry finds what it stored; set it to {made_with}, or use another data directory",
        dir.display()
    )]
    Fixed {
        /// Its name.
        setting: &'static str,
        /// The data directory.
        dir: PathBuf,
        /// What it was.
        made_with: u32,
        /// What it is.
        asked: u32,
    },
    /// A file is missing, or damaged so that it is not known what it is. Damaged frames do not keep
    /// a journal from opening ([`super::Damage`]).
    #[error(
        "journal file {path} is damaged at byte {position}: {reason}; restore it, or move it and all older ones away to go on without their records"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        position: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A file is of a format that this version does not read.
    #[error(
        "journal file {path} has format version {version}, this program reads {supported}; start the version that wrote it, or move the data directory's journal and meta away to go on without its records"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: u32,
        /// The one that is read.
        supported: u32,
    },
    /// A file was written by another store.
    #[error("journal file {path} belongs to another store; move it back to its data directory")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error(
        "opening the journal failed at {path}: {source}; check that the disk is sound and writable"
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The first group could not be written: it seals the epochs of the life before.
    #[error("the journal cannot be written, which a start does first: {reason}")]
    Write {
        /// What failed.
        reason: Arc<str>,
    },
    /// The writer's thread could not be started.
    #[error("starting the journal's writer failed: {0}; check the limit on threads")]
    Thread(#[source] io::Error),
}

impl OpenError {
    /// What crosses the binding.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Settings { .. } => ErrorCode::Internal,
            Self::Fixed { .. } => ErrorCode::SettingFixed,
            Self::Damaged { .. } | Self::Version { .. } | Self::Foreign { .. } => {
                ErrorCode::StoreCorrupt
            }
            // The small files beside the journal say so when they are damaged.
            Self::Io { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                ErrorCode::StoreCorrupt
            }
            Self::Io { .. } | Self::Write { .. } | Self::Thread(_) => ErrorCode::Io,
        }
    }
}
