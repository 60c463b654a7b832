//! A segment's files: what is written is read back, and what is not sound is refused.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail by panicking, as tests do")]

use std::path::PathBuf;

use arrow::{
    array::{Array as _, AsArray, RecordBatch},
    datatypes::UInt32Type,
};
use proptest::prelude::*;
use tempfile::TempDir;
use varve_columnar::builders::{
    ExemplarsBuilder, SampleRow, SamplesBuilder, SpanRow, SpansBuilder,
};
use varve_segment::{
    Clustered, Counts, Directory, Erasure, FilterAttributes, FilterKey, LogPart, MergeInput,
    ParquetSegment, TRACE_STRIDE_ROWS, cluster, erase, index_rows, write_parquet,
};
use varve_types::{Lsn, Table};
use xxhash_rust::xxh3::xxh3_64;

fn clustered(table: Table, batch: RecordBatch) -> Clustered {
    cluster(table, &[LogPart { partition: 0, lsn: Lsn::new(1, 0), batch }]).unwrap()
}

fn written(table: Table, rows: &Clustered) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("segment.parquet");
    let seal = write_parquet(&path, table, &FilterAttributes::default(), rows).unwrap().parquet;
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!((seal.size_bytes, seal.checksum), (bytes.len() as u64, xxh3_64(&bytes)));
    (folder, path)
}

fn spans(traces: &[u32]) -> RecordBatch {
    let mut spans = SpansBuilder::default();
    let (resource, scope) = (spans.intern_resource("{}"), spans.intern_scope("{}"));
    for (start_unix_nano, &trace) in (0i64..).zip(traces) {
        spans.append(&SpanRow {
            trace_id: trace_id(trace),
            span_id: [1; 8],
            name: "GET /",
            kind: 2,
            start_unix_nano,
            end_unix_nano: start_unix_nano + 5,
            service_name: "shop",
            resource,
            scope,
            ..SpanRow::default()
        });
    }
    spans.finish().unwrap()
}

fn trace_id(trace: u32) -> [u8; 16] {
    (u128::from(trace) << 64 | 1).to_be_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Traces of up to three strides, so that they end and begin within, at and across strides.
    #[test]
    fn the_rows_of_a_trace_are_all_where_the_directory_says(
        sizes in prop::collection::vec(
            prop_oneof![1usize..20, Just(1024), 1_000usize..1_050, 2_000usize..3_000],
            1..12,
        ),
    ) {
        // Even numbers, so that there are others between.
        let traces: Vec<u32> = (1u32..)
            .zip(&sizes)
            .flat_map(|(trace, &size)| std::iter::repeat_n(2 * trace, size))
            .collect();
        let rows = clustered(Table::Spans, spans(&traces));
        let total = traces.len() as u32;
        let mut start = 0;
        for (trace, &size) in (1u32..).zip(&sizes) {
            let end = start + size as u32;
            let found = rows.directory.trace_rows(&trace_id(2 * trace), total);
            prop_assert!(found.start <= start && end <= found.end, "{found:?} of {start}..{end}");
            prop_assert!(found.len() <= size + 2 * TRACE_STRIDE_ROWS as usize);
            start = end;
        }
        for absent in 0..=sizes.len() as u32 {
            let found = rows.directory.trace_rows(&trace_id(2 * absent + 1), total);
            prop_assert!(found.len() <= TRACE_STRIDE_ROWS as usize);
        }
    }
}

#[test]
fn a_trace_is_in_the_filter_of_every_segment_that_has_it() {
    let traces: Vec<u32> = (0..3_000).collect();
    let folder = tempfile::tempdir().unwrap();
    let rows = clustered(Table::Spans, spans(&traces));
    let written =
        write_parquet(&folder.path().join("a"), Table::Spans, &FilterAttributes::default(), &rows)
            .unwrap();
    let filter = written.trace_filter.unwrap();
    let may_hold = |trace: &u32| FilterKey::of(&trace_id(*trace)).may_be_in(filter.blocks());
    assert!(traces.iter().all(may_hold));
    let wrong = (3_000..13_000).filter(may_hold);
    assert!(wrong.count() < 40, "one in a thousand is meant to be wrong");
}

/// Floats and native histograms of one series, in turns.
fn mixed_samples() -> Clustered {
    let mut samples = SamplesBuilder::default();
    let series = samples.intern_series(r#"{"__name__":"m"}"#);
    for time_unix_ms in [5, 1, 2, 3, 4] {
        let encoded = [time_unix_ms as u8; 3];
        let histogram = (time_unix_ms % 5 == 2 || time_unix_ms == 3).then_some(&encoded[..]);
        let value = if histogram.is_some() { 0.0 } else { time_unix_ms as f64 };
        samples.append(&SampleRow { series, time_unix_ms, value, histogram });
    }
    clustered(Table::Samples, samples.finish().unwrap())
}

#[test]
fn native_histograms_are_kept_as_they_came_between_the_floats_of_their_series() {
    let rows = mixed_samples();
    let (_folder, path) = written(Table::Samples, &rows);
    let segment = ParquetSegment::open(&path, None).unwrap();
    let batches = segment.read(&["count", "histograms"], None).unwrap();
    let counts = batches[0].column(0).as_primitive::<UInt32Type>();
    assert_eq!(counts.values().to_vec(), [1, 2, 2]);
    let histograms = batches[0].column(1).as_list::<i32>();
    assert!(histograms.is_null(0) && histograms.is_null(2));
    let messages = histograms.value(1);
    let messages: Vec<_> = messages.as_binary::<i32>().iter().map(Option::unwrap).collect();
    assert_eq!(messages, [[2; 3], [3; 3]]);
    let runs = segment.samples(&[(0, &rows.directory.label_sets[0])], (0, 10)).unwrap();
    assert_eq!(runs[0].times_ms, [1, 4, 5]);
    assert_eq!(runs[0].values, [1.0, 4.0, 5.0]);
}

/// An estimate of how many samples are left is at least one, and must not hold the rest back.
#[test]
fn a_series_is_hidden_to_its_end_though_what_is_left_is_only_estimated() {
    let mut samples = SamplesBuilder::default();
    let series = samples.intern_series(r#"{"__name__":"m"}"#);
    for time_unix_ms in (0..24).map(|at| at * 300_000) {
        samples.append(&SampleRow { series, time_unix_ms, value: 1.0, histogram: None });
    }
    let rows = clustered(Table::Samples, samples.finish().unwrap());
    let (_folder, path) = written(Table::Samples, &rows);
    let parquet = ParquetSegment::open(&path, None).unwrap();
    let (mut directory, time_range) = (rows.directory, rows.time_range);
    for last_due in (0..230).map(|step| step * 30_000) {
        let input = MergeInput { parquet: &parquet, directory: &directory, time_range, rows: None };
        let erasure = Erasure {
            times: (i64::MIN, last_due),
            times_of: &|_| Some((i64::MIN, last_due)),
            test: None,
            among: None,
            counts: Counts::Estimated,
        };
        let left = erase(Table::Samples, &input, &erasure).unwrap();
        assert!(left.is_less);
        assert_eq!(left.directory.label_sets[0].time_range.0, last_due + 1);
        directory = left.directory;
    }
}

#[test]
fn a_directory_is_read_back_with_how_the_parquet_file_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let of_spans = clustered(Table::Spans, spans(&(0..40_000).collect::<Vec<_>>()));
    for (table, mut rows) in [(Table::Samples, mixed_samples()), (Table::Spans, of_spans)] {
        let written =
            write_parquet(&folder.path().join("a"), table, &FilterAttributes::default(), &rows)
                .unwrap();
        rows.directory.trace_filter = written.trace_filter;
        let bytes = rows.directory.to_bytes(&written.parquet).unwrap();
        let read = Directory::from_bytes(&bytes).unwrap();
        assert_eq!(read, (rows.directory, written.parquet), "{table:?}");
    }
}

fn exemplars() -> RecordBatch {
    let mut exemplars = ExemplarsBuilder::default();
    for at in 0..10i64 {
        exemplars.append(&format!(r#"{{"__name__":"m{}"}}"#, at % 3), 7 - at, 1.5, "{}");
    }
    exemplars.finish().unwrap()
}

#[test]
fn rows_tell_the_directory_that_was_written_beside_them() {
    let traces: Vec<u32> = (0..3_000).map(|at| at / 7).collect();
    let segments = [
        (Table::Samples, mixed_samples()),
        (Table::Spans, clustered(Table::Spans, spans(&traces))),
        (Table::Exemplars, clustered(Table::Exemplars, exemplars())),
    ];
    for (table, rows) in segments {
        let (_folder, path) = written(table, &rows);
        let file = ParquetSegment::open(&path, None).unwrap();
        let mut seen = 0;
        let index = index_rows(table, &file, &mut |batch| seen += batch.num_rows()).unwrap();
        assert_eq!(index.directory.label_sets, rows.directory.label_sets, "{table:?}");
        assert_eq!(index.directory.trace_marks, rows.directory.trace_marks, "{table:?}");
        assert_eq!(index.time_range, rows.time_range, "{table:?}");
        assert_eq!((index.rows as usize, seen), (rows.batch.num_rows(), rows.batch.num_rows()));
    }
}

#[test]
fn rows_that_are_not_in_order_are_told() {
    let mut rows = clustered(Table::Spans, spans(&[1, 2, 3, 4]));
    let order = arrow::array::UInt32Array::from(vec![0, 2, 1, 3]);
    rows.batch = arrow::compute::take_record_batch(&rows.batch, &order).unwrap();
    let (_folder, path) = written(Table::Spans, &rows);
    let file = ParquetSegment::open(&path, None).unwrap();
    let error = index_rows(Table::Spans, &file, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("row 2 is not in the segment's order"), "{error}");
}

#[test]
fn a_directory_of_a_version_before_is_read_without_what_it_did_not_have() {
    let directory = mixed_samples().directory;
    let bytes = directory.to_bytes(&varve_segment::ParquetSeal::default()).unwrap();
    for version in [1, 2] {
        // Without the number of blocks of the filter of values.
        let mut before = [&bytes[..32], &bytes[36..bytes.len() - 8]].concat();
        before[8] = version;
        let checksum = xxh3_64(&before);
        before.extend_from_slice(&checksum.to_le_bytes());
        let (read, seal) = Directory::from_bytes(&before).unwrap();
        assert_eq!((&read, seal.blocks.is_some()), (&directory, version == 2));
    }
}

#[test]
fn a_directory_is_read_back_with_its_filter_of_values() {
    let folder = tempfile::tempdir().unwrap();
    let names: FilterAttributes = ["user.id", "größe"].into_iter().collect();
    let mut rows = clustered(Table::Spans, spans(&(0..900).collect::<Vec<_>>()));
    let written = write_parquet(&folder.path().join("a"), Table::Spans, &names, &rows).unwrap();
    rows.directory.trace_filter = written.trace_filter;
    rows.directory.value_filter = written.value_filter;
    let bytes = rows.directory.to_bytes(&written.parquet).unwrap();
    let (read, seal) = Directory::from_bytes(&bytes).unwrap();
    assert_eq!((&read, seal.blocks), (&rows.directory, written.parquet.blocks));
    assert_eq!(read.value_filter.unwrap().attributes, names);
}

#[test]
fn a_changed_byte_of_a_parquet_file_is_told_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let rows = clustered(Table::Spans, spans(&(0..40_000).collect::<Vec<_>>()));
    let seal =
        write_parquet(&path, Table::Spans, &FilterAttributes::default(), &rows).unwrap().parquet;
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let segment = ParquetSegment::open(&path, seal.blocks).unwrap();
    let first = segment.read(&["trace_id"], Some(std::slice::from_ref(&(0..1)))).unwrap();
    assert_eq!(first[0].num_rows(), 1);
    let all: Vec<_> = rows.batch.schema_ref().fields().iter().map(|one| one.name()).collect();
    let all: Vec<&str> = all.into_iter().map(String::as_str).collect();
    let error = segment.read(&all, None).unwrap_err().to_string();
    assert!(error.contains("are not those that were written"), "{error}");
}

#[test]
fn a_directory_that_is_not_sound_is_refused_with_the_reason() {
    let bytes = mixed_samples().directory.to_bytes(&varve_segment::ParquetSeal::default()).unwrap();
    let refused = |bytes: &[u8]| Directory::from_bytes(bytes).unwrap_err();
    assert_eq!(refused(b"short"), "it is too short");
    for at in [0, 20, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert_eq!(refused(&damaged), "its checksum is another", "byte {at}");
    }
    let resealed = |at: usize, byte: u8| {
        let mut other = bytes[..bytes.len() - 8].to_vec();
        other[at] = byte;
        let checksum = xxh3_64(&other);
        other.extend_from_slice(&checksum.to_le_bytes());
        other
    };
    assert_eq!(refused(&resealed(8, 9)), "it has version 9, this program reads 1 to 3");
    assert_eq!(refused(&resealed(0, b'X')), "it is not a segment's directory");
}
