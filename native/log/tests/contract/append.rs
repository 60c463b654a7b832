//! What is appended is stored, in order, whole.

use parking_lot::Mutex;
use std::{
    sync::{Arc, mpsc},
    thread,
};
use varve_log::AppendError;
use varve_types::Lsn;

use crate::support::{LOGS_0, SPANS_1, Subject, append, record, texts};

pub(crate) fn offsets_start_at_zero_and_have_no_holes(subject: &mut dyn Subject) {
    let log = subject.log();
    let epoch = log.tail(LOGS_0).epoch.0;
    assert_eq!(log.tail(LOGS_0), Lsn::new(epoch, 0));
    let places = append(log, &[(LOGS_0, "a"), (LOGS_0, "b"), (SPANS_1, "c")]);
    assert_eq!(places, [Lsn::new(epoch, 0), Lsn::new(epoch, 1), Lsn::new(epoch, 0)]);
    assert_eq!(append(log, &[(LOGS_0, "d")]), [Lsn::new(epoch, 2)]);
    assert_eq!(log.tail(LOGS_0), Lsn::new(epoch, 3));
    assert_eq!(log.partitions(), [LOGS_0, SPANS_1]);
}

pub(crate) fn a_record_is_read_back_as_it_was_appended(subject: &mut dyn Subject) {
    let log = subject.log();
    let place = append(log, &[(LOGS_0, "payload")])[0];
    let [read] = &log.read(LOGS_0, Lsn::default(), u64::MAX).unwrap()[..] else { panic!() };
    assert_eq!((read.partition, read.lsn), (LOGS_0, place));
    assert_eq!((read.tenant.as_str(), read.schema_id, read.rows), ("team-a", 1, 3));
    assert_eq!((read.idempotency_key, &read.payload[..]), (0, &b"payload"[..]));
    assert!(read.append_time_ms > 0);
}

pub(crate) fn a_place_is_readable_when_it_is_told(subject: &mut dyn Subject) {
    let log = subject.log();
    let order = Arc::new(Mutex::new(Vec::new()));
    let (told, answers) = mpsc::channel();
    for _ in 0..100 {
        let mut one = record(LOGS_0, "x", &told);
        let (order, told) = (order.clone(), told.clone());
        one.done = Box::new(move |result| {
            order.lock().push(result.clone().unwrap().lsn().unwrap().offset.0);
            told.send(result.map(|stored| stored.lsn().unwrap())).unwrap();
        });
        log.append(vec![one]).unwrap();
    }
    for _ in 0..100 {
        let place = answers.recv().unwrap().unwrap();
        assert!(place < log.tail(LOGS_0));
        assert_eq!(log.read(LOGS_0, place, 0).unwrap()[0].lsn, place);
    }
    assert_eq!(*order.lock(), (0..100).collect::<Vec<u64>>());
}

pub(crate) fn a_closed_log_refuses_appends_and_still_reads(subject: &mut dyn Subject) {
    let log = subject.log();
    append(log, &[(LOGS_0, "a")]);
    log.close();
    log.close();
    let (told, answers) = mpsc::channel();
    let refused = log.append(vec![record(LOGS_0, "b", &told)]).unwrap_err();
    drop(told);
    assert!(matches!(refused, AppendError::Closed));
    assert!(answers.recv().is_err(), "a refused append must drop `done` uncalled");
    assert_eq!(texts(log, LOGS_0, Lsn::default()), ["a"]);
}

pub(crate) fn what_close_had_accepted_is_stored(subject: &mut dyn Subject) {
    let (told, answers) = mpsc::channel();
    for _ in 0..50 {
        subject.log().append(vec![record(LOGS_0, "x", &told)]).unwrap();
    }
    subject.log().close();
    drop(told);
    assert_eq!(answers.iter().flatten().count(), 50);
    subject.restart();
    assert_eq!(texts(subject.log(), LOGS_0, Lsn::default()).len(), 50);
}

pub(crate) fn appends_of_many_threads_leave_no_holes(subject: &mut dyn Subject) {
    let log = subject.log();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let places = append(log, &[(LOGS_0, "x"), (LOGS_0, "y")]);
                    assert_eq!(places[1].offset.0, places[0].offset.0 + 1);
                }
            });
        }
    });
    let records = log.read(LOGS_0, Lsn::default(), u64::MAX).unwrap();
    let offsets: Vec<u64> = records.iter().map(|record| record.lsn.offset.0).collect();
    assert_eq!(offsets, (0..400).collect::<Vec<_>>());
}

pub(crate) fn an_empty_request_is_accepted_and_stores_nothing(subject: &mut dyn Subject) {
    let before = subject.log().tail(LOGS_0);
    assert_eq!(append(subject.log(), &[]), []);
    assert_eq!(subject.log().tail(LOGS_0), before);
}
