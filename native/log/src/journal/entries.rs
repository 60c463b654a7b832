//! What a group, or a file, has in it, as the index takes it.

use std::collections::BTreeMap;
use varve_types::{Lsn, PartitionId, TenantId};

use super::{
    FrameKind,
    frame_header::{FRAME_ALIGN_BYTES, FrameHeader},
};
use crate::producers::CommittedRecord;

/// Where a record's frame is in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    position_units: u32,
    pub(super) payload_bytes: u32,
}

impl Place {
    /// `position`: of the frame's header; a multiple of 64 and below 256 GiB, as positions in a
    /// journal file are.
    pub(super) fn new(position: u64, payload_bytes: u32) -> Self {
        debug_assert!(position.is_multiple_of(FRAME_ALIGN_BYTES), "frames are aligned");
        Self { position_units: (position / FRAME_ALIGN_BYTES) as u32, payload_bytes }
    }

    /// Of the frame's header.
    pub(super) fn position(self) -> u64 {
        u64::from(self.position_units) * FRAME_ALIGN_BYTES
    }
}

/// A record of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) partition: PartitionId,
    pub(super) lsn: Lsn,
    pub(super) place: Place,
}

/// A frame that says something of an epoch: seal, close or trim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) kind: FrameKind,
    pub(super) partition: PartitionId,
    pub(super) at: Lsn,
}

/// What is in one whole group, in the order of its frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupEntries {
    /// With their numbers.
    pub(super) tenants: Vec<(u32, TenantId)>,
    pub(super) records: Vec<Entry>,
    pub(super) marks: Vec<Mark>,
    /// By partition and epoch, what the headers of its records say of the whole epoch.
    pub(super) epochs: BTreeMap<(PartitionId, u32), EpochFacts>,
    /// Of the records, those that have a session or a key.
    pub(super) producers: Vec<(PartitionId, CommittedRecord)>,
}

/// What is known of an epoch by its records' headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EpochFacts {
    /// The highest committed tail.
    pub(super) committed_tail: u64,
    /// Which incarnation appended; 0 where no header says it.
    pub(super) leader: u64,
}

impl EpochFacts {
    pub(super) fn merge(&mut self, other: Self) {
        self.committed_tail = self.committed_tail.max(other.committed_tail);
        if self.leader == 0 {
            self.leader = other.leader;
        }
    }
}

impl GroupEntries {
    /// Takes in a record's header.
    pub(super) fn add_record(
        &mut self,
        partition: PartitionId,
        header: &FrameHeader,
        place: Place,
    ) {
        let lsn = Lsn::new(header.epoch, header.offset);
        self.records.push(Entry { partition, lsn, place });
        let FrameHeader { committed_tail, leader, .. } = *header;
        let facts = EpochFacts { committed_tail, leader };
        self.epochs.entry((partition, header.epoch)).or_default().merge(facts);
        let record = header.committed_record();
        self.producers.extend(record.map(|record| (partition, record)));
    }

    /// Adds what is in a later group.
    pub(super) fn append(&mut self, mut later: Self) {
        self.tenants.append(&mut later.tenants);
        self.records.append(&mut later.records);
        self.marks.append(&mut later.marks);
        self.producers.append(&mut later.producers);
        for (epoch, facts) in later.epochs {
            self.epochs.entry(epoch).or_default().merge(facts);
        }
    }
}
