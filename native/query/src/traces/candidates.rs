//! Traces that may match, found by columns alone.

use arrow::array::{FixedSizeBinaryArray, Int64Array, RecordBatch};
use hashbrown::{HashMap, HashSet};

use super::{
    condition::Expr,
    mask,
    source::Source,
    spans::{TraceId, times, trace_id_at, trace_ids},
};
use crate::{context::ExecContext, error::QueryError, plan::TimeRange};

/// What one trace costs here, roughly.
const CANDIDATE_BYTES: u64 = 64;

/// Traces by id, as far as their spans were looked at.
pub(super) struct Candidates<'e> {
    /// A trace matches only if one of its spans meets one of these; `None` for any trace.
    conditions: Option<Vec<&'e Expr>>,
    columns: Vec<&'static str>,
    range: TimeRange,
    /// Segments may have been left out that have other spans of a trace.
    is_partial: bool,
    seen: HashMap<TraceId, Seen>,
    charged_bytes: u64,
}

/// A trace that may match.
pub(super) struct Candidate {
    id: TraceId,
    /// Of the spans looked at: the trace starts then or earlier.
    start_unix_nano: i64,
}

/// Traces that are gathered together.
pub(super) struct Piece {
    pub(super) ids: HashSet<TraceId>,
    /// No trace of this piece or a later one starts after.
    pub(super) latest_unix_nano: i64,
}

/// What is looked at of a batch.
struct Looked {
    ids: FixedSizeBinaryArray,
    starts: Int64Array,
    /// Rows that meet a condition.
    hits: Vec<bool>,
}

/// What is known of a trace.
#[derive(Clone, Copy)]
struct Seen {
    /// Of the spans looked at.
    start_unix_nano: i64,
    in_range: bool,
    hit: bool,
    taken: bool,
}

impl Default for Seen {
    /// Before any span is.
    fn default() -> Self {
        Self { start_unix_nano: i64::MAX, in_range: false, hit: false, taken: false }
    }
}

impl<'e> Candidates<'e> {
    /// `is_partial`: not all that has spans in the range is looked at, so that a trace need not have shown
    /// one of these; whoever puts it together sees.
    pub(super) fn new(
        conditions: Option<Vec<&'e Expr>>,
        range: TimeRange,
        is_partial: bool,
    ) -> Self {
        let mut columns = mask::columns(conditions.iter().flatten().copied());
        columns.extend(["trace_id", "start_unix_nano"]);
        columns.sort_unstable();
        columns.dedup();
        Self { conditions, columns, range, is_partial, seen: HashMap::new(), charged_bytes: 0 }
    }

    /// Looks at all spans of a source.
    pub(super) fn look_at(
        &mut self,
        context: &ExecContext,
        source: &Source<'_>,
    ) -> Result<(), QueryError> {
        let columns = std::mem::take(&mut self.columns);
        let conditions = self.conditions.take();
        let read = |batch: &RecordBatch| {
            let hits = mask::any(conditions.as_deref(), batch)?.rows;
            Ok(Looked { ids: trace_ids(batch)?, starts: times(batch, "start_unix_nano")?, hits })
        };
        let looked = source.each_read(context, &columns, read, |looked| {
            let known = self.seen.len();
            self.add(looked);
            let bytes = (self.seen.len() - known) as u64 * CANDIDATE_BYTES;
            self.charged_bytes += bytes;
            context.budget.charge(bytes)
        });
        self.columns = columns;
        self.conditions = conditions;
        looked
    }

    fn add(&mut self, Looked { ids, starts, hits }: Looked) {
        let mut rows = hits.into_iter().enumerate().peekable();
        while let Some((first, hit)) = rows.next() {
            let mut of_rows = Seen::default();
            self.note(&mut of_rows, starts.value(first), hit);
            // A trace's spans are neighbours in a segment: one look into the map is for all of them.
            let id = ids.value(first);
            while let Some((row, hit)) = rows.next_if(|(row, _)| ids.value(*row) == id) {
                self.note(&mut of_rows, starts.value(row), hit);
            }
            let seen = self.seen.entry(trace_id_at(&ids, first)).or_default();
            seen.start_unix_nano = seen.start_unix_nano.min(of_rows.start_unix_nano);
            seen.in_range |= of_rows.in_range;
            seen.hit |= of_rows.hit;
        }
    }

    fn note(&self, seen: &mut Seen, start_unix_nano: i64, hit: bool) {
        seen.start_unix_nano = seen.start_unix_nano.min(start_unix_nano);
        seen.in_range |= self.range.from.0 <= start_unix_nano && start_unix_nano < self.range.to.0;
        seen.hit |= hit;
    }

    /// Those that have not been taken and start at `from` or later, newest first.
    pub(super) fn take_from(&mut self, from_unix_nano: i64) -> Vec<Candidate> {
        let mut taken = Vec::new();
        for (id, seen) in &mut self.seen {
            let ready = seen.start_unix_nano >= from_unix_nano
                && (seen.in_range || self.is_partial)
                && seen.hit;
            if ready && !seen.taken {
                seen.taken = true;
                taken.push(Candidate { id: *id, start_unix_nano: seen.start_unix_nano });
            }
        }
        taken.sort_unstable_by_key(|one| (std::cmp::Reverse(one.start_unix_nano), one.id));
        taken
    }

    /// Gives back what it held of the budget.
    pub(super) fn release(self, context: &ExecContext) {
        context.budget.release(self.charged_bytes);
    }
}

/// Candidates, given newest first, in pieces, each larger than the one before: mostly the first
/// already holds as many matching traces as are asked for.
pub(super) fn pieces(candidates: &[Candidate], first: usize) -> impl Iterator<Item = Piece> + '_ {
    const PIECE_MAX: usize = 1_024;
    let mut rest = candidates;
    let mut size = first.clamp(16, PIECE_MAX);
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        size = (size * 2).min(PIECE_MAX);
        let latest_unix_nano = piece.first()?.start_unix_nano;
        Some(Piece { ids: piece.iter().map(|one| one.id).collect(), latest_unix_nano })
    })
}
