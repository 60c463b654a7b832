//! What a log refuses, and what it says of records that it cannot give back.

use std::{collections::BTreeMap, sync::mpsc, thread, time::Duration};
use varve_log::{AppendError, Delivery, Log, Next, ReadError, Subscribe, Wanted};
use varve_types::Lsn;

use crate::support::{LOGS_0, MAX_BYTES, Subject, append, record, texts};

pub(crate) fn a_request_over_the_bound_is_refused_whole(subject: &mut dyn Subject) {
    let log = subject.log();
    let (told, answers) = mpsc::channel();
    let large = "x".repeat(2 * MAX_BYTES as usize);
    let request = vec![record(LOGS_0, "small", &told), record(LOGS_0, &large, &told)];
    let refused = log.append(request).unwrap_err();
    drop(told);
    let AppendError::TooLarge { size_bytes, max_bytes } = refused else { panic!("{refused}") };
    assert!(size_bytes > 2 * MAX_BYTES && max_bytes <= MAX_BYTES, "{size_bytes}, {max_bytes}");
    assert!(answers.recv().is_err(), "a refused append must drop `done` uncalled");
    assert_eq!(append(log, &[(LOGS_0, "after")])[0].offset.0, 0);
}

pub(crate) fn past_what_may_wait_requests_are_refused_and_those_inside_are_stored(
    subject: &mut dyn Subject,
) {
    const REQUESTS: usize = 4;
    let log = subject.log();
    let ((begun, has_begun), (told, answers)) = (mpsc::channel(), mpsc::channel());
    let (end, is_to_end) = mpsc::channel::<()>();
    let (outcome, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        // Dropped should the test fail: nobody waits for ever.
        let end = end;
        let mut first = record(LOGS_0, "first", &told);
        first.done = Box::new(move |_| {
            begun.send(()).unwrap();
            is_to_end.recv().unwrap();
        });
        scope.spawn(move || log.append(vec![first]).unwrap());
        has_begun.recv().unwrap();
        // While the first is being told, of these only one may wait.
        for _ in 0..REQUESTS {
            let large = record(LOGS_0, &"x".repeat(MAX_BYTES as usize * 3 / 5), &told);
            let outcome = outcome.clone();
            scope.spawn(move || outcome.send(log.append(vec![large])).unwrap());
        }
        let refused = outcomes.iter().filter_map(Result::err).take(REQUESTS - 1);
        for refused in refused {
            let AppendError::Overloaded { waiting_bytes, max_bytes } = refused else {
                panic!("{refused}")
            };
            assert!(waiting_bytes > MAX_BYTES / 2 && max_bytes == MAX_BYTES);
        }
        end.send(()).unwrap();
    });
    assert_eq!(answers.recv().unwrap().unwrap().offset.0, 1);
    assert_eq!(log.tail(LOGS_0).offset.0, 2);
}

pub(crate) fn without_room_appends_are_refused_until_there_is_some_and_reads_go_on(
    subject: &mut dyn Subject,
) {
    append(subject.log(), &[(LOGS_0, "before")]);
    subject.set_full(true);
    let (told, answers) = mpsc::channel();
    let outcome = subject.log().append(vec![record(LOGS_0, "refused", &told)]);
    let refused = outcome.and_then(|()| answers.recv().unwrap().map(drop)).unwrap_err();
    assert!(matches!(refused, AppendError::DiskFull(_)), "{refused}");
    assert_eq!(texts(subject.log(), LOGS_0, Lsn::default()), ["before"]);
    subject.set_full(false);
    assert_eq!(append(subject.log(), &[(LOGS_0, "after")])[0].offset.0, 1);
    subject.restart();
    assert_eq!(texts(subject.log(), LOGS_0, Lsn::default()), ["before", "after"]);
}

pub(crate) fn what_cannot_be_read_any_more_is_told_and_the_rest_is_given(
    subject: &mut dyn Subject,
) {
    let records = [(LOGS_0, "before"), (LOGS_0, "rotten"), (LOGS_0, "behind")];
    let places = append(subject.log(), &records);
    subject.rot(LOGS_0, places[1], "rotten");
    let log = subject.log();
    assert_eq!(texts(log, LOGS_0, places[0]), ["before"]);
    let refused = log.read(LOGS_0, places[1], u64::MAX).unwrap_err();
    let ReadError::Lost { partition, from, next, .. } = refused else { panic!("{refused}") };
    assert_eq!((partition, from, next), (LOGS_0, places[1], places[2]));
    assert_eq!(texts(log, LOGS_0, next), ["behind"]);
    assert_eq!(followed(log), ["before", "1 to 2 lost", "behind"]);
}

/// All that a subscription gives, and tells.
fn followed(log: &dyn Log) -> Vec<String> {
    let (partitions, from) = (Wanted::Partition(LOGS_0), BTreeMap::new());
    let subscribe = Subscribe { name: "reader".into(), partitions, from, credit_bytes: MAX_BYTES };
    let mut subscription = log.subscribe(subscribe).unwrap();
    let mut given = Vec::new();
    while let Next::Delivery(delivery) = subscription.next(Duration::ZERO).unwrap() {
        match delivery {
            Delivery::Records(records) => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                given.extend(records.iter().map(|record| text(&record.payload)));
            }
            Delivery::Lost { from, next, .. } => {
                given.push(format!("{} to {} lost", from.offset.0, next.offset.0));
            }
            Delivery::Trimmed { .. } => panic!("nothing is trimmed"),
        }
    }
    given
}
