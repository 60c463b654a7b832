//! Why a merge failed.

use std::{
    io,
    path::{Path, PathBuf},
};

use varve_segment::SegmentError;
use varve_text::TextError;

use crate::error::SegmentReadError;

/// Why segments were not merged. They are still there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompactError {
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error(transparent)]
    Read(#[from] SegmentReadError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("writing {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("the disk has {free_bytes} bytes free, merging takes {needed_bytes}; free some")]
    DiskFull { free_bytes: u64, needed_bytes: u64 },
    #[error("compaction panicked: {0}")]
    Panicked(String),
    #[error("the store is closing")]
    Stopped,
}

impl CompactError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
