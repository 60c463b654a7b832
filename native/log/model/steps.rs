//! What each action does. A step that the protocol refuses changes nothing.

use crate::{
    actions::Action,
    mutant::Mutant,
    protocol::Protocol,
    state::{Closed, Digest, Known, Offsets, Plan, Proposal, Seal, State, Store},
};

impl Protocol {
    /// Takes `action`, or leaves `state` as it is when the one it arrives at refuses it.
    pub(crate) fn take(&self, state: &mut State, action: Action) {
        match action {
            Action::Assign => state.leader.assigned += 1,
            Action::Store { store, offset } => self.store(state, store, offset),
            Action::Tail { store, tail } => state.stores[store].tail = tail,
            Action::Answer { offset } => self.answer(state, offset),
            Action::Seal { store } => seal(&mut state.stores[store], Seal::Sealed),
            Action::Digest { recoverer, store } => {
                self.digest(&mut state.stores[store], recoverer);
            }
            Action::Decide { recoverer } => self.decide(state, recoverer),
            Action::Repair { recoverer, store, offset } => repair(state, recoverer, store, offset),
            Action::Advance { recoverer } => self.advance(state, recoverer),
            Action::LearnEnd { store } => {
                if let Some(closed) = state.control {
                    cut(&mut state.stores[store], closed.end);
                    seal(&mut state.stores[store], Seal::EndKnown);
                }
            }
            Action::LearnPlannedEnd { recoverer, store } => {
                if let Some(plan) = state.recoverers[recoverer].plan {
                    cut(&mut state.stores[store], plan.end);
                }
            }
            Action::StoreNew { recoverer, store, offset } => {
                store_new(state, recoverer, store, offset);
            }
            Action::AnswerNew { recoverer, offset } => self.answer_new(state, recoverer, offset),
            Action::DamageFrame { store, offset } => {
                let at = &mut state.stores[store].old;
                at.held = at.held.without(Offsets::only(offset));
                at.lost.insert(offset);
            }
            Action::LoseDisk { store } => self.lose_disk(&mut state.stores[store]),
        }
        forget_tails(state);
    }

    /// Section 3, step 6.
    fn store(&self, state: &mut State, store: usize, offset: u8) {
        let at = &mut state.stores[store];
        let repaired = at.old.held.contains(offset) && self.has(Mutant::SealedStoreAcknowledges);
        if at.seal > Seal::Open && !repaired {
            return;
        }
        at.old.held.insert(offset);
        at.old.acknowledged.insert(offset);
        at.old.forget_answered(state.leader.answered);
    }

    /// Section 3, step 7.
    fn answer(&self, state: &mut State, offset: u8) {
        let acks = state.stores.iter().filter(|at| at.old.acknowledged.contains(offset)).count();
        let answered = &mut state.leader.answered;
        let in_order = answered.first_gap() == offset || self.has(Mutant::AcknowledgedOutOfOrder);
        if acks < self.old.write_quorum || !in_order {
            return;
        }
        answered.insert(offset);
        for at in &mut state.stores {
            at.old.forget_answered(*answered);
        }
    }

    /// The same in the new epoch.
    fn answer_new(&self, state: &mut State, recoverer: usize, offset: u8) {
        let old_counts = self.has(Mutant::AcknowledgementWithoutEpoch);
        let acknowledges = |at: &&Store| {
            let new = at.new_leader == Some(recoverer) && at.new.acknowledged.contains(offset);
            new || (old_counts && at.old.acknowledged.contains(offset))
        };
        let acks = state.stores.iter().filter(acknowledges).count();
        let answered = &mut state.recoverers[recoverer].answered;
        if acks < self.new.write_quorum || answered.first_gap() != offset {
            return;
        }
        answered.insert(offset);
        for at in state.stores.iter_mut().filter(|at| at.new_leader == Some(recoverer)) {
            at.new.forget_answered(*answered);
        }
    }

    /// Section 5, step 2, with the answer.
    fn digest(&self, at: &mut Store, recoverer: usize) {
        if !self.has(Mutant::DigestWithoutSeal) {
            seal(at, Seal::Sealed);
        }
        let absent = self.has(Mutant::DamagedFrameAnswersAbsent);
        at.known[recoverer] = Known::Digest(Digest {
            held: at.old.held,
            unknown: if absent { Offsets::default() } else { at.damaged() },
            tail: at.tail,
            counts: !at.disk_lost || self.has(Mutant::LostDiskAnswersAbsent),
        });
    }

    /// Section 5, steps 3 and 4.
    fn decide(&self, state: &mut State, recoverer: usize) {
        let digests = || state.stores.iter().filter_map(|at| at.known[recoverer].digest());
        let from = digests().map(|digest| digest.tail).max().unwrap_or(0);
        let mut end = from;
        while digests().any(|digest| digest.held.contains(end)) {
            end += 1;
        }
        let absent = |digest: &Digest| digest.counts && !digest.unknown.contains(end);
        let nodeset = if self.has(Mutant::FenceOfNewNodeset) { &self.new } else { &self.old };
        let missing_allowed = usize::from(self.has(Mutant::FenceOneShort));
        if digests().filter(absent).count() + missing_allowed < nodeset.fence_quorum() {
            return;
        }
        let kept = Offsets::below(end).without(Offsets::below(from));
        state.recoverers[recoverer].plan = Some(Plan { from, end });
        for at in &mut state.stores {
            let held = at.known[recoverer].digest().map_or_else(Offsets::default, |it| it.held);
            at.known[recoverer] = Known::Copies(held.and(kept));
        }
    }

    /// Whether the recoverer knows W copies of every record that it keeps (section 5, step 5).
    pub(crate) fn is_repaired(&self, state: &State, recoverer: usize, plan: Plan) -> bool {
        (plan.from..plan.end).all(|offset| {
            let has = |store: &&Store| {
                matches!(store.known[recoverer], Known::Copies(copies) if copies.contains(offset))
            };
            state.stores.iter().filter(has).count() >= self.old.write_quorum
        })
    }

    /// Section 5, step 6. Every recoverer read the list of epochs when it still ended in the old
    /// one, so the first proposal is at the right version and no later one is.
    fn advance(&self, state: &mut State, recoverer: usize) {
        let Some(plan) = state.recoverers[recoverer].plan else { return };
        if !self.is_repaired(state, recoverer, plan) && !self.has(Mutant::ClosedBeforeRepair) {
            return;
        }
        let applies = state.control.is_none() || self.has(Mutant::VersionNotCompared);
        if applies {
            let assigned = state.leader.assigned;
            state.control = Some(Closed { end: plan.end, assigned });
        }
        let leads = applies || self.has(Mutant::AnswerOfControlNotRead);
        state.recoverers[recoverer].proposal =
            if leads { Proposal::Applied } else { Proposal::Refused };
        for store in &mut state.stores {
            store.known[recoverer] = Known::Nothing;
        }
    }

    fn lose_disk(&self, at: &mut Store) {
        at.disk_lost = true;
        // An empty disk remembers no seal. In state *data-loss* the store takes repairs only, which
        // is as good as one.
        at.seal = if self.has(Mutant::LostDiskTakesAppends) { Seal::Open } else { Seal::Sealed };
        at.tail = 0;
        for epoch in [&mut at.old, &mut at.new] {
            epoch.lost = epoch.lost.or(std::mem::take(&mut epoch.held));
        }
    }
}

/// Section 5, steps 5 and 8: a sealed store takes it, one whose disk was lost too, and only one
/// that knows better refuses it.
fn repair(state: &mut State, recoverer: usize, store: usize, offset: u8) {
    let at = &mut state.stores[store];
    if at.seal == Seal::EndKnown && state.control.is_some_and(|closed| offset >= closed.end) {
        return;
    }
    at.old.held.insert(offset);
    if let Known::Copies(copies) = &mut at.known[recoverer] {
        copies.insert(offset);
    }
}

/// Section 3, step 6 in the new epoch. By its first record a store learns that the old one is over.
fn store_new(state: &mut State, recoverer: usize, store: usize, offset: u8) {
    let at = &mut state.stores[store];
    if at.disk_lost || *at.new_leader.get_or_insert(recoverer) != recoverer {
        return;
    }
    if at.serves_old {
        seal(at, Seal::Sealed);
    }
    at.new.held.insert(offset);
    at.new.acknowledged.insert(offset);
    at.new.forget_answered(state.recoverers[recoverer].answered);
}

fn seal(at: &mut Store, seal: Seal) {
    at.seal = at.seal.max(seal);
}

/// Drops every record of the old epoch that is not below its end.
fn cut(at: &mut Store, end: u8) {
    seal(at, Seal::Sealed);
    at.old.held = at.old.held.and(Offsets::below(end));
}

/// Forgets the tails that no digest will tell any more.
fn forget_tails(state: &mut State) {
    for at in &mut state.stores {
        let mut asking = state.recoverers.iter().zip(at.known);
        if asking.all(|(node, known)| node.plan.is_some() || known != Known::Nothing) {
            at.tail = 0;
        }
    }
}
