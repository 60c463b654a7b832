//! Each invariant is broken by the least that breaks it.

use super::*;

/// Epoch 1 is open, led by node 0 on stores 0, 1 and 2, W = 2.
fn auditor() -> Auditor {
    let mut auditor = Auditor::default();
    auditor.trimmed(Lsn::new(1, 0), Lsn::new(1, 0));
    auditor.opened(Epoch(1), (0, 1), 0b111, 2);
    auditor
}

/// As [`auditor`], with record 7 on two stores at 1:0, announced as committed.
fn with_record() -> Auditor {
    let mut auditor = auditor();
    auditor.durable(0, Lsn::new(1, 0), 7);
    auditor.durable(1, Lsn::new(1, 0), 7);
    auditor.announced(Epoch(1), Offset(1));
    assert_eq!(auditor.violation(), None);
    auditor
}

fn broken(auditor: &Auditor) -> Option<Invariant> {
    auditor.violation().map(|violation| violation.invariant)
}

#[test]
fn a_run_that_keeps_the_rules_breaks_nothing() {
    let mut auditor = with_record();
    auditor.appended(Lsn::new(1, 0), 7, 10, None);
    auditor.given(2, Lsn::new(1, 0), Lsn::new(1, 0), 7);
    auditor.closed(20, Epoch(1), Offset(1));
    auditor.opened(Epoch(2), (1, 1), 0b110, 2);
    auditor.leads(Epoch(2), (1, 1));
    auditor.tail_answered(Lsn::new(2, 0), 30, auditor.acknowledged_up_to());
    auditor.trimmed(Lsn::new(1, 1), Lsn::new(2, 0));
    auditor.check_all_copies();
    assert_eq!(auditor.violation(), None);
}

#[test]
fn an_end_below_an_announced_tail_breaks_i1() {
    let mut auditor = with_record();
    auditor.closed(1, Epoch(1), Offset(0));
    assert_eq!(broken(&auditor), Some(Invariant::I1));
}

#[test]
fn a_second_end_a_wrong_leader_and_a_second_open_epoch_break_i2() {
    let mut ends = auditor();
    ends.closed(1, Epoch(1), Offset(0));
    ends.closed(2, Epoch(1), Offset(1));
    let mut leader = auditor();
    leader.leads(Epoch(1), (0, 2));
    let mut open = auditor();
    open.opened(Epoch(2), (1, 1), 0b111, 2);
    for auditor in [ends, leader, open] {
        assert_eq!(broken(&auditor), Some(Invariant::I2));
    }
}

#[test]
fn a_copy_with_other_bytes_breaks_i3() {
    let mut auditor = with_record();
    auditor.durable(2, Lsn::new(1, 0), 8);
    assert_eq!(broken(&auditor), Some(Invariant::I3));
}

#[test]
fn a_committed_record_on_too_few_stores_breaks_i4_unless_a_fault_destroyed_a_copy() {
    let mut few = auditor();
    few.durable(0, Lsn::new(1, 0), 7);
    few.announced(Epoch(1), Offset(1));
    assert_eq!(broken(&few), Some(Invariant::I4));
    let mut destroyed = with_record();
    destroyed.disk_lost(1);
    destroyed.check_all_copies();
    assert_eq!(broken(&destroyed), None);
}

#[test]
fn a_copy_outside_of_the_nodeset_does_not_count_for_i4() {
    let mut auditor = auditor();
    auditor.durable(0, Lsn::new(1, 0), 7);
    auditor.durable(5, Lsn::new(1, 0), 7);
    auditor.announced(Epoch(1), Offset(1));
    assert_eq!(broken(&auditor), Some(Invariant::I4));
}

#[test]
fn an_append_that_began_after_the_close_breaks_i5() {
    let mut auditor = with_record();
    auditor.closed(20, Epoch(1), Offset(1));
    auditor.appended(Lsn::new(1, 0), 7, 21, None);
    assert_eq!(broken(&auditor), Some(Invariant::I5));
}

#[test]
fn a_skipped_an_unreleased_and_another_record_break_i6() {
    let mut skipped = with_record();
    skipped.durable(0, Lsn::new(1, 1), 8);
    skipped.durable(1, Lsn::new(1, 1), 8);
    skipped.announced(Epoch(1), Offset(2));
    skipped.given(0, Lsn::new(1, 0), Lsn::new(1, 1), 8);
    let mut unreleased = auditor();
    unreleased.given(0, Lsn::new(1, 0), Lsn::new(1, 0), 7);
    let mut another = with_record();
    another.given(0, Lsn::new(1, 0), Lsn::new(1, 0), 7);
    another.given(1, Lsn::new(1, 0), Lsn::new(1, 0), 8);
    let mut lost = with_record();
    lost.told_lost(0, Lsn::new(1, 0), Lsn::new(1, 1));
    let mut jumped = with_record();
    jumped.goes_to(0, Lsn::new(1, 1), Lsn::new(1, 0));
    for auditor in [skipped, unreleased, another, lost, jumped] {
        assert_eq!(broken(&auditor), Some(Invariant::I6));
    }
}

#[test]
fn an_append_or_a_tail_that_does_not_come_after_what_was_acknowledged_breaks_i7() {
    let after = Some(Lsn::new(1, 0));
    let mut append = with_record();
    append.appended(Lsn::new(1, 0), 7, 5, after);
    let mut tail = with_record();
    tail.tail_answered(Lsn::new(1, 0), 5, after);
    for auditor in [append, tail] {
        assert_eq!(broken(&auditor), Some(Invariant::I7));
    }
}

#[test]
fn a_trim_back_or_past_what_is_needed_breaks_i8() {
    let mut back = with_record();
    back.trimmed(Lsn::new(1, 1), Lsn::new(1, 1));
    back.trimmed(Lsn::new(1, 0), Lsn::new(1, 1));
    let mut past = with_record();
    past.trimmed(Lsn::new(1, 1), Lsn::new(1, 0));
    for auditor in [back, past] {
        assert_eq!(broken(&auditor), Some(Invariant::I8));
    }
}
