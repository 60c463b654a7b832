//! The table of producers with the place it stands for.

use varve_types::{Lsn, Offset};

use super::{control::EpochList, record::Record};
use crate::producers::ProducerTable;

/// Producers of everything before a place, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownProducers {
    /// The table.
    pub table: ProducerTable,
    /// It is of all records before.
    pub up_to: Lsn,
}

impl KnownProducers {
    /// Those of an empty log.
    #[must_use]
    pub const fn none(table: ProducerTable) -> Self {
        Self { table, up_to: Lsn::new(1, 0) }
    }

    /// Notes the next record.
    pub(super) fn committed(&mut self, lsn: Lsn, record: &Record) {
        self.table.committed(&record.committed_at(lsn));
        self.go_to(Lsn { offset: Offset(lsn.offset.0 + 1), ..lsn });
    }

    /// Notes records that were read, those of them that come next.
    pub(super) fn read(&mut self, from: Lsn, records: &[Record], list: &EpochList) {
        for (record, offset) in records.iter().zip(from.offset.0..) {
            let lsn = Lsn { offset: Offset(offset), ..from };
            if lsn == list.next_place(self.up_to) {
                self.committed(lsn, record);
            }
        }
    }

    /// There is nothing before this place that is not known, or can be.
    pub(super) fn go_to(&mut self, place: Lsn) {
        self.up_to = self.up_to.max(place);
    }
}
