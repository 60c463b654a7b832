//! Reading by places.

use varve_types::Lsn;

use crate::support::{LOGS_0, SPANS_1, Subject, append, texts};

pub(crate) fn a_read_ends_once_its_bytes_are_gathered(subject: &mut dyn Subject) {
    let log = subject.log();
    append(log, &[(LOGS_0, "12345"), (LOGS_0, "67890"), (LOGS_0, "x")]);
    let count = |max_bytes| log.read(LOGS_0, Lsn::default(), max_bytes).unwrap().len();
    assert_eq!((count(0), count(5), count(6), count(10), count(11)), (1, 1, 2, 2, 3));
}

pub(crate) fn a_restart_opens_the_next_epoch_and_reads_go_on_across_it(subject: &mut dyn Subject) {
    let before = append(subject.log(), &[(LOGS_0, "a"), (SPANS_1, "s")])[0];
    subject.restart();
    let after = append(subject.log(), &[(LOGS_0, "b")])[0];
    assert!(after.epoch > before.epoch);
    assert_eq!(after.offset.0, 0);
    assert_eq!(texts(subject.log(), LOGS_0, Lsn::default()), ["a", "b"]);
    assert_eq!(texts(subject.log(), LOGS_0, Lsn::new(before.epoch.0, 1)), ["b"]);
    assert_eq!(subject.log().tail(SPANS_1), Lsn::new(after.epoch.0, 0));
    assert_eq!(subject.log().partitions(), [LOGS_0, SPANS_1]);
}

pub(crate) fn an_epoch_that_ended_has_its_end_for_good(subject: &mut dyn Subject) {
    let mut places = Vec::new();
    for text in ["a", "b", "c"] {
        places.push(append(subject.log(), &[(LOGS_0, text)])[0]);
        subject.restart();
    }
    let epochs: Vec<u32> = places.iter().map(|place| place.epoch.0).collect();
    assert_eq!(epochs, [epochs[0], epochs[0] + 1, epochs[0] + 2], "one start, one epoch");
    for (text, place) in ["a", "b", "c"].iter().zip(&places) {
        assert_eq!(texts(subject.log(), LOGS_0, *place)[0], *text);
    }
    let behind_a = Lsn::new(places[0].epoch.0, 1);
    assert_eq!(texts(subject.log(), LOGS_0, behind_a), ["b", "c"]);
}
