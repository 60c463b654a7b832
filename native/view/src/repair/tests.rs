//! Kills: at every step of a repair, and then a start.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::mpsc,
};

use tempfile::TempDir;
use varve_columnar::builders::{LogRow, LogsBuilder};
use varve_log::{Hold, MemoryLog};
use varve_segment::FilterAttributes;
use varve_types::{Table, TenantId};

use super::*;
use crate::{CheckSettings, Store, StoreSettings, check, files::below, test_rows::log_row};

const ROWS: usize = 12;

fn open(folder: &Path, log: &Arc<MemoryLog>) -> Store {
    Store::open(log.clone(), StoreSettings::quiet(folder)).unwrap()
}

fn shop() -> TenantId {
    TenantId::parse("shop").unwrap()
}

fn lines(from: i64) -> arrow::array::RecordBatch {
    let mut logs = LogsBuilder::default();
    for time_unix_nano in from..from + 4 {
        let stream = logs.intern_stream(r#"{"app":"shop"}"#);
        logs.append(&LogRow {
            detected_level: Some("info"),
            trace_id: Some([7; 16]),
            ..log_row(stream, time_unix_nano, &format!("line {time_unix_nano}"))
        });
    }
    logs.finish().unwrap()
}

/// Three segments of four lines, all of whose records the log still has.
fn filled() -> (TempDir, Arc<MemoryLog>) {
    let (folder, log) = (tempfile::tempdir().unwrap(), Arc::new(MemoryLog::new(1)));
    let (name, owner) = ("test".into(), "test".into());
    let store = open(folder.path(), &log);
    log.hold(Hold { name, owner, max_age_ms: 3_600_000, from: BTreeMap::new() }).unwrap();
    for from in [0, 4, 8] {
        let (told, fate) = mpsc::channel();
        let done = Box::new(move |outcome| told.send(outcome).unwrap());
        store.append(&shop(), vec![(Table::Logs, lines(from))], 0, done);
        fate.recv().unwrap().unwrap();
        store.seal_now().unwrap();
    }
    log.close();
    drop(store);
    log.restart();
    (folder, log)
}

fn rows_of(store: &Store) -> usize {
    let snapshot = store.snapshot(&shop(), Table::Logs);
    let batches = snapshot.segments.iter().flat_map(|one| one.read(&["body"], None).unwrap());
    batches.map(|batch| batch.num_rows()).sum()
}

fn file(folder: &Path, extension: &str, number: usize) -> PathBuf {
    let mut files = below(&folder.join("segments")).unwrap();
    files.retain(|path| path.extension().is_some_and(|one| one == extension));
    files.sort();
    files.swap_remove(number)
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn settings(folder: &Path) -> RepairSettings {
    let data_dir = folder.to_owned();
    RepairSettings {
        data_dir,
        dry_run: false,
        text_block_rows: 4,
        filter_attributes: FilterAttributes::default(),
        workers: 2,
    }
}

fn repair_until(
    folder: &Path,
    log: &Arc<MemoryLog>,
    stop_at: Option<u32>,
) -> Result<RepairReport, UpkeepError> {
    let mut open_log = || Ok(log.clone() as Arc<dyn Log>);
    let settings = settings(folder);
    let steps = Steps { done: 0, stop_at };
    Repair::new(&settings, &mut open_log, steps)?.run(&UpkeepProgress::default())
}

fn is_sound(folder: &Path) -> bool {
    let settings =
        CheckSettings { data_dir: folder.to_owned(), tenant: None, depth: Depth::Rows, workers: 1 };
    check(&settings, &UpkeepProgress::default()).unwrap().findings.is_empty()
}

/// Kills a repair of what `harm` does at its first step, its second, and so on, until it comes to its end;
/// at how many steps that was.
fn killed_at_each_step(harm: impl Fn(&Path, &Arc<MemoryLog>)) -> u32 {
    for step in 1.. {
        let (folder, log) = filled();
        let folder = folder.path();
        harm(folder, &log);
        assert!(!is_sound(folder));
        let repaired = catch_unwind(AssertUnwindSafe(|| repair_until(folder, &log, Some(step))));
        let is_killed = repaired.map(Result::unwrap).is_err();
        for start in [false, true] {
            if start {
                let store = open(folder, &log);
                // Rows are missing where a segment is set aside, and then that is said.
                let warnings = store.snapshot(&shop(), Table::Logs).warnings.len();
                assert_eq!(rows_of(&store), ROWS - 4 * warnings, "killed at step {step}");
                log.close();
                drop(store);
                log.restart();
            }
            let report = repair_until(folder, &log, None).unwrap();
            assert_eq!(report.lost, [], "killed at step {step}");
            assert!(is_sound(folder), "killed at step {step}, start: {start}");
        }
        let again = repair_until(folder, &log, None).unwrap();
        assert_eq!(again, RepairReport { segments: 3, ..RepairReport::default() });
        let store = open(folder, &log);
        assert_eq!(rows_of(&store), ROWS, "killed at step {step}");
        assert!(store.snapshot(&shop(), Table::Logs).warnings.is_empty());
        if !is_killed {
            return step - 1;
        }
    }
    unreachable!("a repair ends")
}

#[test]
fn a_kill_while_indexes_are_made_anew_harms_nothing() {
    let steps = killed_at_each_step(|folder, _| {
        flip(&file(folder, "directory", 0));
        flip(&file(folder, "text", 0));
        fs::remove_file(file(folder, "text", 1)).unwrap();
    });
    assert_eq!(steps, 3);
}

#[test]
fn a_kill_while_rows_are_taken_from_the_log_harms_nothing() {
    let steps = killed_at_each_step(|folder, _| {
        flip(&file(folder, "parquet", 0));
        fs::remove_file(file(folder, "parquet", 1)).unwrap();
    });
    // Of each: set aside, out of the manifest, written, in the manifest, forgotten.
    assert_eq!(steps, 10);
}

#[test]
fn a_kill_while_a_segment_is_put_back_harms_nothing() {
    let steps = killed_at_each_step(|folder, log| {
        flip(&file(folder, "directory", 1));
        drop(open(folder, log));
        log.close();
        log.restart();
    });
    assert_eq!(steps, 3);
}

#[test]
fn a_kill_while_the_manifest_is_put_in_place_harms_nothing() {
    let steps = killed_at_each_step(|folder, _| {
        flip(&folder.join("manifest/manifest.json"));
        fs::write(folder.join("segments/shop/logs/0000000000000099.text"), "half").unwrap();
    });
    assert_eq!(steps, 2);
}

#[test]
fn a_dry_run_tells_the_same_and_changes_nothing() {
    let (folder, log) = filled();
    let folder = folder.path();
    flip(&file(folder, "parquet", 0));
    flip(&file(folder, "directory", 1));
    flip(&file(folder, "text", 2));
    fs::write(folder.join("segments/shop/logs/0000000000000099.text"), "half").unwrap();
    let contents = || {
        let mut files = below(folder).unwrap();
        files.sort();
        files.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect::<Vec<_>>()
    };
    let before = contents();
    let mut open_log = || Ok(log.clone() as Arc<dyn Log>);
    let dry = RepairSettings { dry_run: true, ..settings(folder) };
    let told = repair(&dry, &mut open_log, &UpkeepProgress::default()).unwrap();
    assert!(contents() == before);
    assert_eq!((told.repaired.len(), told.removed.len()), (3, 1));
    assert_eq!(repair_until(folder, &log, None).unwrap(), told);
    assert!(is_sound(folder));
}
