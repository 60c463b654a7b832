//! Where spans are read from, newest first, without putting traces together.

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use arrow::array::RecordBatch;
use rayon::prelude::*;
use varve_columnar::answer::QueryStats;
use varve_types::Table;
use varve_view::{MemtableBatch, Segment, Wanted};

use super::gather::overlaps;
use crate::{context::ExecContext, error::QueryError, fates::Fate, plan::TimeRange};

/// How many rows of a segment are decoded at once.
const WINDOW_ROWS: u32 = 65_536;

/// How many windows of a segment are held at once, decoded.
const WINDOWS_HELD: usize = 8;

/// A segment, or all memtables together.
pub(super) struct Source<'s> {
    rows: Rows<'s>,
    /// No span in it starts later.
    pub(super) latest_unix_nano: i64,
}

enum Rows<'s> {
    Segment(&'s Segment),
    Memtables(Vec<&'s MemtableBatch>),
}

/// What may have a span in the range, by their latest span, newest first; without segments whose filters
/// tell that they have none that is wanted.
pub(super) fn sources<'s>(
    context: &'s ExecContext,
    range: TimeRange,
    wanted: Option<&Wanted>,
) -> Vec<Source<'s>> {
    let mut sources = Vec::new();
    let mut memtables = Vec::new();
    for (_, snapshot) in context.snapshots(Table::Spans) {
        let in_time = context.segments_in_time(snapshot, |times| overlaps(times, range));
        let without = wanted.map(|wanted| snapshot.segments_without(wanted)).unwrap_or_default();
        let has_none = |segment: &&Arc<Segment>| without.binary_search(&segment.id()).is_ok();
        let (others, in_time): (Vec<_>, Vec<_>) = in_time.into_iter().partition(has_none);
        context.tell_all(others, Fate::OtherTraces);
        // Until they are read: whoever has enough asks for no more.
        context.tell_all(in_time.iter().copied(), Fate::TooLate);
        sources.extend(in_time.into_iter().map(|segment| Source {
            rows: Rows::Segment(segment),
            latest_unix_nano: segment.time_range().1,
        }));
        memtables.extend(snapshot.memtable.iter().filter(|one| overlaps(one.time_range, range)));
    }
    if let Some(latest_unix_nano) = memtables.iter().map(|one| one.time_range.1).max() {
        sources.push(Source { rows: Rows::Memtables(memtables), latest_unix_nano });
    }
    sources.sort_by_key(|source| std::cmp::Reverse(source.latest_unix_nano));
    sources
}

impl Source<'_> {
    /// What `read` makes of all batches, given to `take` in their order; `read` runs on several threads.
    pub(super) fn each_read<T: Send>(
        &self,
        context: &ExecContext,
        columns: &[&str],
        read: impl Fn(&RecordBatch) -> Result<T, QueryError> + Sync,
        mut take: impl FnMut(T) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let Rows::Segment(segment) = self.rows else {
            let all = self.each_batch(context, columns, |batch| {
                take(read(batch)?)?;
                Ok(ControlFlow::Continue(()))
            });
            return all.map(drop);
        };
        context.tell(segment, Fate::Read);
        let starts: Vec<u32> = (0..segment.rows()).step_by(WINDOW_ROWS as usize).collect();
        for starts in starts.chunks(WINDOWS_HELD) {
            let windows = starts.par_iter().map(|&from| {
                let to = from.saturating_add(WINDOW_ROWS).min(segment.rows());
                let batches = read_window(context, segment, columns, from..to)?;
                batches.iter().map(&read).collect::<Result<Vec<T>, _>>()
            });
            let windows = windows.collect::<Result<Vec<_>, _>>()?;
            windows.into_iter().flatten().try_for_each(&mut take)?;
        }
        Ok(())
    }

    /// Visits its rows until `visit` has enough; `columns` are read of segments, memtables have them
    /// all.
    pub(super) fn each_batch(
        &self,
        context: &ExecContext,
        columns: &[&str],
        mut visit: impl FnMut(&RecordBatch) -> Result<ControlFlow<()>, QueryError>,
    ) -> Result<ControlFlow<()>, QueryError> {
        match &self.rows {
            Rows::Segment(segment) => {
                context.tell(segment, Fate::Read);
                for from in (0..segment.rows()).step_by(WINDOW_ROWS as usize) {
                    let to = from.saturating_add(WINDOW_ROWS).min(segment.rows());
                    for batch in read_window(context, segment, columns, from..to)? {
                        if visit(&batch)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                }
            }
            Rows::Memtables(batches) => {
                for MemtableBatch { batch, .. } in batches {
                    context.budget.check()?;
                    context.count(&QueryStats {
                        rows_read: batch.num_rows() as u64,
                        memtable_rows_read: batch.num_rows() as u64,
                        ..QueryStats::default()
                    });
                    if visit(batch)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn read_window(
    context: &ExecContext,
    segment: &Segment,
    columns: &[&str],
    rows: Range<u32>,
) -> Result<Vec<RecordBatch>, QueryError> {
    context.budget.check()?;
    let there = context.rows_as_of(segment, std::slice::from_ref(&rows))?;
    let batches = segment.read(columns, Some(&there.rows))?;
    for batch in &batches {
        context.count(&QueryStats {
            rows_read: batch.num_rows() as u64,
            bytes_read: batch.get_array_memory_size() as u64,
            ..QueryStats::default()
        });
    }
    context.budget.check()?;
    Ok(batches)
}
