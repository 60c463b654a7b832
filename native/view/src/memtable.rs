//! Rows that are in the log and not yet in a segment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use arrow::{
    array::{Array as _, ArrayRef, AsArray, RecordBatch},
    compute::{max, min},
    datatypes::Int64Type,
};
use varve_types::{Lsn, Offset, PartitionId, Table, TenantId};

use crate::snapshot::MemtableBatch;

/// Rows of one tenant and table.
pub(crate) type TableKey = (TenantId, Table);

/// One tenant's and table's part of a memtable.
#[derive(Default)]
struct TableRows {
    batches: Vec<MemtableBatch>,
    size: Size,
}

/// How much there is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) rows: u64,
    /// Of memory.
    pub(crate) bytes: u64,
}

impl Size {
    fn add(&mut self, rows: usize, bytes: u64) {
        self.rows += rows as u64;
        self.bytes += bytes;
    }
}

/// All rows that came since the last sealing began.
#[derive(Default)]
pub(crate) struct Memtable {
    tables: HashMap<TableKey, TableRows>,
    /// Per partition, the first place that is not in here or in a segment.
    next: BTreeMap<PartitionId, Lsn>,
    size: Size,
    first_at: Option<Instant>,
}

impl Memtable {
    /// Adds one record that takes `bytes` of memory. Within a partition they come in the log's
    /// order, without a gap: what is sealed covers all that came before.
    pub(crate) fn insert(&mut self, key: TableKey, batch: MemtableBatch, bytes: u64) {
        debug_assert!(
            self.next.get(&batch.partition).is_none_or(|next| follows(batch.lsn, *next)),
            "{} {} leaves a gap",
            batch.partition,
            batch.lsn
        );
        let rows = batch.batch.num_rows();
        self.size.add(rows, bytes);
        self.first_at.get_or_insert_with(Instant::now);
        let (partition, next) = behind(&batch);
        self.next.insert(partition, next);
        let table = self.tables.entry(key).or_default();
        table.size.add(rows, bytes);
        table.batches.push(batch);
    }

    /// The batches of one tenant and table.
    pub(crate) fn batches(&self, key: &TableKey) -> &[MemtableBatch] {
        self.tables.get(key).map_or(&[], |table| &table.batches)
    }

    /// How much one tenant and table has.
    pub(crate) fn size_of(&self, key: &TableKey) -> Size {
        self.tables.get(key).map(|table| table.size).unwrap_or_default()
    }

    /// Every tenant and table with its batches.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&TableKey, &[MemtableBatch])> {
        self.tables.iter().map(|(key, table)| (key, table.batches.as_slice()))
    }

    /// Per partition, the first place after what is in here.
    pub(crate) fn next(&self) -> &BTreeMap<PartitionId, Lsn> {
        &self.next
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.size.bytes
    }

    pub(crate) fn rows(&self) -> u64 {
        self.size.rows
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

/// The first place after a record.
pub(crate) fn behind(record: &MemtableBatch) -> (PartitionId, Lsn) {
    let Lsn { epoch, offset } = record.lsn;
    (record.partition, Lsn { epoch, offset: Offset(offset.0 + 1) })
}

/// Whether `lsn` is the place `next`, or the first one of a later epoch.
fn follows(lsn: Lsn, next: Lsn) -> bool {
    lsn == next || (lsn.epoch > next.epoch && lsn.offset.0 == 0)
}

/// Memory of a batch whose buffers are its own, as builders make them.
pub(crate) fn memory_bytes(batch: &RecordBatch) -> u64 {
    batch.get_array_memory_size() as u64
}

/// Bytes that a batch's rows take when they are sorted, wherever they are now. The texts of its
/// dictionaries are not counted: sorted rows have each only once.
pub(crate) fn row_bytes(batch: &RecordBatch) -> usize {
    let of_column = |column: &ArrayRef| {
        if let Some(dictionary) = column.as_any_dictionary_opt() {
            return dictionary.keys().len() * size_of::<i32>();
        }
        let data = column.to_data();
        // It only fails for types without a size, of which no table has one.
        data.get_slice_memory_size().unwrap_or_else(|_| data.get_buffer_memory_size())
    };
    batch.columns().iter().map(of_column).sum()
}

/// First and last time of a batch's rows; (0, 0) for metadata and for no rows.
pub(crate) fn time_range(table: Table, batch: &RecordBatch) -> (i64, i64) {
    let (first, last) = match table {
        Table::Logs => ("time_unix_nano", "time_unix_nano"),
        Table::Spans => ("start_unix_nano", "start_unix_nano"),
        Table::Samples | Table::Exemplars => ("time_unix_ms", "time_unix_ms"),
        Table::Metadata => return (0, 0),
    };
    let column = |name| batch.column_by_name(name).map(AsArray::as_primitive::<Int64Type>);
    (
        column(first).and_then(min).unwrap_or_default(),
        column(last).and_then(max).unwrap_or_default(),
    )
}
