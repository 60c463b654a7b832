use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

use varve_columnar::builders::MetadataBuilder;
use varve_log::{DiskReserve, Log as _, MemoryLog};
use varve_types::{Table, TenantId};

use super::*;
use crate::{
    Store, StoreSettings,
    files::{SegmentFiles, below},
};

mod retention;

fn open(folder: &Path, log: &Arc<MemoryLog>) -> Store {
    Store::open(log.clone(), StoreSettings::quiet(folder)).unwrap()
}

fn shop() -> TenantId {
    TenantId::parse("shop").unwrap()
}

/// Three segments of a row each, with names of their own.
fn fill(store: &Store) {
    for name in ["a", "b", "c"] {
        let mut rows = MetadataBuilder::default();
        rows.append(name, "counter", "", "");
        let (told, fate) = mpsc::channel();
        let done = Box::new(move |outcome| told.send(outcome).unwrap());
        store.append(&shop(), vec![(Table::Metadata, rows.finish().unwrap())], 0, done);
        fate.recv().unwrap().unwrap();
        store.seal_now().unwrap();
    }
}

fn rows_of(store: &Store) -> usize {
    let snapshot = store.snapshot(&shop(), Table::Metadata);
    let batches = snapshot.segments.iter().flat_map(|one| one.read(&["name"], None).unwrap());
    batches.map(|batch| batch.num_rows()).sum()
}

/// Files of segments, and segments, after a merge that is killed at a step and a restart.
fn killed_at(step: Step) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(1));
    let store = open(folder.path(), &log);
    fill(&store);
    store.shared().compaction.lock().stop_at = Some(step);
    let error = store.compact_now().unwrap_err();
    assert!(error.contains("killed"), "{error}");
    log.close();
    drop(store);
    log.restart();
    let store = open(folder.path(), &log);
    assert_eq!(rows_of(&store), 3);
    let files = below(&folder.path().join("segments")).unwrap().len();
    (files, store.snapshot(&shop(), Table::Metadata).segments.len())
}

#[test]
fn a_kill_before_the_manifest_leaves_the_old_segments_alone() {
    assert_eq!(killed_at(Step::Written), (6, 3));
}

#[test]
fn a_kill_after_the_manifest_leaves_the_new_segment_alone() {
    assert_eq!(killed_at(Step::Named), (2, 1));
    assert_eq!(killed_at(Step::Shown), (2, 1));
}

#[test]
fn segments_that_cannot_be_merged_are_told_and_left_alone_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(1));
    let store = open(folder.path(), &log);
    fill(&store);
    let files = below(&folder.path().join("segments")).unwrap();
    let parquet = files.iter().find(|path| path.extension().is_some_and(|one| one == "parquet"));
    let bytes = fs::read(parquet.unwrap()).unwrap();
    fs::write(parquet.unwrap(), vec![0; bytes.len()]).unwrap();
    let error = store.compact_now().unwrap_err();
    assert!(error.contains(".parquet"), "{error}");
    assert_eq!(store.status().compaction.error, Some(error));
    // Nothing is tried again at once, and nothing of the try is left.
    store.compact_now().unwrap();
    // The damaged one is set aside with its directory; the two others are as they were.
    assert_eq!(below(&folder.path().join("segments")).unwrap().len(), 4);
    assert_eq!(store.status().quarantined, 1);
}

#[test]
fn without_space_nothing_is_merged_and_the_error_says_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(1));
    drop(open(folder.path(), &log));
    let disk_reserve = DiskReserve { min_bytes: u64::MAX, min_percent: 100 };
    let settings = StoreSettings { disk_reserve, ..StoreSettings::quiet(folder.path()) };
    let store = Store::open(log, settings).unwrap();
    fill(&store);
    let error = store.compact_now().unwrap_err();
    assert!(error.contains("bytes free, merging takes"), "{error}");
    assert_eq!(rows_of(&store), 3);
}
