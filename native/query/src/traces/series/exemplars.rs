//! Which spans are shown behind the values: spread over the range, at most one of a trace.

use hashbrown::HashSet;
use varve_columnar::answer::SpanExemplar;

use super::{clock::Clock, scan::Found};
use crate::{error::QueryError, traces::spans::TraceId};

/// How many spans of one part of the range are taken.
const PART_MAX: usize = 2;

pub(super) struct Exemplars {
    limit: usize,
    /// How many were taken of each part.
    taken: Vec<usize>,
    intervals: usize,
    traces: HashSet<TraceId>,
}

impl Exemplars {
    /// At most `limit` of them.
    pub(super) fn new(clock: &Clock, limit: usize) -> Self {
        // There are no more parts than intervals, or the later ones would never be asked for.
        let parts = (limit / PART_MAX).clamp(1, clock.count());
        Self { limit, taken: vec![0; parts], intervals: clock.count(), traces: HashSet::new() }
    }

    /// The span as an exemplar, if it is to be one.
    pub(super) fn take(
        &mut self,
        found: &Found<'_>,
        value: f64,
    ) -> Result<Option<SpanExemplar>, QueryError> {
        if self.traces.len() >= self.limit {
            return Ok(None);
        }
        let part = found.interval * self.taken.len() / self.intervals;
        let part_max = PART_MAX.max(self.limit / self.taken.len());
        if self.taken[part] >= part_max {
            return Ok(None);
        }
        let trace_id = found.trace_id()?;
        if !self.traces.insert(trace_id) {
            return Ok(None);
        }
        self.taken[part] += 1;
        Ok(Some(SpanExemplar {
            trace_id,
            span_id: found.span.id(),
            value,
            time_unix_ms: found.span.start_unix_nano() / 1_000_000,
        }))
    }
}
