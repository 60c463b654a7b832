//! The logs under test, and how a test speaks with them.

use bytes::Bytes;
use std::sync::mpsc;
use varve_log::{
    Append, AppendError, Journal, JournalSettings, Log, MemoryLog, ProducerSettings, Runtime,
    SessionId, Snapshot, Stored,
};
use varve_types::{LogId, Lsn, PartitionId, TenantId};

/// A log under test, and how to do to it what a restart of the program does.
pub(crate) trait Subject {
    fn log(&self) -> &dyn Log;
    fn restart(&mut self);
}

impl Subject for MemoryLog {
    fn log(&self) -> &dyn Log {
        self
    }
    fn restart(&mut self) {
        Log::close(self);
        MemoryLog::restart(self);
    }
}

/// A journal in a folder of its own.
pub(crate) struct OnDisk {
    dir: tempfile::TempDir,
    journal: Option<Journal>,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
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
            disk_reserve: varve_log::DiskReserve::NONE,
            hold_max_age_ms: 3_600_000,
            producers: ProducerSettings::default(),
        };
        self.journal = Some(Journal::open(settings, Runtime::real()).unwrap());
    }
}

pub(crate) const LOGS_0: PartitionId = PartitionId { log: LogId::Logs, number: 0 };
pub(crate) const SPANS_1: PartitionId = PartitionId { log: LogId::Spans, number: 1 };

pub(crate) type Told = Result<Lsn, AppendError>;

pub(crate) fn record(partition: PartitionId, payload: &str, told: &mpsc::Sender<Told>) -> Append {
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
pub(crate) fn append(log: &dyn Log, records: &[(PartitionId, &str)]) -> Vec<Lsn> {
    let (told, answers) = mpsc::channel();
    log.append(records.iter().map(|(partition, text)| record(*partition, text, &told)).collect())
        .unwrap();
    drop(told);
    answers.iter().map(Result::unwrap).collect()
}

pub(crate) fn texts(log: &dyn Log, partition: PartitionId, from: Lsn) -> Vec<String> {
    let records = log.read(partition, from, u64::MAX).unwrap();
    records.into_iter().map(|r| String::from_utf8(r.payload.to_vec()).unwrap()).collect()
}

/// Appends one request of records with keys and waits for what became of each.
pub(crate) fn append_keyed(log: &dyn Log, records: &[(PartitionId, &str, u128)]) -> Vec<Stored> {
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

/// Appends one record of a session and waits for what became of it.
pub(crate) fn append_numbered(
    log: &dyn Log,
    partition: PartitionId,
    (session, seq): (SessionId, u64),
) -> Result<Stored, AppendError> {
    let (told, answer) = mpsc::channel();
    let (unused, _) = mpsc::channel();
    let append = Append {
        session: Some((session, seq)),
        done: Box::new(move |result| told.send(result).unwrap()),
        ..record(partition, &format!("{seq}"), &unused)
    };
    log.append(vec![append])?;
    answer.recv().unwrap()
}

/// Whose trims these are.
pub(crate) fn views() -> Snapshot {
    Snapshot { holder: "views".into(), location: "manifest.json".into() }
}
