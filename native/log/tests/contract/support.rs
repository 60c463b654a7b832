//! The logs under test, and how a test speaks with them.

use bytes::Bytes;
use std::{
    fs,
    os::unix::fs::FileExt as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};
use varve_log::{
    Append, AppendError, DiskReserve, Journal, JournalSettings, Log, MemoryLimits, MemoryLog,
    ProducerSettings, Runtime, SessionId, Snapshot, Stored,
    runtime::{
        Clock, RealClock,
        faults::{Faults, FaultyDisk},
    },
};
use varve_types::{LogId, Lsn, PartitionId, TenantId};

/// A log under test, and how to do to it what a restart of the program does.
pub(crate) trait Subject {
    fn log(&self) -> &dyn Log;
    fn restart(&mut self);
    /// Leaves no room for appends, or gives it back.
    fn set_full(&mut self, is_full: bool);
    /// Makes a record unreadable.
    fn rot(&mut self, partition: PartitionId, place: Lsn, payload: &str);
}

/// What a request may have, and what may wait.
pub(crate) const MAX_BYTES: u64 = 1 << 20;
const LIMITS: MemoryLimits = MemoryLimits {
    request_max_bytes: MAX_BYTES,
    waiting_max_bytes: MAX_BYTES,
    kept_max_bytes: u64::MAX,
};

pub(crate) fn in_memory() -> MemoryLog {
    let log = MemoryLog::new(4);
    log.set_limits(LIMITS);
    log
}

impl Subject for MemoryLog {
    fn log(&self) -> &dyn Log {
        self
    }
    fn restart(&mut self) {
        Log::close(self);
        MemoryLog::restart(self);
    }
    fn set_full(&mut self, is_full: bool) {
        let kept_max_bytes = if is_full { 0 } else { u64::MAX };
        self.set_limits(MemoryLimits { kept_max_bytes, ..LIMITS });
    }
    fn rot(&mut self, partition: PartitionId, place: Lsn, _payload: &str) {
        self.lose(partition, place);
    }
}

/// The machine's clock, but for a wait that nobody has to wait for.
#[derive(Default)]
struct SteppedClock {
    real: RealClock,
    ahead_ms: AtomicU64,
}

impl Clock for SteppedClock {
    fn now_ms(&self) -> i64 {
        self.real.now_ms()
    }
    fn elapsed(&self) -> Duration {
        self.real.elapsed() + Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }
}

/// A journal in a folder of its own.
pub(crate) struct OnDisk {
    dir: tempfile::TempDir,
    faults: Arc<Faults>,
    clock: Arc<SteppedClock>,
    journal: Option<Journal>,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        let (faults, clock) = (Arc::default(), Arc::default());
        let dir = tempfile::tempdir().unwrap();
        let mut subject = Self { dir, faults, clock, journal: None };
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
            file_bytes: MAX_BYTES,
            write_buffer_max_bytes: MAX_BYTES,
            epoch_timeout_ms: 5_000,
            coordinator_count: 1_024,
            disk_reserve: DiskReserve { min_bytes: MAX_BYTES, min_percent: 100 },
            hold_max_age_ms: 3_600_000,
            producers: ProducerSettings::default(),
        };
        let mut runtime = Runtime { clock: self.clock.clone(), ..Runtime::real() };
        runtime.disk = Arc::new(FaultyDisk::new(runtime.disk, Arc::clone(&self.faults)));
        self.journal = Some(Journal::open(settings, runtime).unwrap());
    }
    fn set_full(&mut self, is_full: bool) {
        self.faults.set_free_bytes(is_full.then_some(0));
        // What a disk said is believed for a while.
        self.clock.ahead_ms.fetch_add(1_000, Ordering::Relaxed);
    }
    #[expect(clippy::disallowed_methods, reason = "the file is changed behind the journal's back")]
    fn rot(&mut self, _partition: PartitionId, _place: Lsn, payload: &str) {
        for entry in fs::read_dir(self.dir.path().join("journal")).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(payload.len()).position(|it| it == payload.as_bytes());
            let Some(at) = found else { continue };
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            return file.write_all_at(b"!", at as u64).unwrap();
        }
        panic!("{payload} is in no file");
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
