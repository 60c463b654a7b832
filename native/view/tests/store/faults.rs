//! Kills, damage and full disks: what was acknowledged stays, what is lost is said.

use std::{fs, sync::Arc};

use bytes::Bytes;
use varve_log::{
    Append, CoordinatorsError, Hold, HoldError, HoldStatus, Log, MemoryLog, ReadError, Record,
    SessionId, Subscribe, SubscribeError, Subscription,
};
use varve_types::{ErrorCode, Lsn, PartitionId, Table};
use varve_view::Store;

use crate::support::{Home, Line, append, logs, rows, tenant};

fn lines(from: i64, count: i64) -> Vec<Line> {
    (from..from + count).map(|at| ((at % 3) as u8, at, format!("line {at}"))).collect()
}

/// A store with two segments of logs and some rows in the log alone.
fn home_with_segments() -> Home {
    let home = Home::new();
    for from in [0, 10, 20] {
        home.append(&tenant("shop"), vec![(Table::Logs, logs(&lines(from, 10)))]);
        if from < 20 {
            home.store().seal_now().unwrap();
        }
    }
    home
}

fn row_count(home: &Home) -> usize {
    rows(Table::Logs, &home.store().snapshot(&tenant("shop"), Table::Logs)).len()
}

/// A log that holds everything for good, as one does that was killed before it was trimmed.
struct Untrimmed(Arc<MemoryLog>);

impl Log for Untrimmed {
    fn register_schema(&self, schema_id: u32, bytes: Bytes) {
        self.0.register_schema(schema_id, bytes);
    }
    fn open_session(&self, producer: &[u8]) -> Result<SessionId, CoordinatorsError> {
        self.0.open_session(producer)
    }
    fn append(&self, records: Vec<Append>) -> Result<(), varve_log::AppendError> {
        self.0.append(records)
    }
    fn tail(&self, partition: PartitionId) -> Lsn {
        self.0.tail(partition)
    }
    fn read(
        &self,
        partition: PartitionId,
        from: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<Record>, ReadError> {
        self.0.read(partition, from, max_bytes)
    }
    fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError> {
        self.0.subscribe(subscribe)
    }
    fn trim(&self, _snapshot: &varve_log::Snapshot, _up_to: &[(PartitionId, Lsn)]) {}
    fn hold(&self, hold: Hold) -> Result<(), HoldError> {
        self.0.hold(hold)
    }
    fn release(&self, name: &str) -> Result<bool, HoldError> {
        self.0.release(name)
    }
    fn holds(&self) -> Vec<HoldStatus> {
        self.0.holds()
    }
    fn partitions(&self) -> Vec<PartitionId> {
        self.0.partitions()
    }
    fn close(&self) {
        self.0.close();
    }
}

#[test]
fn a_kill_between_segment_and_manifest_loses_and_doubles_nothing() {
    let mut home = home_with_segments();
    home.stop();
    let log = Arc::new(Untrimmed(home.log.clone()));
    let open = || Store::open(log.clone(), home.settings()).unwrap();
    let manifest = home.folder.path().join("manifest/manifest.json");
    let before = fs::read(&manifest).unwrap();
    open().seal_now().unwrap();
    assert_eq!(home.files("parquet").len(), 3);
    // As the kill leaves it: all of the new segment's files, and the manifest of before.
    fs::write(&manifest, &before).unwrap();
    fs::write(manifest.with_file_name("manifest.json.new"), b"{").unwrap();
    let shop = tenant("shop");
    for seal in [false, true] {
        let store = open();
        if seal {
            store.seal_now().unwrap();
        }
        assert_eq!(rows(Table::Logs, &store.snapshot(&shop, Table::Logs)).len(), 30);
        assert_eq!(home.files("parquet").len(), if seal { 3 } else { 2 });
    }
}

#[test]
fn a_damaged_or_missing_file_sets_its_segment_aside_and_the_others_stay() {
    for (extension, harm) in [
        ("directory", Harm::Flip),
        ("directory", Harm::Cut),
        ("directory", Harm::Remove),
        ("parquet", Harm::Cut),
        ("parquet", Harm::Remove),
    ] {
        let mut home = home_with_segments();
        harm.to(&home.files(extension)[0]);
        home.restart();
        assert_eq!(row_count(&home), 20, "{extension} {harm:?}");
        assert_eq!(home.store().status().quarantined, 1);
        assert!(home.folder.path().join("quarantine").read_dir().unwrap().count() > 0);
        // It is said as long as the files are there, and costs nothing more.
        home.restart();
        assert_eq!(row_count(&home), 20);
        assert_eq!(home.store().status().quarantined, 1);
    }
}

#[test]
fn a_page_that_turns_out_damaged_sets_its_segment_aside_and_later_snapshots_say_so() {
    let shop = tenant("shop");
    for harm in [Harm::Flip, Harm::Remove] {
        let mut home = home_with_segments();
        harm.to(&home.files("parquet")[0]);
        let snapshot = home.store().snapshot(&shop, Table::Logs);
        assert!(snapshot.warnings.is_empty());
        let columns = ["time_unix_nano", "stream", "body", "_offset"];
        let error = snapshot.segments[0].read(&columns, None).unwrap_err();
        let damaged = error.damaged().unwrap();
        assert!(home.store().set_aside(damaged, &error.to_string()), "{harm:?}");
        // Another query met it as well.
        assert!(home.store().set_aside(damaged, "again"), "{harm:?}");
        for restart in [false, true] {
            if restart {
                home.restart();
            }
            let snapshot = home.store().snapshot(&shop, Table::Logs);
            let warning = snapshot.warnings.first().unwrap();
            assert!(
                warning.starts_with("10 records of logs from 0 to 0 ms are missing: "),
                "{warning}"
            );
            assert!(warning.contains(".parquet"), "{warning}");
            assert_eq!(home.store().status().quarantine, snapshot.warnings);
            assert_eq!(home.store().status().quarantined, 1);
            assert_eq!(row_count(&home), 20);
        }
        assert!(home.store().snapshot(&shop, Table::Spans).warnings.is_empty());
        assert!(home.store().snapshot(&tenant("other"), Table::Logs).warnings.is_empty());
    }
}

#[test]
fn a_damaged_segment_does_not_keep_the_others_from_being_merged() {
    let home = home_with_segments();
    home.store().seal_now().unwrap();
    Harm::Flip.to(&home.files("parquet")[1]);
    assert!(home.store().compact_now().is_err());
    assert_eq!(home.store().status().quarantined, 1);
    assert_eq!(row_count(&home), 20);
}

#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip,
    Cut,
    Remove,
}

impl Harm {
    fn to(self, path: &std::path::Path) {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        match self {
            Self::Flip => bytes[middle] ^= 1,
            Self::Cut => bytes.truncate(middle),
            Self::Remove => return fs::remove_file(path).unwrap(),
        }
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_damaged_text_index_is_read_around() {
    for harm in [Harm::Flip, Harm::Cut, Harm::Remove] {
        let mut home = home_with_segments();
        harm.to(&home.files("text")[0]);
        home.restart();
        let snapshot = home.store().snapshot(&tenant("shop"), Table::Logs);
        assert_eq!(snapshot.segments[0].rows_with_text("line").unwrap(), None, "{harm:?}");
        assert!(snapshot.segments[1].rows_with_text("line").unwrap().is_some());
        assert_eq!(home.store().status().text_indexes_damaged, 1);
        assert_eq!(row_count(&home), 30);
    }
}

#[test]
fn a_damaged_manifest_is_refused_with_its_path() {
    for (content, reason) in [
        (&b"{\"version\":1,\"nextI"[..], "is damaged: "),
        (
            &b"{\"version\":7,\"nextId\":0,\"covered\":[],\"segments\":[]}"[..],
            "has version 7, this program reads 1 to 2; ",
        ),
    ] {
        let mut home = home_with_segments();
        home.stop();
        let manifest = home.folder.path().join("manifest/manifest.json");
        fs::write(&manifest, content).unwrap();
        let error = home.open().map(drop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreCorrupt);
        assert!(error.to_string().contains("manifest.json"), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(home.files("parquet").len(), 2);
    }
}

#[test]
fn segments_without_a_manifest_are_never_taken_for_leftovers() {
    let mut home = home_with_segments();
    home.stop();
    fs::remove_file(home.folder.path().join("manifest/manifest.json")).unwrap();
    let error = home.open().map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreCorrupt);
    assert!(error.to_string().contains("is missing, but there are 6 files"), "{error}");
    assert_eq!(home.files("parquet").len(), 2);
}

#[test]
fn a_start_that_is_refused_changes_nothing() {
    let mut home = home_with_segments();
    let manifest = home.folder.path().join("manifest/manifest.json");
    let before = fs::read(&manifest).unwrap();
    home.store().seal_now().unwrap();
    home.stop();
    // A manifest of before the log was trimmed, as from a backup, and a damaged segment.
    fs::write(&manifest, &before).unwrap();
    Harm::Cut.to(&home.files("directory")[0]);
    let error = home.open().map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreCorrupt);
    assert_eq!(home.files("parquet").len(), 3);
    assert_eq!(fs::read(&manifest).unwrap(), before);
    assert!(!home.folder.path().join("quarantine").exists());
}

/// Makes the folder's files unwritable while it lives. It takes the place of the folder, as the
/// tests may run as root, who writes anywhere.
struct Blocked {
    folder: std::path::PathBuf,
    aside: std::path::PathBuf,
}

impl Blocked {
    fn new(folder: std::path::PathBuf) -> Self {
        let aside = folder.with_extension("aside");
        fs::rename(&folder, &aside).unwrap();
        fs::write(&folder, b"").unwrap();
        Self { folder, aside }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        fs::remove_file(&self.folder).unwrap();
        fs::rename(&self.aside, &self.folder).unwrap();
    }
}

#[test]
fn rows_stay_when_sealing_fails_and_are_sealed_when_it_works_again() {
    for folder in ["segments/shop", "manifest"] {
        let mut home = home_with_segments();
        let shop = tenant("shop");
        let blocked = Blocked::new(home.folder.path().join(folder));
        let reason = home.store().seal_now().unwrap_err();
        assert!(reason.contains(folder), "{reason}");
        assert_eq!(home.store().status().seal_error, Some(reason));
        // Appends go on, into the next memtable.
        home.append(&shop, vec![(Table::Logs, logs(&lines(30, 10)))]);
        assert_eq!(home.store().status().memtable_rows, 20);
        drop(blocked);
        assert_eq!(row_count(&home), 40);
        home.store().seal_now().unwrap();
        assert_eq!(home.store().status().seal_error, None);
        assert_eq!(home.store().status().memtable_rows, 0);
        assert_eq!(row_count(&home), 40);
        home.restart();
        assert_eq!(row_count(&home), 40);
        assert_eq!(home.files("parquet").len(), 4);
    }
}

#[test]
fn appends_are_refused_when_memtables_cannot_be_sealed_for_long() {
    let mut home = Home::new();
    home.stop();
    let mut settings = home.settings();
    settings.memtable_max_bytes = 20_000;
    let store = Store::open(home.log.clone(), settings).unwrap();
    let shop = tenant("shop");
    let blocked = Blocked::new(home.folder.path().join("segments"));
    let refused = (0..10_000)
        .find_map(|at| append(&store, &shop, vec![(Table::Logs, logs(&lines(at, 10)))]).err())
        .unwrap();
    assert_eq!(refused.code(), ErrorCode::Overloaded);
    drop(blocked);
    store.seal_now().unwrap();
    append(&store, &shop, vec![(Table::Logs, logs(&lines(0, 1)))]).unwrap();
}
