//! The same over the journal on disk: its epochs, trim points and files.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use varve_log::{DiskReserve, Hold, Journal, JournalSettings, Log, ProducerSettings, Runtime};
use varve_types::Table;
use varve_view::{Store, StoreSettings};

use crate::support::{Line, append, logs, rows, tenant, wait_until};

fn open(folder: &Path) -> (Arc<Journal>, Store) {
    let journal = JournalSettings {
        dir: folder.to_owned(),
        partitions: 2,
        file_bytes: 1 << 20,
        write_buffer_max_bytes: 16 << 20,
        epoch_timeout_ms: 5_000,
        coordinator_count: 16,
        disk_reserve: DiskReserve::NONE,
        hold_max_age_ms: 3_600_000,
        producers: ProducerSettings::default(),
    };
    let log = Arc::new(Journal::open(journal, Runtime::real()).unwrap());
    let settings = StoreSettings {
        partitions: 2,
        tenant_partitions: 2,
        text_block_rows: 16,
        ..StoreSettings::quiet(folder)
    };
    let store = Store::open(log.clone(), settings).unwrap();
    (log, store)
}

#[test]
fn rows_outlive_starts_whether_they_were_sealed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let shop = tenant("shop");
    let mut expected = 0;
    for start in 0..6i64 {
        let (log, store) = open(folder.path());
        let count = |store: &Store| rows(Table::Logs, &store.snapshot(&shop, Table::Logs)).len();
        assert_eq!(count(&store), expected, "start {start}");
        for request in 0..4i64 {
            let lines: Vec<Line> =
                (0..5u8).map(|stream| (stream, request, format!("{start} {request}"))).collect();
            append(&store, &shop, vec![(Table::Logs, logs(&lines))]).unwrap();
            expected += lines.len();
            // In some starts nothing is sealed, in some all but the last request, in some all.
            if start % 3 == request {
                store.seal_now().unwrap();
            }
        }
        assert_eq!(count(&store), expected);
        log.close();
        store.close();
    }
}

#[test]
fn the_journal_lets_go_of_files_whose_records_are_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let (log, store) = open(folder.path());
    let line = "x".repeat(10_000);
    for time in 0..400 {
        let lines: Vec<Line> = (0..4u8).map(|stream| (stream, time, line.clone())).collect();
        append(&store, &tenant("shop"), vec![(Table::Logs, logs(&lines))]).unwrap();
    }
    let before = log.status().files;
    assert!(before > 10);
    store.seal_now().unwrap();
    wait_until(|| log.status().files <= 2);
}

/// A file's front in the same place below another folder.
fn copy(path: &Path, bytes: u64, from: &Path, to: &Path) {
    let target = to.join(path.strip_prefix(from).unwrap());
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    let mut content = fs::read(path).unwrap();
    content.truncate(bytes as usize);
    fs::write(target, content).unwrap();
}

#[test]
fn a_copy_of_what_is_pinned_and_then_of_what_is_synced_has_all_rows_once() {
    let (folder, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (from, to) = (folder.path(), copied.path());
    let (log, store) = open(from);
    let shop = tenant("shop");
    let send = |time: i64| {
        let lines: Vec<Line> = (0..4u8)
            .map(|stream| (stream, time, format!("{time} {}", "x".repeat(9_000))))
            .collect();
        append(&store, &shop, vec![(Table::Logs, logs(&lines))]).unwrap();
    };
    (0..60).for_each(send);
    let (name, owner) = ("copy".into(), "tests".into());
    log.hold(Hold { name, owner, max_age_ms: 60_000, from: BTreeMap::new() }).unwrap();
    store.seal_now().unwrap();
    let pinned = store.pin().unwrap();
    // All of these are behind what is pinned: sealed, merged, and not sealed.
    (60..120).for_each(send);
    store.seal_now().unwrap();
    store.compact_now().unwrap();
    (120..180).for_each(send);
    for file in &pinned.files {
        copy(file, u64::MAX, from, to);
    }
    fs::create_dir_all(to.join("manifest")).unwrap();
    fs::write(to.join("manifest/manifest.json"), &pinned.manifest).unwrap();
    for file in fs::read_dir(from.join("meta")).unwrap() {
        copy(&file.unwrap().path(), u64::MAX, from, to);
    }
    let ends = log.file_ends();
    (180..200).for_each(send);
    for (file, bytes) in ends {
        copy(&file, bytes, from, to);
    }
    let (copied_log, copied_store) = open(to);
    let rows = rows(Table::Logs, &copied_store.snapshot(&shop, Table::Logs));
    assert_eq!(rows.len(), 4 * 180);
    assert_eq!(copied_log.status().damages.len(), 0);
    assert!(copied_log.status().cut_tail.is_none());
}
