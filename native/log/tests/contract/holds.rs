//! Who keeps records from being trimmed, and for how long.

use std::{collections::BTreeMap, thread, time::Duration};
use varve_log::{Hold, HoldError, Log};
use varve_types::{LogId, Lsn, PartitionId};

use crate::support::{LOGS_0, SPANS_1, Subject, append, texts, views};

const LOGS_2: PartitionId = PartitionId { log: LogId::Logs, number: 2 };

fn hold(name: &str, from: &[(PartitionId, Lsn)]) -> Hold {
    let from = from.iter().copied().collect();
    Hold { name: name.into(), owner: "tests".into(), max_age_ms: 60_000, from }
}

/// Lets a view cover all that there is.
fn cover(log: &dyn Log, partition: PartitionId) {
    log.trim(&views(), &[(partition, log.tail(partition))]);
}

pub(crate) fn what_is_held_stays_until_it_is_released_also_over_a_restart(
    subject: &mut dyn Subject,
) {
    let places = append(subject.log(), &[(LOGS_0, "a"), (LOGS_0, "b"), (LOGS_0, "c")]);
    subject.log().hold(hold("copy", &[(LOGS_0, places[1])])).unwrap();
    for _ in 0..2 {
        cover(subject.log(), LOGS_0);
        assert_eq!(texts(subject.log(), LOGS_0, places[1]), ["b", "c"]);
        assert!(subject.log().read(LOGS_0, places[0], 1).is_err());
        subject.restart();
    }
    assert!(subject.log().release("copy").unwrap());
    cover(subject.log(), LOGS_0);
    assert!(subject.log().read(LOGS_0, places[2], 1).is_err());
    assert!(!subject.log().release("copy").unwrap());
}

pub(crate) fn a_hold_is_moved_on_by_its_name(subject: &mut dyn Subject) {
    let log = subject.log();
    let places = append(log, &[(LOGS_0, "a"), (LOGS_0, "b"), (LOGS_0, "c")]);
    log.hold(hold("copy", &[(LOGS_0, places[0])])).unwrap();
    log.hold(hold("copy", &[(LOGS_0, places[2])])).unwrap();
    cover(log, LOGS_0);
    assert_eq!(texts(log, LOGS_0, places[2]), ["c"]);
    assert!(log.read(LOGS_0, places[1], 1).is_err());
    let [status] = &log.holds()[..] else { panic!() };
    assert_eq!((&*status.name, &*status.owner, status.expired), ("copy", "tests", false));
    assert_eq!(status.places, BTreeMap::from([(LOGS_0, places[2])]));
}

pub(crate) fn a_hold_is_also_over_partitions_that_come_later(subject: &mut dyn Subject) {
    let log = subject.log();
    append(log, &[(LOGS_0, "a")]);
    log.hold(hold("copy", &[])).unwrap();
    append(log, &[(LOGS_2, "b"), (SPANS_1, "s")]);
    for partition in [LOGS_0, LOGS_2, SPANS_1] {
        cover(log, partition);
        assert_eq!(texts(log, partition, Lsn::default()).len(), 1, "{partition}");
    }
}

pub(crate) fn a_hold_lets_nothing_go_that_no_snapshot_has(subject: &mut dyn Subject) {
    let place = append(subject.log(), &[(LOGS_0, "a"), (LOGS_0, "b")])[1];
    subject.log().hold(hold("copy", &[(LOGS_0, place)])).unwrap();
    subject.restart();
    assert_eq!(texts(subject.log(), LOGS_0, Lsn::default()), ["a", "b"]);
}

pub(crate) fn a_hold_that_grew_too_old_holds_no_longer_and_is_told_of(subject: &mut dyn Subject) {
    let log = subject.log();
    let place = append(log, &[(LOGS_0, "a"), (LOGS_0, "b")])[0];
    let short = Hold { max_age_ms: 30, ..hold("slow", &[(LOGS_0, place)]) };
    log.hold(short).unwrap();
    log.hold(hold("other", &[(LOGS_0, place)])).unwrap();
    cover(log, LOGS_0);
    let is_expired = || log.holds().iter().any(|hold| hold.expired);
    for _ in 0..500 {
        if is_expired() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let holds = log.holds();
    let told: Vec<_> = holds.iter().map(|it| (&*it.name, it.expired, it.places.len())).collect();
    assert_eq!(told, [("other", false, 1), ("slow", true, 0)]);
    assert_eq!(texts(log, LOGS_0, place), ["a", "b"]);
    log.release("other").unwrap();
    assert!(log.read(LOGS_0, place, 1).is_err());
    subject.restart();
    assert!(subject.log().holds()[0].expired);
}

pub(crate) fn what_is_gone_or_never_was_is_not_held(subject: &mut dyn Subject) {
    let log = subject.log();
    let place = append(log, &[(LOGS_0, "a"), (LOGS_0, "b")])[0];
    cover(log, LOGS_0);
    let tail = log.tail(LOGS_0);
    let gone = log.hold(hold("copy", &[(LOGS_0, place)])).unwrap_err();
    let text = format!(
        "logs/0: copy asks to hold records from {place} on, which are trimmed up to {tail}"
    );
    assert_eq!(gone.to_string(), text);
    let from = Lsn::new(tail.epoch.0, tail.offset.0 + 1);
    let ahead = log.hold(hold("copy", &[(LOGS_0, from)])).unwrap_err();
    assert_eq!(ahead, HoldError::Ahead { partition: LOGS_0, from, tail });
    assert_eq!(log.holds(), []);
}

pub(crate) fn a_hold_has_a_name_of_its_own_and_an_age_within_the_setting(
    subject: &mut dyn Subject,
) {
    let log = subject.log();
    append(log, &[(LOGS_0, "a")]);
    cover(log, LOGS_0);
    let taken = log.hold(hold("views", &[])).unwrap_err();
    assert_eq!(
        taken.to_string(),
        "logs/0: views is the name of a snapshot; choose another for the hold"
    );
    assert!(matches!(log.hold(hold("a b", &[])), Err(HoldError::Name { .. })));
    let too_long = Hold { max_age_ms: 3_600_001, ..hold("copy", &[]) };
    assert_eq!(
        log.hold(too_long).unwrap_err().to_string(),
        "a hold of 3600001 ms is over log.hold_max_age = 3600000 ms; set it again in time"
    );
}

pub(crate) fn a_closed_log_takes_no_holds(subject: &mut dyn Subject) {
    subject.log().close();
    let refused = subject.log().hold(hold("copy", &[])).unwrap_err();
    assert_eq!(refused.to_string(), "holds cannot be changed: the log is closed");
}
