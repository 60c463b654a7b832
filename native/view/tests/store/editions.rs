//! Rows hidden over and over in the same files: by retention, by requests, for whoever reads meanwhile.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use varve_types::Table;
use varve_view::{
    AsOf, LabelMatch, MatchKind, NewDelete, Retention, RetentionSettings, SpanField, SpanMatch,
    ValueType,
};

use crate::support::{Home, Sample, all_samples, logs, rows, samples, spans, tenant};

const HOUR_MS: i64 = 3_600_000;

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn labelled(table: Table, name: &str, value: &str, (from_ms, to_ms): (i64, i64)) -> NewDelete {
    let label = LabelMatch { name: name.into(), kind: MatchKind::Equal, value: value.into() };
    NewDelete { table, labels: vec![label], lines: Vec::new(), spans: Vec::new(), from_ms, to_ms }
}

fn samples_kept(hours: i64) -> RetentionSettings {
    let kept = Retention { max_age_ms: (hours * HOUR_MS) as u64, max_bytes: 0 };
    RetentionSettings {
        standard: [(Table::Samples, kept)].into(),
        tenants: BTreeMap::new(),
        streams: Vec::new(),
    }
}

/// A store that erases what was asked for with the next merge.
fn erasing_at_once() -> Home {
    let mut home = Home::new();
    home.delete_cancel_period_ms = 0;
    home.restart();
    home
}

fn sample_count(home: &Home) -> usize {
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Samples);
    all_samples(&snapshot, i64::MIN, i64::MAX).len()
}

/// Retention only estimates how many samples it leaves: a third of them here.
#[test]
fn samples_are_erased_by_request_where_retention_hid_some_before() {
    let mut home = Home::new();
    let hour_ago = now_ms() - HOUR_MS;
    let mut values: Vec<Sample> = vec![(1, now_ms() - 10 * HOUR_MS, 1)];
    values.extend((0..100).map(|at| (1, hour_ago + at, 1)));
    home.append(&tenant("shop"), vec![(Table::Samples, samples(&values))]);
    home.store().seal_now().unwrap();
    home.retention = samples_kept(4);
    home.restart();
    assert_eq!(sample_count(&home), 100);
    let what = labelled(Table::Samples, "__name__", "m1", (hour_ago, hour_ago + 49));
    let request = home.store().create_delete(&tenant("shop"), what).unwrap();
    assert_eq!(request.pending.iter().map(|one| one.records).collect::<Vec<_>>(), [50]);
    assert_eq!(sample_count(&home), 50);
}

#[test]
fn samples_are_read_as_of_now_after_some_were_erased() {
    let home = erasing_at_once();
    let append = |at: i64| {
        let values: Vec<Sample> = (0..2).map(|series| (series, at, 1)).collect();
        home.append(&tenant("shop"), vec![(Table::Samples, samples(&values))]);
        home.store().seal_now().unwrap();
    };
    append(1);
    let what = labelled(Table::Samples, "__name__", "m1", (0, 10));
    home.store().create_delete(&tenant("shop"), what).unwrap();
    home.store().compact_now().unwrap();
    append(2);
    let now = AsOf::Position(home.store().position(None).unwrap());
    let of = [(tenant("shop"), Table::Samples)];
    let snapshot = home.store().snapshots_as_of(&of, &now).unwrap().remove(0);
    assert_eq!(all_samples(&snapshot, i64::MIN, i64::MAX).len(), 3);
}

#[test]
fn files_stay_while_somebody_reads_an_edition_that_shows_more_of_them() {
    let home = erasing_at_once();
    let shop = tenant("shop");
    let lines = [(0, 1, "stays".to_owned()), (1, 1, "goes".to_owned())];
    home.append(&shop, vec![(Table::Logs, logs(&lines))]);
    home.append(&shop, vec![(Table::Spans, spans(&[(1, 1, 1), (2, 1, 2)]))]);
    home.store().seal_now().unwrap();
    let reads = |table| home.store().snapshot(&shop, table);
    let before = [reads(Table::Logs), reads(Table::Spans)];
    home.store().create_delete(&shop, labelled(Table::Logs, "app", "s1", (0, 10))).unwrap();
    let span = SpanMatch {
        field: SpanField::Name,
        kind: MatchKind::Equal,
        value: "op-1".into(),
        value_type: ValueType::String,
    };
    let mut what = labelled(Table::Spans, "", "", (0, 10));
    (what.labels, what.spans) = (Vec::new(), vec![span]);
    home.store().create_delete(&shop, what).unwrap();
    home.store().compact_now().unwrap();
    home.store().compact_now().unwrap();
    assert_eq!(rows(Table::Logs, &before[0]).len(), 2);
    assert_eq!(rows(Table::Spans, &before[1]).len(), 2);
    let files = || home.files("parquet").len();
    assert_eq!(files(), 4);
    drop(before);
    home.store().compact_now().unwrap();
    assert_eq!(files(), 2, "they go once nobody reads them");
}
