//! The reference's recovery: seal, digest, decide the end, repair, close (log-core, section 5).

use super::{
    control::{Advance, Command},
    message::{Digest, Message, Record, Timer},
    mutant::Mutant,
    node::{Effects, Reference},
};
use crate::{
    coverage::Branch,
    network::Node as Number,
    node::{Effect, EpochView, Sight},
};
use std::collections::{BTreeMap, BTreeSet};
use varve_types::{Lsn, Offset};

/// How often a recovery asks again, in milliseconds.
const TURN_MS: u64 = 40;

#[derive(Debug)]
enum Stage {
    /// Waits for digests.
    Seals,
    /// Brings kept records to W copies: offset, and where its copies are.
    Repairs { end: Offset, copies: BTreeMap<Offset, BTreeSet<Number>> },
    /// Has proposed; control answers.
    Proposed { end: Offset },
}

/// One recovery of one epoch.
#[derive(Debug)]
pub(super) struct Recovery {
    closing: EpochView,
    next_stores: Vec<Number>,
    digests: BTreeMap<Number, Digest>,
    stage: Stage,
}

impl Recovery {
    fn write_quorum(&self) -> usize {
        self.closing.write_quorum as usize
    }

    /// Where the epoch ends, and which of the kept records above the committed tail are where;
    /// `None` as long as that cannot be told.
    fn decide(&self, fence: usize, unknown_is_absent: bool) -> Option<(Offset, Copies)> {
        let counted = || self.digests.values().filter(|digest| !digest.lost);
        if counted().count() < fence {
            return None;
        }
        let mut offset = self.digests.values().map(|digest| digest.tail).max()?;
        let mut kept = Copies::new();
        loop {
            let holders: BTreeSet<Number> = self
                .digests
                .iter()
                .filter(|(_, digest)| digest.held.contains(&offset))
                .map(|(&store, _)| store)
                .collect();
            if holders.is_empty() {
                let absent = counted().filter(|digest| !digest.damaged.contains(&offset)).count();
                let decided = absent >= fence || unknown_is_absent;
                return decided.then_some((offset, kept));
            }
            kept.insert(offset, holders);
            offset = Offset(offset.0 + 1);
        }
    }
}

type Copies = BTreeMap<Offset, BTreeSet<Number>>;

impl<const MUTANT: u8> Reference<MUTANT> {
    /// Recovers the last epoch, once control has said which that is.
    pub(super) fn recover(&mut self, stores: Vec<Number>, effects: &mut Effects<MUTANT>) {
        self.recovery = None;
        self.wants_to_lead = Some(stores);
        effects.push(Effect::ReadControl);
    }

    /// Control has answered: begin, or see what became of the proposal.
    pub(super) fn recovery_learns(&mut self, effects: &mut Effects<MUTANT>) {
        let Some(list) = &self.list else { return };
        let open = list.open().clone();
        if let Some(recovery) = &self.recovery
            && recovery.closing.epoch < open.epoch
        {
            let raced = matches!(recovery.stage, Stage::Proposed { .. });
            if raced && open.leader != (self.node, self.incarnation) {
                effects.push(Effect::Saw(Sight::Branch(Branch::RecoveryLost)));
            }
            self.recovery = None;
        }
        let Some(next_stores) = self.wants_to_lead.take() else { return };
        effects.push(Effect::SetTimer(0, Timer::Recovery(open.epoch)));
        let (digests, stage) = (BTreeMap::new(), Stage::Seals);
        self.recovery = Some(Recovery { closing: open, next_stores, digests, stage });
    }

    /// Asks for whatever is still missing.
    pub(super) fn recovery_turn(
        &mut self,
        epoch: varve_types::Epoch,
        effects: &mut Effects<MUTANT>,
    ) {
        let running = self.recovery.as_ref().filter(|recovery| recovery.closing.epoch == epoch);
        let Some(recovery) = running else { return };
        effects.push(Effect::SetTimer(TURN_MS, Timer::Recovery(epoch)));
        match &recovery.stage {
            Stage::Seals => {
                for &store in &recovery.closing.stores {
                    if !recovery.digests.contains_key(&store) {
                        effects.push(Effect::Send(store, Message::SealAndDigest(epoch)));
                    }
                }
            }
            Stage::Repairs { copies, .. } => {
                let write_quorum = recovery.write_quorum();
                for (&offset, holders) in copies.iter().filter(|(_, h)| h.len() < write_quorum) {
                    for &holder in holders {
                        let fetch = Message::Fetch(Lsn { epoch, offset }, true);
                        effects.push(Effect::Send(holder, fetch));
                    }
                }
            }
            Stage::Proposed { end } => self.propose(*end, effects),
        }
    }

    pub(super) fn digested(
        &mut self,
        from: Number,
        epoch: varve_types::Epoch,
        digest: Digest,
        effects: &mut Effects<MUTANT>,
    ) {
        let running = self.recovery.as_mut().filter(|recovery| recovery.closing.epoch == epoch);
        let Some(recovery) = running else { return };
        if !matches!(recovery.stage, Stage::Seals) {
            return;
        }
        recovery.digests.insert(from, digest);
        let mut fence = recovery.closing.stores.len() + 1 - recovery.write_quorum();
        if Mutant::FenceTooSmall.is(MUTANT) {
            fence = fence.saturating_sub(1).max(1);
        }
        let unknown_is_absent = Mutant::DamagedIsAbsent.is(MUTANT);
        let decided = recovery.decide(fence, unknown_is_absent);
        let Some((end, copies)) = decided else { return };
        if !copies.is_empty() {
            effects.push(Effect::Saw(Sight::Branch(Branch::UnacknowledgedKept)));
        }
        if recovery.digests.values().any(|digest| digest.held.iter().any(|&held| held > end)) {
            effects.push(Effect::Saw(Sight::Branch(Branch::TailCut)));
        }
        recovery.stage = Stage::Repairs { end, copies };
        self.close_if_repaired(effects);
        self.recovery_turn(epoch, effects);
    }

    /// A record to be repaired came from one of its holders: it goes to the stores without it.
    pub(super) fn repair(&mut self, start: Lsn, records: &[Record], effects: &mut Effects<MUTANT>) {
        let by = (self.node, self.incarnation);
        let running = self.recovery.as_ref().filter(|r| r.closing.epoch == start.epoch);
        let Some(recovery) = running else { return };
        let Stage::Repairs { copies, .. } = &recovery.stage else { return };
        for (record, offset) in records.iter().zip(start.offset.0..) {
            let lsn = Lsn { epoch: start.epoch, offset: Offset(offset) };
            let Some(holders) = copies.get(&lsn.offset) else { continue };
            for &to in recovery.closing.stores.iter().filter(|store| !holders.contains(store)) {
                let (record, tail, repair) = (record.clone(), Offset(0), true);
                let store = Message::Store { lsn, by, record, tail, repair };
                effects.push(Effect::Send(to, store));
            }
        }
    }

    pub(super) fn repaired(&mut self, from: Number, lsn: Lsn, effects: &mut Effects<MUTANT>) {
        let running = self.recovery.as_mut().filter(|r| r.closing.epoch == lsn.epoch);
        let Some(recovery) = running else { return };
        let Stage::Repairs { copies, .. } = &mut recovery.stage else { return };
        if copies.get_mut(&lsn.offset).is_some_and(|holders| holders.insert(from)) {
            effects.push(Effect::Saw(Sight::Branch(Branch::Repaired)));
            self.close_if_repaired(effects);
        }
    }

    fn close_if_repaired(&mut self, effects: &mut Effects<MUTANT>) {
        let Some(recovery) = &mut self.recovery else { return };
        let write_quorum = recovery.write_quorum();
        let Stage::Repairs { end, copies } = &recovery.stage else { return };
        let end = *end;
        let repaired = copies.values().all(|holders| holders.len() >= write_quorum);
        if repaired || Mutant::ClosesBeforeRepair.is(MUTANT) {
            recovery.stage = Stage::Proposed { end };
            self.propose(end, effects);
        }
    }

    fn propose(&self, end: Offset, effects: &mut Effects<MUTANT>) {
        let Some(recovery) = &self.recovery else { return };
        effects.push(Effect::Propose(Command::Advance(Advance {
            expect: recovery.closing.epoch.0 as usize,
            end,
            leader: (self.node, self.incarnation),
            stores: recovery.next_stores.clone(),
        })));
    }
}
