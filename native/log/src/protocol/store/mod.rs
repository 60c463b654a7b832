//! A store's state for one partition: what it holds, what it has sealed, whom it tells (log-core,
//! sections 3, 4 and 5; ADR 6).

mod epoch;
mod serving;
mod writes;

use std::collections::BTreeMap;

use varve_types::{Epoch, Lsn, Offset};

use self::{
    epoch::{EpochHere, Seal},
    serving::Reads,
    writes::{Answers, Asked, Write, Writes},
};
use super::{
    control::EpochList,
    effect::{Effect, WriteToken},
    message::{Frame, Message, Origin},
    quorum::{Incarnation, NodeId},
    record::Record,
};

/// Whether a store's disk is the one that was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is.
    Whole,
    /// It is empty or was replaced, though the store was registered before: it takes repairs only, and
    /// what it has not says nothing.
    DataLoss,
}

/// What the journal held of a partition when the node came up, in the order of the writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Whole records of an epoch, [from, to).
    Records {
        /// Of which.
        epoch: Epoch,
        /// The first.
        from: Offset,
        /// Behind the last.
        to: Offset,
        /// Who appended them, where that is known and it was not a repair.
        leader: Option<Incarnation>,
        /// The highest committed tail that came with them.
        tail: Offset,
    },
    /// A seal.
    Seal(Epoch),
    /// A trim point.
    Trim(Lsn),
    /// A record whose bytes are gone.
    Damaged(Lsn),
    /// A frame of which nothing can be told: it may have been any, also a seal.
    Unreadable,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Store {
    condition: Condition,
    /// A write failed: nothing more is written before a restart has looked.
    read_only: bool,
    /// A frame could not be read.
    unreadable: bool,
    /// The last epoch of which an unreadable frame may have been; `None` until control has told.
    unsure_up_to: Option<Epoch>,
    /// The durable one.
    trim_point: Lsn,
    /// The highest epoch it took appends of, or is trimmed into.
    highest: Epoch,
    epochs: BTreeMap<Epoch, EpochHere>,
    writes: Writes,
    reads: Reads,
    /// More may be served than before.
    released_more: bool,
}

impl Store {
    /// What the disk held.
    pub(super) fn start(condition: Condition, found: impl IntoIterator<Item = Found>) -> Self {
        let mut store = Self {
            condition,
            read_only: false,
            unreadable: false,
            unsure_up_to: None,
            trim_point: Lsn::new(1, 0),
            highest: Epoch(0),
            epochs: BTreeMap::new(),
            writes: Writes::default(),
            reads: Reads::default(),
            released_more: false,
        };
        for found in found {
            store.take_found(found);
        }
        store.drop_trimmed();
        store
    }

    fn take_found(&mut self, found: Found) {
        match found {
            Found::Records { epoch, from, to, leader, tail } => {
                if leader.is_some() {
                    self.highest = self.highest.max(epoch);
                }
                let here = self.epochs.entry(epoch).or_default();
                here.leader = here.leader.or(leader);
                here.tail = here.tail.max(tail);
                // A damaged record that was written again is whole.
                here.hold(from, to);
            }
            Found::Seal(epoch) => self.epochs.entry(epoch).or_default().seal = Seal::Durable,
            Found::Trim(trim_point) => self.trim_point = self.trim_point.max(trim_point),
            Found::Damaged(lsn) => {
                self.epochs.entry(lsn.epoch).or_default().damage(lsn.offset);
            }
            Found::Unreadable => self.unreadable = true,
        }
    }

    /// Forgets what is below the durable trim point. An epoch below it is closed, and stays refused.
    fn drop_trimmed(&mut self) {
        let trim_point = self.trim_point;
        self.highest = self.highest.max(trim_point.epoch);
        self.epochs = self.epochs.split_off(&trim_point.epoch);
        if let Some(here) = self.epochs.get_mut(&trim_point.epoch) {
            here.keep(trim_point.offset);
            here.tail = here.tail.max(trim_point.offset);
        }
    }

    /// Whether something of the epoch may be forgotten here: what was sealed, and what was held.
    fn is_unsure(&self, epoch: Epoch) -> bool {
        self.unreadable && self.unsure_up_to.is_none_or(|last| epoch <= last)
    }

    fn is_sealed(&self, epoch: Epoch) -> bool {
        epoch < self.highest
            || self.is_unsure(epoch)
            || self
                .epochs
                .get(&epoch)
                .is_some_and(|here| here.seal != Seal::None || here.end.is_some())
    }

    /// A leader's record.
    pub(super) fn append(
        &mut self,
        from: NodeId,
        (lsn, by): (Lsn, Incarnation),
        record: Record,
        tail: Offset,
        effects: &mut Vec<Effect>,
    ) {
        // The seal is looked at before the copy: what is here by a repair is no append's.
        let sealed = self.is_sealed(lsn.epoch);
        if sealed || self.leader_of(lsn.epoch).is_some_and(|leader| leader != by) {
            effects.push(Effect::Send(from, Message::Sealed(lsn.epoch)));
            return;
        }
        if self.read_only || self.condition == Condition::DataLoss {
            effects.push(Effect::Send(from, Message::Unable(lsn.epoch)));
            return;
        }
        self.highest = self.highest.max(lsn.epoch);
        self.epochs.entry(lsn.epoch).or_default().leader = Some(by);
        self.tail_heard(lsn.epoch, tail);
        self.store(lsn, (from, Asked::Append), (record, tail, Origin::Append(by)), effects);
    }

    /// A recovery's record.
    pub(super) fn repair(
        &mut self,
        from: NodeId,
        lsn: Lsn,
        record: Record,
        effects: &mut Vec<Effect>,
    ) {
        let end = self.epochs.get(&lsn.epoch).and_then(|here| here.end);
        let cut = end.is_some_and(|end| lsn.offset >= end);
        if cut || lsn < self.trim_point || self.read_only {
            return;
        }
        let (tail, origin) = (Offset(0), Origin::Repair);
        self.store(lsn, (from, Asked::Repair), (record, tail, origin), effects);
    }

    fn leader_of(&self, epoch: Epoch) -> Option<Incarnation> {
        self.epochs.get(&epoch)?.leader
    }

    /// Writes the record, unless it is here; answers when it is durable.
    fn store(
        &mut self,
        lsn: Lsn,
        asked_by: (NodeId, Asked),
        (record, tail, origin): (Record, Offset, Origin),
        effects: &mut Vec<Effect>,
    ) {
        let here = self.epochs.entry(lsn.epoch).or_default();
        if lsn.offset < here.unseen {
            if here.held.contains(lsn.offset) {
                let mut answers = Answers::default();
                answers.add(asked_by, lsn, effects);
                answers.send(effects);
                return;
            }
            if self.writes.attach(lsn, asked_by) {
                return;
            }
        }
        here.unseen = here.unseen.max(Offset(lsn.offset.0 + 1));
        let token = self.writes.begin(Write::Record { lsn, asked_by, also: Vec::new() });
        effects.push(Effect::Write(token, Frame::Data { lsn, record, tail, origin }));
    }

    /// Everything up to this write is durable.
    pub(super) fn written(&mut self, up_to: WriteToken, effects: &mut Vec<Effect>) {
        let mut answers = Answers::default();
        while let Some(write) = self.writes.durable(up_to) {
            match write {
                Write::Record { lsn, asked_by, also } => {
                    self.hold(lsn);
                    answers.add(asked_by, lsn, effects);
                    for asked_by in also {
                        answers.add(asked_by, lsn, effects);
                    }
                }
                Write::Seal(epoch) => {
                    answers.send(effects);
                    self.epochs.entry(epoch).or_default().seal = Seal::Durable;
                    self.answer_digests(epoch, effects);
                }
                Write::Trim(trim_point) => {
                    self.trim_point = self.trim_point.max(trim_point);
                    self.drop_trimmed();
                    effects.push(Effect::DropBelow(trim_point));
                }
            }
        }
        answers.send(effects);
    }

    /// What has become durable after its epoch was cut below it, or was trimmed, does not count.
    fn hold(&mut self, lsn: Lsn) {
        if lsn < self.trim_point {
            return;
        }
        let here = self.epochs.entry(lsn.epoch).or_default();
        if here.end.is_none_or(|end| lsn.offset < end) {
            here.hold(lsn.offset, Offset(lsn.offset.0 + 1));
            self.released_more |= lsn.offset < here.released();
        }
    }

    /// What was to be written is there, or not: nothing is said about it until a restart has looked.
    pub(super) fn write_failed(&mut self, token: WriteToken, effects: &mut Vec<Effect>) {
        self.writes.failed(token);
        if self.read_only {
            return;
        }
        self.read_only = true;
        if let Some(leader) = self.leader_of(self.highest) {
            effects.push(Effect::Send(leader.node, Message::Unable(self.highest)));
        }
    }

    /// A recovery wants the epoch to end here, and to know what there is of it.
    pub(super) fn seal_and_digest(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        effects: &mut Vec<Effect>,
    ) {
        if epoch < self.trim_point.epoch {
            return; // closed long ago: whoever asks is late
        }
        let data_loss = self.condition == Condition::DataLoss;
        let here = self.epochs.entry(epoch).or_default();
        if !here.asked.contains(&from) {
            here.asked.push(from);
        }
        // A store that lost its disk counts in no fence quorum, with a seal or without.
        if data_loss || here.seal == Seal::Durable {
            self.answer_digests(epoch, effects);
        } else if here.seal == Seal::None {
            here.seal = Seal::Writing;
            if !self.read_only {
                let token = self.writes.begin(Write::Seal(epoch));
                effects.push(Effect::Write(token, Frame::Seal(epoch)));
            }
        }
    }

    fn answer_digests(&mut self, epoch: Epoch, effects: &mut Vec<Effect>) {
        let asked = std::mem::take(&mut self.epochs.entry(epoch).or_default().asked);
        if asked.is_empty() {
            return;
        }
        let digest = self.digest(epoch);
        let messages = asked.into_iter().map(|to| (to, Message::Digest(epoch, digest.clone())));
        effects.extend(messages.map(|(to, message)| Effect::Send(to, message)));
    }

    /// Is the epoch open here?
    pub(super) fn probed(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        number: u64,
        effects: &mut Vec<Effect>,
    ) {
        // One that lost its disk may have forgotten a seal.
        if self.condition == Condition::DataLoss {
            return;
        }
        let sealed = self.is_sealed(epoch);
        let answer = if sealed { Message::Sealed(epoch) } else { Message::Open(epoch, number) };
        effects.push(Effect::Send(from, answer));
    }

    /// Everything below is committed.
    pub(super) fn tail_heard(&mut self, epoch: Epoch, tail: Offset) {
        if tail == Offset(0) || epoch < self.trim_point.epoch {
            return;
        }
        let here = self.epochs.entry(epoch).or_default();
        if tail > here.tail {
            here.tail = tail;
            self.released_more = true;
        }
    }

    /// Learns what control has decided.
    pub(super) fn learn(&mut self, list: &EpochList, effects: &mut Vec<Effect>) {
        // Whatever was written before the start was of an epoch that control knows by now.
        self.unsure_up_to.get_or_insert(list.open().epoch);
        for entry in list.epochs().filter(|entry| entry.epoch >= self.trim_point.epoch) {
            let Some(end) = entry.end else { continue };
            let here = self.epochs.entry(entry.epoch).or_default();
            if here.end.is_none() {
                here.end = Some(end);
                here.keep(Offset(0));
                self.released_more = true;
            }
        }
        self.trim(list.trim_point(), effects);
    }

    /// Says in the journal that everything before is dropped, after what must outlive it: the seals
    /// of epochs that go on.
    fn trim(&mut self, trim_point: Lsn, effects: &mut Vec<Effect>) {
        if trim_point <= self.trim_point || self.read_only || self.writes.has_trim() {
            return;
        }
        let unsure_from = trim_point.epoch;
        if self.is_unsure(unsure_from) {
            // A frame that would be dropped may be the seal of an epoch that goes on.
            return;
        }
        for (&epoch, here) in self.epochs.range(trim_point.epoch..) {
            if here.seal != Seal::None {
                let token = self.writes.begin(Write::Seal(epoch));
                effects.push(Effect::Write(token, Frame::Seal(epoch)));
            }
        }
        let token = self.writes.begin(Write::Trim(trim_point));
        effects.push(Effect::Write(token, Frame::Trim(trim_point)));
    }

    /// Whether more may be served than when this was asked last.
    pub(super) fn take_released_more(&mut self) -> bool {
        std::mem::take(&mut self.released_more)
    }
}

#[cfg(test)]
mod tests;
