//! Closes an epoch whose leader is gone: seal, digest, decide the end, repair, and let control decide
//! who was first (log-core, section 5). Any node may run it; several may run it at once.

mod decide;

use varve_types::{Epoch, Lsn, Offset};

use self::decide::{Decision, decide};
use super::{
    control::{Advance, Command, EpochEntry},
    copyset::Copysets,
    effect::{Effect, Timer},
    message::{Asker, Digest, Message},
    quorum::{Incarnation, NodeId, Nodeset, StoreSet},
    record::Record,
};

/// How often a recovery asks again.
const TURN_MS: u64 = 40;
/// Bytes of payload copied at once.
const COPY_MAX_BYTES: u64 = 4 << 20;

#[derive(Debug)]
enum Stage {
    /// Waits for digests, by the store's index.
    Seals(Vec<Option<Digest>>),
    /// Brings what is kept to W copies.
    Repairs(Repairs),
    /// Has proposed; control answers.
    Proposed(Offset),
}

#[derive(Debug)]
struct Repairs {
    decision: Decision,
    /// The first that has fewer copies, as far as is known.
    first: Offset,
    /// What is before was fetched and is on its way to stores.
    fetched_to: Offset,
}

/// One recovery of one epoch.
#[derive(Debug)]
pub(super) struct Recovery {
    me: Incarnation,
    epoch: Epoch,
    nodeset: Nodeset,
    next_nodeset: Nodeset,
    copysets: Copysets,
    copyset_seed: u64,
    stage: Stage,
    turn: usize,
}

impl Recovery {
    /// Begins to close `entry`, to lead the next epoch on `next_nodeset`.
    pub(super) fn begin(
        me: Incarnation,
        entry: &EpochEntry,
        next_nodeset: Nodeset,
        (copysets, copyset_seed): (Copysets, u64),
        effects: &mut Vec<Effect>,
    ) -> Self {
        let nodeset = entry.nodeset.clone();
        let stage = Stage::Seals(vec![None; nodeset.n()]);
        let epoch = entry.epoch;
        let recovery =
            Self { me, epoch, nodeset, next_nodeset, copysets, copyset_seed, stage, turn: 0 };
        recovery.ask(effects);
        effects.push(Effect::SetTimer(TURN_MS, Timer::Recovery(epoch)));
        recovery
    }

    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Asks for whatever is still missing.
    pub(super) fn turn(&mut self, effects: &mut Vec<Effect>) {
        self.turn += 1;
        self.ask(effects);
        effects.push(Effect::SetTimer(TURN_MS, Timer::Recovery(self.epoch)));
    }

    fn ask(&self, effects: &mut Vec<Effect>) {
        match &self.stage {
            Stage::Seals(digests) => {
                // One that was unsure may have been restarted since.
                let open = |index: usize| {
                    digests.get(index).is_none_or(|d| d.as_ref().is_none_or(|d| d.unsure))
                };
                for (_, store) in self.nodeset.iter().filter(|&(index, _)| open(index)) {
                    effects.push(Effect::Send(store, Message::SealAndDigest(self.epoch)));
                }
            }
            Stage::Repairs(repairs) => self.fetch(repairs, effects),
            Stage::Proposed(end) => self.propose(*end, effects),
        }
    }

    /// A store has sealed the epoch and says what it holds.
    pub(super) fn digested(&mut self, from: NodeId, digest: Digest, effects: &mut Vec<Effect>) {
        let Some(index) = self.nodeset.index(from) else { return };
        let Stage::Seals(digests) = &mut self.stage else { return };
        if let Some(slot) = digests.get_mut(index) {
            *slot = Some(digest);
        }
        let Some(decision) = decide(&self.nodeset, digests) else { return };
        let (epoch, committed, end) = (self.epoch, decision.from, decision.end());
        effects.push(Effect::Closing { epoch, committed, end });
        let first = committed;
        self.go_on(Repairs { decision, first, fetched_to: first }, effects);
    }

    /// Goes on with the first kept record that has fewer than W copies; closes when there is none.
    fn go_on(&mut self, mut repairs: Repairs, effects: &mut Vec<Effect>) {
        let Repairs { decision, first, .. } = &repairs;
        let passed = (first.0 - decision.from.0) as usize;
        let write_quorum = self.nodeset.write_quorum();
        let enough = decision.kept.iter().skip(passed).take_while(|on| on.len() >= write_quorum);
        repairs.first = Offset(first.0 + enough.count() as u64);
        let end = repairs.decision.end();
        if repairs.first >= end {
            self.stage = Stage::Proposed(end);
            self.propose(end, effects);
            return;
        }
        if repairs.first >= repairs.fetched_to {
            self.fetch(&repairs, effects);
            repairs.fetched_to = Offset(repairs.first.0 + 1);
        }
        self.stage = Stage::Repairs(repairs);
    }

    /// Fetches a record that has too few copies, and those behind it, from one of its holders: another
    /// one each turn.
    fn fetch(&self, repairs: &Repairs, effects: &mut Vec<Effect>) {
        let Repairs { decision, first, .. } = repairs;
        let on = decision.kept.get((first.0 - decision.from.0) as usize).copied();
        let on = on.unwrap_or_default();
        let holder = on.iter().nth(self.turn % on.len().max(1));
        let Some(holder) = holder.and_then(|index| self.nodeset.store(index)) else { return };
        let from = Lsn { epoch: self.epoch, offset: *first };
        let (max_bytes, asker) = (COPY_MAX_BYTES, Asker::Recovery);
        effects.push(Effect::Send(holder, Message::Fetch { from, max_bytes, asker }));
    }

    /// Records to be copied have come: they go to stores without them.
    pub(super) fn fetched(
        &mut self,
        from: Offset,
        records: Vec<Record>,
        effects: &mut Vec<Effect>,
    ) {
        let Stage::Repairs(repairs) = &mut self.stage else { return };
        let fetched_to = Offset(from.0 + records.len() as u64);
        repairs.fetched_to = repairs.fetched_to.max(fetched_to);
        let Stage::Repairs(Repairs { decision, .. }) = &self.stage else { return };
        let write_quorum = self.nodeset.write_quorum();
        for (record, offset) in records.into_iter().zip((from.0..).map(Offset)) {
            let at = offset.0.checked_sub(decision.from.0);
            let Some(&on) = at.and_then(|at| decision.kept.get(at as usize)) else { continue };
            if on.len() >= write_quorum {
                continue;
            }
            for index in self.without(offset, on).iter() {
                let Some(store) = self.nodeset.store(index) else { continue };
                let (lsn, record) = (Lsn { epoch: self.epoch, offset }, record.clone());
                effects.push(Effect::Send(store, Message::Repair { lsn, record }));
            }
        }
    }

    /// Stores that shall get a copy: those of the copyset that have none, and with each turn one more.
    fn without(&self, offset: Offset, on: StoreSet) -> StoreSet {
        let place = (self.copyset_seed, self.epoch, offset);
        let more = on.len() + self.turn;
        let copyset = self.copysets.choose(&self.nodeset, place, StoreSet::EMPTY, more);
        let mut without = StoreSet::EMPTY;
        for index in copyset.iter().filter(|&index| !on.contains(index)) {
            without.insert(index);
        }
        without
    }

    /// Copies of [from, to) are durable on a store.
    pub(super) fn repaired(
        &mut self,
        store: NodeId,
        (from, to): (Offset, Offset),
        effects: &mut Vec<Effect>,
    ) {
        let Some(index) = self.nodeset.index(store) else { return };
        let Stage::Repairs(Repairs { decision, first, fetched_to }) = &mut self.stage else {
            return;
        };
        for offset in from.max(decision.from).0..to.min(decision.end()).0 {
            if let Some(on) = decision.kept.get_mut((offset - decision.from.0) as usize) {
                on.insert(index);
            }
        }
        let repairs =
            Repairs { decision: std::mem::take(decision), first: *first, fetched_to: *fetched_to };
        self.go_on(repairs, effects);
    }

    fn propose(&self, end: Offset, effects: &mut Vec<Effect>) {
        let (leader, nodeset) = (self.me, self.next_nodeset.clone());
        let advance = Advance { close: self.epoch, end, leader, nodeset };
        effects.push(Effect::Propose(Command::Advance(advance)));
    }
}

#[cfg(test)]
mod tests;
