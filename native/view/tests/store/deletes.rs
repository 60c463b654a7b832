//! Erasure: hidden at once, shown again when it is cancelled, gone from the disk when it is due.

use std::fs;

use arrow::array::{Array as _, AsArray};
use proptest::prelude::*;
use varve_types::Table;
use varve_view::{
    DeleteError, LabelMatch, LineMatch, MatchKind, NewDelete, SpanField, SpanMatch, ValueType,
};

use crate::support::{
    Home, Line, Sample, all_samples, logs, rows, samples, series_text, spans, tenant, trace_id,
    wait_until,
};

fn stream(stream: u8) -> Vec<LabelMatch> {
    vec![LabelMatch { name: "app".into(), kind: MatchKind::Equal, value: format!("s{stream}") }]
}

fn logs_of(app: u8, from_ms: i64, to_ms: i64) -> NewDelete {
    NewDelete {
        table: Table::Logs,
        labels: stream(app),
        lines: Vec::new(),
        spans: Vec::new(),
        from_ms,
        to_ms,
    }
}

/// Bodies that a query finds by the segments' directories, as queries of logs do.
fn bodies(home: &Home) -> Vec<String> {
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Logs);
    let mut bodies = Vec::new();
    for segment in &snapshot.segments {
        for set in segment.label_sets() {
            for batch in segment.read(&["body"], Some(std::slice::from_ref(&set.rows))).unwrap() {
                let column = batch.column(0).as_string::<i32>();
                bodies.extend(column.iter().flatten().map(str::to_owned));
            }
        }
    }
    bodies.sort();
    bodies
}

const MS: i64 = 1_000_000;

/// Lines of two streams at 1 to 6 ms.
fn home() -> Home {
    let home = Home::new();
    let line = |app: u8, at: i64| -> Line { (app, at * MS, format!("s{app} at {at}")) };
    for at in [1, 3, 5] {
        let lines = [line(0, at), line(1, at), line(0, at + 1)];
        home.append(&tenant("shop"), vec![(Table::Logs, logs(&lines))]);
        if at < 5 {
            home.store().seal_now().unwrap();
        }
    }
    home
}

#[test]
fn rows_are_hidden_from_the_next_query_on_also_after_a_restart() {
    let mut home = home();
    let request = home.store().create_delete(&tenant("shop"), logs_of(0, 2, 4)).unwrap();
    assert_eq!((request.pending.len(), request.done_at_ms), (2, None));
    let expected = ["s0 at 1", "s0 at 5", "s0 at 6", "s1 at 1", "s1 at 3", "s1 at 5"];
    assert_eq!(bodies(&home), expected);
    home.restart();
    assert_eq!(bodies(&home), expected);
    assert_eq!(home.store().list_deletes(&tenant("shop")), [request]);
    assert!(home.store().list_deletes(&tenant("other")).is_empty());
}

#[test]
fn a_stream_of_which_nothing_is_left_is_not_listed() {
    let home = home();
    home.store().create_delete(&tenant("shop"), logs_of(1, 0, 100)).unwrap();
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Logs);
    let mut sets = snapshot.segments.iter().flat_map(|one| one.label_sets());
    assert!(sets.all(|set| !set.text.contains("s1")));
}

#[test]
fn only_lines_that_pass_the_filters_are_hidden() {
    let home = home();
    let line = |kind, value: &str| LineMatch { kind, value: value.into() };
    let lines = vec![line(MatchKind::Regex, "at [1-4]$"), line(MatchKind::NotEqual, "at 2")];
    let what = NewDelete { lines, ..logs_of(0, 0, 100) };
    home.store().create_delete(&tenant("shop"), what).unwrap();
    assert_eq!(bodies(&home), ["s0 at 2", "s0 at 5", "s0 at 6", "s1 at 1", "s1 at 3", "s1 at 5"]);
}

#[test]
fn rows_that_come_later_are_not_meant() {
    let home = home();
    home.store().create_delete(&tenant("shop"), logs_of(0, 0, 100)).unwrap();
    home.append(&tenant("shop"), vec![(Table::Logs, logs(&[(0, 2 * MS, "again".into())]))]);
    home.store().seal_now().unwrap();
    assert_eq!(bodies(&home), ["again", "s1 at 1", "s1 at 3", "s1 at 5"]);
}

#[test]
fn cancelled_in_time_everything_is_shown_again() {
    let mut home = home();
    home.store().seal_now().unwrap();
    let before = bodies(&home);
    let shop = tenant("shop");
    let first = home.store().create_delete(&shop, logs_of(0, 2, 4)).unwrap();
    let second = home.store().create_delete(&shop, logs_of(1, 1, 1)).unwrap();
    home.store().cancel_delete(&shop, first.id).unwrap();
    assert_eq!(bodies(&home).len(), before.len() - 1);
    let unknown = home.store().cancel_delete(&shop, first.id).unwrap_err();
    assert!(matches!(unknown, DeleteError::Unknown(_)), "{unknown}");
    let others = home.store().cancel_delete(&tenant("other"), second.id).unwrap_err();
    assert!(matches!(others, DeleteError::Unknown(_)), "{others}");
    home.store().cancel_delete(&shop, second.id).unwrap();
    assert_eq!(bodies(&home), before);
    home.restart();
    assert_eq!(bodies(&home), before);
}

#[test]
fn when_it_is_due_the_rows_leave_the_disk_and_the_receipt_says_so() {
    let mut home = home();
    home.delete_cancel_period_ms = 0;
    home.restart();
    let shop = tenant("shop");
    home.store().create_delete(&shop, logs_of(0, 2, 100)).unwrap();
    wait_until(|| home.store().list_deletes(&shop)[0].done_at_ms.is_some());
    let receipt = &home.store().list_deletes(&shop)[0];
    assert_eq!((receipt.records_erased, receipt.segments_rewritten), (5, 3));
    assert!(receipt.pending.is_empty());
    let begun = home.store().cancel_delete(&shop, receipt.id).unwrap_err();
    assert!(matches!(begun, DeleteError::Unknown(_)), "{begun}");
    let records: u64 = home.store().status().tables.iter().map(|table| table.records).sum();
    assert_eq!(records, 4);
    assert_eq!(bodies(&home), ["s0 at 1", "s1 at 1", "s1 at 3", "s1 at 5"]);
    wait_until(|| home.files("parquet").len() == 3);
    home.restart();
    assert_eq!(bodies(&home), ["s0 at 1", "s1 at 1", "s1 at 3", "s1 at 5"]);
}

#[test]
fn a_merge_does_not_bring_hidden_rows_back_nor_erase_them_early() {
    let home = home();
    let shop = tenant("shop");
    let request = home.store().create_delete(&shop, logs_of(0, 1, 2)).unwrap();
    home.store().compact_now().unwrap();
    assert_eq!(bodies(&home).len(), 7);
    home.store().cancel_delete(&shop, request.id).unwrap();
    home.store().compact_now().unwrap();
    assert_eq!(bodies(&home).len(), 9);
}

#[test]
fn what_says_too_little_is_refused() {
    let home = home();
    let refused = |what: NewDelete| home.store().create_delete(&tenant("shop"), what).unwrap_err();
    let label =
        |kind, value: &str| vec![LabelMatch { name: "app".into(), kind, value: value.into() }];
    let everything = NewDelete { labels: label(MatchKind::Regex, ".*"), ..logs_of(0, 0, 1) };
    assert!(refused(everything).to_string().contains("a label matcher"));
    assert!(
        refused(NewDelete { labels: Vec::new(), ..logs_of(0, 0, 1) })
            .to_string()
            .contains("add one")
    );
    assert!(refused(logs_of(0, 2, 1)).to_string().contains("before it starts"));
    let pattern = NewDelete { labels: label(MatchKind::Regex, "a["), ..logs_of(0, 0, 1) };
    assert!(refused(pattern).to_string().contains("'a['"));
    let spans = NewDelete { table: Table::Spans, ..logs_of(0, 0, 1) };
    assert!(refused(spans).to_string().contains("a condition"));
    let exemplars = NewDelete { table: Table::Exemplars, ..logs_of(0, 0, 1) };
    assert!(refused(exemplars).to_string().contains("name logs, spans or samples"));
    assert!(home.store().list_deletes(&tenant("shop")).is_empty());
}

#[test]
fn a_damaged_segment_refuses_the_request_and_nothing_is_noted() {
    let home = home();
    let parquet = &home.files("parquet")[0];
    let size = fs::read(parquet).unwrap().len();
    fs::write(parquet, vec![0; size]).unwrap();
    let error = home.store().create_delete(&tenant("shop"), logs_of(0, 2, 4)).unwrap_err();
    assert!(error.to_string().contains(".parquet"), "{error}");
    assert!(home.store().list_deletes(&tenant("shop")).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Of one series, whatever is sealed, merged or cancelled between.
    #[test]
    fn samples_in_the_range_are_gone_and_no_others(
        parts in prop::collection::vec(
            prop::collection::vec((0u8..3, 0i64..60, any::<u8>()), 1..60), 1..4),
        ranges in prop::collection::vec((0i64..60, 0i64..30), 1..4),
        is_due in any::<bool>(),
    ) {
        let mut home = Home::new();
        home.delete_cancel_period_ms = if is_due { 0 } else { 3_600_000 };
        home.restart();
        let shop = tenant("shop");
        let mut left = Vec::new();
        for part in parts {
            let rows: Vec<Sample> = part
                .into_iter()
                .map(|(series, at, value)| (series, at, f64::from(value).to_bits()))
                .collect();
            left.extend(rows.iter().map(|&(series, at, bits)| (series_text(series), at, bits)));
            home.append(&shop, vec![(Table::Samples, samples(&rows))]);
            home.store().seal_now().unwrap();
        }
        for (from_ms, length) in ranges {
            let to_ms = from_ms + length;
            let name = LabelMatch { name: "__name__".into(), kind: MatchKind::Equal, value: "m1".into() };
            let labels = vec![name];
            let (lines, spans) = (Vec::new(), Vec::new());
            let what = NewDelete { table: Table::Samples, labels, lines, spans, from_ms, to_ms };
            home.store().create_delete(&shop, what).unwrap();
            let text = series_text(1);
            left.retain(|(series, at, _)| *series != text || !(from_ms..=to_ms).contains(at));
        }
        left.sort();
        let shown = |home: &Home| {
            all_samples(&home.store().snapshot(&shop, Table::Samples), i64::MIN, i64::MAX)
        };
        prop_assert_eq!(&shown(&home), &left);
        home.store().compact_now().unwrap();
        prop_assert_eq!(&shown(&home), &left);
        home.restart();
        prop_assert_eq!(&shown(&home), &left);
    }
}

fn op(home: &Home) -> Vec<String> {
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Spans);
    let of =
        |text: String| text.split('|').find(|field| field.starts_with("op-")).map(str::to_owned);
    rows(Table::Spans, &snapshot).into_iter().filter_map(of).collect()
}

fn span(field: SpanField, value: &str) -> NewDelete {
    let span = SpanMatch {
        field,
        kind: MatchKind::Equal,
        value: value.into(),
        value_type: ValueType::String,
    };
    NewDelete {
        table: Table::Spans,
        labels: Vec::new(),
        lines: Vec::new(),
        spans: vec![span],
        from_ms: 0,
        to_ms: 100,
    }
}

/// Traces 0 to 39 with two spans each, in two segments.
fn home_of_spans(home: &Home) {
    for name in [1, 2] {
        let rows: Vec<_> = (0..40).map(|trace| (trace, i64::from(trace) * MS, name)).collect();
        home.append(&tenant("shop"), vec![(Table::Spans, spans(&rows))]);
        home.store().seal_now().unwrap();
    }
}

#[test]
fn a_trace_is_hidden_by_its_id_erased_when_it_is_due_and_no_other() {
    let mut home = Home::new();
    home_of_spans(&home);
    let shop = tenant("shop");
    let id = format!("{:032x}", u128::from_be_bytes(trace_id(7)));
    let request = home.store().create_delete(&shop, span(SpanField::TraceId, &id)).unwrap();
    assert_eq!(request.pending.iter().map(|one| one.records).sum::<u64>(), 2);
    assert_eq!(op(&home).len(), 78);
    let snapshot = home.store().snapshot(&shop, Table::Spans);
    let found = |trace| {
        snapshot
            .segments
            .iter()
            .map(|one| {
                let rows = one.rows_of_traces(&[trace_id(trace)]);
                one.read(&["trace_id"], Some(&rows))
                    .unwrap()
                    .iter()
                    .map(|batch| {
                        let ids = batch.column(0).as_fixed_size_binary();
                        (0..ids.len()).filter(|&row| *ids.value(row) == trace_id(trace)).count()
                    })
                    .sum::<usize>()
            })
            .sum::<usize>()
    };
    assert_eq!((found(7), found(8)), (0, 2));
    home.restart();
    assert_eq!(op(&home).len(), 78);
    home.store().cancel_delete(&shop, request.id).unwrap();
    assert_eq!(op(&home).len(), 80);
    home.delete_cancel_period_ms = 0;
    home.restart();
    home.store().create_delete(&shop, span(SpanField::TraceId, &id)).unwrap();
    wait_until(|| home.store().list_deletes(&shop)[0].done_at_ms.is_some());
    let records: u64 = home.store().status().tables.iter().map(|table| table.records).sum();
    assert_eq!((records, op(&home).len()), (78, 78));
}

#[test]
fn spans_are_hidden_by_their_fields_in_the_range_only() {
    let home = Home::new();
    home_of_spans(&home);
    let what = NewDelete { from_ms: 10, to_ms: 19, ..span(SpanField::Name, "op-1") };
    home.store().create_delete(&tenant("shop"), what).unwrap();
    let left = op(&home);
    assert_eq!(left.iter().filter(|name| *name == "op-1").count(), 30);
    assert_eq!(left.iter().filter(|name| *name == "op-2").count(), 40);
}
