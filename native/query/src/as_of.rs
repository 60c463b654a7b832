//! Rows that were there at the position that a query is about, of segments that have it among their records.

use std::{borrow::Cow, ops::Range};

use varve_columnar::answer::QueryStats;
use varve_view::{Segment, common_parts};

use crate::{budget::Held, context::ExecContext, error::QueryError};

/// Rows of a segment, charged to the query if they had to be found.
pub(crate) struct RowsAsOf<'r, 'q> {
    /// Ascending, without overlaps.
    pub(crate) rows: Cow<'r, [Range<u32>]>,
    _held: Held<'q>,
}

/// Rows with what they belong to, such as their stream.
pub(crate) type RowsOf<T> = (T, Range<u32>);

impl ExecContext {
    /// Those of the rows (ascending, without overlaps) that were there at the query's position.
    pub(crate) fn rows_as_of<'r>(
        &self,
        segment: &Segment,
        rows: &'r [Range<u32>],
    ) -> Result<RowsAsOf<'r, '_>, QueryError> {
        let mut held = Held::charge(&self.budget, 0)?;
        let rows = segment.rows_as_of(rows, |batch, ranges| {
            let bytes_read = batch.get_array_memory_size() as u64;
            self.count(&QueryStats { bytes_read, ..QueryStats::default() });
            held.grow_to((ranges * size_of::<Range<u32>>()) as u64)?;
            self.budget.check()
        })?;
        Ok(RowsAsOf { rows, _held: held })
    }

    /// The same of rows that belong to something; they are ascending.
    pub(crate) fn parts_as_of<'r, T: Copy>(
        &self,
        segment: &Segment,
        parts: &'r [RowsOf<T>],
    ) -> Result<Cow<'r, [RowsOf<T>]>, QueryError> {
        if !segment.is_divided() {
            return Ok(Cow::Borrowed(parts));
        }
        let rows: Vec<_> = parts.iter().map(|(_, rows)| rows.clone()).collect();
        let there = self.rows_as_of(segment, &rows)?;
        Ok(Cow::Owned(common_parts(parts, &there.rows)))
    }
}
