//! What is not needed any more goes.

use varve_log::{ReadError, Snapshot};
use varve_types::Lsn;

use crate::support::{LOGS_0, Subject, append, texts, views};

pub(crate) fn what_is_trimmed_is_refused_also_after_a_restart(subject: &mut dyn Subject) {
    let places = append(subject.log(), &[(LOGS_0, "a"), (LOGS_0, "b"), (LOGS_0, "c")]);
    subject.log().trim(&views(), &[(LOGS_0, places[2])]);
    subject.log().trim(&views(), &[(LOGS_0, places[1])]); // never moves back
    for _ in 0..2 {
        let refused = subject.log().read(LOGS_0, places[1], u64::MAX).unwrap_err();
        let ReadError::Trimmed { trim_point, snapshot, .. } = refused else { panic!("{refused}") };
        assert_eq!((trim_point, snapshot), (places[2], Some(views())));
        assert_eq!(texts(subject.log(), LOGS_0, places[2]), ["c"]);
        subject.restart();
    }
}

pub(crate) fn a_trim_point_never_passes_the_tail(subject: &mut dyn Subject) {
    let place = append(subject.log(), &[(LOGS_0, "a")])[0];
    subject.log().trim(&views(), &[(LOGS_0, Lsn::new(u32::MAX, 0))]);
    let next = append(subject.log(), &[(LOGS_0, "b")])[0];
    assert_eq!(next, Lsn::new(place.epoch.0, 1));
    assert_eq!(texts(subject.log(), LOGS_0, next), ["b"]);
}

pub(crate) fn whoever_comes_too_late_is_told_where_to_boot_from(subject: &mut dyn Subject) {
    let places = append(subject.log(), &[(LOGS_0, "a"), (LOGS_0, "b")]);
    subject.log().trim(&views(), &[(LOGS_0, places[1])]);
    let refused = subject.log().read(LOGS_0, places[0], u64::MAX).unwrap_err();
    let text = format!(
        "logs/0 is trimmed up to {}; boot from the snapshot of views, manifest.json, and read on from its place",
        places[1]
    );
    assert_eq!(refused.to_string(), text);
}

pub(crate) fn only_what_all_snapshots_have_is_trimmed(subject: &mut dyn Subject) {
    let log = subject.log();
    let places = append(log, &[(LOGS_0, "a"), (LOGS_0, "b"), (LOGS_0, "c")]);
    let other = Snapshot { holder: "copy".into(), location: "elsewhere".into() };
    log.trim(&other, &[(LOGS_0, Lsn::new(1, 0))]);
    log.trim(&views(), &[(LOGS_0, places[2])]);
    assert_eq!(texts(log, LOGS_0, places[0]), ["a", "b", "c"]);
    log.trim(&other, &[(LOGS_0, places[1])]);
    assert_eq!(texts(log, LOGS_0, places[1]), ["b", "c"]);
    assert!(log.read(LOGS_0, places[0], 1).is_err());
}
