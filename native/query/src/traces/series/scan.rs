//! Spans that match, one by one, in whichever way is cheapest.

use std::ops::ControlFlow;

use super::clock::Clock;
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::Field,
    traces::{
        condition::Expr,
        fields::{SpanAt, columns_of, is_of_trace, of_span_alone},
        matching::{by_columns, each_trace, is_columnar},
        operand::Operand,
        spans::{TraceId, trace_id_at, trace_ids},
        spanset::Spanset,
        trace::SpanRef,
    },
};

/// A span that matches.
pub(super) struct Found<'t> {
    pub(super) span: SpanRef<'t>,
    /// Among the others of its trace, where that was put together.
    at: Option<SpanAt<'t>>,
    /// Where its start is.
    pub(super) interval: usize,
}

impl<'t> Found<'t> {
    /// The field's value; nil where the span has none.
    pub(super) fn field(&self, field: &Field) -> Operand<'t> {
        self.at.map_or_else(|| of_span_alone(self.span, field), |at| at.field(field))
    }

    /// Whether an expression is true of it; its fields must have been named to [`scan`] so that they
    /// are there.
    pub(super) fn is(&self, expr: &Expr) -> bool {
        self.at.is_some_and(|at| expr.is_true(at))
    }

    pub(super) fn trace_id(&self) -> Result<TraceId, QueryError> {
        Ok(trace_id_at(&trace_ids(&self.span.columns.batch)?, self.span.row))
    }
}

/// Visits every span that matches and starts within the clock's range. `fields` are those that are
/// asked of it.
pub(super) fn scan(
    context: &ExecContext,
    spanset: &Spanset,
    clock: &Clock,
    fields: &[&Field],
    visit: &mut dyn FnMut(Found<'_>) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let exprs = spanset.conditions().into_iter().chain(spanset.values());
    let read = exprs.flat_map(Expr::fields).chain(fields.iter().copied());
    let columns = columns_of(read);
    let mut failure = None;
    let mut visit = |span: SpanRef<'_>, at: Option<SpanAt<'_>>| {
        let Some(interval) = clock.interval(span.start_unix_nano()) else {
            return ControlFlow::Continue(());
        };
        match visit(Found { span, at, interval }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    if let (Spanset::Filter(filter), false) =
        (spanset, fields.iter().any(|field| is_of_trace(field)))
        && is_columnar(filter.as_ref())?
    {
        by_columns(context, filter.as_ref(), clock.range(), &columns, &mut visit)?;
    } else {
        each_trace(context, spanset.needed(), clock.range(), &columns, |trace| {
            for set in spanset.evaluate(trace) {
                for place in set.places {
                    let at = SpanAt { trace, place };
                    if visit(at.span(), Some(at)).is_break() {
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    failure.map_or(Ok(()), Err)
}
