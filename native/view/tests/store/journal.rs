//! The same over the journal on disk: its epochs, trim points and files.

use std::{path::Path, sync::Arc};

use varve_log::{DiskReserve, Journal, JournalSettings, Log, ProducerSettings, Runtime};
use varve_types::Table;
use varve_view::{Store, StoreSettings, UpkeepSettings};

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
        data_dir: folder.to_owned(),
        subscribe_credit_bytes: 1 << 20,
        partitions: 2,
        tenant_partitions: 2,
        memtable_max_bytes: 64 << 20,
        memtable_max_age_ms: 3_600_000,
        text_block_rows: 16,
        disk_reserve: varve_log::DiskReserve::NONE,
        upkeep: UpkeepSettings::OFF,
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
