//! What a query reads: all of one tenant's rows of one table, at one position of the log.

use std::{ops::Range, sync::Arc};

use arrow::array::RecordBatch;
use varve_types::{Lsn, PartitionId};

/// One tenant's rows of one table. Holding it keeps its segments' files readable.
///
/// A row is either in a segment or in a memtable, never in both and never in neither.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Sealed rows. No order is promised.
    pub segments: Vec<Arc<Segment>>,
    /// Rows not sealed yet: the batches as they were appended (`columnar::schema`), per partition
    /// in the log's order.
    pub memtable: Vec<MemtableBatch>,
}

/// One record of the log whose rows are not sealed yet.
#[derive(Clone)]
pub struct MemtableBatch {
    /// Where it was appended.
    pub partition: PartitionId,
    /// Its place there; all of its rows have it, and their order within is the batch's.
    pub lsn: Lsn,
    /// The rows.
    pub batch: RecordBatch,
    /// First and last time of the rows, in the table's unit (both included).
    pub time_range: (i64, i64),
}

/// One sealed segment.
pub struct Segment {}

/// Where one stream's (or series') rows are in a segment. They are neighbours: rows are clustered
/// by label set, then time, then log position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSetRange {
    /// The label set's canonical text.
    pub text: Arc<str>,
    /// Its rows. For samples these are chunks: read them with [`Segment::samples`].
    pub rows: Range<u32>,
    /// First and last time of them, in the table's unit (both included).
    pub time_range: (i64, i64),
    /// How many records they are: log lines or samples.
    pub count: u64,
    /// Bytes of their lines and structured metadata (logs); 0 otherwise.
    pub bytes: u64,
}

/// Samples of one series from one segment, ascending by time; of equal times the later one in the
/// log comes last.
pub struct SampleRun {
    /// Index into [`Segment::label_sets`].
    pub label_set: usize,
    /// Milliseconds since the epoch.
    pub times_ms: Vec<i64>,
    /// As many; bit-exact.
    pub values: Vec<f64>,
}

/// Why a segment could not be read. It names the file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SegmentReadError(pub String);

impl Segment {
    /// First and last time of its rows, in the table's unit (both included).
    pub fn time_range(&self) -> (i64, i64) {
        todo!()
    }
    /// How many rows the file has (for samples: chunks).
    pub fn rows(&self) -> u32 {
        todo!()
    }
    /// Its size on disk, indexes included.
    pub fn size_bytes(&self) -> u64 {
        todo!()
    }
    /// Streams or series, sorted by text; empty for spans and metadata. Read at opening, no I/O.
    pub fn label_sets(&self) -> &[LabelSetRange] {
        todo!()
    }
    /// `false`: no row of this segment (spans, logs) has the trace id. `true`: probably one has.
    pub fn may_hold_trace(&self, _trace_id: &[u8; 16]) -> bool {
        todo!()
    }
    /// Where a trace's rows can be (spans are clustered by trace id), from statistics; no false negatives.
    pub fn trace_rows(&self, _trace_id: &[u8; 16]) -> Result<Vec<Range<u32>>, SegmentReadError> {
        todo!()
    }
    /// Rows whose body may contain the text, from the text index: sorted, not overlapping, no false
    /// negatives. `None`: the index cannot tell (needle too short, no index), read all.
    pub fn rows_with_text(
        &self,
        _needle: &str,
    ) -> Result<Option<Vec<Range<u32>>>, SegmentReadError> {
        todo!()
    }
    /// Columns of some rows (`None` for all), in row order, as batches of at most 8,192 rows.
    /// Besides the table's columns there are `_epoch: UInt32`, `_offset: UInt64`, `_row: UInt32` and
    /// `_partition: UInt32`: the log position, for order and deduplication.
    pub fn read(
        &self,
        _columns: &[&str],
        _rows: Option<&[Range<u32>]>,
    ) -> Result<Vec<RecordBatch>, SegmentReadError> {
        todo!()
    }
    /// Samples of some series (indexes into [`Self::label_sets`]) in a range (both included).
    pub fn samples(
        &self,
        _label_sets: &[usize],
        _from_ms: i64,
        _to_ms: i64,
    ) -> Result<Vec<SampleRun>, SegmentReadError> {
        todo!()
    }
}
