//! Series: windows over samples and log rows, aggregations, joins, functions; and what is known of
//! series without their samples.
//!
//! An expression is evaluated node by node, each node at all steps at once: a series is a column
//! of values, one per step. Before that the samples of all selectors are loaded, each selector's
//! once.

mod accumulators;
mod aggregate;
mod annotations;
mod binary;
mod calendar;
mod cardinality;
mod classic_histogram;
mod directory;
mod eval;
mod exemplars;
mod extended;
mod functions;
mod histogram;
mod info;
mod instants;
mod invariant;
mod join;
mod label_functions;
mod labels;
mod matching;
mod memtable;
mod metadata;
mod native;
mod order;
mod range_functions;
mod ratio;
mod requests;
mod samples;
mod sums;
#[cfg(test)]
mod tests;
mod value;
mod window;
mod windows;

pub(crate) use self::labels::TRUNCATED;

use varve_columnar::{
    answer::{Answer, Series, SeriesSet},
    labels::LabelSet,
};

use self::{
    eval::Evaluator,
    requests::LoadedSelectors,
    value::{EvalSeries, Value, drop_names},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{
        AggregateOp, Dialect, LabelMatcher, LabelsOf, SampleSelect, SeriesExpr, Steps, TimeRange,
    },
};

/// Values over time: [`Answer::Matrix`], or [`Answer::Vector`], [`Answer::Scalar`] or
/// [`Answer::Text`] where `steps` is one instant.
pub(crate) fn run(
    context: &ExecContext,
    expr: &SeriesExpr,
    steps: Steps,
    dialect: Dialect,
) -> Result<Answer, QueryError> {
    let single = steps.step.0 == 0;
    if let SeriesExpr::Text { value } = expr
        && single
    {
        return Ok(Answer::Text { time_ns: steps.start.0, value: value.clone() });
    }
    if !single {
        let count = instants::count(steps.start.0, steps.end.0, steps.step.0);
        context.budget.charge(count.saturating_mul(8))?;
    }
    let steps_ns = instants::instants(steps)?;
    let last = steps_ns.last().copied().unwrap_or(steps.start.0);
    let loaded = LoadedSelectors::load(context, expr, (steps.start.0, last))?;
    let value = Evaluator::new(context, dialect, &steps_ns, &loaded, single).eval(expr)?;
    let mut series = match value {
        Value::Scalar(values) if single => {
            return Ok(Answer::Scalar { time_ns: steps.start.0, value: values[0] });
        }
        Value::Scalar(values) => {
            vec![EvalSeries::of(LabelSet::default(), false, values)]
        }
        Value::Vector(vector) => drop_names(vector.series)?,
    };
    let as_evaluated = single && (dialect == Dialect::Prometheus || sorts(expr));
    if !as_evaluated {
        series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
    }
    let series = series
        .into_iter()
        .map(|EvalSeries { labels, values, histograms, .. }| Series { labels, values, histograms })
        .collect();
    let set = SeriesSet { steps_ns, series };
    Ok(if single { Answer::Vector(set) } else { Answer::Matrix(set) })
}

/// Whether a LogQL expression asks for an order. Loki then gives vectors as they are; it sorts all
/// others by labels, those of `topk` too.
fn sorts(expr: &SeriesExpr) -> bool {
    match expr {
        SeriesExpr::Aggregate { op: AggregateOp::Sort | AggregateOp::SortDesc, .. } => true,
        SeriesExpr::Aggregate { input, .. }
        | SeriesExpr::Negate { input }
        | SeriesExpr::LabelReplace { input, .. } => sorts(input),
        SeriesExpr::Binary { left, right, .. } => sorts(left) || sorts(right),
        _ => false,
    }
}

/// Samples as they were stored, of the window that ends at a time.
pub(crate) fn samples(
    context: &ExecContext,
    select: &SampleSelect,
    range_ns: i64,
    time_ns: i64,
) -> Result<Answer, QueryError> {
    let window = instants::Lookback::of(select, range_ns).bounds(&[time_ns])[0];
    let seen =
        select.extension.map_or(window, |extension| extended::Edged::of(window, &extension).seen());
    let wanted = seen.after_ms.saturating_add(1)..=seen.until_ms;
    let loaded = samples::load(context, &select.matchers, wanted)?.series.into_iter();
    let series: Vec<_> = match &select.extension {
        None => loaded.filter_map(samples::LoadedSeries::into_shown).collect(),
        Some(extension) => loaded
            .filter_map(|one| extended::edged_samples(one, window, extension).transpose())
            .collect::<Result<_, _>>()?,
    };
    Ok(Answer::Samples(series))
}

/// Names, values or whole sets of series labels.
pub(crate) fn labels(
    context: &ExecContext,
    selectors: &[Vec<LabelMatcher>],
    range: TimeRange,
    of: &LabelsOf,
    limit: u32,
) -> Result<Answer, QueryError> {
    labels::run(context, selectors, range, of, limit)
}

/// How many series there are: [`Answer::Cardinality`].
pub(crate) fn cardinality(
    context: &ExecContext,
    range: TimeRange,
    limit: u32,
) -> Result<Answer, QueryError> {
    cardinality::run(context, range, limit)
}

/// Exemplars of series.
pub(crate) fn exemplars(
    context: &ExecContext,
    selectors: &[Vec<LabelMatcher>],
    range: TimeRange,
) -> Result<Answer, QueryError> {
    exemplars::run(context, selectors, range)
}

/// Type, help and unit by metric name.
pub(crate) fn metadata(
    context: &ExecContext,
    metric: Option<&str>,
    limit: u32,
    per_metric: u32,
) -> Result<Answer, QueryError> {
    metadata::run(context, metric, limit, per_metric)
}
