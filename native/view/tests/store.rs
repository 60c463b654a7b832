//! What a store promises, shown from outside: every row once, before and after sealing and restarts.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, mpsc},
};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::prelude::*;
use varve_columnar::{
    attributes::AttributeType,
    builders::{
        LogRow, LogsBuilder, MetadataBuilder, SampleRow, SamplesBuilder, SpanRow, SpansBuilder,
    },
};
use varve_log::{Log, MemoryLog};
use varve_types::{Table, TenantId};
use varve_view::{Snapshot, Store, StoreSettings};

const PARTITIONS: u32 = 4;

fn settings(folder: &Path) -> StoreSettings {
    StoreSettings {
        data_dir: folder.to_owned(),
        partitions: PARTITIONS,
        tenant_partitions: 3,
        memtable_max_bytes: 64 << 20,
        memtable_max_age_ms: 3_600_000,
        text_block_rows: 4,
    }
}

fn open(log: &Arc<MemoryLog>, folder: &Path) -> Store {
    Store::open(log.clone(), settings(folder)).unwrap()
}

fn tenant() -> TenantId {
    TenantId::parse("shop").unwrap()
}

fn append(store: &Store, batches: Vec<(Table, RecordBatch)>) {
    let (told, fate) = mpsc::channel();
    store.append(&tenant(), batches, Box::new(move |outcome| told.send(outcome).unwrap()));
    fate.recv().unwrap().unwrap();
}

fn logs(lines: &[(&str, i64, &str)]) -> RecordBatch {
    let mut builder = LogsBuilder::default();
    for &(stream, time_unix_nano, body) in lines {
        let stream = builder.intern_stream(stream);
        builder.append(&LogRow {
            time_unix_nano,
            observed_time_unix_nano: 0,
            stream,
            severity_number: 0,
            severity_text: "",
            detected_level: None,
            body,
            body_type: AttributeType::String,
            trace_id: None,
            span_id: None,
            flags: 0,
            event_name: "",
            dropped_attributes_count: 0,
            resource: None,
            scope: None,
        });
    }
    builder.finish().unwrap()
}

fn spans(ids: &[(u8, i64)]) -> RecordBatch {
    let mut builder = SpansBuilder::default();
    let resource = builder.intern_resource("{}");
    let scope = builder.intern_scope("{}");
    for &(trace, start_unix_nano) in ids {
        builder.append(&SpanRow {
            trace_id: [trace; 16],
            span_id: [1; 8],
            parent_span_id: None,
            trace_state: "",
            name: "GET /",
            kind: 2,
            start_unix_nano,
            end_unix_nano: start_unix_nano + 5,
            status_code: 0,
            status_message: "",
            flags: 0,
            dropped_attributes_count: 0,
            dropped_events_count: 0,
            dropped_links_count: 0,
            service_name: "shop",
            resource,
            scope,
        });
    }
    builder.finish().unwrap()
}

fn samples(rows: &[(u8, i64, f64)]) -> RecordBatch {
    let mut builder = SamplesBuilder::default();
    for &(series, time_unix_ms, value) in rows {
        let series = builder.intern_series(&format!("{{\"__name__\":\"m\",\"s\":\"{series}\"}}"));
        builder.append(&SampleRow { series, time_unix_ms, value, histogram: None });
    }
    builder.finish().unwrap()
}

/// Every line of the snapshot as (stream, time, body), sorted.
fn lines(snapshot: &Snapshot) -> Vec<(String, i64, String)> {
    let columns = ["stream", "time_unix_nano", "body"];
    let sealed = snapshot.segments.iter().flat_map(|segment| segment.read(&columns, None).unwrap());
    let batches = sealed.chain(snapshot.memtable.iter().map(|one| one.batch.clone()));
    let mut lines: Vec<_> = batches
        .flat_map(|batch| {
            let streams = text_of(&batch, "stream");
            let bodies = text_of(&batch, "body");
            let times = batch.column_by_name("time_unix_nano").unwrap();
            let times = times.as_primitive::<Int64Type>().values().to_vec();
            streams
                .into_iter()
                .zip(times)
                .zip(bodies)
                .map(|((s, t), b)| (s, t, b))
                .collect::<Vec<_>>()
        })
        .collect();
    lines.sort();
    lines
}

fn text_of(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = batch.column_by_name(name).unwrap();
    let column = arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|text| text.unwrap_or("").to_owned()).collect()
}

/// Bits of every sample by series text and time.
fn sample_bits(snapshot: &Snapshot) -> BTreeMap<(String, i64), Vec<u64>> {
    let mut found: BTreeMap<(String, i64), Vec<u64>> = BTreeMap::new();
    for segment in &snapshot.segments {
        let all: Vec<usize> = (0..segment.label_sets().len()).collect();
        for run in segment.samples(&all, i64::MIN, i64::MAX).unwrap() {
            let text = segment.label_sets()[run.label_set].text.to_string();
            for (&time, value) in run.times_ms.iter().zip(&run.values) {
                found.entry((text.clone(), time)).or_default().push(value.to_bits());
            }
        }
    }
    for one in &snapshot.memtable {
        let series = text_of(&one.batch, "series");
        let times = one.batch.column_by_name("time_unix_ms").unwrap();
        let values = one.batch.column_by_name("value").unwrap();
        let values = values.as_primitive::<Float64Type>().values();
        for ((text, &time), value) in
            series.into_iter().zip(times.as_primitive::<Int64Type>().values()).zip(values)
        {
            found.entry((text, time)).or_default().push(value.to_bits());
        }
    }
    found
}

#[test]
fn rows_can_be_read_as_soon_as_the_append_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&Arc::new(MemoryLog::new(PARTITIONS)), folder.path());
    append(&store, vec![(Table::Logs, logs(&[("{\"app\":\"a\"}", 1, "x")]))]);
    let snapshot = store.snapshot(&tenant(), Table::Logs);
    assert_eq!(lines(&snapshot), [("{\"app\":\"a\"}".to_owned(), 1, "x".to_owned())]);
    assert_eq!(snapshot.memtable[0].time_range, (1, 1));
}

#[test]
fn a_tenant_sees_only_its_own_rows() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&Arc::new(MemoryLog::new(PARTITIONS)), folder.path());
    append(&store, vec![(Table::Logs, logs(&[("{}", 1, "x")]))]);
    let other = TenantId::parse("other").unwrap();
    assert!(lines(&store.snapshot(&other, Table::Logs)).is_empty());
    store.seal_now().unwrap();
    assert!(store.snapshot(&other, Table::Logs).segments.is_empty());
}

#[test]
fn sealing_moves_rows_into_a_segment_that_tells_where_each_stream_is() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(PARTITIONS));
    let store = open(&log, folder.path());
    let batch = logs(&[
        ("{\"app\":\"b\"}", 5, "b5"),
        ("{\"app\":\"a\"}", 9, "a9"),
        ("{\"app\":\"b\"}", 3, "b3"),
        ("{\"app\":\"a\"}", 9, "later a9"),
    ]);
    append(&store, vec![(Table::Logs, batch)]);
    let before = lines(&store.snapshot(&tenant(), Table::Logs));
    store.seal_now().unwrap();
    let snapshot = store.snapshot(&tenant(), Table::Logs);
    assert!(snapshot.memtable.is_empty());
    assert_eq!(lines(&snapshot), before);
    let segment = &snapshot.segments[0];
    assert_eq!(segment.time_range(), (3, 9));
    let sets: Vec<_> = segment
        .label_sets()
        .iter()
        .map(|set| (&*set.text, set.rows.clone(), set.time_range, set.count, set.bytes))
        .collect();
    assert_eq!(
        sets,
        [("{\"app\":\"a\"}", 0..2, (9, 9), 2, 10), ("{\"app\":\"b\"}", 2..4, (3, 5), 2, 4)]
    );
    let rows = segment.read(&["body", "_offset", "_row"], Some(&[0..2])).unwrap();
    assert_eq!(text_of(&rows[0], "body"), ["a9", "later a9"]);
    for partition in log.partitions() {
        assert!(log.read(partition, log.tail(partition), 1).unwrap().is_empty());
    }
}

#[test]
fn a_trace_is_found_in_a_segment_by_its_id_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&Arc::new(MemoryLog::new(PARTITIONS)), folder.path());
    let ids: Vec<(u8, i64)> = (0..=200).flat_map(|id| (0..20).map(move |at| (id, at))).collect();
    append(&store, vec![(Table::Spans, spans(&ids))]);
    store.seal_now().unwrap();
    let snapshot = store.snapshot(&tenant(), Table::Spans);
    let segment = &snapshot.segments[0];
    for id in 0..=200 {
        let trace_id = [id; 16];
        assert!(segment.may_hold_trace(&trace_id));
        let rows = segment.trace_rows(&trace_id).unwrap();
        let found: usize = segment
            .read(&["trace_id"], Some(&rows))
            .unwrap()
            .iter()
            .map(|batch| {
                batch
                    .column(0)
                    .as_fixed_size_binary()
                    .iter()
                    .flatten()
                    .filter(|found| **found == trace_id)
                    .count()
            })
            .sum();
        assert_eq!(found, 20, "trace {id}");
    }
    let absent = (201..=255).filter(|&id| segment.may_hold_trace(&[id; 16])).count();
    assert!(absent < 10, "{absent} of 55 absent traces may be there");
}

#[test]
fn metadata_that_is_repeated_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&Arc::new(MemoryLog::new(PARTITIONS)), folder.path());
    for _ in 0..3 {
        let mut builder = MetadataBuilder::default();
        builder.append("orders_total", "counter", "Orders.", "");
        append(&store, vec![(Table::Metadata, builder.finish().unwrap())]);
    }
    store.seal_now().unwrap();
    let snapshot = store.snapshot(&tenant(), Table::Metadata);
    assert_eq!(
        text_of(&snapshot.segments[0].read(&["name"], None).unwrap()[0], "name"),
        ["orders_total"]
    );
}

#[test]
fn what_a_sealing_left_half_done_is_removed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(PARTITIONS));
    let store = open(&log, folder.path());
    append(&store, vec![(Table::Logs, logs(&[("{}", 1, "x")]))]);
    store.close();
    let orphan = folder.path().join("segments/shop/logs/0000000000000000.parquet");
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, "half").unwrap();
    let store = open(&log, folder.path());
    assert!(!orphan.exists());
    assert_eq!(lines(&store.snapshot(&tenant(), Table::Logs)).len(), 1);
}

#[test]
fn a_segment_that_cannot_be_read_is_set_aside_and_the_rest_answers() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryLog::new(PARTITIONS));
    let store = open(&log, folder.path());
    append(&store, vec![(Table::Logs, logs(&[("{}", 1, "damaged")]))]);
    store.seal_now().unwrap();
    append(&store, vec![(Table::Logs, logs(&[("{}", 2, "sound")]))]);
    store.seal_now().unwrap();
    store.close();
    std::fs::write(folder.path().join("segments/shop/logs/0000000000000000.directory"), "rot")
        .unwrap();
    let store = open(&log, folder.path());
    assert_eq!(
        lines(&store.snapshot(&tenant(), Table::Logs)),
        [("{}".to_owned(), 2, "sound".to_owned())]
    );
    assert_eq!(store.status().quarantined, 1);
    assert_eq!(std::fs::read_dir(folder.path().join("quarantine")).unwrap().count(), 3);
}

#[test]
fn a_damaged_manifest_stops_the_start_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("manifest")).unwrap();
    std::fs::write(folder.path().join("manifest/manifest.json"), "{\"version\":9").unwrap();
    let log = Arc::new(MemoryLog::new(PARTITIONS));
    let error = Store::open(log, settings(folder.path())).err().unwrap();
    assert!(error.to_string().contains("manifest.json is damaged"), "{error}");
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(u8, i64, String)>, Vec<(u8, i64, u64)>),
    Seal,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let line = (0u8..4, -5i64..50, "[a-z ]{0,8}");
    let sample = (0u8..3, -5i64..50, any::<u64>());
    prop_oneof![
        3 => (prop::collection::vec(line, 0..12), prop::collection::vec(sample, 0..12))
            .prop_map(|(lines, samples)| Step::Append(lines, samples)),
        1 => Just(Step::Seal),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is sealed or restarted in between: every appended row is in a snapshot exactly once, and
    /// every sample bit by bit.
    #[test]
    fn every_row_is_there_exactly_once(steps in prop::collection::vec(step(), 1..14)) {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(MemoryLog::new(PARTITIONS));
        let mut store = open(&log, folder.path());
        let mut expected = Vec::new();
        let mut expected_bits: BTreeMap<(String, i64), Vec<u64>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Append(new, values) => {
                    let streams: Vec<_> = new.iter().map(|(s, _, _)| format!("{{\"app\":\"{s}\"}}")).collect();
                    let rows: Vec<_> = new.iter().zip(&streams).map(|((_, t, b), s)| (s.as_str(), *t, b.as_str())).collect();
                    let points: Vec<_> = values.iter().map(|&(s, t, bits)| (s, t, f64::from_bits(bits))).collect();
                    append(&store, vec![(Table::Logs, logs(&rows)), (Table::Samples, samples(&points))]);
                    expected.extend(rows.iter().map(|&(s, t, b)| (s.to_owned(), t, b.to_owned())));
                    for (series, time, bits) in values {
                        let key = (format!("{{\"__name__\":\"m\",\"s\":\"{series}\"}}"), time);
                        expected_bits.entry(key).or_default().push(bits);
                    }
                }
                Step::Seal => store.seal_now().unwrap(),
                Step::Restart => {
                    drop(store);
                    log.restart();
                    store = open(&log, folder.path());
                }
            }
            expected.sort();
            prop_assert_eq!(&lines(&store.snapshot(&tenant(), Table::Logs)), &expected);
            prop_assert_eq!(&sample_bits(&store.snapshot(&tenant(), Table::Samples)), &expected_bits);
        }
    }
}
