//! A segment with a position in the middle of its records: which of its rows were there then is read when
//! they are asked for, so that only those are asked about that a query reads.

use std::{borrow::Cow, ops::Range};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{UInt32Type, UInt64Type},
    error::ArrowError,
};
use varve_segment::{EPOCH, OFFSET, PARTITION, SegmentError};
use varve_types::{Lsn, PartitionId, Table};

use super::Segment;
use crate::{
    error::SegmentReadError,
    position::{AsOfError, Position},
};

impl Segment {
    /// Whether the position that it is read as of is among its records. Then its times, label sets and
    /// indexes are also of rows that were not there yet, and [`Self::rows_as_of`] tells which were.
    pub fn is_divided(&self) -> bool {
        self.as_of.is_some()
    }

    /// Those of the rows (ascending, without overlaps) that were there at the position that it is read as
    /// of: all, unless that is among its records.
    ///
    /// `each`: is told of each batch of positions that is read, and how many ranges were found until then;
    /// its error ends the reading.
    pub fn rows_as_of<'r, E: From<SegmentReadError>>(
        &self,
        rows: &'r [Range<u32>],
        mut each: impl FnMut(&RecordBatch, usize) -> Result<(), E>,
    ) -> Result<Cow<'r, [Range<u32>]>, E> {
        let Some(position) = &self.as_of else { return Ok(Cow::Borrowed(rows)) };
        let shown = self.shown_of(rows.to_vec());
        let mut there: Vec<Range<u32>> = Vec::new();
        if shown.is_empty() {
            return Ok(Cow::Owned(there));
        }
        let mut places = shown.iter().cloned().flatten();
        for batch in self.scan(&[PARTITION, EPOCH, OFFSET], &shown)? {
            let batch = batch?;
            let positions = Positions::of(&batch, self.entry.table)
                .map_err(|error| self.failed(&SegmentError::from(error)))?;
            for (at, row) in (0..batch.num_rows()).zip(places.by_ref()) {
                if !positions.is_seen(at, position) {
                    continue;
                }
                match there.last_mut().filter(|last| last.end == row) {
                    Some(last) => last.end += 1,
                    None => there.push(row..row + 1),
                }
            }
            each(&batch, there.len())?;
        }
        Ok(Cow::Owned(there))
    }

    /// Refuses samples of before and after a position, which do not tell when they came.
    pub fn undivided(&self) -> Result<&Self, AsOfError> {
        let Some(position) = &self.as_of else { return Ok(self) };
        let log = self.entry.table.log().name();
        let told = self.entry.log.iter();
        let told = told.map(|one| format!("{log}/{} {} to {}", one.partition, one.first, one.last));
        let told: Vec<String> = told.collect();
        Err(AsOfError::Samples {
            position: position.to_string(),
            segment: self.id(),
            records: if told.is_empty() { "not known".to_owned() } else { told.join(", ") },
        })
    }
}

/// Where the rows of a batch are in the log.
struct Positions<'b> {
    table: Table,
    partitions: &'b [u32],
    epochs: &'b [u32],
    offsets: &'b [u64],
}

impl<'b> Positions<'b> {
    fn of(batch: &'b RecordBatch, table: Table) -> Result<Self, ArrowError> {
        let column = |name: &str| {
            let missing = || ArrowError::SchemaError(format!("no column {name}"));
            batch.column_by_name(name).ok_or_else(missing)
        };
        Ok(Self {
            table,
            partitions: column(PARTITION)?.as_primitive::<UInt32Type>().values(),
            epochs: column(EPOCH)?.as_primitive::<UInt32Type>().values(),
            offsets: column(OFFSET)?.as_primitive::<UInt64Type>().values(),
        })
    }

    fn is_seen(&self, row: usize, position: &Position) -> bool {
        let partition = PartitionId { log: self.table.log(), number: self.partitions[row] };
        position.sees(partition, Lsn::new(self.epochs[row], self.offsets[row]))
    }
}
