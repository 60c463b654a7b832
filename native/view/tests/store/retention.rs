//! Retention of rows: hidden when they are due, wherever they are; gone from the disk in the end.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use arrow::array::AsArray;
use varve_types::Table;
use varve_view::{LabelMatch, MatchKind, Retention, RetentionSettings, StreamRetention};

use crate::support::{Home, all_samples, logs, rows, samples, spans, tenant, wait_until};

const HOUR_MS: i64 = 3_600_000;

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn hours_ago(hours: i64) -> i64 {
    (now_ms() - hours * HOUR_MS) * 1_000_000
}

fn kept(hours: i64) -> Retention {
    Retention { max_age_ms: (hours * HOUR_MS) as u64, max_bytes: 0 }
}

fn stream(table: Table, label: &str, value: &str, kept: Retention) -> StreamRetention {
    let label = LabelMatch { name: label.into(), kind: MatchKind::Equal, value: value.into() };
    StreamRetention::new(None, table, &[label], 1, kept).unwrap()
}

/// Everything ten hours, but the stream `s1` and the series `m1` four.
fn settings() -> RetentionSettings {
    let tables = [Table::Logs, Table::Spans, Table::Samples];
    RetentionSettings {
        standard: tables.map(|table| (table, kept(10))).into(),
        tenants: BTreeMap::new(),
        streams: vec![
            stream(Table::Logs, "app", "s1", kept(4)),
            stream(Table::Samples, "__name__", "m1", kept(4)),
        ],
    }
}

/// Rows of two streams, series and traces, of 1, 5 and 20 hours ago, in two segments.
fn fill(home: &Home) {
    for hours in [&[20, 5][..], &[5, 1]] {
        let (mut lines, mut traces, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for &hours in hours {
            for number in 0..2 {
                lines.push((number, hours_ago(hours), format!("s{number} {hours}h")));
                traces.push((number, hours_ago(hours), hours as u8));
                values.push((number, now_ms() - hours * HOUR_MS, hours as u64));
            }
        }
        let shop = tenant("shop");
        home.append(&shop, vec![(Table::Logs, logs(&lines))]);
        home.append(&shop, vec![(Table::Spans, spans(&traces))]);
        home.append(&shop, vec![(Table::Samples, samples(&values))]);
        home.store().seal_now().unwrap();
    }
}

fn bodies(home: &Home) -> Vec<String> {
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Logs);
    let mut bodies = Vec::new();
    for segment in &snapshot.segments {
        for set in segment.label_sets() {
            for batch in segment.read(&["body"], Some(std::slice::from_ref(&set.rows))).unwrap() {
                bodies
                    .extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
            }
        }
    }
    for one in &snapshot.memtable {
        let column = one.batch.column_by_name("body").unwrap().as_string::<i32>();
        bodies.extend(column.iter().flatten().map(str::to_owned));
    }
    bodies.sort();
    bodies
}

fn span_count(home: &Home) -> usize {
    rows(Table::Spans, &home.store().snapshot(&tenant("shop"), Table::Spans)).len()
}

fn sample_count(home: &Home) -> usize {
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Samples);
    all_samples(&snapshot, i64::MIN, i64::MAX).len()
}

const SHOWN: [&str; 4] = ["s0 1h", "s0 5h", "s0 5h", "s1 1h"];

#[test]
fn rows_are_hidden_by_the_rule_for_their_stream_from_the_moment_the_store_opens() {
    let mut home = Home::new();
    fill(&home);
    assert_eq!(bodies(&home).len(), 8);
    home.retention = settings();
    home.restart();
    assert_eq!(bodies(&home), SHOWN);
    assert_eq!(span_count(&home), 6);
    assert_eq!(sample_count(&home), 4);
}

#[test]
fn what_is_appended_too_old_is_not_shown_either_sealed_or_not() {
    let mut home = Home::new();
    home.retention = settings();
    home.restart();
    let lines = [(0, hours_ago(11), "old".into()), (1, hours_ago(5), "old".into())];
    let lines = [&lines[..], &[(0, hours_ago(5), "kept".into())]].concat();
    home.append(&tenant("shop"), vec![(Table::Logs, logs(&lines))]);
    home.append(&tenant("shop"), vec![(Table::Spans, spans(&[(1, hours_ago(11), 1)]))]);
    assert_eq!((bodies(&home), span_count(&home)), (vec!["kept".to_owned()], 0));
    home.store().seal_now().unwrap();
    assert_eq!((bodies(&home), span_count(&home)), (vec!["kept".to_owned()], 0));
}

#[test]
fn a_dry_run_tells_what_goes_and_changes_nothing() {
    let home = Home::new();
    fill(&home);
    let expired = home.store().expired(&settings()).unwrap();
    let told = |table| {
        let one = expired.iter().find(|one| one.table == table).unwrap();
        (one.segments, one.segments_in_part, one.records_in_part)
    };
    assert_eq!(told(Table::Logs), (0, 2, 4));
    assert_eq!(told(Table::Spans), (0, 1, 2));
    assert!(expired.iter().all(|one| one.segments_in_part == 0 || one.bytes_in_part > 0));
    assert_eq!((bodies(&home).len(), span_count(&home)), (8, 8));
}

#[test]
fn carried_out_the_rows_leave_the_disk_and_the_bytes_are_counted() {
    let mut home = Home::new();
    fill(&home);
    home.retention = settings();
    home.restart();
    home.store().expire_now().unwrap();
    let status = home.store().status();
    assert!(status.expired_bytes_total > 0);
    let records = |table| status.tables.iter().find(|one| one.table == table).unwrap().records;
    assert_eq!((records(Table::Logs), records(Table::Spans), records(Table::Samples)), (4, 6, 4));
    assert_eq!(bodies(&home), SHOWN);
    home.restart();
    assert_eq!(bodies(&home), SHOWN);
}

#[test]
fn a_merge_leaves_out_what_is_too_old() {
    let mut home = Home::new();
    fill(&home);
    home.retention = settings();
    home.restart();
    home.store().compact_now().unwrap();
    let status = home.store().status();
    let records = |table| status.tables.iter().find(|one| one.table == table).unwrap().records;
    assert_eq!((records(Table::Logs), records(Table::Spans)), (4, 6));
    assert_eq!((bodies(&home), span_count(&home)), (SHOWN.map(str::to_owned).to_vec(), 6));
}

#[test]
fn over_its_size_a_stream_loses_its_oldest_rows_and_others_none() {
    let mut home = Home::new();
    fill(&home);
    let few = Retention { max_age_ms: 0, max_bytes: 1 };
    home.retention.streams = vec![stream(Table::Logs, "app", "s1", few)];
    home.restart();
    assert_eq!(bodies(&home), ["s0 1h", "s0 20h", "s0 5h", "s0 5h", "s1 1h", "s1 5h"]);
}

#[test]
fn old_segments_expire_and_their_bytes_are_told() {
    let mut home = Home::new();
    let now_ns = now_ms() * 1_000_000;
    home.append(&tenant("shop"), vec![(Table::Spans, spans(&[(1, 5, 0)]))]);
    home.store().seal_now().unwrap();
    home.append(&tenant("shop"), vec![(Table::Spans, spans(&[(2, now_ns, 0)]))]);
    home.store().seal_now().unwrap();
    home.retention.standard = [(Table::Spans, kept(1))].into();
    let expired = home.store().expired(&home.retention).unwrap();
    assert_eq!((expired.len(), expired[0].segments, expired[0].records), (1, 1, 1));
    home.restart();
    wait_until(|| home.files("parquet").len() == 1);
    assert_eq!(home.store().status().expired_bytes_total, expired[0].bytes);
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Spans);
    assert_eq!(snapshot.segments[0].time_range(), (now_ns, now_ns));
    assert!(home.store().expired(&home.retention).unwrap().is_empty());
}

#[test]
fn over_the_size_the_oldest_segments_go_and_the_newest_stays() {
    let mut home = Home::new();
    for hours in [3, 1, 2] {
        home.append(
            &tenant("shop"),
            vec![(Table::Logs, logs(&[(0, hours_ago(hours), "x".into())]))],
        );
        home.store().seal_now().unwrap();
    }
    let each = home.store().status().tables[0].bytes / 3;
    let of = |max_bytes| Retention { max_age_ms: 0, max_bytes };
    home.retention.standard = [(Table::Logs, of(2 * each + each / 2))].into();
    home.restart();
    assert_eq!(bodies(&home).len(), 2);
    home.retention.standard = [(Table::Logs, of(1))].into();
    home.restart();
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Logs);
    assert_eq!(snapshot.segments.len(), 1);
    assert!(snapshot.segments[0].time_range().0 >= hours_ago(1) - 60_000_000_000);
}
