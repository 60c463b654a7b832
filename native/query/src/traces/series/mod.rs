//! Series over spans, as TraceQL's metrics functions make them.
//!
//! What each function gives, how series are named, matched and ranked, and which of equal values
//! is kept, is Tempo's (pkg/traceql, `engine_metrics*.go` and `ast_metrics*.go`).

mod clock;
mod combine;
mod compare;
mod exemplars;
mod groups;
mod quantile;
mod scan;
#[cfg(test)]
mod tests;

use varve_columnar::answer::{Answer, SpanSeries, SpanSeriesSet};

use self::{clock::Clock, compare::Comparison, groups::Groups, scan::scan};
use super::{condition::Expr, spanset::Spanset};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Field, Intervals, Intrinsic, SpanFunction, SpanGroup, SpanSeriesExpr, SpansetExpr},
};

/// The label of a series that is not grouped: the function's name.
const NAME_LABEL: &str = "__name__";

/// Series in the order of their labels, at most `limit`.
pub(crate) fn run(
    context: &ExecContext,
    expr: &SpanSeriesExpr,
    intervals: Intervals,
    exemplars: u32,
    limit: u32,
) -> Result<Answer, QueryError> {
    let clock = Clock::new(intervals)?;
    // Each scan may find as many, so that one does not take all.
    let shared = (exemplars as usize).div_ceil(scans(expr).max(1));
    let exemplars = if clock.is_instant() { 0 } else { shared };
    let mut series = Evaluation { context, clock: &clock, exemplars }.evaluate(expr)?;
    series.retain(|one| one.values.iter().any(|value| !value.is_nan()));
    for one in &mut series {
        clock.keep_exemplars_of_values(one);
    }
    series.sort_by(|one, other| combine::order(&one.labels, &other.labels));
    if series.len() > limit as usize {
        series.truncate(limit as usize);
        context.warn(format!(
            "series limit of {limit} exceeded; group by less or raise query.tempo_series_max"
        ));
    }
    Ok(Answer::SpanSeries(SpanSeriesSet {
        times_ns: clock.times(),
        instant: clock.is_instant(),
        series,
    }))
}

fn scans(expr: &SpanSeriesExpr) -> usize {
    match expr {
        SpanSeriesExpr::Window { .. } | SpanSeriesExpr::Compare { .. } => 1,
        SpanSeriesExpr::Rank { input, .. }
        | SpanSeriesExpr::Filter { input, .. }
        | SpanSeriesExpr::Scale { input, .. } => scans(input),
        SpanSeriesExpr::Binary { left, right, .. } => scans(left) + scans(right),
    }
}

struct Evaluation<'q> {
    context: &'q ExecContext,
    clock: &'q Clock,
    /// The most exemplars of one scan.
    exemplars: usize,
}

impl Evaluation<'_> {
    fn evaluate(&self, expr: &SpanSeriesExpr) -> Result<Vec<SpanSeries>, QueryError> {
        match expr {
            SpanSeriesExpr::Window { input, function, by } => self.window(input, function, by),
            SpanSeriesExpr::Compare { input, selection, top, from, to } => {
                let selection = selection.as_ref().map(Expr::compile).transpose()?;
                let spanset = Spanset::compile(input)?;
                let of_trace = Field::Intrinsic { name: Intrinsic::RootName };
                let mut fields = vec![&of_trace];
                fields.extend(selection.iter().flat_map(Expr::fields));
                let within = (to.0 != 0).then_some((from.0, to.0));
                let mut comparison =
                    Comparison::new(self.context, self.clock, selection.as_ref(), within);
                scan(self.context, &spanset, self.clock, &fields, &mut |span| {
                    comparison.add(&span)
                })?;
                Ok(comparison.into_series(*top as usize))
            }
            SpanSeriesExpr::Rank { input, op, count } => {
                Ok(combine::rank(self.evaluate(input)?, *op, *count as usize))
            }
            SpanSeriesExpr::Filter { input, op, value } => {
                Ok(combine::filter(self.evaluate(input)?, *op, number(value)?))
            }
            SpanSeriesExpr::Scale { input, op, value, constant_left } => {
                Ok(combine::scale(self.evaluate(input)?, *op, number(value)?, *constant_left))
            }
            SpanSeriesExpr::Binary { op, left, right } => {
                Ok(combine::binary(*op, &self.evaluate(left)?, &self.evaluate(right)?))
            }
        }
    }

    fn window(
        &self,
        input: &SpansetExpr,
        function: &SpanFunction,
        by: &[SpanGroup],
    ) -> Result<Vec<SpanSeries>, QueryError> {
        let spanset = Spanset::compile(input)?;
        let fields: Vec<_> =
            by.iter().map(|group| &group.field).chain(groups::measured(function)).collect();
        let mut groups = Groups::new(self.context, self.clock, function, by, self.exemplars);
        scan(self.context, &spanset, self.clock, &fields, &mut |span| groups.add(&span))?;
        groups.into_series()
    }
}

fn number(text: &str) -> Result<f64, QueryError> {
    text.parse().map_err(|_| QueryError::invalid(format!("'{text}' is not a number")))
}
