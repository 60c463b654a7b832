//! A request to erase, ready to be compared with rows.

use arrow::{
    array::{Array as _, AsArray, BooleanArray, RecordBatch},
    error::ArrowError,
};
use varve_segment::{Counts, Erasure, RowTest};
use varve_types::Table;

use super::{
    request::{DeleteError, NewDelete},
    selector::{InvalidPattern, Selector},
    span_selector::{self, SpanSelector},
};
use crate::{
    error::SegmentReadError,
    segment::{Segment, Why},
};

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
