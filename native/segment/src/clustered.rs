//! What goes into clustering, and what comes out.

use arrow::{
    array::{ArrayRef, RecordBatch},
    error::ArrowError,
};
use varve_types::Lsn;

use crate::directory::Directory;

/// One record of the log whose rows go into the segment.
pub struct LogPart {
    /// Number of the partition.
    pub partition: u32,
    /// Where in it.
    pub lsn: Lsn,
    /// The rows.
    pub batch: RecordBatch,
}

/// Rows in the segment's order, and where in them to look.
pub struct Clustered {
    /// Of [`crate::stored_schema`].
    pub batch: RecordBatch,
    /// Where each stream, series or trace is.
    pub directory: Directory,
    /// First and last time, in the table's unit (both included); (0, 0) for metadata.
    pub time_range: (i64, i64),
}

pub(crate) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
}

pub(crate) fn range_of(times: &[i64]) -> (i64, i64) {
    let first = times.iter().copied().min().unwrap_or(0);
    let last = times.iter().copied().max().unwrap_or(0);
    (first, last)
}
