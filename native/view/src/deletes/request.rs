//! What a request to erase says, and what becomes of it.

use arrow::{
    array::{Array as _, AsArray, BooleanArray, RecordBatch},
    error::ArrowError,
};
use serde::{Deserialize, Serialize};
use varve_segment::{Counts, Erasure, RowTest};
use varve_types::{ErrorCode, Table, TenantId};

use super::{
    LabelMatch, LineMatch, NS_PER_MS,
    selector::{InvalidPattern, Selector},
    span_selector::{self, SpanMatch, SpanSelector},
};
use crate::{
    error::SegmentReadError,
    segment::{Segment, Why},
};

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
    /// Whether it says something, and what can be compiled.
    pub(super) fn check(&self) -> Result<Compiled<'_>, DeleteError> {
        if self.from_ms > self.to_ms {
            return Err(DeleteError::Range { from_ms: self.from_ms, to_ms: self.to_ms });
        }
        let compiled = self.compile()?;
        match self.table {
            Table::Logs | Table::Samples if compiled.selector.matches_without_labels() => {
                Err(DeleteError::TooWide)
            }
            Table::Spans if self.spans.is_empty() => Err(DeleteError::NoCondition),
            Table::Exemplars | Table::Metadata => Err(DeleteError::Table(self.table.name())),
            _ => Ok(compiled),
        }
    }

    pub(super) fn compile(&self) -> Result<Compiled<'_>, InvalidPattern> {
        Ok(Compiled {
            what: self,
            selector: Selector::compile(&self.labels, &self.lines)?,
            spans: SpanSelector::compile(&self.spans)?,
        })
    }

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
    fn times(&self) -> (i64, i64) {
        match self.table {
            Table::Logs | Table::Spans => (
                self.from_ms.saturating_mul(NS_PER_MS),
                self.to_ms.saturating_mul(NS_PER_MS).saturating_add(NS_PER_MS - 1),
            ),
            Table::Samples | Table::Exemplars | Table::Metadata => (self.from_ms, self.to_ms),
        }
    }
}

/// What a request is about, ready to be compared.
pub(super) struct Compiled<'a> {
    what: &'a NewDelete,
    selector: Selector,
    spans: SpanSelector,
}

impl Compiled<'_> {
    /// The segment without the rows, and how many records those are; `None` if it has none.
    pub(super) fn hide(
        &self,
        request: u64,
        segment: &Segment,
    ) -> Result<Option<(Segment, u64)>, SegmentReadError> {
        let times = self.what.times();
        let lines = |batch: &RecordBatch| self.lines(batch);
        let spans = |batch: &RecordBatch| self.spans.matches(batch);
        let is_of_spans = self.what.table == Table::Spans;
        let test = if is_of_spans {
            Some(RowTest { columns: self.spans.columns(), is_erased: &spans })
        } else {
            let is_needed = self.what.table == Table::Logs && self.selector.has_lines();
            is_needed.then_some(RowTest { columns: &["body"], is_erased: &lines })
        };
        let among = if is_of_spans {
            let ids = span_selector::trace_ids(&self.what.spans);
            ids.map(|ids| segment.rows_of_traces(&ids))
        } else {
            None
        };
        let is_meant = |text: &str| is_of_spans || self.selector.matches_labels(text);
        let erasure = Erasure {
            times,
            times_of: &|text| is_meant(text).then_some(times),
            test,
            among: among.as_deref(),
            counts: Counts::Exact,
        };
        segment.without(&erasure, Why::Request(request))
    }

    fn lines(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let bodies = batch.column_by_name("body").and_then(|column| column.as_string_opt::<i32>());
        let bodies =
            bodies.ok_or_else(|| ArrowError::SchemaError("no column body of texts".to_owned()))?;
        let is_meant = |row| self.selector.matches_line(bodies.value(row));
        Ok((0..bodies.len()).map(|row| Some(is_meant(row))).collect())
    }
}
