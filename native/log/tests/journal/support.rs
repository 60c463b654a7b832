//! A journal in a folder of its own, and what a test does to both.

use bytes::Bytes;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};
use varve_log::{
    Append, AppendError, DiskReserve, Journal, JournalSettings, Log, OpenError, ProducerSettings,
    Runtime, Snapshot,
    runtime::{
        crash_disk::CrashDisk,
        faults::{Faults, FaultyDisk},
    },
};
use varve_types::{LogId, Lsn, PartitionId, TenantId};

pub(crate) const LOGS_0: PartitionId = PartitionId { log: LogId::Logs, number: 0 };
pub(crate) const SPANS_1: PartitionId = PartitionId { log: LogId::Spans, number: 1 };
pub(crate) const FILE_BYTES: u64 = 64 << 10;
/// Where frames start in a file.
pub(crate) const FRAMES_START: u64 = 4096;
/// What the first frame of each file takes here: that of the tenant's name.
pub(crate) const FRAME_OF_TENANT: u64 = 192;
/// The empty group at the end of a closed file.
pub(crate) const CLOSING_GROUP_BYTES: u64 = 128;

pub(crate) fn settings(dir: &Path) -> JournalSettings {
    JournalSettings {
        dir: dir.to_owned(),
        partitions: 2,
        file_bytes: FILE_BYTES,
        write_buffer_max_bytes: 256 << 10,
        epoch_timeout_ms: 5_000,
        coordinator_count: 1_024,
        disk_reserve: DiskReserve::NONE,
        hold_max_age_ms: 3_600_000,
        producers: ProducerSettings::default(),
    }
}

pub(crate) fn open(dir: &Path) -> Result<Journal, OpenError> {
    Journal::open(settings(dir), Runtime::real())
}

/// Where a journal is on a disk in memory.
pub(crate) const IN_MEMORY: &str = "/data";

/// A journal on a disk in memory, with the smallest files there are: they are begun, closed and written
/// again often.
pub(crate) fn open_on(disk: &Arc<CrashDisk>) -> Result<Journal, OpenError> {
    let settings = JournalSettings { file_bytes: 16 << 10, ..settings(Path::new(IN_MEMORY)) };
    Journal::open(settings, Runtime { disk: disk.clone(), ..Runtime::real() })
}

/// A runtime whose disk fails as the second part says.
pub(crate) fn faulty_runtime() -> (Runtime, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let mut runtime = Runtime::real();
    runtime.disk = Arc::new(FaultyDisk::new(runtime.disk, Arc::clone(&faults)));
    (runtime, faults)
}

pub(crate) type Told = Result<Lsn, AppendError>;

/// Starts to append one request; its records' fates arrive in the answer.
pub(crate) fn start_append(
    log: &Journal,
    records: &[(PartitionId, &[u8])],
) -> Result<mpsc::Receiver<Told>, AppendError> {
    let (told, answers) = mpsc::channel();
    let appends = records.iter().map(|(partition, payload)| {
        let told = told.clone();
        Append {
            partition: *partition,
            tenant: TenantId::parse("team-a").unwrap(),
            schema_id: 1,
            rows: 1,
            session: None,
            idempotency_key: 0,
            payload: Bytes::copy_from_slice(payload),
            done: Box::new(move |result| {
                told.send(result.map(|stored| stored.lsn().unwrap())).unwrap_or_default();
            }),
        }
    });
    log.append(appends.collect())?;
    Ok(answers)
}

/// Appends one request and waits for the places of its records.
pub(crate) fn append(
    log: &Journal,
    records: &[(PartitionId, &[u8])],
) -> Result<Vec<Lsn>, AppendError> {
    start_append(log, records)?.iter().collect()
}

/// Payloads that the log holds, in order.
pub(crate) fn payloads(log: &Journal, partition: PartitionId) -> Vec<Vec<u8>> {
    let records = log.read(partition, Lsn::default(), u64::MAX).unwrap();
    records.into_iter().map(|record| record.payload.to_vec()).collect()
}

/// The journal's files, oldest first.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("journal")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "wal"));
    files.sort();
    files
}

/// What else is in the journal's folder, of this kind.
pub(crate) fn others(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("journal")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
}

/// What a crash leaves: the files as they are now, while the journal is still open.
pub(crate) fn crash_image(dir: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    for folder in ["journal", "meta"] {
        fs::create_dir(image.path().join(folder)).unwrap();
        for entry in fs::read_dir(dir.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, image.path().join(folder).join(path.file_name().unwrap())).unwrap();
        }
    }
    image
}

/// Changes a file's bytes in place.
pub(crate) fn alter(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Whose trims these are.
pub(crate) fn views() -> Snapshot {
    Snapshot { holder: "views".into(), location: "manifest.json".into() }
}
