//! Requests: shown whole, refused whole, bounded.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use varve_log::{Log, MemoryLog};
use varve_types::{ErrorCode, Lsn, Table};
use varve_view::{Store, StoreSettings};

use crate::support::{Home, Line, append, logs, metadata, rows, samples, tenant, wait_until};

#[test]
fn a_snapshot_has_a_whole_request_or_nothing_of_it() {
    let home = Home::new();
    let shop = tenant("shop");
    // Eight streams are in both of the tenant's partitions.
    let lines: Vec<Line> = (0..8u8).map(|stream| (stream, 1, "x".to_owned())).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..300 {
                home.append(&shop, vec![(Table::Logs, logs(&lines))]);
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            let snapshot = home.store().snapshot(&shop, Table::Logs);
            let rows: usize = snapshot.memtable.iter().map(|one| one.batch.num_rows()).sum();
            assert_eq!(rows % lines.len(), 0);
        }
    });
}

#[test]
fn rows_are_neither_lost_nor_doubled_while_memtables_are_sealed() {
    let home = Home::new();
    let shop = tenant("shop");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for at in 0..200 {
                home.append(&shop, vec![(Table::Logs, logs(&[(1, at, format!("{at}"))]))]);
                let snapshot = home.store().snapshot(&shop, Table::Logs);
                let sealed: u32 = snapshot.segments.iter().map(|segment| segment.rows()).sum();
                let fresh: usize = snapshot.memtable.iter().map(|one| one.batch.num_rows()).sum();
                assert_eq!(i64::from(sealed) + fresh as i64, at + 1);
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            home.store().seal_now().unwrap();
        }
    });
    assert_eq!(rows(Table::Logs, &home.store().snapshot(&shop, Table::Logs)).len(), 200);
}

#[test]
fn a_request_of_several_tables_is_appended_as_one() {
    let mut home = Home::new();
    let shop = tenant("shop");
    let batches =
        vec![(Table::Samples, samples(&[(1, 2, 3)])), (Table::Metadata, metadata(&[(1, 1)]))];
    home.append(&shop, batches);
    home.restart();
    assert_eq!(home.store().snapshot(&shop, Table::Metadata).memtable.len(), 1);
    assert_eq!(home.store().snapshot(&shop, Table::Samples).memtable.len(), 1);
}

#[test]
fn nothing_is_shown_of_what_the_log_refused() {
    let home = Home::new();
    let shop = tenant("shop");
    home.log.close();
    let refused = append(home.store(), &shop, vec![(Table::Logs, logs(&[(1, 1, "x".into())]))]);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::Closed);
    assert!(home.store().snapshot(&shop, Table::Logs).memtable.is_empty());
}

#[test]
fn a_request_without_rows_is_done_at_once() {
    let home = Home::new();
    home.append(&tenant("shop"), vec![(Table::Logs, logs(&[]))]);
}

#[test]
fn a_full_memtable_is_sealed_and_the_log_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(1));
    let settings = StoreSettings { memtable_max_bytes: 1, ..StoreSettings::quiet(folder.path()) };
    let store = Store::open(log.clone(), settings).unwrap();
    let shop = tenant("shop");
    // The first makes the memtable full; it is sealed soon.
    append(&store, &shop, vec![(Table::Logs, logs(&[(1, 1, "x".into())]))]).unwrap();
    wait_until(|| store.status().seals_total == 1);
    let partition = log.partitions()[0];
    wait_until(|| log.read(partition, Lsn::default(), 1).is_err());
    let status = store.status();
    assert_eq!(status.memtable_rows, 0);
    assert_eq!(status.tables[0].records, 1);
    assert_eq!(status.covered[0].up_to, "1:1");
    assert_eq!(status.covered[0].partition, "logs/0");
}
