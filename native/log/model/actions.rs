//! What may happen next. A message is not an object: it can arrive in every state in which it was
//! sent before and would still change something, so it may be late, come twice, or never come.

use crate::{
    mutant::Mutant,
    protocol::Protocol,
    state::{Known, Proposal, RECOVERERS, STORES, Seal, State},
};

/// One step of the world. Stores and recoverers go by their index in the state it starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The old leader gives the next offset to a record, also when it is long replaced.
    Assign,
    /// `Store` of the old epoch arrives.
    Store { store: usize, offset: u8 },
    /// A committed tail of the old epoch arrives, alone or on a `Store`.
    Tail { store: usize, tail: u8 },
    /// The old leader has heard W acknowledgements and answers the append.
    Answer { offset: u8 },
    /// `SealAndDigest` arrives; the answer is lost.
    Seal { store: usize },
    /// `SealAndDigest` arrives, and the answer gets back.
    Digest { recoverer: usize, store: usize },
    /// A recoverer has the digests of a fence quorum and decides what to keep.
    Decide { recoverer: usize },
    /// A repair arrives, and the answer gets back. One whose answer is lost is not modelled: the
    /// recoverer waits for a number of answers only, so hearing one allows it more, never less.
    Repair { recoverer: usize, store: usize, offset: u8 },
    /// `Advance` arrives at the control group, and the recoverer reads the result.
    Advance { recoverer: usize },
    /// A store learns where the old epoch ends.
    LearnEnd { store: usize },
    /// Only as a mutant: a store is told the end that a recoverer plans.
    LearnPlannedEnd { recoverer: usize, store: usize },
    /// `Store` of the new epoch arrives.
    StoreNew { recoverer: usize, store: usize, offset: u8 },
    /// The new leader has heard W acknowledgements and answers the append.
    AnswerNew { recoverer: usize, offset: u8 },
    /// A store finds that its frame of a record of the old epoch is damaged.
    DamageFrame { store: usize, offset: u8 },
    /// A store loses its disk, comes back empty, and knows so.
    LoseDisk { store: usize },
}

impl Protocol {
    /// Every action that could change `state`, and some that will turn out not to.
    pub(crate) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        if state.leader.assigned < self.old_records {
            actions.push(Action::Assign);
        }
        let assigned = 0..state.leader.assigned;
        actions.extend(assigned.map(|offset| Action::Answer { offset }));
        for store in 0..STORES {
            self.possible_at_store(state, store, actions);
            for recoverer in 0..RECOVERERS {
                self.possible_between(state, recoverer, store, actions);
            }
        }
        for recoverer in 0..RECOVERERS {
            let node = &state.recoverers[recoverer];
            if node.plan.is_none() {
                actions.push(Action::Decide { recoverer });
            } else if node.proposal == Proposal::NotMade {
                actions.push(Action::Advance { recoverer });
            } else if node.proposal == Proposal::Applied {
                let records = 0..self.new_records;
                actions.extend(records.map(|offset| Action::AnswerNew { recoverer, offset }));
            }
        }
    }

    fn possible_at_store(&self, state: &State, store: usize, actions: &mut Vec<Action>) {
        let at = &state.stores[store];
        self.possible_faults(state, store, actions);
        if !at.serves_old {
            return;
        }
        let assigned = 0..state.leader.assigned;
        actions.extend(assigned.map(|offset| Action::Store { store, offset }));
        for tail in at.tail + 1..=state.leader.answered.first_gap() {
            actions.push(Action::Tail { store, tail });
        }
        if at.seal == Seal::Open {
            actions.push(Action::Seal { store });
        }
        if state.control.is_some() && at.seal != Seal::EndKnown {
            actions.push(Action::LearnEnd { store });
        }
    }

    fn possible_faults(&self, state: &State, store: usize, actions: &mut Vec<Action>) {
        let at = &state.stores[store];
        if at.disk_lost {
            return;
        }
        if state.stores.iter().filter(|at| at.disk_lost).count() < self.lost_disks {
            actions.push(Action::LoseDisk { store });
        }
        // A damaged frame that was repaired is spent too, so that the states are finite in number.
        let sound = state.stores.iter().filter(|at| !at.disk_lost);
        if sound.map(|at| at.old.lost.len()).sum::<usize>() < self.damaged_frames {
            let held = (0..self.old_records).filter(|&offset| at.old.held.contains(offset));
            actions.extend(held.map(|offset| Action::DamageFrame { store, offset }));
        }
    }

    fn possible_between(
        &self,
        state: &State,
        recoverer: usize,
        store: usize,
        actions: &mut Vec<Action>,
    ) {
        let node = &state.recoverers[recoverer];
        let at = &state.stores[store];
        if at.serves_old && node.plan.is_none() && at.known[recoverer] == Known::Nothing {
            actions.push(Action::Digest { recoverer, store });
        }
        if let (Some(plan), true) = (node.plan, at.serves_old) {
            let repairs = plan.from..plan.end;
            actions.extend(repairs.map(|offset| Action::Repair { recoverer, store, offset }));
            if self.has(Mutant::CutAtPlannedEnd) {
                actions.push(Action::LearnPlannedEnd { recoverer, store });
            }
        }
        if node.proposal == Proposal::Applied && at.serves_new {
            let records = 0..self.new_records;
            actions.extend(records.map(|offset| Action::StoreNew { recoverer, store, offset }));
        }
    }
}
