//! Where a view begins: at a snapshot, its manifest with the segments, and then the log's tail.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use tempfile::TempDir;
use varve_log::{Hold, Log as _, MemoryLog};
use varve_types::{Lsn, Table};
use varve_view::{OpenError, Store, StoreSettings};

use crate::support::{Home, Line, PARTITIONS, logs, rows, tenant};

fn append(home: &Home, text: &str) {
    let lines: Vec<Line> = (0..10u8).map(|stream| (stream, 1, text.to_owned())).collect();
    home.append(&tenant("shop"), vec![(Table::Logs, logs(&lines))]);
}

fn row_count(store: &Store) -> usize {
    rows(Table::Logs, &store.snapshot(&tenant("shop"), Table::Logs)).len()
}

/// A copy of the snapshot: all files below.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).unwrap();
        }
    }
}

fn open_copy(home: &Home, folder: &TempDir) -> Result<Store, OpenError> {
    let settings = StoreSettings { data_dir: folder.path().to_owned(), ..home.settings() };
    Store::open(home.log.clone(), settings)
}

/// A sealed request, a copy of the snapshot with it, and two requests after it, the first sealed.
fn home_and_copy(hold: Option<Hold>) -> (Home, TempDir) {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    append(&home, "sealed");
    home.store().seal_now().unwrap();
    if let Some(hold) = hold {
        home.log.hold(hold).unwrap();
    }
    copy(home.folder.path(), folder.path());
    append(&home, "sealed after the copy");
    home.store().seal_now().unwrap();
    append(&home, "not sealed");
    (home, folder)
}

#[test]
fn a_new_view_boots_from_a_snapshot_and_the_tail_of_the_log_that_a_hold_keeps() {
    let (name, owner) = ("copy".into(), "tests".into());
    let hold = Hold { name, owner, max_age_ms: 60_000, from: BTreeMap::new() };
    let (home, folder) = home_and_copy(Some(hold));
    let new = open_copy(&home, &folder).unwrap();
    assert_eq!((row_count(&new), row_count(home.store())), (30, 30));
}

#[test]
fn a_view_that_is_behind_the_log_says_what_is_missing_and_what_to_do() {
    let (home, folder) = home_and_copy(None);
    let refused = open_copy(&home, &folder).err().unwrap().to_string();
    assert!(refused.starts_with("the segments cover logs/"), "{refused}");
    assert!(
        refused.ends_with(
            "what is between was sealed (manifest/manifest.json) and is not here; restore manifest/ and segments/ from a backup, or move the data directory away to start empty"
        ),
        "{refused}"
    );
    let before = fs::read_dir(folder.path().join("segments")).unwrap().count();
    drop(open_copy(&home, &folder).err().unwrap());
    assert_eq!(fs::read_dir(folder.path().join("segments")).unwrap().count(), before);
}

#[test]
fn a_view_that_was_deleted_does_not_start_empty_behind_a_log_that_was_trimmed_for_it() {
    let mut home = Home::new();
    append(&home, "sealed");
    home.store().seal_now().unwrap();
    append(&home, "not sealed");
    home.stop();
    for folder in ["manifest", "segments"] {
        fs::remove_dir_all(home.folder.path().join(folder)).unwrap();
    }
    let refused = home.open().err().unwrap();
    assert!(matches!(refused, OpenError::Gap { covered: None, .. }), "{refused}");
}

#[test]
fn a_view_that_was_deleted_before_anything_was_trimmed_is_built_anew_from_the_log() {
    let mut home = Home::new();
    append(&home, "a");
    append(&home, "b");
    home.stop();
    for folder in ["manifest", "segments"] {
        fs::remove_dir_all(home.folder.path().join(folder)).unwrap();
    }
    assert_eq!(row_count(&home.open().unwrap()), 20);
}

#[test]
fn segments_of_another_log_are_refused() {
    let mut home = Home::new();
    append(&home, "sealed");
    home.store().seal_now().unwrap();
    home.stop();
    let empty = Arc::new(MemoryLog::new(PARTITIONS));
    let refused = Store::open(empty, home.settings()).err().unwrap();
    assert!(matches!(refused, OpenError::OtherLog(_)), "{refused}");
    assert!(refused.to_string().starts_with("the segments are not of this log"), "{refused}");
}

#[test]
fn a_start_tells_the_log_what_its_segments_have() {
    let mut home = Home::new();
    append(&home, "sealed");
    home.store().seal_now().unwrap();
    home.restart();
    let partition = home.log.partitions()[0];
    let refused = home.log.read(partition, Lsn::default(), 1).unwrap_err();
    assert!(refused.to_string().contains("manifest/manifest.json"), "{refused}");
}
