//! What was appended is what is shown: before and after sealing, and after a restart.

use proptest::prelude::*;
use std::collections::{BTreeSet, HashSet};
use varve_types::Table;

use crate::support::{
    Home, Line, Sample, Span, all_samples, logs, metadata, rows, samples, series_text, spans,
    tenant, texts, trace_id,
};

/// What happens to a store.
#[derive(Clone, Debug)]
enum Step {
    Logs(Vec<Line>),
    Spans(Vec<Span>),
    Samples(Vec<Sample>),
    Seal,
    Compact,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let line = (0u8..5, -50i64..50, "[ab1 =é]{0,9}");
    let span = (0u8..9, 0i64..50, 0u8..4);
    // Few times and values, so that some come twice; and bits of any kind, also of NaNs.
    let bits = prop_oneof![Just(0), Just(1.5f64.to_bits()), any::<u64>()];
    let sample = (0u8..4, 0i64..30, bits);
    let step = prop_oneof![
        3 => prop::collection::vec(line, 1..20).prop_map(Step::Logs),
        3 => prop::collection::vec(span, 1..20).prop_map(Step::Spans),
        3 => prop::collection::vec(sample, 1..40).prop_map(Step::Samples),
        2 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..12)
}

#[derive(Default)]
struct Model {
    logs: Vec<String>,
    lines: Vec<Line>,
    spans: Vec<String>,
    traces: BTreeSet<u8>,
    samples: Vec<(String, i64, u64)>,
}

impl Model {
    fn take(&mut self, home: &mut Home, step: &Step) {
        let shop = tenant("shop");
        match step {
            Step::Logs(lines) => {
                let batch = logs(lines);
                self.logs.extend(texts(Table::Logs, &batch));
                self.lines.extend(lines.iter().cloned());
                home.append(&shop, vec![(Table::Logs, batch)]);
            }
            Step::Spans(all) => {
                let batch = spans(all);
                self.spans.extend(texts(Table::Spans, &batch));
                self.traces.extend(all.iter().map(|(trace, ..)| trace));
                home.append(&shop, vec![(Table::Spans, batch)]);
            }
            Step::Samples(all) => {
                self.samples
                    .extend(all.iter().map(|&(series, at, bits)| (series_text(series), at, bits)));
                home.append(&shop, vec![(Table::Samples, samples(all))]);
            }
            Step::Seal => home.store().seal_now().unwrap(),
            Step::Compact => home.store().compact_now().unwrap(),
            Step::Restart => home.restart(),
        }
        self.logs.sort();
        self.spans.sort();
        self.samples.sort();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_row_is_shown_once_whatever_happens_between(steps in steps()) {
        let mut home = Home::new();
        let mut model = Model::default();
        let shop = tenant("shop");
        for step in &steps {
            model.take(&mut home, step);
            let store = home.store();
            prop_assert_eq!(&rows(Table::Logs, &store.snapshot(&shop, Table::Logs)), &model.logs);
            prop_assert_eq!(&rows(Table::Spans, &store.snapshot(&shop, Table::Spans)), &model.spans);
            let snapshot = store.snapshot(&shop, Table::Samples);
            prop_assert_eq!(&all_samples(&snapshot, i64::MIN, i64::MAX), &model.samples);
            let some: Vec<_> =
                model.samples.iter().filter(|(_, at, _)| (5..=9).contains(at)).cloned().collect();
            prop_assert_eq!(&all_samples(&snapshot, 5, 9), &some);
        }
    }

    #[test]
    fn a_trace_is_never_missed(all in prop::collection::vec((0u8..40, 0i64..50, 0u8..4), 1..300)) {
        let mut home = Home::new();
        let mut model = Model::default();
        model.take(&mut home, &Step::Spans(all.clone()));
        model.take(&mut home, &Step::Seal);
        let snapshot = home.store().snapshot(&tenant("shop"), Table::Spans);
        let segment = &snapshot.segments[0];
        for &trace in &model.traces {
            let id = trace_id(trace);
            prop_assert!(snapshot.segments_with_trace(&id).count() == 1);
            let ranges = segment.rows_of_traces(&[id]);
            let found: usize = segment
                .read(&["trace_id"], Some(&ranges))
                .unwrap()
                .iter()
                .map(|batch| {
                    let ids = arrow::array::AsArray::as_fixed_size_binary(batch.column(0));
                    ids.iter().flatten().filter(|one| *one == id).count()
                })
                .sum();
            prop_assert_eq!(found, all.iter().filter(|(one, ..)| *one == trace).count());
        }
    }

    #[test]
    fn a_stream_is_where_the_directory_says(
        lines in prop::collection::vec((0u8..6, -50i64..50, "[ab]{0,4}"), 1..200),
    ) {
        let mut home = Home::new();
        let mut model = Model::default();
        model.take(&mut home, &Step::Logs(lines.clone()));
        model.take(&mut home, &Step::Seal);
        let snapshot = home.store().snapshot(&tenant("shop"), Table::Logs);
        let segment = &snapshot.segments[0];
        let streams: HashSet<u8> = lines.iter().map(|(stream, ..)| *stream).collect();
        prop_assert_eq!(segment.label_sets().len(), streams.len());
        for set in segment.label_sets() {
            let mut expected: Vec<(i64, &str)> = lines
                .iter()
                .filter(|(stream, ..)| *set.text == format!(r#"{{"app":"s{stream}"}}"#))
                .map(|(_, time, body)| (*time, body.as_str()))
                .collect();
            // Of the same time, as they were appended.
            expected.sort_by_key(|(time, _)| *time);
            let batches =
                segment.read(&["time_unix_nano", "body"], Some(std::slice::from_ref(&set.rows)));
            let mut found = Vec::new();
            for batch in &batches.unwrap() {
                use arrow::{array::AsArray, datatypes::Int64Type};
                let times = batch.column(0).as_primitive::<Int64Type>();
                let bodies = batch.column(1).as_string::<i32>();
                let each = times.values().iter().zip(bodies.iter());
                found.extend(each.map(|(time, body)| (*time, body.unwrap().to_owned())));
            }
            let found: Vec<_> = found.iter().map(|(time, body)| (*time, body.as_str())).collect();
            prop_assert_eq!(set.time_range, (expected[0].0, expected[expected.len() - 1].0));
            prop_assert_eq!(set.count, expected.len() as u64);
            let bytes: usize = expected.iter().map(|(_, body)| body.len()).sum();
            prop_assert_eq!(set.bytes, bytes as u64);
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn the_log_position_of_every_row_is_kept() {
    let home = Home::new();
    let shop = tenant("shop");
    for request in 0..5i64 {
        let lines: Vec<Line> =
            (0..4u8).map(|stream| (stream, -request, format!("{request}"))).collect();
        home.append(&shop, vec![(Table::Logs, logs(&lines))]);
    }
    let before = home.store().snapshot(&shop, Table::Logs);
    let mut expected: Vec<_> = before
        .memtable
        .iter()
        .flat_map(|one| {
            (0..one.batch.num_rows() as u32)
                .map(|row| (one.partition.number, one.lsn.epoch.0, one.lsn.offset.0, row))
        })
        .collect();
    expected.sort_unstable();
    home.store().seal_now().unwrap();
    let sealed = home.store().snapshot(&shop, Table::Logs);
    let mut found = Vec::new();
    for batch in
        sealed.segments[0].read(&["_partition", "_epoch", "_offset", "_row"], None).unwrap()
    {
        use arrow::{
            array::AsArray,
            datatypes::{UInt32Type, UInt64Type},
        };
        let number = |name| batch.column_by_name(name).unwrap().as_primitive::<UInt32Type>();
        let offset = batch.column_by_name("_offset").unwrap().as_primitive::<UInt64Type>();
        found.extend((0..batch.num_rows()).map(|row| {
            let number = |name| number(name).value(row);
            (number("_partition"), number("_epoch"), offset.value(row), number("_row"))
        }));
    }
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_trace_that_is_not_there_is_mostly_known_not_to_be() {
    let home = Home::new();
    let all: Vec<Span> = (0..=200).flat_map(|trace| (0..9).map(move |at| (trace, at, 1))).collect();
    home.append(&tenant("shop"), vec![(Table::Spans, spans(&all))]);
    home.store().seal_now().unwrap();
    let snapshot = home.store().snapshot(&tenant("shop"), Table::Spans);
    let absent = (201..=255).map(|id| snapshot.segments_with_trace(&trace_id(id)).count());
    assert!(absent.sum::<usize>() < 5);
}

#[test]
fn times_of_rows_are_known_before_and_after_sealing() {
    let home = Home::new();
    let shop = tenant("shop");
    home.append(&shop, vec![(Table::Logs, logs(&[(1, 7, "a".into()), (1, -3, "b".into())]))]);
    assert_eq!(home.store().snapshot(&shop, Table::Logs).memtable[0].time_range, (-3, 7));
    home.store().seal_now().unwrap();
    assert_eq!(home.store().snapshot(&shop, Table::Logs).segments[0].time_range(), (-3, 7));
}

#[test]
fn a_tenant_sees_only_its_own_rows() {
    let home = Home::new();
    home.append(&tenant("shop"), vec![(Table::Logs, logs(&[(1, 7, "a".into())]))]);
    let other = tenant("other");
    assert!(home.store().snapshot(&other, Table::Logs).memtable.is_empty());
    home.store().seal_now().unwrap();
    assert!(home.store().snapshot(&other, Table::Logs).segments.is_empty());
}

#[test]
fn what_is_said_of_a_metric_more_than_once_is_kept_once() {
    let home = Home::new();
    let shop = tenant("shop");
    for _ in 0..3 {
        home.append(&shop, vec![(Table::Metadata, metadata(&[(1, 1), (2, 1), (1, 2)]))]);
    }
    home.store().seal_now().unwrap();
    let sealed = home.store().snapshot(&shop, Table::Metadata);
    assert_eq!(
        rows(Table::Metadata, &sealed),
        ["m1|counter|help 1|s", "m1|counter|help 2|s", "m2|counter|help 1|s"]
    );
}

#[test]
fn a_text_selects_its_rows_in_a_sealed_segment() {
    let home = Home::new();
    let shop = tenant("shop");
    let lines: Vec<Line> = (0..64).map(|at| (1, at, format!("order {at} paid"))).collect();
    home.append(&shop, vec![(Table::Logs, logs(&lines))]);
    home.store().seal_now().unwrap();
    let snapshot = home.store().snapshot(&shop, Table::Logs);
    let rows_with = |needle| {
        let ranges = snapshot.segments[0].rows_with_text(needle).unwrap().unwrap();
        ranges.into_iter().flatten().collect::<Vec<u32>>()
    };
    assert_eq!(rows_with("order 33 "), [32, 33, 34, 35]);
    assert!(rows_with("refund").is_empty());
}
