//! What compaction knows of its work from job to job, and what it tells of it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde::Serialize;

/// How long segments are left alone after they could not be merged.
const RETRY: Duration = Duration::from_mins(10);

/// A place at which tests stop a merge, as a kill would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The new segments are on disk.
    Written,
    /// The manifest names them.
    Named,
    /// Queries see them; the old files are still there.
    Shown,
}

/// Which segments wait after a failure, and what tests look at.
#[derive(Default)]
pub(crate) struct Compaction {
    pub(super) failed: HashMap<u64, Instant>,
    /// Whether the last job was one for retention: a merge has its turn before the next.
    pub(super) has_rewritten: bool,
    #[cfg(test)]
    pub(crate) stop_at: Option<Step>,
}

impl Compaction {
    pub(super) fn is_free(&self, id: u64) -> bool {
        self.failed.get(&id).is_none_or(|at| at.elapsed() >= RETRY)
    }

    #[cfg(test)]
    pub(super) fn reached(&self, step: Step) {
        assert!(self.stop_at != Some(step), "killed at {step:?}");
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests have something to look at")]
    pub(super) fn reached(&self, _: Step) {}
}

/// What compaction did since the start.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactionStatus {
    /// Merges that came to their end.
    pub merges_total: u64,
    /// Segments that went into them.
    pub segments_merged_total: u64,
    /// Bytes of those.
    pub read_bytes_total: u64,
    /// Bytes of the segments that came out.
    pub written_bytes_total: u64,
    /// Why the last one failed; `None` after one that did not.
    pub error: Option<String>,
}
