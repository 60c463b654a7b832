//! The reference's store: a map of what its journal holds, and who waits for which write.

use super::{
    message::{Digest, Frame, Message, Record},
    mutant::Mutant,
    node::{Effects, Reference},
};
use crate::{
    disk::{Found, Slot},
    network::Node as Number,
    node::{Control as _, DiskFound, Effect},
};
use std::collections::{BTreeMap, BTreeSet};
use varve_types::{Epoch, Lsn, Offset};

/// Records answered to one fetch.
const FETCH_RECORDS: u64 = 16;

#[derive(Debug)]
struct Copy {
    record: Record,
    state: State,
    /// Whom to tell when it is durable, and how.
    waiting: BTreeSet<(Number, Asked)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Writing,
    Durable,
}

/// What a copy was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Append,
    Repair,
}

impl Asked {
    fn answer(self, lsn: Lsn) -> Message {
        match self {
            Self::Append => Message::Stored(lsn),
            Self::Repair => Message::Repaired(lsn),
        }
    }
}

#[derive(Debug)]
enum Written {
    Copy(Lsn),
    Seal(Epoch),
    Trim(Lsn),
}

/// A store's state for the one partition.
#[derive(Debug, Default)]
pub(super) struct Store {
    lost: bool,
    read_only: bool,
    /// A frame could not be read: it may have been a seal, or a record of any place.
    unreadable: bool,
    /// The last epoch of which an unreadable frame may have been; `None` until control has told.
    unsure_up_to: Option<Epoch>,
    damaged: BTreeSet<Lsn>,
    trim_point: Lsn,
    highest: Epoch,
    leaders: BTreeMap<Epoch, (Number, u64)>,
    sealed: BTreeSet<Epoch>,
    seal_durable: BTreeSet<Epoch>,
    digest_wanted: BTreeMap<Epoch, BTreeSet<Number>>,
    copies: BTreeMap<Lsn, Copy>,
    tails: BTreeMap<Epoch, Offset>,
    ends: BTreeMap<Epoch, Offset>,
    writes: BTreeMap<u64, Written>,
    tokens: u64,
}

impl Store {
    /// What the disk held.
    pub(super) fn start(disk: DiskFound, frames: &[Slot<Frame>]) -> Self {
        let mut store = Self { lost: disk == DiskFound::Lost, ..Self::default() };
        for slot in frames {
            match slot.found() {
                Found::Whole(Frame::Data(lsn, leader, record, tail)) => {
                    store.first_heard(lsn.epoch, *leader);
                    store.note_tail(lsn.epoch, *tail);
                    let (record, waiting) = (record.clone(), BTreeSet::new());
                    // A damaged record that was written again is whole.
                    store.copies.insert(*lsn, Copy { record, state: State::Durable, waiting });
                }
                Found::Whole(Frame::Seal(epoch)) => {
                    store.sealed.insert(*epoch);
                    store.seal_durable.insert(*epoch);
                }
                Found::Whole(Frame::Trim(trim_point)) => store.note_trim(*trim_point),
                Found::PayloadDamaged(lsn) => {
                    store.highest = store.highest.max(lsn.epoch);
                    store.damaged.insert(lsn);
                }
                Found::Unreadable => store.unreadable = true,
            }
        }
        store
    }

    fn first_heard(&mut self, epoch: Epoch, leader: (Number, u64)) {
        self.highest = self.highest.max(epoch);
        self.leaders.entry(epoch).or_insert(leader);
    }

    fn note_trim(&mut self, trim_point: Lsn) {
        self.trim_point = self.trim_point.max(trim_point);
        self.copies.retain(|&lsn, _| lsn >= trim_point);
        self.damaged.retain(|&lsn| lsn >= trim_point);
    }

    fn note_tail(&mut self, epoch: Epoch, tail: Offset) {
        let known = self.tails.entry(epoch).or_default();
        *known = tail.max(*known);
    }

    fn is_sealed(&self, epoch: Epoch) -> bool {
        self.is_unsure(epoch)
            || epoch < self.highest
            || self.sealed.contains(&epoch)
            || self.ends.contains_key(&epoch)
    }

    /// Whether something of the epoch may be forgotten here: what was sealed, and what was held.
    fn is_unsure(&self, epoch: Epoch) -> bool {
        self.unreadable && self.unsure_up_to.is_none_or(|last| epoch <= last)
    }

    fn token(&mut self, written: Written) -> u64 {
        self.tokens += 1;
        self.writes.insert(self.tokens, written);
        self.tokens
    }

    fn may_serve(&self, lsn: Lsn) -> bool {
        self.tails.get(&lsn.epoch).is_some_and(|&tail| lsn.offset < tail)
            || self.ends.get(&lsn.epoch).is_some_and(|&end| lsn.offset < end)
    }
}

impl<const MUTANT: u8> Reference<MUTANT> {
    pub(super) fn store_record(
        &mut self,
        from: Number,
        (lsn, by): (Lsn, (Number, u64)),
        record: Record,
        (tail, repair): (Offset, bool),
        effects: &mut Effects<MUTANT>,
    ) {
        let store = &mut self.store;
        let known_leader = store.leaders.get(&lsn.epoch);
        let foreign = known_leader.is_some_and(|&leader| leader != by);
        let above_end = store.ends.get(&lsn.epoch).is_some_and(|&end| lsn.offset >= end);
        let sealed = store.is_sealed(lsn.epoch) && !Mutant::TakesAfterSeal.is(MUTANT);
        let refused = if repair { above_end } else { sealed || foreign };
        if refused {
            effects.push(Effect::Send(from, Message::Refused(lsn.epoch)));
            return;
        }
        if store.read_only || (store.lost && !repair) {
            return;
        }
        if !repair {
            store.first_heard(lsn.epoch, by);
        }
        store.note_tail(lsn.epoch, tail);
        let asked = if repair { Asked::Repair } else { Asked::Append };
        match store.copies.get_mut(&lsn) {
            Some(copy) if copy.state == State::Durable => {
                effects.push(Effect::Send(from, asked.answer(lsn)));
                return;
            }
            Some(copy) if copy.state == State::Writing => {
                copy.waiting.insert((from, asked));
                return;
            }
            Some(_) | None => {}
        }
        let waiting = BTreeSet::from([(from, asked)]);
        store.copies.insert(lsn, Copy { record: record.clone(), state: State::Writing, waiting });
        let token = store.token(Written::Copy(lsn));
        effects.push(Effect::Write(token, Frame::Data(lsn, by, record, tail)));
        if Mutant::AcknowledgesBeforeSync.is(MUTANT) {
            effects.push(Effect::Send(from, asked.answer(lsn)));
        }
    }

    pub(super) fn written(&mut self, token: u64, effects: &mut Effects<MUTANT>) {
        match self.store.writes.remove(&token) {
            Some(Written::Copy(lsn)) => {
                let Some(copy) = self.store.copies.get_mut(&lsn) else { return };
                copy.state = State::Durable;
                for (to, asked) in std::mem::take(&mut copy.waiting) {
                    effects.push(Effect::Send(to, asked.answer(lsn)));
                }
            }
            Some(Written::Seal(epoch)) => {
                self.store.seal_durable.insert(epoch);
                self.answer_digests(epoch, effects);
            }
            Some(Written::Trim(trim_point)) => {
                self.store.note_trim(trim_point);
                effects.push(Effect::DropBelow(trim_point));
            }
            None => {}
        }
    }

    /// What was to be written is there, or not: nothing is said about it until a restart has looked.
    pub(super) fn write_failed(&mut self) {
        self.store.read_only = true;
    }

    pub(super) fn seal_and_digest(
        &mut self,
        from: Number,
        epoch: Epoch,
        effects: &mut Effects<MUTANT>,
    ) {
        let store = &mut self.store;
        store.digest_wanted.entry(epoch).or_default().insert(from);
        let without_seal = store.lost || Mutant::DigestsUnsealed.is(MUTANT);
        if without_seal || store.seal_durable.contains(&epoch) {
            self.answer_digests(epoch, effects);
        } else if store.sealed.insert(epoch) {
            let token = store.token(Written::Seal(epoch));
            effects.push(Effect::Write(token, Frame::Seal(epoch)));
        }
    }

    fn answer_digests(&mut self, epoch: Epoch, effects: &mut Effects<MUTANT>) {
        let store = &mut self.store;
        let known = store.tails.get(&epoch).copied().unwrap_or_default();
        let trim_here = store.trim_point.epoch == epoch && !Mutant::DigestForgetsTrim.is(MUTANT);
        let trimmed = if trim_here { store.trim_point.offset } else { Offset(0) };
        let mut digest = Digest {
            tail: known.max(trimmed),
            lost: store.lost && !Mutant::LostAnswersAbsent.is(MUTANT) || store.is_unsure(epoch),
            ..Digest::default()
        };
        let (first, next) = (Offset(0), Epoch(epoch.0 + 1));
        let of_epoch = Lsn { epoch, offset: first }..Lsn { epoch: next, offset: first };
        for (lsn, copy) in store.copies.range(of_epoch.clone()) {
            if copy.state == State::Durable {
                digest.held.push(lsn.offset);
            }
        }
        if !Mutant::DamagedIsAbsent.is(MUTANT) {
            digest.damaged = store.damaged.range(of_epoch).map(|lsn| lsn.offset).collect();
        }
        for to in store.digest_wanted.remove(&epoch).unwrap_or_default() {
            effects.push(Effect::Send(to, Message::Digest(epoch, digest.clone())));
        }
    }

    pub(super) fn probed(
        &mut self,
        from: Number,
        epoch: Epoch,
        probe: u64,
        effects: &mut Effects<MUTANT>,
    ) {
        if self.store.lost {
            return;
        }
        let answer = if self.store.is_sealed(epoch) {
            Message::Refused(epoch)
        } else {
            Message::Open(epoch, probe)
        };
        effects.push(Effect::Send(from, answer));
    }

    pub(super) fn tail_heard(&mut self, epoch: Epoch, tail: Offset) {
        self.store.note_tail(epoch, tail);
    }

    /// Answers with consecutive records from there on.
    pub(super) fn fetched_from(
        &mut self,
        from: Number,
        start: Lsn,
        repair: bool,
        effects: &mut Effects<MUTANT>,
    ) {
        let free = repair || Mutant::ServesUnreleased.is(MUTANT);
        let records = (start.offset.0..start.offset.0 + FETCH_RECORDS)
            .map(|offset| Lsn { epoch: start.epoch, offset: Offset(offset) })
            .take_while(|&lsn| free || self.store.may_serve(lsn))
            .map_while(|lsn| self.store.copies.get(&lsn))
            .take_while(|copy| copy.state == State::Durable)
            .map(|copy| copy.record.clone())
            .collect();
        effects.push(Effect::Send(from, Message::Fetched(start, records, repair)));
    }

    /// Learns of closed epochs: what is at or above their end is dropped.
    pub(super) fn learn_ends(&mut self) {
        if let Some(list) = &self.list {
            // Whatever was written before the start was of an epoch that control knows by now.
            let unsure_up_to =
                if Mutant::ForgetsUnreadable.is(MUTANT) { Epoch(0) } else { list.open().epoch };
            self.store.unsure_up_to.get_or_insert(unsure_up_to);
        }
        for view in self.list.iter().flat_map(super::EpochList::epochs) {
            let Some(end) = view.end else { continue };
            if self.store.ends.insert(view.epoch, end).is_none() {
                self.store.copies.retain(|lsn, _| lsn.epoch != view.epoch || lsn.offset < end);
            }
        }
    }

    /// Drops what every view's snapshot covers; says so in the journal first.
    pub(super) fn learn_trim(&mut self, effects: &mut Effects<MUTANT>) {
        let Some(trim_point) = self.list.as_ref().map(super::EpochList::trim_point) else { return };
        let store = &mut self.store;
        let drops = store.copies.first_key_value().is_some_and(|(&first, _)| first < trim_point);
        if drops && !store.read_only {
            let token = store.token(Written::Trim(trim_point));
            effects.push(Effect::Write(token, Frame::Trim(trim_point)));
        }
    }
}
