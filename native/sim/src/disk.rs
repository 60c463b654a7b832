//! A store's journal on a simulated disk: what was written is durable only after the sync that
//! followed it, and a crash decides what becomes of the rest (log-core, section 11).

use crate::{
    counts::Counts,
    faults::{Fault, Mix},
    node::Frame,
    random::Random,
};
use std::collections::BTreeMap;
use varve_types::Lsn;

/// A healthy sync takes this long, in microseconds.
const SYNC_US: (u64, u64) = (200, 3_000);
/// A slow one takes up to this long, in microseconds.
const SYNC_SLOW_MAX_US: u64 = 500_000;
/// The last frames, that rot more often than others.
const RECENT_FRAMES: usize = 3;

/// One frame on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot<F> {
    frame: F,
    damage: Option<Damage>,
}

/// Which of a frame's bytes cannot be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The payload's. The header still says whose place it is.
    Payload,
    /// The header's. It may have been any frame.
    Header,
}

/// What a restart finds in a slot. Nothing else of a slot can be seen by a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a, F> {
    /// A whole frame.
    Whole(&'a F),
    /// A record was here; its bytes are gone.
    PayloadDamaged(Lsn),
    /// A frame was here.
    Unreadable,
}

impl<F: Frame> Slot<F> {
    /// What is left of it.
    #[must_use]
    pub fn found(&self) -> Found<'_, F> {
        match (self.damage, self.frame.record()) {
            (None, _) => Found::Whole(&self.frame),
            (Some(Damage::Payload), Some((lsn, _))) => Found::PayloadDamaged(lsn),
            (Some(_), _) => Found::Unreadable,
        }
    }
}

/// A journal of frames `F`, each written with the token by which its writer wants to hear of it.
#[derive(Debug)]
pub struct Disk<F, T> {
    synced: Vec<Slot<F>>,
    /// Where each record's newest whole copy is.
    index: BTreeMap<Lsn, usize>,
    syncing: Vec<(T, F)>,
    gathering: Vec<(T, F)>,
    sync_running: bool,
    read_only: bool,
    full_until_us: u64,
}

/// Why a write was refused. Nothing of it reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A sync failed before; the page cache no longer tells what is on disk.
    ReadOnly,
    /// No space left.
    Full,
}

/// A sync failed. What it covered is on the disk, or not, or in part: only a restart tells. The
/// tokens are those of all writes whose fate is open.
#[derive(Debug, PartialEq, Eq)]
pub struct SyncFailed<T>(pub Vec<T>);

impl<F, T> Default for Disk<F, T> {
    fn default() -> Self {
        Self {
            synced: Vec::new(),
            index: BTreeMap::new(),
            syncing: Vec::new(),
            gathering: Vec::new(),
            sync_running: false,
            read_only: false,
            full_until_us: 0,
        }
    }
}

impl<F: Frame, T: Copy> Disk<F, T> {
    /// Writes one frame, to be covered by the next sync.
    pub fn write(&mut self, now_us: u64, token: T, frame: F) -> Result<(), Refused> {
        if self.read_only {
            return Err(Refused::ReadOnly);
        }
        if now_us < self.full_until_us {
            return Err(Refused::Full);
        }
        self.gathering.push((token, frame));
        Ok(())
    }

    /// Begins a sync of what was written, unless one runs or there is nothing. Answers when it ends.
    pub fn begin_sync(
        &mut self,
        now_us: u64,
        mix: &Mix,
        random: &mut Random,
        fired: &mut Counts<Fault>,
    ) -> Option<u64> {
        if self.sync_running || self.read_only || self.gathering.is_empty() {
            return None;
        }
        self.syncing = std::mem::take(&mut self.gathering);
        self.sync_running = true;
        if random.chance(mix.rate(Fault::DiskSlow)) {
            fired.add(Fault::DiskSlow);
            return Some(now_us + random.between(SYNC_US.1, SYNC_SLOW_MAX_US));
        }
        Some(now_us + random.between(SYNC_US.0, SYNC_US.1))
    }

    /// Ends the running sync. Answers the tokens of what is durable now, in the order of the writes.
    pub fn end_sync(
        &mut self,
        mix: &Mix,
        random: &mut Random,
        fired: &mut Counts<Fault>,
    ) -> Result<Vec<T>, SyncFailed<T>> {
        self.sync_running = false;
        if random.chance(mix.rate(Fault::SyncFailed)) {
            fired.add(Fault::SyncFailed);
            self.read_only = true;
            let open = self.syncing.iter().chain(&self.gathering);
            return Err(SyncFailed(open.map(|&(token, _)| token).collect()));
        }
        let (tokens, frames): (Vec<T>, Vec<F>) = self.syncing.drain(..).unzip();
        self.keep(frames);
        Ok(tokens)
    }

    fn keep(&mut self, frames: Vec<F>) {
        for frame in frames {
            if let Some((lsn, _)) = frame.record() {
                self.index.insert(lsn, self.synced.len());
            }
            self.synced.push(Slot { frame, damage: None });
        }
    }

    fn index_anew(&mut self) {
        let slots = self.synced.iter().enumerate().filter(|(_, slot)| slot.damage.is_none());
        self.index = slots.filter_map(|(at, slot)| Some((slot.frame.record()?.0, at))).collect();
    }

    /// Whole records of [from, to), in order without a gap; no more once `max_bytes` are gathered, but
    /// one.
    pub fn read(&self, from: Lsn, to: Lsn, max_bytes: u64) -> Vec<F> {
        let (mut frames, mut bytes) = (Vec::new(), 0);
        for (&lsn, &at) in self.index.range(from..to) {
            let in_order = lsn.offset.0 == from.offset.0 + frames.len() as u64;
            if !in_order || bytes >= max_bytes && !frames.is_empty() {
                break;
            }
            bytes += self.synced[at].frame.size_bytes();
            frames.push(self.synced[at].frame.clone());
        }
        frames
    }

    /// Stops in the middle of whatever it did. What was not synced is lost, kept, or cut somewhere;
    /// where a run has none of these faults on, it is lost.
    pub fn crash(&mut self, mix: &Mix, random: &mut Random, fired: &mut Counts<Fault>) {
        self.sync_running = false;
        self.read_only = false;
        let mut unsynced: Vec<F> = std::mem::take(&mut self.syncing)
            .into_iter()
            .chain(std::mem::take(&mut self.gathering))
            .map(|(_, frame)| frame)
            .collect();
        if unsynced.is_empty() {
            return;
        }
        let kept = if random.chance(mix.rate(Fault::WritesKept)) {
            fired.add(Fault::WritesKept);
            unsynced.len()
        } else if unsynced.len() > 1 && random.chance(mix.rate(Fault::TailTorn)) {
            fired.add(Fault::TailTorn);
            random.between(1, unsynced.len() as u64 - 1) as usize
        } else {
            fired.add(Fault::WritesLost);
            0
        };
        unsynced.truncate(kept);
        self.keep(unsynced);
    }

    /// Damages one synced frame; half of the time one of the last, since those may be what a
    /// recovery has to decide about. Answers what was there, or none if there is nothing to damage.
    pub fn rot(&mut self, damage: Damage, random: &mut Random) -> Option<&F> {
        let recent = random.below(2) == 0;
        let first = if recent { self.synced.len().saturating_sub(RECENT_FRAMES) } else { 0 };
        let candidates: Vec<usize> = (first..self.synced.len())
            .filter(|&at| self.synced[at].damage.is_none())
            .filter(|&at| damage == Damage::Header || self.synced[at].frame.record().is_some())
            .collect();
        let &at = random.pick(&candidates)?;
        self.synced[at].damage = Some(damage);
        self.index_anew();
        self.synced.get(at).map(|slot| &slot.frame)
    }

    /// The last write went to the place of an older frame: neither can be read any more. Answers both, or
    /// none if there are no two.
    pub fn misdirect(&mut self, random: &mut Random) -> Option<[&F; 2]> {
        let whole = self.synced.iter().enumerate().filter(|(_, slot)| slot.damage.is_none());
        let whole: Vec<usize> = whole.map(|(at, _)| at).collect();
        let (&written, older) = whole.split_last()?;
        let &over = random.pick(older)?;
        for at in [over, written] {
            self.synced[at].damage = Some(Damage::Header);
        }
        self.index_anew();
        Some([over, written].map(|at| &self.synced[at].frame))
    }

    /// Everything on it is gone; an empty disk is in its place.
    pub fn lose(&mut self) {
        *self = Self::default();
    }

    /// Refuses writes until then.
    pub fn fill_until(&mut self, until_us: u64) {
        self.full_until_us = until_us;
    }

    /// Whether it takes writes now.
    #[must_use]
    pub fn takes_writes(&self, now_us: u64) -> bool {
        !self.read_only && now_us >= self.full_until_us
    }

    /// What a restart finds, in the order of the writes.
    #[must_use]
    pub fn synced(&self) -> &[Slot<F>] {
        &self.synced
    }

    /// Drops the oldest records as long as they are before this place, and whatever lies between them,
    /// as a journal drops whole files. Answers how many slots were dropped.
    pub fn drop_below(&mut self, place: Lsn) -> usize {
        let record = |slot: &Slot<F>| slot.frame.record().map(|(lsn, _)| lsn);
        let goes_on =
            self.synced.iter().position(|slot| record(slot).is_some_and(|at| at >= place));
        let oldest = &self.synced[..goes_on.unwrap_or(self.synced.len())];
        let dropped = oldest.iter().rposition(|slot| record(slot).is_some()).map_or(0, |at| at + 1);
        self.synced.drain(..dropped);
        self.index_anew();
        dropped
    }

    /// Whole records from the given slot on, with their fingerprints.
    pub fn records_from(&self, from: usize) -> impl Iterator<Item = (Lsn, u64)> + '_ {
        let whole = self.synced.iter().skip(from).filter(|slot| slot.damage.is_none());
        whole.filter_map(|slot| slot.frame.record())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Even numbers stand for records, odd ones for seals.
    impl Frame for u64 {
        fn record(&self) -> Option<(Lsn, u64)> {
            self.is_multiple_of(2).then(|| (Lsn::new(1, *self), *self))
        }

        fn size_bytes(&self) -> u64 {
            8
        }
    }

    /// A disk on which 0, 1, 2 are synced and 3 … 6 are not.
    fn disk() -> Disk<u64, u64> {
        let mut disk = Disk::default();
        let (mix, random, fired) = (Mix::none(), &mut Random::new(1), &mut Counts::default());
        (0..3).for_each(|n| disk.write(0, n, n).unwrap());
        disk.begin_sync(0, &mix, random, fired).unwrap();
        assert_eq!(disk.end_sync(&mix, random, fired), Ok(vec![0, 1, 2]));
        (3..7).for_each(|n| disk.write(0, n, n).unwrap());
        disk
    }

    fn frames(disk: &Disk<u64, u64>) -> Vec<u64> {
        disk.synced().iter().map(|slot| slot.frame).collect()
    }

    #[test]
    fn what_was_written_during_a_sync_waits_for_the_next() {
        let mut disk = disk();
        let (mix, random, fired) = (Mix::none(), &mut Random::new(1), &mut Counts::default());
        disk.begin_sync(0, &mix, random, fired).unwrap();
        disk.write(0, 7, 7).unwrap();
        assert_eq!(disk.begin_sync(0, &mix, random, fired), None, "one sync at a time");
        assert_eq!(disk.end_sync(&mix, random, fired), Ok(vec![3, 4, 5, 6]));
        assert_eq!(frames(&disk), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_crash_keeps_what_was_synced_and_a_beginning_of_the_rest() {
        let mut lengths = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut disk = disk();
            let mut random = Random::new(seed);
            let mix = Mix::draw(&mut random);
            disk.crash(&mix, &mut random, &mut Counts::default());
            let frames = frames(&disk);
            assert!(frames.len() >= 3);
            assert_eq!(frames, (0..frames.len() as u64).collect::<Vec<_>>());
            lengths.insert(frames.len());
        }
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_misdirected_write_takes_the_last_frame_and_an_older_one() {
        let mut disk = disk();
        let [over, written] = disk.misdirect(&mut Random::new(3)).unwrap().map(|frame| *frame);
        assert!(over < written && written == 2);
        let unreadable = |slot: &&Slot<u64>| slot.found() == Found::Unreadable;
        assert_eq!(disk.synced().iter().filter(unreadable).count(), 2);
        assert!(disk.misdirect(&mut Random::new(3)).is_none(), "one is left");
    }

    #[test]
    fn a_damaged_payload_still_says_whose_it_was_and_a_damaged_header_says_nothing() {
        for seed in 0..50 {
            let mut disk = disk();
            let mut random = Random::new(seed);
            let frame = *disk.rot(Damage::Payload, &mut random).unwrap();
            let found = disk.synced()[frame as usize].found();
            assert_eq!(found, Found::PayloadDamaged(Lsn::new(1, frame)));
            let frame = *disk.rot(Damage::Header, &mut random).unwrap();
            assert_eq!(disk.synced()[frame as usize].found(), Found::Unreadable);
        }
    }

    #[test]
    fn the_oldest_records_go_with_what_lies_between_them_and_nothing_else() {
        let mut disk = disk();
        assert_eq!(disk.drop_below(Lsn::new(1, 1)), 1);
        assert_eq!(frames(&disk), [1, 2]);
        assert_eq!(disk.drop_below(Lsn::new(1, 2)), 0);
        assert_eq!(disk.drop_below(Lsn::new(1, 3)), 2);
        assert_eq!(frames(&disk), [0_u64; 0]);
    }

    #[test]
    fn a_read_gives_whole_records_in_order_up_to_the_first_that_is_missing() {
        let disk = disk();
        let (from, to) = (Lsn::new(1, 0), Lsn::new(1, 9));
        assert_eq!(disk.read(from, to, 100), [0], "1 is a seal, so offset 1 is missing");
        assert_eq!(disk.read(Lsn::new(1, 1), to, 100), [0_u64; 0]);
    }

    #[test]
    fn a_full_disk_takes_writes_again_once_there_is_room() {
        let mut disk = disk();
        disk.fill_until(10);
        assert_eq!(disk.write(9, 8, 8), Err(Refused::Full));
        assert_eq!(disk.write(10, 8, 8), Ok(()));
    }

    #[test]
    fn a_lost_disk_is_empty() {
        let mut disk = disk();
        disk.lose();
        assert_eq!(frames(&disk), [0_u64; 0]);
    }
}
