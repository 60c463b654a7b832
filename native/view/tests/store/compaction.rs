//! Compaction: fewer segments, the same rows, in the same order.

use arrow::{
    array::AsArray,
    datatypes::{UInt32Type, UInt64Type},
};
use varve_types::Table;

use crate::support::{Home, Line, Sample, logs, metadata, samples, spans, tenant};

fn sealed(home: &Home, batches: Vec<(Table, arrow::array::RecordBatch)>) {
    home.append(&tenant("shop"), batches);
    home.store().seal_now().unwrap();
}

fn segments(home: &Home, table: Table) -> Vec<std::sync::Arc<varve_view::Segment>> {
    home.store().snapshot(&tenant("shop"), table).segments
}

#[test]
fn segments_of_one_window_become_one_and_their_files_go() {
    let home = Home::new();
    for from in 0..5 {
        let line = |at| (0u8, at, format!("line {at}"));
        sealed(&home, vec![(Table::Logs, logs(&[line(from), line(from + 10)]))]);
    }
    home.store().compact_now().unwrap();
    let segments = segments(&home, Table::Logs);
    assert_eq!(segments.iter().map(|one| one.rows()).collect::<Vec<_>>(), [10]);
    let sets = segments[0].label_sets();
    assert_eq!((sets.len(), sets[0].count, sets[0].time_range), (1, 10, (0, 14)));
    assert_eq!(home.files("parquet").len(), 1);
    let status = home.store().status();
    assert_eq!(status.compaction.segments_merged_total, 5);
    assert!(status.freed_bytes_total > 0);
}

#[test]
fn a_query_that_began_before_reads_on_and_then_the_old_files_go() {
    let home = Home::new();
    for at in 0..3 {
        sealed(&home, vec![(Table::Logs, logs(&[(0, at, format!("line {at}"))]))]);
    }
    let before = home.store().snapshot(&tenant("shop"), Table::Logs);
    home.store().compact_now().unwrap();
    assert_eq!(home.files("parquet").len(), 4);
    let bodies: usize = before
        .segments
        .iter()
        .flat_map(|one| one.read(&["body"], None).unwrap())
        .map(|batch| batch.num_rows())
        .sum();
    assert_eq!(bodies, 3);
    drop(before);
    home.store().compact_now().unwrap();
    assert_eq!(home.files("parquet").len(), 1);
}

#[test]
fn rows_keep_their_place_in_the_log_by_which_equal_times_are_ordered() {
    let home = Home::new();
    for name in ["first", "second", "third"] {
        sealed(
            &home,
            vec![(Table::Logs, logs(&[(0, 7, name.into()), (0, 7, format!("{name} b"))]))],
        );
    }
    home.store().compact_now().unwrap();
    let segment = &segments(&home, Table::Logs)[0];
    let batch = &segment.read(&["body", "_offset", "_row"], None).unwrap()[0];
    let column = |name| batch.column_by_name(name).unwrap();
    let bodies: Vec<_> = column("body").as_string::<i32>().iter().flatten().collect();
    assert_eq!(bodies, ["first", "first b", "second", "second b", "third", "third b"]);
    assert_eq!(column("_offset").as_primitive::<UInt64Type>().values(), &[0, 0, 1, 1, 2, 2]);
    assert_eq!(column("_row").as_primitive::<UInt32Type>().values(), &[0, 1, 0, 1, 0, 1]);
}

#[test]
fn late_rows_join_the_segment_of_their_day() {
    const DAY_NS: i64 = 24 * 3_600_000_000_000;
    let home = Home::new();
    let line = |day: i64, at: i64| -> Line { (0, day * DAY_NS + at, format!("{day} {at}")) };
    sealed(&home, vec![(Table::Logs, logs(&[line(0, 1), line(0, 2)]))]);
    sealed(&home, vec![(Table::Logs, logs(&[line(1, 1)]))]);
    // One late row of the first day, among those of the second.
    sealed(&home, vec![(Table::Logs, logs(&[line(1, 2), line(0, 3)]))]);
    home.store().compact_now().unwrap();
    let mut times: Vec<_> =
        segments(&home, Table::Logs).iter().map(|one| (one.time_range(), one.rows())).collect();
    times.sort_unstable();
    assert_eq!(times, [((1, 3), 3), ((DAY_NS + 1, DAY_NS + 2), 2)]);
}

#[test]
fn late_spans_join_their_trace() {
    let home = Home::new();
    sealed(&home, vec![(Table::Spans, spans(&[(1, 5, 0), (2, 6, 0)]))]);
    sealed(&home, vec![(Table::Spans, spans(&[(2, 1, 1), (1, 9, 1)]))]);
    home.store().compact_now().unwrap();
    let segments = segments(&home, Table::Spans);
    assert_eq!(segments.len(), 1);
    let batch = &segments[0].read(&["trace_id", "name"], None).unwrap()[0];
    let ids = batch.column_by_name("trace_id").unwrap().as_fixed_size_binary();
    let last_bytes: Vec<u8> = ids.iter().flatten().map(|id| id[15]).collect();
    assert_eq!(last_bytes, [1, 1, 2, 2]);
}

#[test]
fn of_samples_with_one_time_the_later_in_the_log_stays_the_last() {
    let home = Home::new();
    let bits = |value: f64| value.to_bits();
    let first: [Sample; 2] = [(0, 10, bits(1.0)), (0, 20, bits(2.0))];
    sealed(&home, vec![(Table::Samples, samples(&first))]);
    sealed(&home, vec![(Table::Samples, samples(&[(0, 20, bits(9.0)), (0, 5, bits(0.5))]))]);
    sealed(&home, vec![(Table::Samples, samples(&[(0, 20, bits(3.0)), (1, 1, bits(7.0))]))]);
    home.store().compact_now().unwrap();
    let segments = segments(&home, Table::Samples);
    assert_eq!((segments.len(), segments[0].rows()), (1, 2));
    let run = &segments[0].samples(&[0], i64::MIN, i64::MAX).unwrap()[0];
    assert_eq!(run.times_ms, [5, 10, 20, 20, 20]);
    assert_eq!(run.values, [0.5, 1.0, 2.0, 9.0, 3.0]);
    assert_eq!(home.store().status().tables[0].records, 6);
}

#[test]
fn metadata_that_says_the_same_is_kept_once() {
    let home = Home::new();
    for _ in 0..3 {
        sealed(&home, vec![(Table::Metadata, metadata(&[(1, 1), (2, 1)]))]);
    }
    sealed(&home, vec![(Table::Metadata, metadata(&[(1, 2)]))]);
    home.store().compact_now().unwrap();
    let segments = segments(&home, Table::Metadata);
    assert_eq!(segments.iter().map(|one| one.rows()).collect::<Vec<_>>(), [3]);
    let batch = &segments[0].read(&["name", "help"], None).unwrap()[0];
    let texts: Vec<_> = batch.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, ["help 1", "help 2", "help 1"]);
}

#[test]
fn a_text_is_found_in_the_merged_segment() {
    let home = Home::new();
    for at in 0..6 {
        let lines: Vec<Line> =
            (0..8).map(|n| (0, at * 8 + n, format!("order{at} item{n}"))).collect();
        sealed(&home, vec![(Table::Logs, logs(&lines))]);
    }
    home.store().compact_now().unwrap();
    let segments = segments(&home, Table::Logs);
    let rows = segments[0].rows_with_text("order3 ").unwrap().unwrap();
    assert_eq!(
        rows.iter().flat_map(Clone::clone).collect::<Vec<u32>>(),
        (24..32).collect::<Vec<_>>()
    );
}
