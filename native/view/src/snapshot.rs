//! What a query reads: all of one tenant's rows of one table, at one position of the log.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::RecordBatch;
use varve_segment::TraceKey;
use varve_types::{Lsn, PartitionId};

use crate::{segment::Segment, trace_filters::TraceFilters};

/// One tenant's rows of one table. Holding it keeps its segments' files readable.
///
/// A row is either in a segment or in a memtable, never in both and never in neither.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Sealed rows, in the order of sealing: within a partition a later segment's rows were
    /// appended later.
    pub segments: Vec<Arc<Segment>>,
    /// Where [`Snapshot::segments_with_trace`] looks first.
    pub trace_filters: TraceFilters,
    /// Rows not sealed yet: the batches as they were appended (`columnar::schema`), per partition
    /// in the log's order. Appended later than all segments' rows of the partition.
    pub memtable: Vec<MemtableBatch>,
    /// What of the rows is missing, and why; to be told in the answer.
    pub warnings: Vec<String>,
    /// Per partition, the first place of the log that is not in here: rows before it all are, whoever's
    /// they are; none after it is. Partitions that never had a record are missing.
    pub ends: BTreeMap<PartitionId, Lsn>,
}

impl Snapshot {
    /// Segments (of spans or logs) that may have rows of the trace; about one in a thousand has none.
    pub fn segments_with_trace(&self, trace_id: &[u8; 16]) -> impl Iterator<Item = &Arc<Segment>> {
        let without = self.trace_filters.without(TraceKey::of(trace_id));
        self.segments.iter().filter(move |segment| {
            without.binary_search(&segment.id()).is_err() && segment.may_hold_trace(trace_id)
        })
    }
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
