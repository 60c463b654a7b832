//! What a request to erase says, and what becomes of it.

use serde::{Deserialize, Serialize};
use varve_types::{ErrorCode, Table, TenantId};

use super::{
    selector::{InvalidPattern, LabelMatch, LineMatch},
    span_selector::SpanMatch,
};
use crate::{clock::NS_PER_MS, error::SegmentReadError};

/// What is to be erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDelete {
    /// Logs, spans or samples; with samples go their exemplars.
    pub table: Table,
    /// The streams or series: all of these must hold.
    #[serde(default)]
    pub labels: Vec<LabelMatch>,
    /// The lines of logs: all of these must hold.
    #[serde(default)]
    pub lines: Vec<LineMatch>,
    /// The spans: all of these must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<SpanMatch>,
    /// First time, milliseconds since the epoch.
    pub from_ms: i64,
    /// Last time, whole millisecond included.
    pub to_ms: i64,
}

/// A request to erase, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteRequest {
    /// Unique in a store.
    pub id: u64,
    /// Whose.
    pub tenant: TenantId,
    /// What.
    pub what: NewDelete,
    /// When it was made, milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Until then it can be cancelled; after it segments are rewritten.
    pub due_at_ms: i64,
    /// Records that are hidden and not yet erased, by segment.
    pub pending: Vec<PendingSegment>,
    /// Records that are gone from the disk.
    pub records_erased: u64,
    /// Segments that were rewritten for it.
    pub segments_rewritten: u64,
    /// When the last one was.
    pub done_at_ms: Option<i64>,
}

/// A segment that still has rows to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingSegment {
    /// Its id.
    pub segment: u64,
    /// How many.
    pub records: u64,
}

/// Why a request to erase, or to cancel that, was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// A table that nothing can be erased of by itself.
    #[error("rows of {0} cannot be erased by themselves; name logs, spans or samples")]
    Table(&'static str),
    /// It would say nothing about what to erase.
    #[error("a delete request needs a label matcher that does not match the empty text; add one")]
    TooWide,
    /// The same, of spans.
    #[error("a delete request for spans needs a condition on them; add one")]
    NoCondition,
    /// The range is empty.
    #[error("the range ends ({to_ms} ms) before it starts ({from_ms} ms)")]
    Range {
        /// First.
        from_ms: i64,
        /// Last.
        to_ms: i64,
    },
    /// A pattern does not compile.
    #[error("the pattern '{pattern}' does not compile: {reason}")]
    Pattern {
        /// As it was sent.
        pattern: String,
        /// Why not.
        reason: String,
    },
    /// There is none with this id that could be cancelled.
    #[error("no delete request {0} waits; it was never made, is done, or was cancelled")]
    Unknown(u64),
    /// It is too late.
    #[error("delete request {0} is being carried out and cannot be cancelled any more")]
    Begun(u64),
    /// Rows could not be sealed, read, or the manifest not be written.
    #[error("{0}")]
    Io(String),
}

impl DeleteError {
    /// The code that crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Pattern { .. } => ErrorCode::RegexInvalid,
            Self::Io(_) => ErrorCode::Io,
            _ => ErrorCode::QueryInvalid,
        }
    }
}

impl From<InvalidPattern> for DeleteError {
    fn from(InvalidPattern { pattern, reason }: InvalidPattern) -> Self {
        Self::Pattern { pattern, reason }
    }
}

impl From<SegmentReadError> for DeleteError {
    fn from(error: SegmentReadError) -> Self {
        Self::Io(error.to_string())
    }
}

impl NewDelete {
    /// The tables whose rows go.
    pub(super) fn tables(&self) -> &'static [Table] {
        match self.table {
            Table::Logs => &[Table::Logs],
            Table::Spans => &[Table::Spans],
            Table::Samples => &[Table::Samples, Table::Exemplars],
            Table::Exemplars | Table::Metadata => &[],
        }
    }

    /// In the table's unit, both included.
    pub(super) fn times(&self) -> (i64, i64) {
        match self.table {
            Table::Logs | Table::Spans => (
                self.from_ms.saturating_mul(NS_PER_MS),
                self.to_ms.saturating_mul(NS_PER_MS).saturating_add(NS_PER_MS - 1),
            ),
            Table::Samples | Table::Exemplars | Table::Metadata => (self.from_ms, self.to_ms),
        }
    }
}
