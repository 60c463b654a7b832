//! What is left of a segment once some of its rows are erased. The file stays as it is: of tables with
//! label sets the directory says what is left, of others the rows themselves.

use std::ops::Range;

use arrow::{
    array::{Array as _, AsArray, BooleanArray, RecordBatch},
    datatypes::Int64Type,
    error::ArrowError,
};
use varve_types::Table;

use crate::{
    SegmentError,
    chunks::unpack_times_of,
    clustered::column,
    directory::{Directory, LabelSetRange},
    merge::MergeInput,
    row_ranges::{common_rows, rows_without},
};

/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;

/// Which rows are erased: all of these must hold.
pub struct Erasure<'a> {
    /// First and last time of any (both included).
    pub times: (i64, i64),
    /// By the text of their label set (for spans the empty text) the first and last time of those that
    /// are; `None`: none of it.
    pub times_of: &'a dyn Fn(&str) -> Option<(i64, i64)>,
    /// What the rows themselves tell; not for samples.
    pub test: Option<RowTest<'a>>,
    /// Of spans: those that can be meant, ascending; `None` for all.
    pub among: Option<&'a [Range<u32>]>,
    /// How what is left is counted.
    pub counts: Counts,
}

/// How what is left is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Lines are read for their bytes, and chunks of samples that are left or erased in part.
    Exact,
    /// Without reading these: bytes of lines by the share of rows, samples by the share of time. For
    /// what is done often.
    Estimated,
}

/// A condition on rows.
#[derive(Clone, Copy)]
pub struct RowTest<'a> {
    /// What it looks at.
    pub columns: &'a [&'a str],
    /// For each row of a batch of these columns whether it is erased.
    pub is_erased: &'a dyn Fn(&RecordBatch) -> Result<BooleanArray, ArrowError>,
}

/// What is left.
pub struct Left {
    /// Without label sets, or parts of them, that are erased.
    pub directory: Directory,
    /// Of spans the rows that are left, ascending; of other tables `None`.
    pub rows: Option<Vec<Range<u32>>>,
    /// Whether that is less than there was.
    pub is_less: bool,
    /// How many records are erased; as [`Counts`] has it.
    pub erased: u64,
    /// Of spans, if all were looked at, the first time that is left; of other tables the directory says it.
    pub first_time: Option<i64>,
}

/// What is left without what is erased. What is read is only what the directory cannot tell.
pub fn erase(
    table: Table,
    input: &MergeInput<'_>,
    erasure: &Erasure<'_>,
) -> Result<Left, SegmentError> {
    if table == Table::Spans {
        return keep_spans(input, erasure);
    }
    let mut kept = Vec::new();
    let (mut erased, mut is_less) = (0, false);
    for set in &input.directory.label_sets {
        let overlaps =
            |times: &(i64, i64)| set.time_range.0 <= times.1 && times.0 <= set.time_range.1;
        let times = Some(erasure.times).filter(overlaps);
        let times = times.and_then(|_| (erasure.times_of)(&set.text)).filter(overlaps);
        let Some(times) = times else {
            kept.push(set.clone());
            continue;
        };
        let is_within = times.0 <= set.time_range.0 && set.time_range.1 <= times.1;
        if is_within && erasure.test.is_none() {
            (erased, is_less) = (erased + set.count, true);
            continue;
        }
        let before = kept.len();
        let gone = match table {
            Table::Samples if erasure.counts == Counts::Estimated => {
                parts(set, times, &mut kept);
                // An estimate may say that nothing is: the range is shorter all the same.
                is_less = true;
                None
            }
            Table::Samples => Some(keep_samples(input, set, times, &mut kept)?),
            _ => {
                KeepRows { table, input, set, times, erasure }.run(&mut kept)?;
                None
            }
        };
        let left: u64 = kept.iter().skip(before).map(|one| one.count).sum();
        let gone = gone.unwrap_or_else(|| set.count.saturating_sub(left));
        is_less |= gone > 0;
        erased += gone;
    }
    let directory = Directory {
        label_sets: kept,
        trace_marks: input.directory.trace_marks.clone(),
        trace_filter: None,
        value_filter: None,
    };
    Ok(Left { directory, rows: None, is_less, erased, first_time: None })
}

/// A label set of which some rows stay.
struct KeepRows<'a> {
    table: Table,
    input: &'a MergeInput<'a>,
    set: &'a LabelSetRange,
    times: (i64, i64),
    erasure: &'a Erasure<'a>,
}

impl KeepRows<'_> {
    /// Adds the runs that stay.
    fn run(&self, kept: &mut Vec<LabelSetRange>) -> Result<(), SegmentError> {
        let (set, test) = (self.set, self.erasure.test);
        let reads_lines = self.table == Table::Logs && self.erasure.counts == Counts::Exact;
        let time = if self.table == Table::Exemplars { "time_unix_ms" } else { "time_unix_nano" };
        let own = [Some(time), reads_lines.then_some("body")];
        let columns = columns(own.into_iter().flatten(), test);
        let (mut row, mut bytes_seen) = (set.rows.start, 0);
        let share = set.bytes / u64::from(set.rows.end - set.rows.start).max(1);
        let mut open: Option<LabelSetRange> = None;
        let rows = std::slice::from_ref(&set.rows);
        for batch in self.input.parquet.stream(&columns, Some(rows), BATCH_ROWS)? {
            let batch = batch?;
            let times = column(&batch, time)?.as_primitive::<Int64Type>().values();
            let bodies = batch.column_by_name("body").filter(|_| reads_lines);
            let bodies = bodies.map(AsArray::as_string::<i32>);
            let told = test.map(|test| (test.is_erased)(&batch)).transpose()?;
            for (at, &time) in times.iter().enumerate() {
                if test.is_none() && time > self.times.1 {
                    // Rows are in the order of time: what follows stays, and need not be read.
                    let rest = open.get_or_insert_with(|| run_at(set, row, time));
                    rest.count += u64::from(set.rows.end - row);
                    rest.bytes += set.bytes.saturating_sub(bytes_seen);
                    rest.rows.end = set.rows.end;
                    rest.time_range.1 = set.time_range.1;
                    kept.extend(open);
                    return Ok(());
                }
                let bytes = bodies.map_or(share, |bodies| bodies.value_length(at) as u64);
                bytes_seen += bytes;
                let is_erased = (self.times.0..=self.times.1).contains(&time)
                    && told.as_ref().is_none_or(|told| told.is_valid(at) && told.value(at));
                if is_erased {
                    kept.extend(open.take());
                } else {
                    let run = open.get_or_insert_with(|| run_at(set, row, time));
                    run.rows.end = row + 1;
                    run.time_range.1 = time;
                    run.count += 1;
                    run.bytes += bytes;
                }
                row += 1;
            }
        }
        kept.extend(open);
        Ok(())
    }
}

/// A run of a label set's rows that begins here and has none yet.
fn run_at(set: &LabelSetRange, row: u32, time: i64) -> LabelSetRange {
    LabelSetRange {
        text: set.text.clone(),
        rows: row..row,
        time_range: (time, time),
        count: 0,
        bytes: 0,
    }
}

/// Some columns and those that a test looks at, each once.
fn columns<'a>(own: impl IntoIterator<Item = &'a str>, test: Option<RowTest<'a>>) -> Vec<&'a str> {
    let mut columns: Vec<_> =
        own.into_iter().chain(test.into_iter().flat_map(|test| test.columns).copied()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn keep_spans(input: &MergeInput<'_>, erasure: &Erasure<'_>) -> Result<Left, SegmentError> {
    let all = 0..input.parquet.rows();
    let rows = input.rows.unwrap_or(std::slice::from_ref(&all));
    let directory = Directory { trace_filter: None, value_filter: None, ..input.directory.clone() };
    let unchanged = |rows: &[Range<u32>]| Left {
        directory: directory.clone(),
        rows: Some(rows.to_vec()),
        is_less: false,
        erased: 0,
        first_time: None,
    };
    let Some((first, last)) = (erasure.times_of)("") else { return Ok(unchanged(rows)) };
    let looked_at = erasure.among.map_or_else(|| rows.to_vec(), |among| common_rows(rows, among));
    if looked_at.is_empty() {
        return Ok(unchanged(rows));
    }
    let columns = columns(["start_unix_nano"], erasure.test);
    let mut places = looked_at.iter().cloned().flatten();
    let mut gone: Vec<Range<u32>> = Vec::new();
    let mut first_time: Option<i64> = None;
    for batch in input.parquet.stream(&columns, Some(&looked_at), BATCH_ROWS)? {
        let batch = batch?;
        let times = column(&batch, "start_unix_nano")?.as_primitive::<Int64Type>().values();
        let told = erasure.test.map(|test| (test.is_erased)(&batch)).transpose()?;
        for (at, (&time, row)) in times.iter().zip(places.by_ref()).enumerate() {
            let is_erased = (first..=last).contains(&time)
                && told.as_ref().is_none_or(|told| told.is_valid(at) && told.value(at));
            if !is_erased {
                first_time = Some(first_time.map_or(time, |first| first.min(time)));
                continue;
            }
            match gone.last_mut().filter(|last| last.end == row) {
                Some(last) => last.end += 1,
                None => gone.push(row..row + 1),
            }
        }
    }
    let erased: u64 = gone.iter().map(|rows| u64::from(rows.end - rows.start)).sum();
    let rows = Some(rows_without(rows, &gone));
    // Of rows that were not looked at the time is not known.
    let first_time = first_time.filter(|_| erasure.among.is_none());
    Ok(Left { directory, rows, is_less: erased > 0, erased, first_time })
}

/// What of a series is before, and what is after, with counts by the share of its time.
fn parts(set: &LabelSetRange, (from, to): (i64, i64), kept: &mut Vec<LabelSetRange>) {
    let (first, last) = set.time_range;
    let before = (from > first).then(|| (first, from - 1));
    let after = (to < last).then(|| (to + 1, last));
    let length = |(first, last): (i64, i64)| u128::from(last.abs_diff(first)) + 1;
    kept.extend([before, after].into_iter().flatten().map(|times| {
        let share = u128::from(set.count) * length(times) / length((first, last));
        let count = u64::try_from(share).unwrap_or(u64::MAX).max(1);
        LabelSetRange { time_range: times, count, ..set.clone() }
    }));
}

/// What is before, and what is after. Both may be in one chunk. Answers how many samples are in neither;
/// that is counted, as the set's own count may be an estimate.
fn keep_samples(
    input: &MergeInput<'_>,
    set: &LabelSetRange,
    times: (i64, i64),
    kept: &mut Vec<LabelSetRange>,
) -> Result<u64, SegmentError> {
    let gone_times = times.0.max(set.time_range.0)..=times.1.min(set.time_range.1);
    let mut gone = 0;
    let mut left = Vec::new();
    parts(set, times, &mut left);
    for part in &mut left {
        (part.rows, part.count) = (0..0, 0);
    }
    let mut chunk = set.rows.start;
    let rows = std::slice::from_ref(&set.rows);
    for batch in input.parquet.stream(&["times", "count"], Some(rows), BATCH_ROWS)? {
        let batch: RecordBatch = batch?;
        for at in 0..batch.num_rows() {
            let times = unpack_times_of(&batch, at)?;
            gone += times.iter().filter(|time| gone_times.contains(time)).count() as u64;
            for part in &mut left {
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
    if gone == 0 {
        kept.push(set.clone());
    } else {
        kept.extend(left.into_iter().filter(|part| part.count > 0));
    }
    Ok(gone)
}
