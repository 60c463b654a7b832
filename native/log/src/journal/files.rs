//! What the writer and those who read share: the files, and where in them what is.

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::{collections::HashMap, ops::Range, path::PathBuf, sync::Arc};
use varve_types::{Epoch, Lsn, Offset, PartitionId};

use super::{
    FileSettings, Frame,
    entries::GroupEntries,
    frame_header::frame_bytes,
    index::{EpochIndex, Index, JournalFile},
    reader::{self, Unread},
    space::Space,
    spares::Spare,
    status::FileCounters,
};
use crate::{ReadError, runtime::Runtime};

/// The journal's files, for all who do not write groups.
pub struct Files {
    pub(super) settings: FileSettings,
    pub(super) dir: PathBuf,
    pub(super) store_id: u128,
    pub(super) runtime: Runtime,
    pub(super) index: RwLock<Index>,
    pub(super) schemas: Mutex<HashMap<u32, Bytes>>,
    pub(super) counters: Mutex<FileCounters>,
    /// A file that is in the index no more and could not be removed. Who trims holds it.
    pub(super) leaving: Mutex<Option<Arc<JournalFile>>>,
    pub(super) spares: Mutex<Vec<Spare>>,
    /// Numbers of the next file and the next group.
    pub(super) next: Mutex<Next>,
    pub(super) space: Space,
}

/// What is here of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldEpoch {
    /// Which.
    pub epoch: Epoch,
    /// Offsets of records that are durable here; in order, apart from each other.
    pub held: Vec<Range<Offset>>,
    /// Offsets of records that were here and cannot be read. Those that were written again since are
    /// in `held` too.
    pub lost: Vec<Range<Offset>>,
    /// The highest committed tail that came with the records.
    pub committed_tail: Offset,
    /// Which incarnation appended them, where their headers say it.
    pub leader: Option<u64>,
}

/// Numbers that go on without a gap, also when no file is left that tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// Of a file.
    pub(super) sequence: u64,
    pub(super) group: u64,
}

impl Files {
    pub(super) fn new(
        settings: FileSettings,
        runtime: Runtime,
        store_id: u128,
        index: Index,
        next: Next,
    ) -> Self {
        let dir = settings.journal_dir();
        Self {
            space: Space::new(Arc::from(dir.as_path()), settings.disk_reserve),
            dir,
            settings,
            store_id,
            runtime,
            index: RwLock::new(index),
            schemas: Mutex::default(),
            counters: Mutex::default(),
            leaving: Mutex::default(),
            spares: Mutex::default(),
            next: Mutex::new(next),
        }
    }

    /// Makes a schema known. It is written once into each file that uses it.
    pub fn register_schema(&self, schema_id: u32, bytes: Bytes) {
        self.schemas.lock().insert(schema_id, bytes);
    }

    /// Bytes of all groups written since the start.
    pub(crate) fn group_bytes_total(&self) -> u64 {
        self.counters.lock().group_bytes_total
    }

    /// What the frames of one group may take ([`super::Room`]).
    pub fn group_max_bytes(&self) -> u64 {
        self.settings.group_max_bytes().saturating_sub(self.schemas_bytes())
    }

    /// What the frames of all known schemas take.
    pub(super) fn schemas_bytes(&self) -> u64 {
        self.schemas.lock().values().map(|bytes| frame_bytes(bytes.len() as u64)).sum()
    }

    /// Records of a partition that are durable here, in order, from `from` on and below `up_to`: at
    /// least one if there is one, and no more once `max_bytes` of payload are gathered. Ends before
    /// records that are missing; where the first one is, that is the error.
    pub fn read(
        &self,
        partition: PartitionId,
        from: Lsn,
        up_to: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<Frame>, ReadError> {
        let extents = reader::plan(&self.index.read(), partition, from..up_to, max_bytes)?;
        let mut frames = Vec::with_capacity(extents.iter().map(reader::Extent::len).sum());
        for extent in extents {
            match extent.read(partition, &mut frames) {
                Ok(()) => {}
                Err(Unread::Io(error)) => return Err(error),
                Err(Unread::Damaged { sequence, damage }) => {
                    self.index.write().lose(sequence, damage);
                    if frames.is_empty() {
                        // Says what is known of it now: which records, and where it goes on.
                        return self.read(partition, from, up_to, max_bytes);
                    }
                    break;
                }
            }
        }
        Ok(frames)
    }

    /// Every file, the oldest first, and where its last whole group ends.
    #[must_use]
    pub fn ends(&self) -> Vec<(PathBuf, u64)> {
        let index = self.index.read();
        index.files.iter().map(|entry| (entry.file.path.clone(), entry.end)).collect()
    }

    /// Partitions that hold records, or held some.
    pub fn partitions(&self) -> Vec<PartitionId> {
        self.index.read().partitions.keys().copied().collect()
    }

    /// What is here of a partition's epochs, lowest first.
    pub fn epochs(&self, partition: PartitionId) -> Vec<HeldEpoch> {
        let index = self.index.read();
        let known = index.partitions.get(&partition).map(|it| it.epochs.iter());
        let of = |(epoch, index): (&u32, &EpochIndex)| HeldEpoch {
            epoch: Epoch(*epoch),
            held: index.held().into_iter().map(|it| Offset(it.start)..Offset(it.end)).collect(),
            lost: index.lost.iter().map(|(it, _)| Offset(it.start)..Offset(it.end)).collect(),
            committed_tail: Offset(index.facts.committed_tail),
            leader: Some(index.facts.leader).filter(|leader| *leader != 0),
        };
        known.into_iter().flatten().map(of).collect()
    }

    /// Whether a frame could not be read of which nothing is known: it may have been any, also a seal.
    pub fn has_unknown(&self) -> bool {
        self.index.read().damages.has_unknown()
    }

    /// The highest epoch of the partition that is sealed here.
    pub fn sealed(&self, partition: PartitionId) -> Option<Epoch> {
        self.index.read().partitions.get(&partition)?.sealed
    }

    /// Where epochs end, of those that were closed here, lowest first.
    pub fn closes(&self, partition: PartitionId) -> Vec<Lsn> {
        let index = self.index.read();
        let closes = index.partitions.get(&partition).map(|it| it.closes.iter());
        closes.into_iter().flatten().map(|(epoch, end)| Lsn::new(*epoch, *end)).collect()
    }

    /// The first place that is still needed.
    pub fn trim_point(&self, partition: PartitionId) -> Lsn {
        let index = self.index.read();
        index.partitions.get(&partition).map(|it| it.trim_point).unwrap_or_default()
    }

    /// The highest epoch of all frames.
    pub fn newest_epoch(&self) -> Epoch {
        self.index.read().newest_epoch()
    }

    /// Makes a group's records readable: it is on disk.
    pub(super) fn add_group(&self, entries: GroupEntries, group_bytes: u64, end: u64) {
        {
            let mut counters = self.counters.lock();
            counters.groups_total += 1;
            counters.records_total += entries.records.len() as u64;
            counters.group_bytes_total += group_bytes;
        }
        self.next.lock().group += 1;
        self.index.write().add(entries, end);
    }

    pub(super) fn open_file(&self, file: Arc<JournalFile>, end: u64) {
        self.next.lock().sequence = file.sequence + 1;
        let mut index = self.index.write();
        index.open_file(file, end);
        index.last_is_active = true;
    }
}
