//! Spans that match a filter, one by one, for their tags and values.

use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use varve_columnar::{answer::QueryStats, schema::schema_of};
use varve_types::Table;

use super::{
    candidates::{Candidates, pieces},
    condition::Expr,
    fields::SpanAt,
    gather::gather,
    mask,
    source::sources,
    spans::SpanColumns,
    trace::{SpanRef, Trace},
    wanted::wanted,
};
use crate::{context::ExecContext, error::QueryError, plan::TimeRange};

/// How many traces are put together at once.
const PIECE_TRACES: usize = 256;

/// A span that matches; with its trace where that was needed to tell.
pub(super) type Visit<'v> = dyn FnMut(SpanRef<'_>, Option<SpanAt<'_>>) -> ControlFlow<()> + 'v;

/// Whether columns alone tell which spans a filter is true of.
pub(super) fn is_columnar(filter: Option<&Expr>) -> Result<bool, QueryError> {
    let empty = RecordBatch::new_empty(schema_of(Table::Spans));
    Ok(match filter {
        None => true,
        Some(filter) => mask::any(Some(&[filter]), &empty)?.exact,
    })
}

/// Visits spans in the range for which the filter is true, as columns tell.
pub(super) fn by_columns(
    context: &ExecContext,
    filter: Option<&Expr>,
    range: TimeRange,
    columns: &[&str],
    visit: &mut Visit<'_>,
) -> Result<(), QueryError> {
    by_batches(context, filter, range, columns, &mut |_| (), visit)
}

/// The same, and before its spans every batch that is looked at.
pub(super) fn by_batches(
    context: &ExecContext,
    filter: Option<&Expr>,
    range: TimeRange,
    columns: &[&str],
    each: &mut dyn FnMut(&SpanColumns),
    visit: &mut Visit<'_>,
) -> Result<(), QueryError> {
    let conditions = filter.map(|filter| [filter]);
    let wanted = wanted(conditions.as_ref().map(<[_; 1]>::as_slice));
    for source in sources(context, range, wanted.as_ref()) {
        let flow = source.each_batch(context, columns, |batch| {
            let mask = mask::any(conditions.as_ref().map(<[_; 1]>::as_slice), batch)?;
            let spans = SpanColumns::new(batch)?;
            each(&spans);
            for row in (0..batch.num_rows()).filter(|&row| mask.rows[row]) {
                let start = spans.starts.value(row);
                let in_range = start >= range.from.0 && start < range.to.0;
                if in_range && visit(SpanRef { columns: &spans, row }, None).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// Visits spans for which the filter is true, of every trace with a span in the range.
pub(super) fn by_traces(
    context: &ExecContext,
    filter: Option<&Expr>,
    range: TimeRange,
    columns: &[&str],
    visit: &mut Visit<'_>,
) -> Result<(), QueryError> {
    let needed = filter.map(|filter| vec![filter]);
    each_trace(context, needed, range, columns, |trace| {
        for place in 0..trace.spans.len() {
            let at = SpanAt { trace, place };
            let matches = filter.is_none_or(|filter| filter.is_true(at));
            if matches && visit(at.span(), Some(at)).is_break() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })
}

/// Visits every trace with a span in the range that has a span for which one of the needed
/// conditions may be true; without any, every one.
pub(super) fn each_trace(
    context: &ExecContext,
    needed: Option<Vec<&Expr>>,
    range: TimeRange,
    columns: &[&str],
    mut visit: impl FnMut(&Trace<'_>) -> ControlFlow<()>,
) -> Result<(), QueryError> {
    let wanted = wanted(needed.as_deref());
    let mut candidates = Candidates::new(needed, range, wanted.is_some());
    for source in sources(context, range, wanted.as_ref()) {
        candidates.look_at(context, &source)?;
    }
    let ready = candidates.take_from(i64::MIN);
    candidates.release(context);
    for piece in pieces(&ready, PIECE_TRACES) {
        let gathered = gather(context, &piece.ids, columns, None)?;
        let traces = piece.ids.iter().filter_map(|id| gathered.trace(id));
        for trace in traces.filter(|trace| trace.is_in(range)) {
            context.budget.check()?;
            context.count(&QueryStats { traces_read: 1, ..QueryStats::default() });
            if visit(&trace).is_break() {
                return Ok(());
            }
        }
        gathered.release(context);
    }
    Ok(())
}
