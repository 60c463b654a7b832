//! Situations that the protocol exists for. A model in which one of them cannot come about proves
//! little by its invariants.

use crate::{
    protocol::Protocol,
    state::{Closed, Proposal, State},
};
use stateright::Property;

/// What must be reached in some state, as far as the configuration allows it.
pub(crate) fn all(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut witnesses = vec![
        Property::sometimes("a record that nobody was told is stored is kept", kept_unanswered),
        Property::sometimes("two recoverers race, and one is refused", raced),
        Property::sometimes("a replaced leader goes on", goes_on),
        Property::sometimes("the new leader answers an append", new_leader_answers),
    ];
    // Where all stores must answer, each sealed, there is nothing that recoverers could differ in.
    if protocol.old.write_quorum > 1 {
        witnesses.push(Property::sometimes("a record is left beyond the end", left_beyond_end));
        witnesses.push(Property::sometimes("recoverers plan different ends", plans_differ));
    }
    if protocol.lost_disks + protocol.damaged_frames > 0 {
        let name = "a store lost a record, and the epoch can be closed all the same";
        witnesses.push(Property::sometimes(name, closable_after_loss));
    }
    witnesses
}

fn closed_and(state: &State, holds: impl FnOnce(Closed) -> bool) -> bool {
    state.control.is_some_and(holds)
}

fn kept_unanswered(_: &Protocol, state: &State) -> bool {
    closed_and(state, |closed| closed.end > state.leader.answered.end())
}

fn left_beyond_end(_: &Protocol, state: &State) -> bool {
    closed_and(state, |closed| state.stores.iter().any(|at| at.old.held.end() > closed.end))
}

fn goes_on(_: &Protocol, state: &State) -> bool {
    closed_and(state, |closed| state.leader.assigned > closed.assigned)
}

fn raced(_: &Protocol, state: &State) -> bool {
    let ended = |proposal| state.recoverers.iter().any(|node| node.proposal == proposal);
    ended(Proposal::Applied) && ended(Proposal::Refused)
}

fn new_leader_answers(_: &Protocol, state: &State) -> bool {
    state.recoverers.iter().any(|node| !node.answered.is_empty())
}

fn plans_differ(_: &Protocol, state: &State) -> bool {
    let mut ends = state.recoverers.iter().filter_map(|node| node.plan).map(|plan| plan.end);
    ends.next().is_some_and(|first| ends.any(|other| other != first))
}

fn closable_after_loss(protocol: &Protocol, state: &State) -> bool {
    let lost = state.stores.iter().any(|at| !at.old.lost.is_empty());
    let repaired = state.recoverers.iter().enumerate().any(|(recoverer, node)| {
        node.plan.is_some_and(|plan| protocol.is_repaired(state, recoverer, plan))
    });
    lost && repaired && state.control.is_none()
}
