use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use proptest::prelude::*;
use varve_columnar::builders::{SampleRow, SamplesBuilder, SpanRow, SpansBuilder};
use varve_types::Lsn;

use super::*;
use crate::{
    Clustered, Effort, FilterAttributes, LogPart, ParquetFileWriter, cluster, stored_schema,
};

fn spans(rows: &[(u8, i64)]) -> RecordBatch {
    let mut spans = SpansBuilder::default();
    let (resource, scope) = (spans.intern_resource("{}"), spans.intern_scope("{}"));
    for &(trace, start_unix_nano) in rows {
        spans.append(&SpanRow {
            trace_id: [trace; 16],
            span_id: [trace; 8],
            name: if trace % 2 == 0 { "even" } else { "odd" },
            kind: 1,
            start_unix_nano,
            end_unix_nano: start_unix_nano + 1,
            service_name: "shop",
            resource,
            scope,
            ..SpanRow::default()
        });
    }
    spans.finish().unwrap()
}

fn samples(rows: &[(u8, i64)]) -> RecordBatch {
    let mut samples = SamplesBuilder::default();
    for (at, &(series, time_unix_ms)) in rows.iter().enumerate() {
        let is_histogram = series == 3 && time_unix_ms % 2 == 0;
        let series = samples.intern_series(&format!(r#"{{"__name__":"m{series}"}}"#));
        let bytes = [at as u8, 1];
        let histogram = is_histogram.then_some(&bytes[..]);
        samples.append(&SampleRow { series, time_unix_ms, value: at as f64 / 8.0, histogram });
    }
    samples.finish().unwrap()
}

fn part(offset: u64, batch: RecordBatch) -> LogPart {
    LogPart { partition: 0, lsn: Lsn::new(1, offset), batch }
}

/// What merging the segments gives: all rows, and their directory.
fn merged(
    table: Table,
    folder: &Path,
    segments: &[Clustered],
    times: (i64, i64),
) -> (RecordBatch, Merged) {
    let open = |(at, rows): (usize, &Clustered)| {
        let path = folder.join(at.to_string());
        let attributes = FilterAttributes::default();
        let mut writer =
            ParquetFileWriter::create(&path, table, Effort::Quick, &attributes).unwrap();
        writer.write(&rows.batch).unwrap();
        writer.finish().unwrap();
        ParquetSegment::open(&path, None).unwrap()
    };
    let files: Vec<_> = segments.iter().enumerate().map(open).collect();
    let inputs: Vec<_> = files
        .iter()
        .zip(segments)
        .map(|(parquet, rows)| MergeInput {
            parquet,
            directory: &rows.directory,
            time_range: rows.time_range,
            rows: None,
        })
        .collect();
    let mut batches = Vec::new();
    let mut take = |batch: &RecordBatch| {
        batches.push(batch.clone());
        Ok::<_, SegmentError>(())
    };
    let merged = merge(table, &inputs, times, &mut take).unwrap();
    (concat_batches(&stored_schema(table), &batches).unwrap(), merged)
}

fn requests() -> impl Strategy<Value = Vec<Vec<(u8, i64)>>> {
    let rows = prop_oneof![
        prop::collection::vec((0u8..5, 0i64..40), 1..30),
        prop::collection::vec((0u8..2, 0i64..9_000), 3_000..5_000),
    ];
    prop::collection::vec(rows, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Sealed apart and then merged, or sealed together: the same segment.
    #[test]
    fn merging_is_as_sealing_together(requests in requests(), is_samples in any::<bool>()) {
        type Build = fn(&[(u8, i64)]) -> RecordBatch;
        let (table, build): (_, Build) =
            if is_samples { (Table::Samples, samples) } else { (Table::Spans, spans) };
        let part_of = |at: usize| part(at as u64, build(&requests[at]));
        let apart: Vec<_> =
            (0..requests.len()).map(|at| cluster(table, &[part_of(at)]).unwrap()).collect();
        let all: Vec<_> = (0..requests.len()).map(part_of).collect();
        let together = cluster(table, &all).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (rows, merged) = merged(table, folder.path(), &apart, (i64::MIN, i64::MAX));
        prop_assert_eq!(&merged.directory, &together.directory);
        prop_assert_eq!(merged.time_range, together.time_range);
        prop_assert_eq!(merged.records, requests.iter().map(|rows| rows.len() as u64).sum::<u64>());
        prop_assert_eq!(rows, together.batch);
    }

    /// Windows of time have all rows between them, each its own.
    #[test]
    fn windows_share_the_rows(requests in requests(), is_samples in any::<bool>(), at in 0i64..60) {
        type Build = fn(&[(u8, i64)]) -> RecordBatch;
        let (table, build): (_, Build) =
            if is_samples { (Table::Samples, samples) } else { (Table::Spans, spans) };
        let apart: Vec<_> = requests
            .iter()
            .map(|rows| cluster(table, &[part(0, build(rows))]).unwrap())
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let (_, before) = merged(table, folder.path(), &apart, (i64::MIN, at));
        let (_, after) = merged(table, folder.path(), &apart, (at + 1, i64::MAX));
        let expected = requests.iter().flatten().filter(|(_, time)| *time <= at).count();
        prop_assert_eq!(before.records, expected as u64);
        let total: usize = requests.iter().map(Vec::len).sum();
        prop_assert_eq!(before.records + after.records, total as u64);
        prop_assert!(before.rows == 0 || before.time_range.1 <= at);
        prop_assert!(after.rows == 0 || after.time_range.0 > at);
    }
}
