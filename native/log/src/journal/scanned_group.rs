//! A group as a scan finds it: its sound frames, and what is damaged between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};
use varve_types::{Lsn, PartitionId};

use super::{
    damage::{Damage, LostRange},
    entries::{GroupEntries, Mark},
    frame_header::FrameHeader,
    group::{GroupSummary, Summary},
    index::JournalFile,
};

/// A group that is being walked.
pub(super) struct ScannedGroup {
    pub(super) number: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) entries: GroupEntries,
    /// Sound ones.
    pub(super) frames: u32,
    pub(super) damages: Vec<Damage>,
    /// Why the walk ended within it.
    pub(super) stopped: Option<String>,
}

impl ScannedGroup {
    pub(super) fn new(number: u64, start: u64) -> Self {
        Self {
            number,
            start,
            end: start,
            entries: GroupEntries::default(),
            frames: 0,
            damages: Vec::new(),
            stopped: None,
        }
    }

    /// Whether nothing of it was seen.
    pub(super) fn is_empty(&self) -> bool {
        self.frames == 0 && self.damages.is_empty()
    }

    /// Notes a damaged stretch. What was there is said once the group's end is read.
    pub(super) fn damage(&mut self, file: &JournalFile, range: Range<u64>, reason: String) {
        let (path, reason) = (file.path.clone(), Arc::from(reason));
        let Range { start: position, end } = range;
        let (lost, is_known) = (Vec::new(), false);
        self.damages.push(Damage { path, position, end, reason, lost, is_known });
    }

    /// The group's end is damaged: what else was in it is not known.
    pub(super) fn damage_unended(&mut self, file: &JournalFile, range: Range<u64>) {
        self.end = range.end;
        if self.damages.is_empty() {
            let ended = || format!("the end of group {} is missing", self.number);
            let reason = self.stopped.take().unwrap_or_else(ended);
            self.damage(file, range, reason);
        }
    }

    /// The group's end is sound. It says which records the damaged frames were.
    pub(super) fn end_with(
        &mut self,
        file: &JournalFile,
        header: &FrameHeader,
        summary: GroupSummary,
        end: u64,
    ) {
        self.end = end;
        if self.damages.is_empty() && (header.rows, header.offset) != (self.frames, self.start) {
            let reason = format!("the end of another group than {}", header.group);
            self.damage(file, self.start..end, reason);
        }
        let Some(first) = self.damages.first_mut() else { return };
        first.lost = lost(&self.entries, &summary.frames);
        for damage in &mut self.damages {
            damage.is_known = true;
        }
        // The same as in their frames, should one of these be the damaged one.
        self.entries.tenants = summary.tenants;
        // Of a seal, a close or a trim the summary says all there is.
        for summary in summary.frames.iter().filter(|it| !it.kind.is_record()) {
            let Some(partition) = PartitionId::from_u64(summary.partition) else { continue };
            let at = Lsn::new(summary.epoch, summary.first_offset);
            let mark = Mark { kind: summary.kind, partition, at };
            if !self.entries.marks.contains(&mark) {
                self.entries.marks.push(mark);
            }
        }
    }
}

/// The records that a group had and that are not among its sound ones.
fn lost(entries: &GroupEntries, summaries: &[Summary]) -> Vec<LostRange> {
    let mut missing: BTreeMap<(PartitionId, u32), BTreeSet<u64>> = BTreeMap::new();
    for summary in summaries.iter().filter(|it| it.kind.is_record()) {
        let Some(partition) = PartitionId::from_u64(summary.partition) else { continue };
        let offsets = summary.first_offset..summary.first_offset + u64::from(summary.count);
        missing.entry((partition, summary.epoch)).or_default().extend(offsets);
    }
    for entry in &entries.records {
        if let Some(offsets) = missing.get_mut(&(entry.partition, entry.lsn.epoch.0)) {
            offsets.remove(&entry.lsn.offset.0);
        }
    }
    let mut ranges: Vec<LostRange> = Vec::new();
    for ((partition, epoch), offsets) in missing {
        for offset in offsets {
            let (from, next) = (Lsn::new(epoch, offset), Lsn::new(epoch, offset + 1));
            match ranges.last_mut() {
                Some(last) if last.partition == partition && last.next == from => last.next = next,
                _ => ranges.push(LostRange { partition, from, next }),
            }
        }
    }
    ranges
}
