use std::{fs, sync::mpsc, time::Instant};

use varve_columnar::builders::{LogRow, LogsBuilder};
use varve_log::MemoryLog;
use varve_types::TenantId;

use super::*;
use crate::{Store, StoreSettings, test_rows::log_row};

const SEGMENTS: u64 = 400;
const ROWS: u64 = 100_000;

fn lines() -> arrow::array::RecordBatch {
    let mut logs = LogsBuilder::default();
    for row in 0..ROWS {
        let stream = logs.intern_stream(&format!(r#"{{"app":"shop","pod":"pod-{}"}}"#, row % 200));
        let trace = u128::from(row.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        logs.append(&LogRow {
            detected_level: Some("info"),
            trace_id: Some(trace.to_be_bytes()),
            ..log_row(stream, row as i64, "order accepted")
        });
    }
    logs.finish().unwrap()
}

/// As much as 10 GB of lines: 400 segments of 100,000 rows, each with 200 streams and as many traces as rows.
/// All are one segment's files under names of their own, and count as 25 MB each.
#[test]
fn a_store_of_ten_gigabytes_opens_within_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(1));
    let settings = || StoreSettings::quiet(folder.path());
    let store = Store::open(log.clone(), settings()).unwrap();
    let (told, fate) = mpsc::channel();
    let shop = TenantId::parse("shop").unwrap();
    let done = Box::new(move |outcome| told.send(outcome).unwrap());
    store.append(&shop, vec![(Table::Logs, lines())], 0, done);
    fate.recv().unwrap().unwrap();
    store.seal_now().unwrap();
    log.close();
    drop(store);
    log.restart();
    let folders = Folders::new(folder.path());
    let mut manifest = Manifest::read_main(&folders).unwrap();
    let first = manifest.segments.remove(0);
    for _ in 0..SEGMENTS {
        let mut entry = first.clone();
        entry.id = manifest.take_id();
        for (from, to) in folders.segment(&first).all().iter().zip(folders.segment(&entry).all()) {
            if from.exists() {
                fs::hard_link(from, to).unwrap();
            }
        }
        entry.size_bytes = 25 << 20;
        manifest.segments.push(entry);
    }
    manifest.write(&folders.manifest()).unwrap();
    let started = Instant::now();
    let store = Store::open(log, settings()).unwrap();
    let took = started.elapsed();
    println!("opened in {took:?}");
    assert_eq!(store.status().tables[0].records, SEGMENTS * ROWS);
    assert_eq!(store.snapshot(&shop, Table::Logs).segments.len(), SEGMENTS as usize);
    assert!(took < Duration::from_secs(2), "{took:?}");
}
