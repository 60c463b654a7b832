//! Which streams a query reads, each with a number.

use std::sync::Arc;

use arrow::array::{
    Array as _, AsArray as _, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use arrow::datatypes::{Int32Type, Int64Type};
use hashbrown::HashMap;
use varve_columnar::labels::LabelSet;
use varve_types::TenantId;

use crate::{
    context::{ExecContext, TENANT_LABEL},
    error::QueryError,
    matcher::Matchers,
    plan::TimeRange,
};

/// Whether a span of time (both ends included) has an instant of the range.
pub(crate) fn overlaps((first, last): (i64, i64), range: TimeRange) -> bool {
    first < range.to.0 && last >= range.from.0
}

/// Streams that match, in the order in which they were met. Each label set is read and matched once,
/// however many batches hold it.
pub(crate) struct StreamDirectory<'q> {
    selectors: &'q [Matchers],
    tenant: Option<&'q TenantId>,
    /// By canonical text, of the tenant at hand; `None` for those that do not match.
    numbers: HashMap<Box<str>, Option<u32>>,
    streams: Vec<Arc<LabelSet>>,
}

impl<'q> StreamDirectory<'q> {
    /// Streams that match one of the selectors; all, if there are none.
    pub(crate) fn new(selectors: &'q [Matchers]) -> Self {
        Self { selectors, tenant: None, numbers: HashMap::new(), streams: Vec::new() }
    }

    /// The label sets that follow are this tenant's; numbers go on.
    pub(crate) fn enter(&mut self, tenant: Option<&'q TenantId>) {
        self.tenant = tenant;
        self.numbers.clear();
    }

    /// The number of a stream, given its canonical text; `None` if it does not match.
    pub(crate) fn number_of(
        &mut self,
        context: &ExecContext,
        text: &str,
    ) -> Result<Option<u32>, QueryError> {
        if let Some(&number) = self.numbers.get(text) {
            return Ok(number);
        }
        let mut labels =
            LabelSet::from_json(text).map_err(|error| QueryError::invalid(error.to_string()))?;
        if let Some(tenant) = self.tenant {
            labels.set(TENANT_LABEL, tenant.as_str());
        }
        let selectors = self.selectors;
        let is_match =
            selectors.is_empty() || selectors.iter().any(|selector| selector.matches(&labels));
        let number = is_match.then_some(self.streams.len() as u32);
        if is_match {
            context.budget.add_series(1)?;
            context.budget.charge(text.len() as u64)?;
            self.streams.push(Arc::new(labels));
        }
        self.numbers.insert(text.into(), number);
        Ok(number)
    }

    /// By key of a batch's `stream` column, the number of its stream.
    pub(crate) fn numbers_of(
        &mut self,
        context: &ExecContext,
        columns: &LogColumns<'_>,
    ) -> Result<Vec<Option<u32>>, QueryError> {
        let texts = columns.streams.iter().map(Option::unwrap_or_default);
        texts.map(|text| self.number_of(context, text)).collect()
    }

    /// The labels, by number.
    pub(crate) fn streams(&self) -> &[Arc<LabelSet>] {
        &self.streams
    }
}

/// The columns of a batch of logs, as appended, that decide whether a row is read.
pub(crate) struct LogColumns<'b> {
    /// Label sets, by key.
    pub(crate) streams: &'b StringArray,
    /// By row.
    pub(crate) keys: &'b [i32],
    /// By row, nanoseconds since the epoch.
    pub(crate) times: &'b [i64],
}

impl<'b> LogColumns<'b> {
    /// The columns; they are those of the table's schema.
    pub(crate) fn of(batch: &'b RecordBatch) -> Result<Self, QueryError> {
        let stream =
            batch.column_by_name("stream").and_then(|one| one.as_dictionary_opt::<Int32Type>());
        let stream = stream.ok_or_else(|| no_column(batch, "stream"))?;
        let streams = stream.values().as_string_opt::<i32>();
        Ok(Self {
            streams: streams.ok_or_else(|| no_column(batch, "stream"))?,
            keys: stream.keys().values(),
            times: times(batch)?.values(),
        })
    }
}

/// The times of a batch, nanoseconds since the epoch.
pub(crate) fn times(batch: &RecordBatch) -> Result<&Int64Array, QueryError> {
    let column = batch.column_by_name("time_unix_nano");
    column
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .ok_or_else(|| no_column(batch, "time_unix_nano"))
}

/// The lines of a batch: as they were appended, or as views of a segment's pages.
#[derive(Clone, Copy)]
pub(super) enum Lines<'b> {
    Texts(&'b StringArray),
    Views(&'b StringViewArray),
}

impl<'b> Lines<'b> {
    /// A row's line.
    pub(super) fn value(self, row: usize) -> &'b str {
        match self {
            Self::Texts(lines) => lines.value(row),
            Self::Views(lines) => lines.value(row),
        }
    }

    /// The length of all lines.
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Texts(lines) => lines.iter().flatten().map(|line| line.len() as u64).sum(),
            Self::Views(lines) => (0..lines.len()).map(|row| lines.value(row).len() as u64).sum(),
        }
    }
}

/// The lines of a batch.
pub(super) fn bodies(batch: &RecordBatch) -> Result<Lines<'_>, QueryError> {
    let column = batch.column_by_name("body").ok_or_else(|| no_column(batch, "body"))?;
    let texts = column.as_string_opt::<i32>().map(Lines::Texts);
    texts
        .or_else(|| column.as_string_view_opt().map(Lines::Views))
        .ok_or_else(|| no_column(batch, "body"))
}

/// The answer where a batch is not what its table's schema says.
pub(super) fn no_column(batch: &RecordBatch, name: &str) -> QueryError {
    let schema = batch.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    QueryError::invalid(format!(
        "a batch of logs has the columns {names:?}; '{name}' is not there or of another type"
    ))
}
