//! What every log must show; each implementation is held to it.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail by panicking, as tests do")]

use bytes::Bytes;
use parking_lot::Mutex;
use std::{
    sync::{Arc, mpsc},
    thread,
};
use varve_log::{
    Append, AppendError, DiskReserve, Journal, JournalSettings, Log, MemoryLog, ProducerSettings,
    ReadError, Runtime, Stored,
};
use varve_types::{LogId, Lsn, PartitionId, TenantId};

/// A log under test, and how to do to it what a restart of the program does.
trait Subject {
    fn log(&self) -> &dyn Log;
    fn restart(&mut self);
}

impl Subject for MemoryLog {
    fn log(&self) -> &dyn Log {
        self
    }
    fn restart(&mut self) {
        MemoryLog::restart(self);
    }
}

/// A journal in a folder of its own.
struct OnDisk {
    dir: tempfile::TempDir,
    journal: Option<Journal>,
}

impl OnDisk {
    fn new() -> Self {
        let mut subject = Self { dir: tempfile::tempdir().unwrap(), journal: None };
        subject.restart();
        subject
    }
}

impl Subject for OnDisk {
    fn log(&self) -> &dyn Log {
        self.journal.as_ref().unwrap()
    }
    fn restart(&mut self) {
        drop(self.journal.take());
        let settings = JournalSettings {
            dir: self.dir.path().to_owned(),
            partitions: 4,
            file_bytes: 1 << 20,
            write_buffer_max_bytes: 1 << 20,
            epoch_timeout_ms: 5_000,
            coordinator_count: 1_024,
            disk_reserve: DiskReserve::NONE,
            producers: ProducerSettings::default(),
        };
        self.journal = Some(Journal::open(settings, Runtime::real()).unwrap());
    }
}

const LOGS_0: PartitionId = PartitionId { log: LogId::Logs, number: 0 };
const SPANS_1: PartitionId = PartitionId { log: LogId::Spans, number: 1 };

type Told = Result<Lsn, AppendError>;

fn record(partition: PartitionId, payload: &str, told: &mpsc::Sender<Told>) -> Append {
    let told = told.clone();
    Append {
        partition,
        tenant: TenantId::parse("team-a").unwrap(),
        schema_id: 1,
        rows: 3,
        session: None,
        idempotency_key: 0,
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        done: Box::new(move |result| {
            told.send(result.map(|stored| stored.lsn().unwrap())).unwrap();
        }),
    }
}

/// Appends one request of records and waits for all of their places.
fn append(log: &dyn Log, records: &[(PartitionId, &str)]) -> Vec<Lsn> {
    let (told, answers) = mpsc::channel();
    log.append(records.iter().map(|(partition, text)| record(*partition, text, &told)).collect())
        .unwrap();
    drop(told);
    answers.iter().map(Result::unwrap).collect()
}

fn texts(log: &dyn Log, partition: PartitionId, from: Lsn) -> Vec<String> {
    let records = log.read(partition, from, u64::MAX).unwrap();
    records.into_iter().map(|r| String::from_utf8(r.payload.to_vec()).unwrap()).collect()
}

fn offsets_start_at_zero_and_have_no_holes(subject: &mut dyn Subject) {
    let log = subject.log();
    let epoch = log.tail(LOGS_0).epoch.0;
    assert_eq!(log.tail(LOGS_0), Lsn::new(epoch, 0));
    let places = append(log, &[(LOGS_0, "a"), (LOGS_0, "b"), (SPANS_1, "c")]);
    assert_eq!(places, [Lsn::new(epoch, 0), Lsn::new(epoch, 1), Lsn::new(epoch, 0)]);
    assert_eq!(append(log, &[(LOGS_0, "d")]), [Lsn::new(epoch, 2)]);
    assert_eq!(log.tail(LOGS_0), Lsn::new(epoch, 3));
    assert_eq!(log.partitions(), [LOGS_0, SPANS_1]);
}

fn a_record_is_read_back_as_it_was_appended(subject: &mut dyn Subject) {
    let log = subject.log();
    let place = append(log, &[(LOGS_0, "payload")])[0];
    let [read] = &log.read(LOGS_0, Lsn::default(), u64::MAX).unwrap()[..] else { panic!() };
    assert_eq!((read.partition, read.lsn), (LOGS_0, place));
    assert_eq!((read.tenant.as_str(), read.schema_id, read.rows), ("team-a", 1, 3));
    assert_eq!((read.idempotency_key, &read.payload[..]), (0, &b"payload"[..]));
    assert!(read.append_time_ms > 0);
}

fn a_read_ends_once_its_bytes_are_gathered(subject: &mut dyn Subject) {
    let log = subject.log();
    append(log, &[(LOGS_0, "12345"), (LOGS_0, "67890"), (LOGS_0, "x")]);
    let count = |max_bytes| log.read(LOGS_0, Lsn::default(), max_bytes).unwrap().len();
    assert_eq!((count(0), count(5), count(6), count(10), count(11)), (1, 1, 2, 2, 3));
}

fn a_place_is_readable_when_it_is_told(subject: &mut dyn Subject) {
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

fn a_restart_opens_the_next_epoch_and_reads_go_on_across_it(subject: &mut dyn Subject) {
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

fn what_is_trimmed_is_refused_also_after_a_restart(subject: &mut dyn Subject) {
    let places = append(subject.log(), &[(LOGS_0, "a"), (LOGS_0, "b"), (LOGS_0, "c")]);
    subject.log().trim(&[(LOGS_0, places[2])]);
    subject.log().trim(&[(LOGS_0, places[1])]); // never moves back
    for _ in 0..2 {
        let refused = subject.log().read(LOGS_0, places[1], u64::MAX).unwrap_err();
        assert!(
            matches!(refused, ReadError::Trimmed { trim_point, .. } if trim_point == places[2])
        );
        assert_eq!(texts(subject.log(), LOGS_0, places[2]), ["c"]);
        subject.restart();
    }
}

fn a_trim_point_never_passes_the_tail(subject: &mut dyn Subject) {
    let place = append(subject.log(), &[(LOGS_0, "a")])[0];
    subject.log().trim(&[(LOGS_0, Lsn::new(u32::MAX, 0))]);
    let next = append(subject.log(), &[(LOGS_0, "b")])[0];
    assert_eq!(next, Lsn::new(place.epoch.0, 1));
    assert_eq!(texts(subject.log(), LOGS_0, next), ["b"]);
}

fn a_closed_log_refuses_appends_and_still_reads(subject: &mut dyn Subject) {
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

fn what_close_had_accepted_is_stored(subject: &mut dyn Subject) {
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

fn an_empty_request_is_accepted_and_stores_nothing(subject: &mut dyn Subject) {
    let before = subject.log().tail(LOGS_0);
    assert_eq!(append(subject.log(), &[]), []);
    assert_eq!(subject.log().tail(LOGS_0), before);
}

fn appends_of_many_threads_leave_no_holes(subject: &mut dyn Subject) {
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

/// Appends one request of records with keys and waits for what became of each.
fn append_keyed(log: &dyn Log, records: &[(PartitionId, &str, u128)]) -> Vec<Stored> {
    let (told, answers) = mpsc::channel();
    let appends = records.iter().map(|(partition, text, key)| {
        let told = told.clone();
        let (unused, _) = mpsc::channel();
        Append {
            session: None,
            idempotency_key: *key,
            done: Box::new(move |result| told.send(result.unwrap()).unwrap()),
            ..record(*partition, text, &unused)
        }
    });
    log.append(appends.collect()).unwrap();
    drop(told);
    answers.iter().collect()
}

fn a_record_with_a_key_is_stored_once(subject: &mut dyn Subject) {
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

fn a_key_is_known_after_a_restart_and_a_trim(subject: &mut dyn Subject) {
    let first = append_keyed(subject.log(), &[(LOGS_0, "a", 7)])[0].lsn().unwrap();
    subject.restart();
    assert_eq!(append_keyed(subject.log(), &[(LOGS_0, "a", 7)]), [Stored::Duplicate(first)]);
    let tail = subject.log().tail(LOGS_0);
    subject.log().trim(&[(LOGS_0, tail)]);
    subject.restart();
    assert_eq!(append_keyed(subject.log(), &[(LOGS_0, "a", 7)]), [Stored::Duplicate(first)]);
}

/// One `#[test]` per promise and implementation.
macro_rules! holds {
    ($implementation:ident, $subject:expr; $($promise:ident),+ $(,)?) => {
        mod $implementation {
            $(#[test]
            fn $promise() {
                super::$promise(&mut $subject);
            })+
        }
    };
}

macro_rules! contract {
    ($implementation:ident, $subject:expr) => {
        holds!($implementation, $subject;
            offsets_start_at_zero_and_have_no_holes,
            a_record_is_read_back_as_it_was_appended,
            a_read_ends_once_its_bytes_are_gathered,
            a_place_is_readable_when_it_is_told,
            a_restart_opens_the_next_epoch_and_reads_go_on_across_it,
            what_is_trimmed_is_refused_also_after_a_restart,
            a_trim_point_never_passes_the_tail,
            a_closed_log_refuses_appends_and_still_reads,
            what_close_had_accepted_is_stored,
            appends_of_many_threads_leave_no_holes,
            an_empty_request_is_accepted_and_stores_nothing,
            a_record_with_a_key_is_stored_once,
            a_key_is_known_after_a_restart_and_a_trim,
        );
    };
}

contract!(memory, varve_log::MemoryLog::new(4));
contract!(journal, super::OnDisk::new());
