//! What is sent again is stored once.

use std::collections::BTreeSet;
use varve_log::{AppendError, Stored};
use varve_types::Lsn;

use crate::support::{
    LOGS_0, SPANS_1, Subject, append, append_keyed, append_numbered, texts, views,
};

pub(crate) fn a_record_with_a_key_is_stored_once(subject: &mut dyn Subject) {
    let log = subject.log();
    let epoch = log.tail(LOGS_0).epoch.0;
    let first = Lsn::new(epoch, 0);
    assert_eq!(append_keyed(log, &[(LOGS_0, "a", 7)]), [Stored::New(first)]);
    let again = append_keyed(log, &[(LOGS_0, "a", 7), (LOGS_0, "b", 8), (LOGS_0, "b", 8)]);
    let second = Lsn::new(epoch, 1);
    assert_eq!(again, [Stored::Duplicate(first), Stored::New(second), Stored::Duplicate(second)]);
    assert_eq!(append_keyed(log, &[(SPANS_1, "a", 7)]), [Stored::New(Lsn::new(epoch, 0))]);
    assert_eq!(append(log, &[(LOGS_0, "c"), (LOGS_0, "c")]).len(), 2);
    assert_eq!(texts(log, LOGS_0, Lsn::default()), ["a", "b", "c", "c"]);
}

pub(crate) fn a_key_is_known_after_a_restart_and_a_trim(subject: &mut dyn Subject) {
    let first = append_keyed(subject.log(), &[(LOGS_0, "a", 7)])[0].lsn().unwrap();
    subject.restart();
    assert_eq!(append_keyed(subject.log(), &[(LOGS_0, "a", 7)]), [Stored::Duplicate(first)]);
    let tail = subject.log().tail(LOGS_0);
    subject.log().trim(&views(), &[(LOGS_0, tail)]);
    subject.restart();
    assert_eq!(append_keyed(subject.log(), &[(LOGS_0, "a", 7)]), [Stored::Duplicate(first)]);
}

pub(crate) fn a_session_stores_each_number_once_and_in_order(subject: &mut dyn Subject) {
    let log = subject.log();
    let session = log.open_session(b"producer").unwrap();
    let first = append_numbered(log, LOGS_0, (session, 0)).unwrap().lsn().unwrap();
    let again = append_numbered(log, LOGS_0, (session, 0)).unwrap();
    assert_eq!(again, Stored::Duplicate(first));
    let gap = append_numbered(log, LOGS_0, (session, 2)).unwrap_err();
    assert!(matches!(gap, AppendError::OutOfSequence { expected: 1 }));
    assert!(matches!(append_numbered(log, LOGS_0, (session, 1)), Ok(Stored::New(_))));
    assert_eq!(texts(log, LOGS_0, Lsn::default()), ["0", "1"]);
}

pub(crate) fn a_session_counts_in_each_partition_for_itself(subject: &mut dyn Subject) {
    let log = subject.log();
    let session = log.open_session(b"producer").unwrap();
    for partition in [LOGS_0, SPANS_1] {
        assert!(matches!(append_numbered(log, partition, (session, 0)), Ok(Stored::New(_))));
    }
}

pub(crate) fn a_session_that_nobody_knows_is_not_guessed_at(subject: &mut dyn Subject) {
    let log = subject.log();
    let session = log.open_session(b"producer").unwrap();
    let refused = append_numbered(log, LOGS_0, (session, 7)).unwrap_err();
    assert!(matches!(refused, AppendError::UnknownSession));
    assert_eq!(texts(log, LOGS_0, Lsn::default()), [""; 0]);
}

pub(crate) fn a_number_far_back_in_its_session_is_known_without_its_place(
    subject: &mut dyn Subject,
) {
    let log = subject.log();
    let session = log.open_session(b"producer").unwrap();
    for seq in 0..20 {
        append_numbered(log, LOGS_0, (session, seq)).unwrap();
    }
    assert_eq!(append_numbered(log, LOGS_0, (session, 1)).unwrap(), Stored::Before);
}

pub(crate) fn a_session_goes_on_after_a_restart_and_a_trim(subject: &mut dyn Subject) {
    let session = subject.log().open_session(b"producer").unwrap();
    let first = append_numbered(subject.log(), LOGS_0, (session, 0)).unwrap().lsn().unwrap();
    subject.restart();
    let again = append_numbered(subject.log(), LOGS_0, (session, 0)).unwrap();
    assert_eq!(again, Stored::Duplicate(first));
    let tail = subject.log().tail(LOGS_0);
    subject.log().trim(&views(), &[(LOGS_0, tail)]);
    subject.restart();
    let again = append_numbered(subject.log(), LOGS_0, (session, 0)).unwrap();
    assert_eq!(again, Stored::Duplicate(first));
    assert!(matches!(append_numbered(subject.log(), LOGS_0, (session, 1)), Ok(Stored::New(_))));
}

pub(crate) fn no_two_sessions_have_one_id_also_over_a_restart(subject: &mut dyn Subject) {
    let mut ids = BTreeSet::new();
    for _ in 0..3 {
        for producer in 0..20_u8 {
            assert!(ids.insert(subject.log().open_session(&[producer]).unwrap()));
        }
        subject.restart();
    }
}
