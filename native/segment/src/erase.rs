//! What is left of a segment once some of its rows are erased, as a directory: of the rows of the file
//! only those that a label set has, in its times, are there.

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::Int64Type,
};
use varve_types::Table;

use crate::{
    SegmentError,
    chunks::unpack_times_of,
    clustered::column,
    directory::{Directory, LabelSetRange},
    parquet_file::ParquetSegment,
};

/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;

/// Which rows are erased.
pub struct Erasure<'a> {
    /// First and last time (both included).
    pub times: (i64, i64),
    /// By the text of their label set.
    pub label_set: &'a dyn Fn(&str) -> bool,
    /// Of log lines: by the line; `None` for all.
    pub line: Option<&'a dyn Fn(&str) -> bool>,
}

/// The directory without what is erased, and how many records that are; `None` if it erases nothing.
/// Of logs and samples; what is read is only what the directory cannot tell.
pub fn erase(
    table: Table,
    parquet: &ParquetSegment,
    directory: &Directory,
    erasure: &Erasure<'_>,
) -> Result<Option<(Directory, u64)>, SegmentError> {
    let (from, to) = erasure.times;
    let mut kept = Vec::new();
    let mut erased = 0;
    for set in &directory.label_sets {
        let overlaps = set.time_range.0 <= to && from <= set.time_range.1;
        if !overlaps || !(erasure.label_set)(&set.text) {
            kept.push(set.clone());
            continue;
        }
        let is_within = from <= set.time_range.0 && set.time_range.1 <= to;
        if is_within && erasure.line.is_none() {
            erased += set.count;
            continue;
        }
        let before = kept.len();
        match table {
            Table::Samples => keep_samples(parquet, set, (from, to), &mut kept)?,
            _ => keep_lines(parquet, set, erasure, &mut kept)?,
        }
        let left: u64 = kept.iter().skip(before).map(|one| one.count).sum();
        erased += set.count.saturating_sub(left);
    }
    let directory = Directory {
        label_sets: kept,
        trace_marks: directory.trace_marks.clone(),
        trace_filter: None,
    };
    Ok((erased > 0).then_some((directory, erased)))
}

/// The runs of a stream's rows that stay.
fn keep_lines(
    parquet: &ParquetSegment,
    set: &LabelSetRange,
    erasure: &Erasure<'_>,
    kept: &mut Vec<LabelSetRange>,
) -> Result<(), SegmentError> {
    let mut row = set.rows.start;
    let mut open: Option<LabelSetRange> = None;
    let rows = std::slice::from_ref(&set.rows);
    for batch in parquet.stream(&["time_unix_nano", "body"], Some(rows), BATCH_ROWS)? {
        let batch = batch?;
        let times = column(&batch, "time_unix_nano")?.as_primitive::<Int64Type>().values();
        let bodies = column(&batch, "body")?.as_string::<i32>();
        for (&time, body) in times.iter().zip(bodies) {
            let body = body.unwrap_or_default();
            let is_erased = (erasure.times.0..=erasure.times.1).contains(&time)
                && erasure.line.is_none_or(|is_erased| is_erased(body));
            if is_erased {
                kept.extend(open.take());
            } else {
                let run = open.get_or_insert_with(|| LabelSetRange {
                    text: set.text.clone(),
                    rows: row..row,
                    time_range: (time, time),
                    count: 0,
                    bytes: 0,
                });
                run.rows.end = row + 1;
                run.time_range.1 = time;
                run.count += 1;
                run.bytes += body.len() as u64;
            }
            row += 1;
        }
    }
    kept.extend(open);
    Ok(())
}

/// What is before, and what is after. Both may be in one chunk.
fn keep_samples(
    parquet: &ParquetSegment,
    set: &LabelSetRange,
    (from, to): (i64, i64),
    kept: &mut Vec<LabelSetRange>,
) -> Result<(), SegmentError> {
    let (first, last) = set.time_range;
    let before = (from > first).then(|| (first, from - 1));
    let after = (to < last).then(|| (to + 1, last));
    let mut parts: Vec<LabelSetRange> = [before, after]
        .into_iter()
        .flatten()
        .map(|times| LabelSetRange {
            text: set.text.clone(),
            rows: 0..0,
            time_range: times,
            count: 0,
            bytes: 0,
        })
        .collect();
    let mut chunk = set.rows.start;
    let rows = std::slice::from_ref(&set.rows);
    for batch in parquet.stream(&["times", "count"], Some(rows), BATCH_ROWS)? {
        let batch: RecordBatch = batch?;
        for at in 0..batch.num_rows() {
            let times = unpack_times_of(&batch, at)?;
            for part in &mut parts {
                let (first, last) = part.time_range;
                let count = times.iter().filter(|time| (first..=last).contains(*time)).count();
                if count > 0 {
                    let start = if part.count == 0 { chunk } else { part.rows.start };
                    part.rows = start..chunk + 1;
                    part.count += count as u64;
                }
            }
            chunk += 1;
        }
    }
    kept.extend(parts.into_iter().filter(|part| part.count > 0));
    Ok(())
}
