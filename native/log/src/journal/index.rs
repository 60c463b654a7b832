//! Where each record is: per file and partition the positions of a run of offsets without holes.
//!
//! Eight bytes per record, in memory; rebuilt from the frames' headers at every start.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};
use varve_types::{Lsn, PartitionId, TenantId};

use super::frame::FRAME_ALIGN_BYTES;
use crate::{producers::CommittedRecord, runtime::DiskFile};

/// An open journal file.
pub(super) struct JournalFile {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: PathBuf,
    /// What its frames' checksums start from.
    pub(super) salt: u32,
    pub(super) sequence: u64,
    pub(super) epoch: u32,
    pub(super) first_group: u64,
}

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

/// The records of one whole group, in the order of their frames.
#[derive(Default)]
pub(super) struct GroupEntries {
    pub(super) tenants: Vec<TenantId>,
    pub(super) records: Vec<(PartitionId, u64, Place)>,
    /// Of the records, those with a key.
    pub(super) keyed: Vec<(PartitionId, CommittedRecord)>,
}

/// Records of one partition in one file: offsets `first_offset`, `first_offset + 1`, …
pub(super) struct Run {
    pub(super) first_offset: u64,
    pub(super) places: Vec<Place>,
}

impl Run {
    pub(super) fn next_offset(&self) -> u64 {
        self.first_offset + self.places.len() as u64
    }
}

/// What is in one file.
pub(super) struct FileIndex {
    pub(super) file: Arc<JournalFile>,
    /// Where the last whole group ends.
    pub(super) end: u64,
    /// Names by the numbers in the frames. Shared with readers under way.
    pub(super) tenants: Arc<Vec<TenantId>>,
    pub(super) runs: BTreeMap<PartitionId, Run>,
}

impl FileIndex {
    pub(super) fn new(file: Arc<JournalFile>, end: u64) -> Self {
        Self { file, end, tenants: Arc::default(), runs: BTreeMap::new() }
    }

    /// Adds a whole group that ends at `end`.
    pub(super) fn add(&mut self, group: GroupEntries, end: u64) {
        debug_assert!(end > self.end, "groups follow each other");
        self.end = end;
        if !group.tenants.is_empty() {
            Arc::make_mut(&mut self.tenants).extend(group.tenants);
        }
        for (partition, offset, place) in group.records {
            let run = self
                .runs
                .entry(partition)
                .or_insert_with(|| Run { first_offset: offset, places: Vec::new() });
            debug_assert_eq!(run.next_offset(), offset, "offsets have no holes");
            run.places.push(place);
        }
    }

    /// Partitions that still need records of the file.
    fn holders(
        &self,
        partitions: &BTreeMap<PartitionId, PartitionState>,
    ) -> impl Iterator<Item = PartitionId> {
        self.runs.iter().filter_map(|(partition, run)| {
            let end = Lsn::new(self.file.epoch, run.next_offset());
            let is_trimmed = partitions.get(partition).is_some_and(|it| it.trim_point >= end);
            (!is_trimmed).then_some(*partition)
        })
    }

    /// Gives back what the runs reserved to grow: the file gets no more records.
    fn shrink(&mut self) {
        for run in self.runs.values_mut() {
            run.places.shrink_to_fit();
        }
    }
}

/// One partition, across all files.
#[derive(Clone, Copy, Default)]
pub(super) struct PartitionState {
    /// Records of the present epoch that are committed.
    pub(super) tail_offset: u64,
    pub(super) trim_point: Lsn,
}

/// All files, oldest first, and the partitions that hold records or held some.
pub(super) struct Index {
    pub(super) epoch: u32,
    pub(super) files: VecDeque<FileIndex>,
    pub(super) partitions: BTreeMap<PartitionId, PartitionState>,
    /// Whether the last file is being written.
    pub(super) last_is_active: bool,
}

impl Index {
    pub(super) fn tail(&self, partition: PartitionId) -> Lsn {
        let offset = self.partitions.get(&partition).map_or(0, |state| state.tail_offset);
        Lsn::new(self.epoch, offset)
    }

    /// Makes a file the one that groups are added to.
    pub(super) fn open_file(&mut self, file: Arc<JournalFile>, end: u64) {
        if let Some(closed) = self.files.back_mut() {
            closed.shrink();
        }
        self.files.push_back(FileIndex::new(file, end));
        self.last_is_active = true;
    }

    /// Adds a group that is on disk now; its records are committed by this.
    pub(super) fn commit(&mut self, group: GroupEntries, end: u64) {
        for (partition, offset, _) in &group.records {
            self.partitions.entry(*partition).or_default().tail_offset = offset + 1;
        }
        if let Some(active) = self.files.back_mut() {
            active.add(group, end);
        }
    }

    /// Records of a partition from the trim point on.
    pub(super) fn held_records(&self, partition: PartitionId, trim_point: Lsn) -> u64 {
        let held = |file: &FileIndex| {
            let run = file.runs.get(&partition)?;
            let first = Lsn::new(file.file.epoch, run.first_offset).max(trim_point);
            let is_past = first.epoch.0 > file.file.epoch;
            Some(if is_past { 0 } else { run.next_offset().saturating_sub(first.offset.0) })
        };
        self.files.iter().filter_map(held).sum()
    }

    /// Partitions that still need records of the oldest file.
    pub(super) fn oldest_is_held_by(&self) -> Vec<PartitionId> {
        self.files
            .front()
            .map_or_else(Vec::new, |oldest| oldest.holders(&self.partitions).collect())
    }

    /// Whether the oldest file is not needed any more.
    pub(super) fn has_trimmed(&self) -> bool {
        self.files.len() > usize::from(self.last_is_active) && self.oldest_is_held_by().is_empty()
    }

    /// Takes out the oldest files, as long as they are trimmed. Only from the front: what is left
    /// has no gap between its groups, and so a file that vanished is seen at the next start.
    pub(super) fn take_trimmed(&mut self) -> Vec<Arc<JournalFile>> {
        let mut taken = Vec::new();
        while self.has_trimmed() {
            taken.extend(self.files.pop_front().map(|gone| gone.file));
        }
        taken
    }
}
