//! Invariants I1 to I5 of log-core, section 5.

use crate::{
    protocol::Protocol,
    state::{Offsets, State},
};
use stateright::Property;

pub(crate) const I1: &str = "I1: what was announced as committed is below the end of its epoch";
pub(crate) const I2: &str = "I2: an epoch has one end and one leader";
pub(crate) const I3: &str = "I3: all copies of a record have equal bytes";
pub(crate) const I4: &str = "I4: each committed or kept record has W copies";
pub(crate) const I5: &str =
    "I5: no append that began after the close of its epoch is acknowledged in it";

/// What must hold in every state.
pub(crate) fn all(_: &Protocol) -> Vec<Property<Protocol>> {
    vec![
        Property::always(I1, |_, state| committed_is_below_end(state)),
        Property::always(I2, |_, state| one_end_and_one_leader(state)),
        Property::always(I3, |_, state| copies_are_equal(state)),
        Property::always(I4, has_copies),
        Property::always(I5, |_, state| acknowledged_began_before_close(state)),
    ]
}

fn committed_is_below_end(state: &State) -> bool {
    state.control.is_none_or(|closed| state.leader.answered.end() <= closed.end)
}

fn one_end_and_one_leader(state: &State) -> bool {
    state.new_leaders().count() <= 1
}

/// In the old epoch one leader alone makes records, and repairs copy them. In the new one each
/// leader makes its own, and a store that has any keeps to whose they are.
fn copies_are_equal(state: &State) -> bool {
    let mut holders = state.stores.iter().filter(|store| !store.new.held.is_empty());
    let first = holders.next().and_then(|store| store.new_leader);
    holders.all(|store| store.new_leader == first)
}

/// A copy on a disk that was lost counts here: it takes W losses to lose a record, and no rule of
/// the protocol can prevent those.
fn has_copies(protocol: &Protocol, state: &State) -> bool {
    let kept = state.control.map_or(0, |closed| closed.end);
    let old = state.leader.answered.or(Offsets::below(kept));
    let new_has_copies = state.new_leaders().all(|(leader, node)| {
        (0..protocol.new_records)
            .filter(|&offset| node.answered.contains(offset))
            .all(|offset| state.new_copies(leader, offset) >= protocol.new.write_quorum)
    });
    let mut old_offsets = (0..protocol.old_records).filter(|&offset| old.contains(offset));
    new_has_copies
        && old_offsets.all(|offset| state.old_copies(offset) >= protocol.old.write_quorum)
}

fn acknowledged_began_before_close(state: &State) -> bool {
    state.control.is_none_or(|closed| state.leader.answered.end() <= closed.assigned)
}
