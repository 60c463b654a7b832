//! Where each record is: partition → epoch → runs of neighbouring offsets in one file.
//!
//! Eight bytes per record, in memory; rebuilt from the frames' headers at every start.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    path::PathBuf,
    sync::Arc,
};
use varve_types::{Epoch, Lsn, PartitionId, TenantId};

use super::{
    FrameKind,
    damage::{Damage, Damages, LostRange},
    entries::{Entry, EpochFacts, GroupEntries, Mark, Place},
};
use crate::runtime::DiskFile;

/// An open journal file.
pub(super) struct JournalFile {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: PathBuf,
    /// What its frames' checksums start from.
    pub(super) salt: u32,
    pub(super) sequence: u64,
    pub(super) first_group: u64,
}

/// Neighbouring offsets of one epoch in one file.
pub(super) struct Run {
    pub(super) sequence: u64,
    pub(super) places: Vec<Place>,
}

/// The records of one partition and epoch: runs by their first offsets. They do not overlap.
#[derive(Default)]
pub(super) struct EpochIndex {
    pub(super) runs: BTreeMap<u64, Run>,
    pub(super) facts: EpochFacts,
    /// Records that cannot be read any more, and why. Some may have been written again since.
    pub(super) lost: Vec<(Range<u64>, Arc<str>)>,
}

impl EpochIndex {
    /// Takes a record in. One that is there already was written again, by a repair: that one counts.
    fn insert(&mut self, offset: u64, sequence: u64, place: Place) {
        if let Some((&first, run)) = self.runs.range_mut(..=offset).next_back()
            && first + run.places.len() as u64 == offset
            && run.sequence == sequence
        {
            run.places.push(place);
            return;
        }
        self.remove(offset, |_| true);
        self.runs.insert(offset, Run { sequence, places: vec![place] });
    }

    /// Takes a record out if it is in a file that is meant. Answers whether it was.
    fn remove(&mut self, offset: u64, is_meant: impl FnOnce(u64) -> bool) -> bool {
        let Some((&first, run)) = self.runs.range_mut(..=offset).next_back() else { return false };
        let at = (offset - first) as usize;
        let sequence = run.sequence;
        if at >= run.places.len() || !is_meant(sequence) {
            return false;
        }
        let behind = run.places.split_off(at).split_off(1);
        if at == 0 {
            self.runs.remove(&first);
        }
        if !behind.is_empty() {
            self.runs.insert(offset + 1, Run { sequence, places: behind });
        }
        true
    }

    /// Lets go of records at or above the epoch's end.
    fn cut(&mut self, end: u64) {
        self.runs.split_off(&end);
        if let Some((first, run)) = self.runs.iter_mut().next_back() {
            run.places.truncate((end - first) as usize);
        }
        self.lost.retain(|(range, _)| range.start < end);
        for (range, _) in &mut self.lost {
            range.end = range.end.min(end);
        }
    }

    /// Of offset `from`, which is in no run: the first offset from which one is held again, or is not
    /// known to have been lost; and why they are missing. `None` where nothing is known to be.
    pub(super) fn hole(&self, from: u64) -> Option<(u64, Arc<str>)> {
        let held_again = self.runs.range(from..).next().map(|(first, _)| *first);
        let mut lost = self.lost.iter().filter(|(range, _)| range.end > from);
        let known = lost.clone().find(|(range, _)| held_again.is_none_or(|at| range.start < at));
        let reason = known.map(|(_, reason)| Arc::clone(reason));
        let until = held_again.or_else(|| lost.by_ref().map(|(range, _)| range.end).max())?;
        let nowhere = || Arc::from("they are in none of the journal's files");
        Some((until, reason.unwrap_or_else(nowhere)))
    }

    /// Ranges of offsets without holes.
    pub(super) fn held(&self) -> Vec<Range<u64>> {
        let mut held: Vec<Range<u64>> = Vec::new();
        for (&first, run) in &self.runs {
            let end = first + run.places.len() as u64;
            match held.last_mut() {
                Some(before) if before.end == first => before.end = end,
                _ => held.push(first..end),
            }
        }
        held
    }
}

/// One partition, across all files.
#[derive(Default)]
pub(super) struct PartitionIndex {
    pub(super) trim_point: Lsn,
    /// The highest epoch that is sealed.
    pub(super) sealed: Option<Epoch>,
    /// Where epochs end, by epoch.
    pub(super) closes: BTreeMap<u32, u64>,
    pub(super) epochs: BTreeMap<u32, EpochIndex>,
}

impl PartitionIndex {
    /// Takes in what a frame, or a meta file, says of an epoch.
    pub(super) fn mark(&mut self, kind: FrameKind, at: Lsn) {
        match kind {
            FrameKind::Seal => self.sealed = self.sealed.max(Some(at.epoch)),
            FrameKind::Close => {
                self.closes.insert(at.epoch.0, at.offset.0);
                if let Some(epoch) = self.epochs.get_mut(&at.epoch.0) {
                    epoch.cut(at.offset.0);
                }
            }
            FrameKind::Trim => {
                self.trim_point = self.trim_point.max(at);
                // An epoch below is gone whole: nobody asks where it ended.
                self.closes = self.closes.split_off(&self.trim_point.epoch.0);
            }
            _ => debug_assert!(false, "{kind:?} says nothing of an epoch"),
        }
    }

    fn insert(&mut self, lsn: Lsn, sequence: u64, place: Place) {
        self.epochs.entry(lsn.epoch.0).or_default().insert(lsn.offset.0, sequence, place);
    }

    /// Places of the records from `from` on, each stretch with the number of its file.
    pub(super) fn places_from(&self, from: Lsn) -> impl Iterator<Item = (u64, &[Place])> {
        self.epochs.range(from.epoch.0..).flat_map(move |(&epoch, index)| {
            let from = if epoch == from.epoch.0 { from.offset.0 } else { 0 };
            index.runs.iter().filter_map(move |(&first, run)| {
                let before = from.saturating_sub(first) as usize;
                let places = run.places.get(before..).filter(|places| !places.is_empty())?;
                Some((run.sequence, places))
            })
        })
    }
}

/// One file, as far as it is not about single records.
pub(super) struct FileEntry {
    pub(super) file: Arc<JournalFile>,
    /// Where the last whole group ends.
    pub(super) end: u64,
    /// Names by the numbers in the frames, less 1. Shared with readers under way.
    pub(super) tenants: Arc<Vec<Option<TenantId>>>,
    /// By partition, the place behind the highest of its records here.
    ends: BTreeMap<PartitionId, Lsn>,
}

/// All files, oldest first, and the partitions that hold records or held some.
#[derive(Default)]
pub(super) struct Index {
    pub(super) files: VecDeque<FileEntry>,
    pub(super) partitions: BTreeMap<PartitionId, PartitionIndex>,
    /// Whether the last file is being written.
    pub(super) last_is_active: bool,
    /// What is damaged in the files.
    pub(super) damages: Damages,
}

impl Index {
    /// Adds a file; groups are added to it from now on.
    pub(super) fn open_file(&mut self, file: Arc<JournalFile>, end: u64) {
        self.shrink_last();
        let (tenants, ends) = (Arc::default(), BTreeMap::new());
        self.files.push_back(FileEntry { file, end, tenants, ends });
    }

    /// Gives back what the runs of the last file reserved to grow: it gets no more records.
    fn shrink_last(&mut self) {
        let Some(last) = self.files.back() else { return };
        for partition in last.ends.keys() {
            let epochs = self.partitions.get_mut(partition).map(|it| it.epochs.values_mut());
            for run in epochs.into_iter().flatten().flat_map(|epoch| epoch.runs.values_mut()) {
                if run.sequence == last.file.sequence {
                    run.places.shrink_to_fit();
                }
            }
        }
    }

    /// Adds a whole group, which ends at `end`, to the last file.
    pub(super) fn add(&mut self, group: GroupEntries, end: u64) {
        let Some(last) = self.files.back_mut() else { return };
        debug_assert!(end >= last.end, "groups follow each other");
        last.end = end;
        for (number, tenant) in group.tenants {
            let tenants = Arc::make_mut(&mut last.tenants);
            let at = (number as usize).saturating_sub(1);
            // One whose frame is damaged leaves a hole.
            tenants.resize(tenants.len().max(at + 1), None);
            tenants.splice(at..=at, [Some(tenant)]);
        }
        for Entry { partition, lsn, place } in group.records {
            let behind = Lsn::new(lsn.epoch.0, lsn.offset.0 + 1);
            let file_end = last.ends.entry(partition).or_default();
            *file_end = behind.max(*file_end);
            let partition = self.partitions.entry(partition).or_default();
            partition.insert(lsn, last.file.sequence, place);
        }
        for ((partition, epoch), facts) in group.epochs {
            let partition = self.partitions.entry(partition).or_default();
            partition.epochs.entry(epoch).or_default().facts.merge(facts);
        }
        for Mark { kind, partition, at } in group.marks {
            self.partitions.entry(partition).or_default().mark(kind, at);
        }
    }

    /// Takes in what a scan, or a read, found damaged.
    pub(super) fn note_damages(&mut self, damages: Vec<Damage>) {
        for damage in damages {
            let (path, position) = (damage.path.display(), damage.position);
            let reason = format!("{path} is damaged at byte {position}: {}", damage.reason);
            let reason: Arc<str> = reason.into();
            for LostRange { partition, from, next } in &damage.lost {
                let partition = self.partitions.entry(*partition).or_default();
                let epoch = partition.epochs.entry(from.epoch.0).or_default();
                let range = from.offset.0..next.offset.0;
                if !epoch.lost.iter().any(|(known, _)| *known == range) {
                    epoch.lost.push((range, Arc::clone(&reason)));
                }
            }
            self.damages.note(damage);
        }
    }

    /// Takes out a record that a read found damaged in file `sequence`.
    pub(super) fn lose(&mut self, sequence: u64, damage: Damage) {
        let remove = |it: &LostRange| {
            let epochs = self.partitions.get_mut(&it.partition).map(|it| &mut it.epochs);
            let epoch = epochs.and_then(|epochs| epochs.get_mut(&it.from.epoch.0));
            epoch.is_some_and(|epoch| epoch.remove(it.from.offset.0, |in_file| in_file == sequence))
        };
        // Unless another reader was here before, or it was written again meanwhile.
        if damage.lost.iter().map(remove).fold(false, |any, removed| any | removed) {
            self.note_damages(vec![damage]);
        }
    }

    /// The file with this number.
    pub(super) fn file(&self, sequence: u64) -> Option<&FileEntry> {
        let first = self.files.front()?.file.sequence;
        self.files.get(sequence.checked_sub(first)? as usize)
    }

    /// The highest epoch of all records and marks.
    pub(super) fn newest_epoch(&self) -> Epoch {
        let of = |it: &PartitionIndex| {
            let held = it.epochs.keys().next_back().map(|epoch| Epoch(*epoch));
            held.max(it.sealed).unwrap_or_default().max(it.trim_point.epoch)
        };
        self.partitions.values().map(of).max().unwrap_or_default()
    }

    /// Partitions that still need records of the oldest file.
    pub(super) fn oldest_is_held_by(&self) -> Vec<PartitionId> {
        self.files.front().map(|oldest| self.holders(oldest).collect()).unwrap_or_default()
    }

    /// Partitions that still need records of a file.
    fn holders(&self, file: &FileEntry) -> impl Iterator<Item = PartitionId> {
        let trim_point = |partition| self.partitions.get(partition).map(|it| it.trim_point);
        let holders = file.ends.iter().filter(move |(at, end)| trim_point(at) < Some(**end));
        holders.map(|(partition, _)| *partition)
    }

    /// Files below this number are not needed any more.
    pub(super) fn trimmed_below(&self) -> Option<u64> {
        let closed = self.files.len() - usize::from(self.last_is_active);
        let is_trimmed = |file: &&FileEntry| self.holders(file).next().is_none();
        let last = self.files.iter().take(closed).take_while(is_trimmed).last()?;
        Some(last.file.sequence + 1)
    }

    /// Whether the oldest file is not needed any more.
    pub(super) fn has_trimmed(&self) -> bool {
        self.files.len() > usize::from(self.last_is_active) && self.oldest_is_held_by().is_empty()
    }

    /// Takes out the oldest file, if it is trimmed. Only from the front: what is left has no gap
    /// between its groups, and so a file that vanished is seen at the next start.
    pub(super) fn take_trimmed(&mut self) -> Option<Arc<JournalFile>> {
        if !self.has_trimmed() {
            return None;
        }
        let gone = self.files.pop_front()?;
        for partition in gone.ends.keys() {
            let Some(partition) = self.partitions.get_mut(partition) else { continue };
            let trim_point = partition.trim_point;
            partition.epochs.retain(|number, epoch| {
                epoch.runs.retain(|_, run| run.sequence != gone.file.sequence);
                epoch.lost.retain(|(range, _)| Lsn::new(*number, range.end) > trim_point);
                !epoch.runs.is_empty() || !epoch.lost.is_empty()
            });
        }
        self.damages.forget(&gone.file.path);
        Some(gone.file)
    }
}

#[cfg(test)]
mod tests;
