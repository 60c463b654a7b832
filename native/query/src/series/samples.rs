//! Samples in memory: each selector's series, loaded once per query, as two columns per series.

use std::{ops::RangeInclusive, sync::Arc};

use arrow::array::Array as _;
use rayon::prelude::*;
use varve_columnar::{
    answer::{QueryStats, SampleSeries, is_absent},
    histogram::NativeHistogram,
    labels::LabelSet,
};
use varve_types::Table;
use varve_view::{MemtableBatch, SampleRun, Segment, Snapshot};

use super::{
    directory::Directory,
    memtable::{Gathering, Run, SampleColumns, read_histogram},
    native,
    window::Samples,
};
use crate::{
    budget::Held, context::ExecContext, error::QueryError, fates::Fate, matcher::Matchers,
    plan::LabelMatcher,
};

/// Bytes of one sample in memory: its time and its value.
const SAMPLE_BYTES: u64 = 16;

/// A part of a segment or memtable is loaded by one task at least; smaller ones cost more to hand
/// over than to do.
const SERIES_PER_TASK_MIN: usize = 64;

/// All samples of one series in the time that its selector needs.
pub(super) struct LoadedSeries {
    /// With the metric's name.
    pub(super) labels: LabelSet,
    /// Milliseconds since the epoch, ascending, distinct.
    times_ms: Vec<i64>,
    /// As many; stale markers included.
    values: Vec<f64>,
    /// The same without stale markers, where there are any.
    fresh: Option<(Vec<i64>, Vec<f64>)>,
    /// Native histograms, ascending, times distinct; stale markers included.
    pub(super) histograms: Vec<(i64, Arc<NativeHistogram>)>,
}

impl LoadedSeries {
    fn len(&self) -> usize {
        self.times_ms.len() + self.histograms.len()
    }

    /// All samples.
    pub(super) fn samples(&self) -> Samples<'_> {
        Samples { times_ms: &self.times_ms, values: &self.values }
    }

    /// The samples that windows see: no stale markers.
    pub(super) fn fresh_samples(&self) -> Samples<'_> {
        match &self.fresh {
            Some((times_ms, values)) => Samples { times_ms, values },
            None => self.samples(),
        }
    }

    /// The samples that windows see, to be shown; `None` without any.
    pub(super) fn into_shown(self) -> Option<SampleSeries> {
        let Self { labels, times_ms, values, fresh, mut histograms } = self;
        let (times_ms, values) = fresh.unwrap_or((times_ms, values));
        histograms.retain(|(_, histogram)| !histogram.is_stale());
        let is_empty = times_ms.is_empty() && histograms.is_empty();
        (!is_empty).then_some(SampleSeries { labels, times_ms, values, histograms })
    }

    /// A series of the samples that came for it, in the log's order.
    fn of(labels: LabelSet, runs: Vec<Run>) -> Self {
        let Run { times_ms, values, mut histograms } = merge(runs);
        native::settle_resets(&mut histograms);
        let fresh = values.iter().any(|&value| is_absent(value)).then(|| {
            let all = times_ms.iter().zip(&values);
            all.filter(|(_, value)| !is_absent(**value)).map(|(&t, &v)| (t, v)).unzip()
        });
        Self { labels, times_ms, values, fresh, histograms }
    }
}

/// Series of one selector, sorted by labels.
pub(super) struct Loaded<'a> {
    pub(super) series: Vec<LoadedSeries>,
    _held: Held<'a>,
}

/// Loads the series that match, with their samples in a range of milliseconds.
pub(super) fn load<'a>(
    context: &'a ExecContext,
    matchers: &[LabelMatcher],
    range_ms: RangeInclusive<i64>,
) -> Result<Loaded<'a>, QueryError> {
    let compiled = Matchers::compile(matchers)?;
    let mut series = Vec::new();
    for (tenant, snapshot) in context.snapshots(Table::Samples) {
        let mut loader = Loader {
            context,
            directory: Directory::new(matchers, &compiled, tenant),
            runs: Vec::new(),
            range_ms: range_ms.clone(),
            counted: QueryStats::default(),
        };
        loader.read(snapshot)?;
        context.count(&loader.counted);
        series.par_extend(
            (loader.directory.into_matched(), loader.runs)
                .into_par_iter()
                .with_min_len(SERIES_PER_TASK_MIN)
                .filter(|(_, runs)| !runs.is_empty())
                .map(|(labels, runs)| LoadedSeries::of(labels, runs)),
        );
    }
    series.par_sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
    let samples: u64 = series.iter().map(|series| series.len() as u64).sum();
    context.budget.add_series(series.len() as u64)?;
    context.count(&QueryStats { rows_matched: samples, ..QueryStats::default() });
    let held = Held::charge(&context.budget, samples * SAMPLE_BYTES)?;
    Ok(Loaded { series, _held: held })
}

/// A segment, and which of its label sets are which series (both by number).
type Wanted<'s> = (&'s Arc<Segment>, Vec<(usize, usize)>);

/// One tenant's samples on their way into memory.
struct Loader<'a> {
    context: &'a ExecContext,
    directory: Directory<'a>,
    /// By the series' number in the directory; each in the log's order.
    runs: Vec<Vec<Run>>,
    range_ms: RangeInclusive<i64>,
    counted: QueryStats,
}

impl Loader<'_> {
    fn read(&mut self, snapshot: &Snapshot) -> Result<(), QueryError> {
        let (from_ms, to_ms) = (*self.range_ms.start(), *self.range_ms.end());
        let overlaps = |(first, last): (i64, i64)| first <= to_ms && from_ms <= last;
        let mut wanted = Vec::new();
        for segment in self.context.segments_in_time(snapshot, overlaps) {
            self.context.budget.check()?;
            let mut numbers = Vec::new();
            for (at, set) in segment.label_sets().iter().enumerate() {
                if overlaps(set.time_range)
                    && let Some(number) = self.directory.number_of(&set.text)?
                {
                    numbers.push((at, number));
                }
            }
            if numbers.is_empty() {
                self.context.tell(segment, Fate::OtherLabels);
            } else {
                segment.undivided()?;
                self.context.tell(segment, Fate::Read);
                wanted.push((segment, numbers));
            }
        }
        self.read_segments(&wanted)?;
        let batches = snapshot.memtable.iter().filter(|batch| overlaps(batch.time_range));
        self.read_memtable(batches)
    }

    fn read_segments(&mut self, wanted: &[Wanted<'_>]) -> Result<(), QueryError> {
        let (from_ms, to_ms) = (*self.range_ms.start(), *self.range_ms.end());
        let tasks: Vec<_> = wanted
            .iter()
            .flat_map(|(segment, numbers)| {
                numbers.chunks(SERIES_PER_TASK_MIN).map(move |numbers| (*segment, numbers))
            })
            .collect();
        let read: Vec<Vec<(usize, Run)>> = tasks
            .into_par_iter()
            .map(|(segment, numbers)| {
                self.context.budget.check()?;
                let label_sets: Vec<usize> = numbers.iter().map(|&(at, _)| at).collect();
                let runs = segment.samples(&label_sets, from_ms, to_ms)?;
                let samples =
                    runs.iter().map(|run| (run.times_ms.len() + run.histograms.len()) as u64).sum();
                self.context.budget.add_samples(samples)?;
                let number_of = |at: usize| {
                    numbers
                        .binary_search_by_key(&at, |&(at, _)| at)
                        .ok()
                        .map(|found| numbers[found].1)
                };
                runs.into_iter()
                    .filter_map(|run| Some((number_of(run.label_set)?, run)))
                    .map(|(number, run)| Ok((number, decoded(run)?)))
                    .collect()
            })
            .collect::<Result<_, QueryError>>()?;
        self.runs.resize_with(self.directory.matched_count(), Vec::new);
        for (number, run) in read.into_iter().flatten() {
            self.counted.rows_read += run.times_ms.len() as u64;
            self.counted.bytes_read += run.times_ms.len() as u64 * SAMPLE_BYTES;
            if !run.times_ms.is_empty() || !run.histograms.is_empty() {
                self.runs[number].push(run);
            }
        }
        Ok(())
    }

    /// Adds what came after all that is sealed.
    fn read_memtable<'b>(
        &mut self,
        batches: impl Iterator<Item = &'b MemtableBatch>,
    ) -> Result<(), QueryError> {
        let mut gathering = Gathering::default();
        for batch in batches {
            self.context.budget.check()?;
            let columns = SampleColumns::of(&batch.batch)?;
            let rows = columns.keys.len() as u64;
            let mut numbers = Vec::with_capacity(columns.texts.len());
            for text in columns.texts {
                numbers.push(self.directory.number_of(text.unwrap_or_default())?);
            }
            let taken = gathering.add(columns, &numbers, &self.range_ms)?;
            self.context.budget.add_samples(taken)?;
            self.counted.memtable_rows_read += rows;
            self.counted.rows_read += rows;
            self.counted.bytes_read += rows * SAMPLE_BYTES;
        }
        let _held = Held::charge(&self.context.budget, gathering.samples() * SAMPLE_BYTES)?;
        self.runs.resize_with(self.directory.matched_count(), Vec::new);
        for (number, run) in gathering.into_runs() {
            self.runs[number].push(run);
        }
        Ok(())
    }
}

/// A run whose histograms are read.
fn decoded(run: SampleRun) -> Result<Run, QueryError> {
    let histograms = run
        .histograms
        .into_iter()
        .map(|(time_ms, bytes)| Ok((time_ms, Arc::new(read_histogram(&bytes)?))))
        .collect::<Result<_, QueryError>>()?;
    Ok(Run { times_ms: run.times_ms, values: run.values, histograms })
}

/// One run of all: ascending, and of equal times the later one counts.
fn merge(mut runs: Vec<Run>) -> Run {
    let mut histograms: Vec<_> =
        runs.iter_mut().flat_map(|run| std::mem::take(&mut run.histograms)).collect();
    // The last of equal times comes first, and stays.
    histograms.reverse();
    histograms.sort_by_key(|&(time_ms, _)| time_ms);
    histograms.dedup_by_key(|(time_ms, _)| *time_ms);
    Run { histograms, ..merge_floats(runs) }
}

fn merge_floats(mut runs: Vec<Run>) -> Run {
    let ascending = |run: &Run| run.times_ms.is_sorted_by(|a, b| a < b);
    if runs.iter().all(ascending) {
        // Segments mostly hold one stretch of time each, but come in no order.
        let mut ends: Vec<_> =
            runs.iter().map(|run| (run.times_ms.first(), run.times_ms.last())).collect();
        ends.sort_unstable();
        if ends.is_sorted_by(|(_, last), (first, _)| last < first) {
            runs.sort_unstable_by_key(|run| run.times_ms.first().copied());
            return concat(runs);
        }
    }
    let Run { times_ms, values, .. } = concat(runs);
    let mut samples: Vec<(i64, f64)> = times_ms.into_iter().zip(values).collect();
    samples.sort_by_key(|&(time_ms, _)| time_ms);
    let mut merged = Run::default();
    for (time_ms, value) in samples {
        if merged.times_ms.last() == Some(&time_ms) {
            merged.times_ms.pop();
            merged.values.pop();
        }
        merged.times_ms.push(time_ms);
        merged.values.push(value);
    }
    merged
}

fn concat(runs: Vec<Run>) -> Run {
    let mut runs = runs.into_iter();
    let mut all = runs.next().unwrap_or_default();
    for run in runs {
        all.times_ms.extend(run.times_ms);
        all.values.extend(run.values);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(samples: &[(i64, f64)]) -> Run {
        let (times_ms, values) = samples.iter().copied().unzip();
        Run { times_ms, values, histograms: Vec::new() }
    }

    #[test]
    fn runs_apart_are_put_one_after_the_other() {
        let merged = merge(vec![run(&[(30, 3.0)]), run(&[(10, 1.0), (20, 2.0)])]);
        assert_eq!(merged.times_ms, [10, 20, 30]);
        assert_eq!(merged.values, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn of_two_samples_at_one_time_the_later_in_the_log_wins() {
        let merged =
            merge(vec![run(&[(10, 1.0), (20, 2.0)]), run(&[(5, 0.0), (20, 9.0), (20, 8.0)])]);
        assert_eq!(merged.times_ms, [5, 10, 20]);
        assert_eq!(merged.values, [0.0, 1.0, 8.0]);
    }
}
