//! Rows that are in the log and not yet in a segment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use arrow::{
    array::{AsArray, RecordBatch},
    compute::{max, min},
    datatypes::Int64Type,
};
use varve_types::{Lsn, Offset, PartitionId, Table, TenantId};

use crate::snapshot::MemtableBatch;

/// Rows of one tenant and table.
pub(crate) type TableKey = (TenantId, Table);

/// All rows that came since the last sealing began.
#[derive(Default)]
pub(crate) struct Memtable {
    tables: HashMap<TableKey, Vec<MemtableBatch>>,
    /// Per partition, the first place that is not in here or in a segment.
    next: BTreeMap<PartitionId, Lsn>,
    bytes: u64,
    rows: u64,
    first_at: Option<Instant>,
}

impl Memtable {
    /// Adds one record. Within a partition they come in the log's order.
    pub(crate) fn insert(&mut self, key: TableKey, batch: MemtableBatch) {
        self.bytes += batch.batch.get_array_memory_size() as u64;
        self.rows += batch.batch.num_rows() as u64;
        self.first_at.get_or_insert_with(Instant::now);
        let Lsn { epoch, offset } = batch.lsn;
        self.next.insert(batch.partition, Lsn { epoch, offset: Offset(offset.0 + 1) });
        self.tables.entry(key).or_default().push(batch);
    }

    /// The batches of one tenant and table.
    pub(crate) fn batches(&self, key: &TableKey) -> &[MemtableBatch] {
        self.tables.get(key).map_or(&[], Vec::as_slice)
    }

    /// Every tenant and table with its batches.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&TableKey, &Vec<MemtableBatch>)> {
        self.tables.iter()
    }

    /// Per partition, the first place after what is in here.
    pub(crate) fn next(&self) -> &BTreeMap<PartitionId, Lsn> {
        &self.next
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// When its first record came; `None` while it is empty.
    pub(crate) fn first_at(&self) -> Option<Instant> {
        self.first_at
    }
}

/// What is read besides segments: the memtable that fills, and the one that is being sealed.
#[derive(Default)]
pub(crate) struct Memtables {
    pub(crate) active: Memtable,
    pub(crate) sealing: Option<Arc<Memtable>>,
}

impl Memtables {
    /// Bytes of both.
    pub(crate) fn bytes(&self) -> u64 {
        self.active.bytes() + self.sealing.as_ref().map_or(0, |memtable| memtable.bytes())
    }

    /// The batches of one tenant and table, in the log's order.
    pub(crate) fn batches(&self, key: &TableKey) -> Vec<MemtableBatch> {
        let sealing = self.sealing.as_ref().map_or(&[][..], |memtable| memtable.batches(key));
        sealing.iter().chain(self.active.batches(key)).cloned().collect()
    }
}

/// First and last time of a batch's rows; (0, 0) for metadata and for no rows.
pub(crate) fn time_range(table: Table, batch: &RecordBatch) -> (i64, i64) {
    let (first, last) = match table {
        Table::Logs => ("time_unix_nano", "time_unix_nano"),
        Table::Spans => ("start_unix_nano", "start_unix_nano"),
        Table::Samples => ("time_unix_ms", "time_unix_ms"),
        Table::Metadata => return (0, 0),
    };
    let column = |name| batch.column_by_name(name).map(AsArray::as_primitive::<Int64Type>);
    (
        column(first).and_then(min).unwrap_or_default(),
        column(last).and_then(max).unwrap_or_default(),
    )
}
