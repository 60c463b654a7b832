//! Search: traces whose span sets match, newest first.
//!
//! Columns of the newest rows are looked at first. A trace is put together, from wherever its spans
//! are, only when one of its spans may match and no row not yet looked at can belong to a newer
//! trace; with enough traces found by then, older rows are never read.

use std::collections::BTreeMap;

use varve_columnar::answer::{Answer, QueryStats, ServiceStats, SpanSet, TraceSummary};

use super::{
    candidates::{Candidate, Candidates, pieces},
    condition::Expr,
    fields::{SpanAt, columns_of},
    gather::gather,
    set::Set,
    shown::Shown,
    source::sources,
    spanset::Spanset,
    trace::Trace,
    wanted::wanted,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Field, SpansetExpr, TimeRange},
};

/// OTLP's number for an error.
const STATUS_ERROR: i32 = 2;

/// What of the matching spans is shown.
#[derive(Clone, Copy)]
pub(crate) struct ShownSpans<'q> {
    /// The most of each set; 0 for all.
    pub(crate) per_set: u32,
    /// With which of their fields.
    pub(crate) fields: &'q [Field],
    /// Whether none is shown.
    pub(crate) summaries_only: bool,
}

/// Traces that match, newest first.
pub(crate) fn run(
    context: &ExecContext,
    spanset: &SpansetExpr,
    range: TimeRange,
    limit: u32,
    spans: ShownSpans<'_>,
) -> Result<Answer, QueryError> {
    let spanset = Spanset::compile(spanset)?;
    let shown = Shown::new(&spanset, spans.fields);
    let exprs = spanset.conditions().into_iter().chain(spanset.values());
    let columns = columns_of(exprs.flat_map(Expr::fields).chain(shown.fields()));
    let mut search = Search {
        context,
        range,
        spanset: &spanset,
        shown: &shown,
        columns,
        limit: limit as usize,
        listed_max: if spans.per_set == 0 { usize::MAX } else { spans.per_set as usize },
        summaries_only: spans.summaries_only,
        found: Vec::new(),
    };
    let needed = spanset.needed();
    let wanted = wanted(needed.as_deref());
    let mut candidates = Candidates::new(needed, range, wanted.is_some());
    let sources = sources(context, range, wanted.as_ref());
    for (at, source) in sources.iter().enumerate() {
        candidates.look_at(context, source)?;
        let horizon = sources.get(at + 1).map_or(i64::MIN, |next| next.latest_unix_nano);
        search.evaluate(&candidates.take_from(horizon))?;
        if search.is_done(horizon) {
            break;
        }
    }
    candidates.release(context);
    Ok(Answer::Traces(search.found))
}

struct Search<'q> {
    context: &'q ExecContext,
    range: TimeRange,
    spanset: &'q Spanset,
    shown: &'q Shown<'q>,
    columns: Vec<&'static str>,
    limit: usize,
    listed_max: usize,
    summaries_only: bool,
    /// The newest so far, newest first; at most `limit` between pieces.
    found: Vec<TraceSummary>,
}

impl Search<'_> {
    /// Evaluates candidates, given newest first, until no other can be among the newest. Enough
    /// found is not enough: a whole trace may have begun long before those of its spans that made
    /// it a candidate.
    fn evaluate(&mut self, candidates: &[Candidate]) -> Result<(), QueryError> {
        for piece in pieces(candidates, self.limit) {
            if self.is_done(piece.latest_unix_nano) {
                break;
            }
            let gathered = gather(self.context, &piece.ids, &self.columns, None)?;
            for id in &piece.ids {
                self.context.budget.check()?;
                if let Some(trace) = gathered.trace(id).filter(|one| one.is_in(self.range)) {
                    self.evaluate_one(&trace);
                }
            }
            gathered.release(self.context);
            self.keep_newest();
        }
        Ok(())
    }

    fn keep_newest(&mut self) {
        self.found.sort_by_key(|trace| (std::cmp::Reverse(trace.start_unix_nano), trace.trace_id));
        self.found.truncate(self.limit);
    }

    fn evaluate_one(&mut self, trace: &Trace<'_>) {
        let sets = self.spanset.evaluate(trace);
        let matched: usize = sets.iter().map(|set| set.places.len()).sum();
        self.context.count(&QueryStats {
            traces_read: 1,
            rows_matched: matched as u64,
            ..QueryStats::default()
        });
        if !sets.is_empty() {
            let span_sets = if self.summaries_only {
                Vec::new()
            } else {
                sets.into_iter().map(|set| self.span_set(trace, set)).collect()
            };
            self.found.push(summary(trace, span_sets));
        }
    }

    fn span_set(&self, trace: &Trace<'_>, set: Set) -> SpanSet {
        let listed = set.places.iter().take(self.listed_max);
        SpanSet {
            spans: listed.map(|&place| self.shown.summary(SpanAt { trace, place })).collect(),
            matched: set.places.len() as u32,
            attributes: set.attributes,
        }
    }

    /// Whether no trace that starts at the horizon or before can be among the newest any more.
    fn is_done(&self, horizon_unix_nano: i64) -> bool {
        let newer = |trace: &&TraceSummary| trace.start_unix_nano >= horizon_unix_nano;
        self.found.iter().filter(newer).count() >= self.limit
    }
}

fn summary(trace: &Trace<'_>, span_sets: Vec<SpanSet>) -> TraceSummary {
    let root = trace.root();
    let mut service_stats: BTreeMap<String, ServiceStats> = BTreeMap::new();
    for span in &trace.spans {
        let service = span.service_name().unwrap_or_default();
        if !service_stats.contains_key(service) {
            service_stats.insert(service.to_owned(), ServiceStats::default());
        }
        if let Some(stats) = service_stats.get_mut(service) {
            stats.span_count += 1;
            stats.error_count += u32::from(span.status() == STATUS_ERROR);
        }
    }
    TraceSummary {
        trace_id: trace.id,
        root_service_name: root.map(|root| root.service_name().unwrap_or_default().to_owned()),
        root_trace_name: root.map(|root| root.name().to_owned()),
        start_unix_nano: trace.start_unix_nano(),
        duration_ms: u32::try_from(trace.duration_ns() / 1_000_000).unwrap_or(u32::MAX),
        span_sets,
        service_stats,
    }
}
