//! Where rows are in time and in the log.

use std::collections::BTreeMap;

use arrow::{
    array::{AsArray as _, RecordBatch},
    datatypes::{ArrowPrimitiveType, UInt32Type, UInt64Type},
};
use varve_types::Lsn;

use crate::{
    error::QueryError,
    logs::{
        directory::no_column,
        scan::{Found, Row},
    },
};

/// By number of a partition, a place in it.
pub(in crate::logs) type Ends = BTreeMap<u32, Lsn>;

/// A row's place in time and in the log: rows of one time keep the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) time_ns: i64,
    pub(super) partition: u32,
    pub(super) epoch: u32,
    pub(super) offset: u64,
    pub(super) row: u32,
    pub(super) stream: u32,
}

impl Place {
    /// Whether it is before the end of its partition.
    pub(super) fn is_before(&self, ends: &Ends) -> bool {
        let lsn = Lsn::new(self.epoch, self.offset);
        ends.get(&self.partition).is_some_and(|&end| lsn < end)
    }
}

/// Where the rows of a batch are in the log.
pub(super) enum Positions<'b> {
    Memtable { partition: u32, epoch: u32, offset: u64 },
    Segment { partitions: &'b [u32], epochs: &'b [u32], offsets: &'b [u64], rows: &'b [u32] },
}

impl<'b> Positions<'b> {
    /// Of all rows of the batch.
    pub(super) fn of(found: &Found<'b>) -> Result<Self, QueryError> {
        if let Some((partition, lsn)) = found.appended {
            let (epoch, offset) = (lsn.epoch.0, lsn.offset.0);
            return Ok(Self::Memtable { partition: partition.number, epoch, offset });
        }
        Ok(Self::Segment {
            partitions: numbers::<UInt32Type>(found.batch, "_partition")?,
            epochs: numbers::<UInt32Type>(found.batch, "_epoch")?,
            offsets: numbers::<UInt64Type>(found.batch, "_offset")?,
            rows: numbers::<UInt32Type>(found.batch, "_row")?,
        })
    }

    /// Of one row.
    pub(super) fn place(&self, Row { at, stream, time_ns }: Row) -> Place {
        let row = at as usize;
        match *self {
            Self::Memtable { partition, epoch, offset } => {
                Place { time_ns, partition, epoch, offset, row: at, stream }
            }
            Self::Segment { partitions, epochs, offsets, rows } => Place {
                time_ns,
                partition: partitions[row],
                epoch: epochs[row],
                offset: offsets[row],
                row: rows[row],
                stream,
            },
        }
    }
}

fn numbers<'b, T: ArrowPrimitiveType>(
    batch: &'b RecordBatch,
    name: &str,
) -> Result<&'b [T::Native], QueryError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<T>());
    column.map(|column| column.values().as_ref()).ok_or_else(|| no_column(batch, name))
}
