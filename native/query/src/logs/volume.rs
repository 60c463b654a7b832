//! How many lines and bytes streams have: from directories where a stream is asked for whole, from its
//! rows where only a part of it is.

use std::{cmp::Reverse, collections::BTreeMap, ops::Range, sync::Arc};

use hashbrown::{HashMap, HashSet};
use varve_columnar::{
    answer::{ABSENT, Answer, LogTotals, QueryStats, Series, SeriesSet, is_absent},
    labels::LabelSet,
};
use varve_types::Table;
use varve_view::{MemtableBatch, Segment};

use super::directory::{LogColumns, StreamDirectory, bodies, overlaps, times};
use crate::{
    context::ExecContext,
    error::QueryError,
    fates::Fate,
    matcher::Matchers,
    plan::{LabelMatcher, TimeRange, VolumeBy},
};

/// What a stream's sum of one step takes.
const SUM_BYTES: u64 = 32;

const MILLISECOND: i64 = 1_000_000;

/// What each line counts besides its text, as in Loki: that its level is known.
const LEVEL_BYTES: u64 = 8;

/// Lines of one stream, all in one step.
struct Part {
    stream: u32,
    step: usize,
    lines: u64,
    bytes: u64,
}

/// [`Answer::LogTotals`].
pub(crate) fn totals(
    context: &ExecContext,
    matchers: &[LabelMatcher],
    range: TimeRange,
) -> Result<Answer, QueryError> {
    let mut totals = LogTotals::default();
    let mut streams = HashSet::new();
    let mut tally = Tally::new(context, range, 0, |part: &Part| {
        streams.insert(part.stream);
        totals.lines += part.lines;
        totals.bytes += part.bytes;
        Ok(())
    });
    tally.run(matchers)?;
    totals.pieces = tally.pieces;
    totals.streams = streams.len() as u64;
    Ok(Answer::LogTotals(totals))
}

/// [`Answer::Vector`] for one step, else [`Answer::Matrix`]; the largest series come first.
pub(crate) fn volume(
    context: &ExecContext,
    matchers: &[LabelMatcher],
    range: TimeRange,
    by: &VolumeBy,
    step_ns: i64,
    limit: u32,
) -> Result<Answer, QueryError> {
    let mut by_stream: BTreeMap<u32, HashMap<usize, u64>> = BTreeMap::new();
    let mut tally = Tally::new(context, range, step_ns, |part: &Part| {
        let sums = by_stream.entry(part.stream).or_default();
        let bytes = part.bytes + part.lines * LEVEL_BYTES;
        if let Some(sum) = sums.get_mut(&part.step) {
            *sum += bytes;
            return Ok(());
        }
        sums.insert(part.step, bytes);
        context.budget.charge(SUM_BYTES)
    });
    let streams = tally.run(matchers)?;
    let ends = tally.ends_ns();
    let mut series: BTreeMap<LabelSet, Vec<f64>> = BTreeMap::new();
    for (stream, sums) in by_stream {
        for labels in groups(&streams[stream as usize], by) {
            if !series.contains_key(&labels) {
                context.budget.charge(ends.len() as u64 * 8)?;
            }
            let values = series.entry(labels).or_insert_with(|| vec![ABSENT; ends.len()]);
            for (&step, &bytes) in &sums {
                let before = if is_absent(values[step]) { 0.0 } else { values[step] };
                values[step] = before + bytes as f64;
            }
        }
    }
    let mut series: Vec<Series> =
        series.into_iter().map(|(labels, values)| Series::of(labels, values)).collect();
    // Stable: what is equally large stays in the order of labels.
    series.sort_by_cached_key(|series| Reverse(sum(&series.values)));
    series.truncate(limit as usize);
    let set = SeriesSet { steps_ns: ends, series };
    // As in Loki, what is in one step is told as if no steps had been asked for.
    Ok(if set.steps_ns.len() == 1 { Answer::Vector(set) } else { Answer::Matrix(set) })
}

fn sum(values: &[f64]) -> u64 {
    values.iter().filter(|&&value| !is_absent(value)).map(|&value| value as u64).sum()
}

/// The label sets to which a stream's bytes belong.
fn groups(stream: &LabelSet, by: &VolumeBy) -> Vec<LabelSet> {
    let is_wanted = |labels: &[String], name: &str| {
        labels.is_empty() || labels.iter().any(|label| label == name)
    };
    match by {
        VolumeBy::Series { labels } => {
            vec![LabelSet::new(stream.iter().filter(|(name, _)| is_wanted(labels, name)))]
        }
        VolumeBy::Names { labels } => stream
            .iter()
            .filter(|(name, _)| is_wanted(labels, name))
            .map(|(name, _)| LabelSet::of_name(name))
            .collect(),
    }
}

struct Tally<'q, F> {
    context: &'q ExecContext,
    range: TimeRange,
    /// 0: the whole range is one step.
    step_ns: i64,
    pieces: u64,
    add: F,
}

impl<'q, F: FnMut(&Part) -> Result<(), QueryError>> Tally<'q, F> {
    fn new(context: &'q ExecContext, range: TimeRange, step_ns: i64, add: F) -> Self {
        Self { context, range, step_ns, pieces: 0, add }
    }

    /// Calls `add` with all parts of the streams that match; the streams, by number.
    fn run(&mut self, matchers: &[LabelMatcher]) -> Result<Vec<Arc<LabelSet>>, QueryError> {
        let selectors: Vec<Matchers> =
            if matchers.is_empty() { Vec::new() } else { vec![Matchers::compile(matchers)?] };
        let mut streams = StreamDirectory::new(&selectors);
        for (tenant, snapshot) in self.context.snapshots(Table::Logs) {
            streams.enter(tenant);
            let range = self.range;
            for segment in self.context.segments_in_time(snapshot, |times| overlaps(times, range)) {
                self.segment(segment, &mut streams)?;
            }
            for batch in snapshot.memtable.iter().filter(|one| overlaps(one.time_range, range)) {
                self.memtable(batch, &mut streams)?;
            }
        }
        Ok(streams.streams().to_vec())
    }

    fn segment(
        &mut self,
        segment: &Segment,
        streams: &mut StreamDirectory<'_>,
    ) -> Result<(), QueryError> {
        self.context.budget.check()?;
        let mut fate = Fate::OtherLabels;
        let mut rows: Vec<(u32, Range<u32>)> = Vec::new();
        for set in segment.label_sets().iter().filter(|set| overlaps(set.time_range, self.range)) {
            let Some(stream) = streams.number_of(self.context, &set.text)? else { continue };
            self.pieces += 1;
            fate = Fate::Read;
            let (first, last) = set.time_range;
            match (self.step_of(first), self.step_of(last)) {
                (Some(step), Some(end)) if step == end && !segment.is_divided() => {
                    let part = Part { stream, step, lines: set.count, bytes: set.bytes };
                    (self.add)(&part)?;
                }
                _ => rows.push((stream, set.rows.clone())),
            }
        }
        self.context.tell(segment, fate);
        rows.sort_by_key(|(_, rows)| rows.start);
        if rows.is_empty() { Ok(()) } else { self.rows(segment, &rows) }
    }

    fn rows(&mut self, segment: &Segment, rows: &[(u32, Range<u32>)]) -> Result<(), QueryError> {
        let rows = &self.context.parts_as_of(segment, rows)?;
        if rows.is_empty() {
            return Ok(());
        }
        let ranges: Vec<_> = rows.iter().map(|(_, rows)| rows.clone()).collect();
        let mut origins = rows.iter().flat_map(|(stream, rows)| rows.clone().map(|_| *stream));
        let mut counted = QueryStats::default();
        for batch in segment.read(&["time_unix_nano", "body"], Some(&ranges))? {
            self.context.budget.check()?;
            let lines = bodies(&batch)?;
            counted.rows_read += batch.num_rows() as u64;
            counted.bytes_read += lines.bytes();
            let times = times(&batch)?.values();
            for (row, (&time_ns, stream)) in times.iter().zip(origins.by_ref()).enumerate() {
                if let Some(step) = self.step_of(time_ns) {
                    let bytes = lines.value(row).len() as u64;
                    (self.add)(&Part { stream, step, lines: 1, bytes })?;
                }
            }
        }
        self.context.count(&counted);
        Ok(())
    }

    fn memtable(
        &mut self,
        source: &MemtableBatch,
        streams: &mut StreamDirectory<'_>,
    ) -> Result<(), QueryError> {
        self.context.budget.check()?;
        let columns = LogColumns::of(&source.batch)?;
        let numbers = streams.numbers_of(self.context, &columns)?;
        let lines = bodies(&source.batch)?;
        let mut found = HashSet::new();
        for (row, (&key, &time_ns)) in columns.keys.iter().zip(columns.times).enumerate() {
            if let (Some(stream), Some(step)) = (numbers[key as usize], self.step_of(time_ns)) {
                found.insert(stream);
                let bytes = lines.value(row).len() as u64;
                (self.add)(&Part { stream, step, lines: 1, bytes })?;
            }
        }
        self.pieces += found.len() as u64;
        let rows = source.batch.num_rows() as u64;
        self.context.count(&QueryStats {
            rows_read: rows,
            memtable_rows_read: rows,
            ..QueryStats::default()
        });
        Ok(())
    }

    /// The step of a time; `None` outside the range.
    fn step_of(&self, time_ns: i64) -> Option<usize> {
        let TimeRange { from, to } = self.range;
        if time_ns < from.0 || time_ns >= to.0 {
            return None;
        }
        Some(if self.step_ns == 0 {
            0
        } else {
            (time_ns.abs_diff(self.first_ns()) / self.step_ns.unsigned_abs()) as usize
        })
    }

    /// Where the first step begins: as in Loki steps are whole ones since 1970.
    fn first_ns(&self) -> i64 {
        let TimeRange { from, .. } = self.range;
        from.0.saturating_sub(from.0.rem_euclid(self.step_ns))
    }

    /// The last milliseconds of the steps, and the range's end.
    fn ends_ns(&self) -> Vec<i64> {
        let TimeRange { to, .. } = self.range;
        if self.step_ns <= 0 {
            return vec![to.0];
        }
        let first = self.first_ns();
        let count = to.0.abs_diff(first).div_ceil(self.step_ns.unsigned_abs()) as i64;
        (1..=count)
            .map(|step| match first.saturating_add(step.saturating_mul(self.step_ns)) {
                end if end >= to.0 => to.0,
                end => end - MILLISECOND,
            })
            .collect()
    }
}
