//! Rows of one segment or memtable batch that are read together.

use std::{fmt, ops::Range, sync::Arc};

use arrow::array::RecordBatch;
use varve_view::Segment;

/// How many rows of a segment are read together.
pub(super) const PIECE_ROWS: u64 = 65_536;

/// Rows of a label set that follow each other.
pub(super) type SetRows = (u32, Range<u32>);

/// Rows that are read together.
pub(crate) struct Piece {
    /// Number of the tenant.
    pub(super) tenant: usize,
    /// First and last time of its rows, in nanoseconds; there may be none at either.
    pub(super) times_ns: (i64, i64),
    /// How many rows it has before filters.
    pub(super) rows: u64,
    pub(super) source: Source,
}

pub(super) enum Source {
    /// Rows of a segment, ascending, each range with the number of its label set (0 where there is none).
    Rows(Arc<Segment>, Vec<SetRows>),
    /// Series of a segment: their places in its directory, with their numbers.
    Series(Arc<Segment>, Vec<(usize, u32)>),
    /// A batch of the memtable, and by key of its label sets their numbers; `None` for unwanted ones.
    Memtable(RecordBatch, Vec<Option<u32>>),
}

impl Piece {
    /// No row of it is later.
    pub(crate) fn latest_ns(&self) -> i64 {
        self.times_ns.1
    }

    /// How many rows it has before filters.
    pub(crate) fn row_count(&self) -> u64 {
        self.rows
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// What was not read, and why. Shown by EXPLAIN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pruned {
    pub(crate) segments: u64,
    pub(crate) by_time: u64,
    pub(crate) by_labels: u64,
    pub(crate) by_trace_id: u64,
    pub(crate) by_value: u64,
    pub(crate) by_text: u64,
    pub(crate) read: u64,
    pub(crate) memtable_batches: u64,
    /// Of the segments and batches that are read, in pieces.
    pub(crate) rows: u64,
}

impl fmt::Display for Pruned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "segments={}, pruned_by_time={}, pruned_by_labels={}, pruned_by_trace_id={}, \
             pruned_by_value={}, pruned_by_text={}, segments_read={}, memtable_batches={}, rows={}",
            self.segments,
            self.by_time,
            self.by_labels,
            self.by_trace_id,
            self.by_value,
            self.by_text,
            self.read,
            self.memtable_batches,
            self.rows
        )
    }
}

/// Ranges in lists of at most [`PIECE_ROWS`] rows.
pub(super) fn cut(ranges: Vec<SetRows>) -> Vec<Vec<SetRows>> {
    let mut lists: Vec<Vec<SetRows>> = Vec::new();
    let mut room = 0;
    for (set, mut rows) in ranges {
        while !rows.is_empty() {
            if room == 0 {
                lists.push(Vec::new());
                room = PIECE_ROWS as u32;
            }
            let end = rows.end.min(rows.start.saturating_add(room));
            room -= end - rows.start;
            if let Some(list) = lists.last_mut() {
                list.push((set, rows.start..end));
            }
            rows.start = end;
        }
    }
    lists
}

/// How many rows ranges have.
pub(super) fn count(ranges: &[SetRows]) -> u64 {
    ranges.iter().map(|(_, rows)| u64::from(rows.end - rows.start)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_all_rows() {
        let most = PIECE_ROWS as u32;
        assert_eq!(
            cut(vec![(0, 0..most - 1), (1, most - 1..most + 3)]),
            [vec![(0, 0..most - 1), (1, most - 1..most)], vec![(1, most..most + 3)]]
        );
    }
}
