//! Merging: the rows of several segments as one, in the same order as if they had been sealed together.
//!
//! Rows, or chunks, are streamed: what is held is a batch of each input and one of the output.

mod cursor;
mod metadata;
mod order;
mod output;
mod samples;

use std::ops::Range;

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::Int64Type,
};
use varve_types::Table;

use self::order::Rows;
use crate::{
    SegmentError,
    clustered::column,
    directory::{Directory, LabelSetRange},
    parquet_file::ParquetSegment,
};

/// One segment that is merged.
pub struct MergeInput<'a> {
    /// Its rows.
    pub parquet: &'a ParquetSegment,
    /// Which of them are its streams' or series'; rows that no label set has are left out, as are
    /// samples outside of their label set's times.
    pub directory: &'a Directory,
    /// First and last time of its rows (both included).
    pub time_range: (i64, i64),
    /// For spans and metadata: the rows that are taken, ascending; `None` for all.
    pub rows: Option<&'a [Range<u32>]>,
}

/// What was merged.
#[derive(Debug)]
pub struct Merged {
    /// Where each stream, series or trace is in the output.
    pub directory: Directory,
    /// First and last time (both included); (0, 0) for no rows.
    pub time_range: (i64, i64),
    /// Rows of the output (for samples: chunks).
    pub rows: u32,
    /// Records of the log in it: rows, or samples.
    pub records: u64,
}

/// Merges the rows with a time in `times` (both ends included; metadata has no times). Of rows that
/// compare equal those of an earlier input come first.
///
/// `out` takes batches of [`crate::stored_schema`] in the output's order, and may end the merge by an
/// error of its own.
pub fn merge<E: From<SegmentError>>(
    table: Table,
    inputs: &[MergeInput<'_>],
    times: (i64, i64),
    out: &mut dyn FnMut(&RecordBatch) -> Result<(), E>,
) -> Result<Merged, E> {
    match table {
        Table::Logs => cursor::merge(Rows::Logs, inputs, times, out),
        Table::Spans => cursor::merge(Rows::Spans, inputs, times, out),
        Table::Samples => samples::merge(inputs, times, out),
        Table::Exemplars => cursor::merge(Rows::Exemplars, inputs, times, out),
        Table::Metadata => metadata::merge(inputs, out),
    }
}

/// Rows of some ranges, each with what its range stands for, that have a time in `times`.
fn cut_by_time<T: Copy>(
    input: &MergeInput<'_>,
    time_column: &str,
    ranges: Vec<(T, Range<u32>)>,
    times: (i64, i64),
) -> Result<Vec<(T, Range<u32>)>, SegmentError> {
    if times.0 <= input.time_range.0 && input.time_range.1 <= times.1 {
        return Ok(ranges);
    }
    let rows: Vec<Range<u32>> = ranges.iter().map(|(_, rows)| rows.clone()).collect();
    let mut places = ranges.into_iter().flat_map(|(what, rows)| rows.map(move |row| (what, row)));
    let mut kept: Vec<(T, Range<u32>)> = Vec::new();
    // Whether the row before is in `kept` and of the same range.
    let mut range_ends = rows.iter().map(|rows| rows.end);
    let mut end = range_ends.next().unwrap_or(0);
    let mut is_open = false;
    for batch in input.parquet.stream(&[time_column], Some(&rows), cursor::BATCH_ROWS)? {
        let batch = batch?;
        for &time in column(&batch, time_column)?.as_primitive::<Int64Type>().values() {
            let Some((what, row)) = places.next() else { break };
            if row >= end {
                is_open = false;
                end = range_ends.find(|&end| row < end).unwrap_or(u32::MAX);
            }
            let is_taken = (times.0..=times.1).contains(&time);
            match kept.last_mut().filter(|_| is_open && is_taken) {
                Some((_, last)) => last.end = row + 1,
                None if is_taken => kept.push((what, row..row + 1)),
                None => {}
            }
            is_open = is_taken;
        }
    }
    Ok(kept)
}

/// The inputs' label sets as ranks: all texts sorted, and each input's sets with their text's place.
fn ranked<'a>(inputs: &[MergeInput<'a>]) -> Ranked<'a> {
    let mut texts: Vec<_> =
        inputs.iter().flat_map(|input| &input.directory.label_sets).map(|set| &set.text).collect();
    texts.sort_unstable();
    texts.dedup();
    let rank = |set: &LabelSetRange| texts.partition_point(|text| **text < set.text) as u32;
    let sets = inputs
        .iter()
        .map(|input| input.directory.label_sets.iter().map(|set| (rank(set), set)).collect())
        .collect();
    Ranked { texts, sets }
}

struct Ranked<'a> {
    texts: Vec<&'a std::sync::Arc<str>>,
    sets: Vec<Vec<(u32, &'a LabelSetRange)>>,
}

#[cfg(test)]
mod tests;
