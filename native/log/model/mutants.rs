//! Rules of the protocol, each left out once: every one must be seen to break an invariant, or it
//! would be no rule that safety needs, or a model that cannot tell.

use crate::{
    bounds::{one_frame_damaged, three_stores},
    check::{Found, visit_until_broken},
    invariants::{I1, I2, I3, I4, I5},
    mutant::Mutant,
    protocol::Protocol,
};

/// Leaves out a rule, and gives the shortest way that then breaks `invariant`.
fn without_rule(mutant: Mutant, protocol: Protocol, invariant: &'static str) -> Found {
    let mutant = Some(mutant);
    visit_until_broken(Protocol { mutant, ..protocol }, invariant)
}

#[test]
fn a_digest_without_its_seal_lets_a_replaced_leader_go_on() {
    let found = without_rule(Mutant::DigestWithoutSeal, three_stores(2), I5);
    println!("{found}");
    assert!(found.shows(I5));
}

#[test]
fn a_fence_of_one_store_too_few_cuts_a_committed_record() {
    let found = without_rule(Mutant::FenceOneShort, three_stores(2), I1);
    println!("{found}");
    assert!(found.shows(I1));
}

#[test]
fn a_fence_of_the_new_nodeset_cuts_a_committed_record() {
    let raised = Protocol { new: three_stores(2).new, ..three_stores(1) };
    let found = without_rule(Mutant::FenceOfNewNodeset, raised, I1);
    println!("{found}");
    assert!(found.shows(I1));
}

#[test]
fn an_append_answered_out_of_order_can_be_cut() {
    let found = without_rule(Mutant::AcknowledgedOutOfOrder, three_stores(2), I1);
    println!("{found}");
    assert!(found.shows(I1));
}

#[test]
fn an_epoch_closed_before_its_repair_has_too_few_copies() {
    let found = without_rule(Mutant::ClosedBeforeRepair, three_stores(2), I4);
    println!("{found}");
    assert!(found.shows(I4));
}

#[test]
fn a_lost_disk_that_answers_absent_cuts_a_committed_record() {
    let found = without_rule(Mutant::LostDiskAnswersAbsent, three_stores(2), I1);
    println!("{found}");
    assert!(found.shows(I1));
}

#[test]
fn a_damaged_frame_that_answers_absent_cuts_a_committed_record() {
    let found = without_rule(Mutant::DamagedFrameAnswersAbsent, one_frame_damaged(2), I1);
    println!("{found}");
    assert!(found.shows(I1));
}

#[test]
fn a_lost_disk_that_takes_appends_has_forgotten_the_seal() {
    let found = without_rule(Mutant::LostDiskTakesAppends, three_stores(2), I5);
    println!("{found}");
    assert!(found.shows(I5));
}

#[test]
fn a_sealed_store_that_acknowledges_a_repair_commits_what_is_cut() {
    let found = without_rule(Mutant::SealedStoreAcknowledges, three_stores(2), I1);
    println!("{found}");
    assert!(found.shows(I1));
}

#[test]
fn a_version_that_is_not_compared_makes_two_leaders() {
    let found = without_rule(Mutant::VersionNotCompared, three_stores(2), I2);
    println!("{found}");
    assert!(found.shows(I2));
}

#[test]
fn a_refused_recoverer_that_leads_makes_other_bytes() {
    let found = without_rule(Mutant::AnswerOfControlNotRead, three_stores(2), I3);
    println!("{found}");
    assert!(found.shows(I3));
}

#[test]
fn a_cut_at_a_planned_end_drops_what_another_recoverer_kept() {
    let found = without_rule(Mutant::CutAtPlannedEnd, three_stores(2), I4);
    println!("{found}");
    assert!(found.shows(I4));
}

#[test]
fn an_acknowledgement_without_its_epoch_answers_what_has_too_few_copies() {
    let found = without_rule(Mutant::AcknowledgementWithoutEpoch, three_stores(2), I4);
    println!("{found}");
    assert!(found.shows(I4));
}
