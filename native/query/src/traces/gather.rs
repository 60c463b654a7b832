//! Whole traces from wherever their spans are: any segment, any batch of the memtables.

use std::{collections::BTreeMap, ops::Range};

use arrow::array::RecordBatch;
use hashbrown::{HashMap, HashSet};
use varve_columnar::answer::QueryStats;
use varve_types::Table;
use varve_view::{Segment, Snapshot};

use super::{
    spans::{SpanColumns, TraceId, trace_id_at, trace_ids},
    trace::{SpanRef, Trace},
};
use crate::{context::ExecContext, error::QueryError, fates::Fate, plan::TimeRange};

/// Traces that were gathered together.
#[derive(Default)]
pub(super) struct Gathered {
    batches: Vec<SpanColumns>,
    /// Batch and row of each trace's spans, duplicates included.
    rows: HashMap<TraceId, Vec<(usize, usize)>>,
    /// What was charged to the budget.
    charged_bytes: u64,
}

impl Gathered {
    /// One of the traces; `None` if no span of it is stored.
    pub(super) fn trace(&self, id: &TraceId) -> Option<Trace<'_>> {
        let rows = self.rows.get(id)?;
        let spans = rows.iter().map(|&(batch, row)| SpanRef { columns: &self.batches[batch], row });
        Trace::new(*id, spans.collect())
    }

    /// Gives back what the traces held of the budget.
    pub(super) fn release(self, context: &ExecContext) {
        context.budget.release(self.charged_bytes);
    }

    fn add(&mut self, batch: &RecordBatch, wanted: &HashSet<TraceId>) -> Result<(), QueryError> {
        let ids = trace_ids(batch)?;
        let at = self.batches.len();
        let mut found = false;
        for row in 0..batch.num_rows() {
            let id = trace_id_at(&ids, row);
            if wanted.contains(&id) {
                found = true;
                self.rows.entry(id).or_default().push((at, row));
            }
        }
        if found {
            self.batches.push(SpanColumns::new(batch)?);
        }
        Ok(())
    }
}

/// All spans of the wanted traces. `columns` are read of segments; a segment without a row in
/// `range` is left out.
pub(super) fn gather(
    context: &ExecContext,
    wanted: &HashSet<TraceId>,
    columns: &[&str],
    range: Option<TimeRange>,
) -> Result<Gathered, QueryError> {
    let mut gathered = Gathered::default();
    for (_, snapshot) in context.snapshots(Table::Spans) {
        from_segments(context, snapshot, wanted, columns, range, &mut gathered)?;
        for entry in &snapshot.memtable {
            context.budget.check()?;
            gathered.add(&entry.batch, wanted)?;
        }
    }
    Ok(gathered)
}

fn from_segments(
    context: &ExecContext,
    snapshot: &Snapshot,
    wanted: &HashSet<TraceId>,
    columns: &[&str],
    range: Option<TimeRange>,
    gathered: &mut Gathered,
) -> Result<(), QueryError> {
    for (segment, rows) in rows_of(context, snapshot, wanted, range) {
        context.budget.check()?;
        context.tell(segment, Fate::Read);
        let there = context.rows_as_of(segment, &rows)?;
        for batch in segment.read(columns, Some(&there.rows))? {
            context.budget.check()?;
            let bytes = batch.get_array_memory_size() as u64;
            gathered.charged_bytes += bytes;
            context.budget.charge(bytes)?;
            context.count(&QueryStats {
                rows_read: batch.num_rows() as u64,
                bytes_read: bytes,
                ..QueryStats::default()
            });
            gathered.add(&batch, wanted)?;
        }
    }
    Ok(())
}

/// A segment and rows of it: sorted, not overlapping.
type RowsOf<'s> = (&'s Segment, Vec<Range<u32>>);

/// Where the wanted traces can be.
fn rows_of<'s>(
    context: &ExecContext,
    snapshot: &'s Snapshot,
    wanted: &HashSet<TraceId>,
    range: Option<TimeRange>,
) -> Vec<RowsOf<'s>> {
    let is_in_time = |times| range.is_none_or(|range| overlaps(times, range));
    context.tell_all(context.segments_in_time(snapshot, is_in_time), Fate::OtherTraces);
    let mut found: BTreeMap<u64, (&Segment, Vec<TraceId>)> = BTreeMap::new();
    for id in wanted {
        for segment in snapshot.segments_with_trace(id) {
            if !is_in_time(segment.time_range()) {
                continue;
            }
            found.entry(segment.id()).or_insert((segment, Vec::new())).1.push(*id);
        }
    }
    let rows = found.into_values().map(|(segment, ids)| (segment, segment.rows_of_traces(&ids)));
    rows.filter(|(_, rows)| !rows.is_empty()).collect()
}

/// Whether rows from the first to the last time (both included) can be in a range.
pub(super) fn overlaps((first, last): (i64, i64), range: TimeRange) -> bool {
    first < range.to.0 && last >= range.from.0
}
