//! One trace by its id.

use arrow::{
    array::{RecordBatch, UInt32Array},
    compute::take_record_batch,
};
use hashbrown::HashSet;
use varve_columnar::{
    answer::{Answer, QueryStats},
    schema::schema_of,
};
use varve_types::Table;
use varve_view::SegmentReadError;

use super::{
    gather::gather,
    selection::Selection,
    spans::TraceId,
    trace::{SpanRef, Trace},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{SpanSelection, TimeRange},
};

/// What the answer says that does not have all spans.
const FILTERED: &str = "Trace filtered, only a subset of spans matching the filter is returned";

/// The spans of one trace, each once.
pub(crate) fn run(
    context: &ExecContext,
    trace_id: &str,
    range: Option<TimeRange>,
    spans: Option<&SpanSelection>,
) -> Result<Answer, QueryError> {
    let id = parse(trace_id)?;
    let selection = spans.map(Selection::compile).transpose()?;
    let schema = schema_of(Table::Spans);
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let gathered = gather(context, &HashSet::from([id]), &columns, range)?;
    let Some(mut trace) = gathered.trace(&id) else {
        return Ok(Answer::Trace(Vec::new()));
    };
    if let Some(selection) = selection {
        let all = trace.spans.len();
        let mut kept = selection.of(&trace).into_iter();
        trace.spans.retain(|_| kept.next() == Some(true));
        if trace.spans.len() < all {
            context.warn(FILTERED.to_owned());
        }
    }
    context.count(&QueryStats {
        rows_matched: trace.spans.len() as u64,
        traces_read: 1,
        ..QueryStats::default()
    });
    Ok(Answer::Trace(batches(&trace, &columns)?))
}

/// The spans' rows, one batch for each that they came from.
fn batches(trace: &Trace<'_>, columns: &[&str]) -> Result<Vec<RecordBatch>, QueryError> {
    let mut sources: Vec<(SpanRef<'_>, Vec<u32>)> = Vec::new();
    for &span in &trace.spans {
        match sources.iter_mut().find(|(one, _)| std::ptr::eq(one.columns, span.columns)) {
            Some((_, rows)) => rows.push(span.row as u32),
            None => sources.push((span, vec![span.row as u32])),
        }
    }
    let taken = |(source, rows): (SpanRef<'_>, Vec<u32>)| {
        let batch = &source.columns.batch;
        let kept: Result<Vec<usize>, _> =
            columns.iter().map(|name| batch.schema_ref().index_of(name)).collect();
        take_record_batch(&batch.project(&kept?)?, &UInt32Array::from(rows))
    };
    sources
        .into_iter()
        .map(|source| {
            taken(source).map_err(|error| SegmentReadError::new(error.to_string()).into())
        })
        .collect()
}

fn parse(text: &str) -> Result<TraceId, QueryError> {
    let digits = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
    digits
        .map(u128::to_be_bytes)
        .ok_or_else(|| QueryError::invalid(format!("trace id '{text}' is not 32 hex digits")))
}
