//! Queries: plans (`plan`) executed over snapshots of the views.
//!
//! [`run`] takes one [`plan::Query`] to one [`Outcome`]. It takes all snapshots first, so that every
//! part of the query reads the same instant, and hands each kind of plan to its module.

mod as_of;
mod budget;
mod context;
mod error;
mod fates;
mod kept_rows;
mod logs;
mod matcher;
pub mod plan;
mod series;
mod stream_labels;
mod tables;
mod traces;

use std::{sync::Arc, time::Instant};

use varve_columnar::answer::{Answer, Outcome};

use crate::{context::ExecContext, plan::Plan, series::TRUNCATED};

pub use crate::{
    budget::CancelToken,
    context::Sources,
    error::QueryError,
    kept_rows::{KeptRows, KeptRowsStatus},
};

/// Runs one query to its end on the calling thread (with help from rayon's), and keeps nothing.
///
/// A segment that turns out damaged is set aside, and the answer is made anew from the others, with a
/// warning. A query that is cancelled or past its budget gives up at the next batch.
pub fn run(
    query: &plan::Query,
    sources: &dyn Sources,
    cancel: &CancelToken,
) -> Result<Outcome, QueryError> {
    run_keeping(query, sources, None, cancel)
}

/// [`run`], with what earlier queries have kept of segments of these sources, and keeps more for later
/// ones.
pub fn run_keeping(
    query: &plan::Query,
    sources: &dyn Sources,
    kept_rows: Option<&Arc<KeptRows>>,
    cancel: &CancelToken,
) -> Result<Outcome, QueryError> {
    let started = Instant::now();
    loop {
        match run_once(query, sources, kept_rows, cancel, started) {
            // The rest answers; the next snapshot says what is missing.
            Err(QueryError::Read(error))
                if error
                    .damaged()
                    .is_some_and(|one| sources.set_aside(one, &error.to_string())) => {}
            answer => return answer,
        }
    }
}

fn run_once(
    query: &plan::Query,
    sources: &dyn Sources,
    kept_rows: Option<&Arc<KeptRows>>,
    cancel: &CancelToken,
    started: Instant,
) -> Result<Outcome, QueryError> {
    let mut context = ExecContext::open(query, sources, kept_rows, cancel, started)?;
    let mut answer = execute(&query.plan, &mut context)?;
    if let Some(limit) = query.series_limit
        && cut(&mut answer, limit as usize)
    {
        context.warn(TRUNCATED.to_owned());
    }
    let mut outcome = context.finish(answer, started.elapsed());
    outcome.stats.queued_ns = 1_000 * u64::from(query.queued_us);
    Ok(outcome)
}

/// Leaves out the series that are too many, and tells whether there were such.
fn cut(answer: &mut Answer, most: usize) -> bool {
    fn shorten<T>(series: &mut Vec<T>, most: usize) -> bool {
        let cuts = series.len() > most;
        series.truncate(most);
        cuts
    }
    match answer {
        Answer::Matrix(set) | Answer::Vector(set) => shorten(&mut set.series, most),
        Answer::Samples(series) => shorten(series, most),
        _ => false,
    }
}

fn execute(plan: &Plan, context: &mut ExecContext) -> Result<Answer, QueryError> {
    match plan {
        Plan::LogRows { input, limit, direction, interval } => {
            logs::run(context, input, *limit, *direction, interval.0)
        }
        Plan::Series { expr, steps, dialect } => {
            let expr = logs::push_down_sums(expr.clone());
            series::run(context, &expr, *steps, *dialect)
        }
        Plan::Samples { select, range, time } => series::samples(context, select, range.0, time.0),
        Plan::TraceSearch { spanset, range, limit, spans_per_set, select, summaries_only } => {
            let shown = traces::ShownSpans {
                per_set: *spans_per_set,
                fields: select,
                summaries_only: *summaries_only,
            };
            traces::search(context, spanset, *range, *limit, shown)
        }
        Plan::SpanSeries { expr, intervals, exemplars, limit } => {
            traces::series(context, expr, *intervals, *exemplars, *limit)
        }
        Plan::TraceById { trace_id, range, spans } => {
            traces::by_id(context, trace_id, *range, spans.as_ref())
        }
        Plan::StreamLabels { selectors, range, of } => {
            stream_labels::run(context, selectors, *range, of)
        }
        Plan::DetectedLabels { matchers, range } => {
            stream_labels::detected(context, matchers, *range)
        }
        Plan::LogTotals { matchers, range } => logs::totals(context, matchers, *range),
        Plan::LogVolume { matchers, range, by, step, limit } => {
            logs::volume(context, matchers, *range, by, step.0, *limit)
        }
        Plan::DetectedFields { input, line_limit, of, limit } => {
            logs::fields(context, input, *line_limit, of, *limit)
        }
        Plan::LogPatterns { input, step } => logs::patterns(context, input, step.0),
        Plan::LogSearch { input, query, order, limit } => {
            logs::text_search(context, input, query, *order, *limit)
        }
        Plan::LogTail { input, after, limit } => {
            logs::tail(context, input, after.as_deref(), *limit)
        }
        Plan::SeriesLabels { selectors, range, of, limit } => {
            series::labels(context, selectors, *range, of, *limit)
        }
        Plan::SeriesCardinality { range, limit } => series::cardinality(context, *range, *limit),
        Plan::Exemplars { selectors, range } => series::exemplars(context, selectors, *range),
        Plan::MetricMetadata { metric, limit, per_metric } => {
            series::metadata(context, metric.as_deref(), *limit, *per_metric)
        }
        Plan::SpanTags { scope, filter, range, limit } => {
            traces::tags(context, *scope, filter.as_ref(), *range, *limit)
        }
        Plan::SpanTagValues { field, filter, range, limit } => {
            traces::tag_values(context, field, filter.as_ref(), *range, *limit)
        }
    }
}
