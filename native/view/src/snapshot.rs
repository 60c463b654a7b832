//! What a query reads: all of one tenant's rows of one table, at one position of the log.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::RecordBatch;
use varve_types::{Lsn, PartitionId};

use crate::{segment::Segment, segment_list::Filters};

/// One tenant's rows of one table. Holding it keeps its segments' files readable.
///
/// A row is either in a segment or in a memtable, never in both and never in neither.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Sealed rows, in the order of sealing: within a partition a later segment's rows were
    /// appended later.
    pub segments: Vec<Arc<Segment>>,
    /// Where [`Snapshot::segments_with_trace`] and [`Snapshot::segments_without`] look.
    pub filters: Filters,
    /// Rows not sealed yet: the batches as they were appended (`columnar::schema`), per partition
    /// in the log's order. Appended later than all segments' rows of the partition.
    pub memtable: Vec<MemtableBatch>,
    /// What of the rows is missing, and why; to be told in the answer.
    pub warnings: Vec<String>,
    /// Per partition, the first place of the log that is not in here: rows before it all are, whoever's
    /// they are; none after it is. Partitions that never had a record are missing.
    pub ends: BTreeMap<PartitionId, Lsn>,
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
