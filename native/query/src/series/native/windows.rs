//! Native histograms at steps: the newest one, or a function of those in a window.

use std::{ops::Range, sync::Arc};

use varve_columnar::{
    answer::ABSENT,
    histogram::{NativeHistogram, ResetHint},
};

use super::{
    TimedHistograms,
    math::{Added, Incompatible, add, are_equal, divide, is_reset, scale},
    sums::{HistogramMean, HistogramSum, ResetsSeen},
};
use crate::{
    context::ExecContext,
    plan::WindowFunction,
    series::{
        annotations::{self, HistogramOperation},
        instants::WindowBounds,
        range_functions::{Change, Stretch},
        value::EvalSeries,
        window::{Samples, Shown},
    },
};

/// Puts each step's newest histogram where no float is newer. A stale marker ends the series.
pub(crate) fn newest(
    series: &mut EvalSeries,
    floats: Samples<'_>,
    histograms: &TimedHistograms,
    bounds: &[WindowBounds],
    shown: Shown,
) {
    for (step, bound) in bounds.iter().enumerate() {
        let Some((time_ms, histogram)) = within(histograms, *bound).last() else { continue };
        let before = floats.times_ms.partition_point(|time| *time <= bound.until_ms);
        if before > 0 && floats.times_ms[before - 1] > *time_ms {
            continue;
        }
        series.values[step] = ABSENT;
        if histogram.is_stale() {
            continue;
        }
        match shown {
            Shown::Value => series.put_histogram(step, Arc::clone(histogram)),
            Shown::Time => series.values[step] = *time_ms as f64 / 1e3,
        }
    }
}

/// The histograms of a time.
pub(crate) fn within(histograms: &TimedHistograms, bound: WindowBounds) -> &TimedHistograms {
    let place = |until: i64| histograms.partition_point(|(time, _)| *time <= until);
    histograms.get(place(bound.after_ms)..place(bound.until_ms)).unwrap_or_default()
}

/// A window function over histograms.
pub(crate) struct HistogramWindows<'a> {
    pub(crate) context: &'a ExecContext,
    pub(crate) function: WindowFunction,
    /// The metric's name.
    pub(crate) metric: &'a str,
    pub(crate) floats: Samples<'a>,
    /// Without stale markers.
    pub(crate) histograms: &'a TimedHistograms,
}

/// What a window holds at one place.
#[derive(Clone, Copy)]
pub(super) enum Sample<'h> {
    Float(f64),
    Histogram(&'h Arc<NativeHistogram>),
}

impl<'a> HistogramWindows<'a> {
    /// Completes what the function made of floats alone.
    pub(crate) fn complete(&self, series: &mut EvalSeries, bounds: &[WindowBounds]) {
        for (step, &bound) in bounds.iter().enumerate() {
            let histograms = within(self.histograms, bound);
            if histograms.is_empty() {
                continue;
            }
            let place = |until: i64| self.floats.times_ms.partition_point(|time| *time <= until);
            let floats = place(bound.after_ms)..place(bound.until_ms);
            if floats.is_empty() {
                self.of_histograms(series, step, histograms, bound);
            } else {
                self.of_both(series, step, histograms, floats);
            }
        }
    }

    fn of_both(
        &self,
        series: &mut EvalSeries,
        step: usize,
        histograms: &'a TimedHistograms,
        floats: Range<usize>,
    ) {
        use WindowFunction as F;
        let times_ms = &self.floats.times_ms[floats.clone()];
        let (oldest_ms, newest_ms) = (times_ms[0], times_ms[times_ms.len() - 1]);
        match self.function {
            F::CountOverTime => series.values[step] += histograms.len() as f64,
            F::PresentOverTime => {}
            F::LastOverTime => {
                if let Some((_, last)) = histograms.last().filter(|(at, _)| *at > newest_ms) {
                    series.put_histogram(step, Arc::clone(last));
                }
            }
            F::FirstOverTime => {
                if let Some((_, first)) = histograms.first().filter(|(at, _)| *at < oldest_ms) {
                    series.put_histogram(step, Arc::clone(first));
                }
            }
            F::TsOfFirstOverTime | F::TsOfLastOverTime => {
                self.when(series, step, histograms);
            }
            F::Resets | F::Changes => {
                let samples = self.in_order(histograms, floats);
                series.values[step] = self.count_pairs(&samples);
            }
            F::Irate | F::Idelta => self.between_last_two(series, step, histograms, floats),
            F::Rate | F::Increase | F::Delta | F::SumOverTime | F::AvgOverTime => {
                series.values[step] = ABSENT;
                annotations::mixed_window(self.context, self.metric);
            }
            _ => annotations::ignored_in_window(self.context, self.metric),
        }
    }

    /// The time of the first or last sample, where a histogram is before or after all floats.
    fn when(&self, series: &mut EvalSeries, step: usize, histograms: &TimedHistograms) {
        let seconds = |sample: Option<&(i64, _)>| sample.map_or(ABSENT, |(at, _)| *at as f64 / 1e3);
        let value = &mut series.values[step];
        // The stale marker's bits are those of a NaN, which `min` and `max` leave out.
        *value = if self.function == WindowFunction::TsOfFirstOverTime {
            seconds(histograms.first()).min(*value)
        } else {
            seconds(histograms.last()).max(*value)
        };
    }

    /// The samples of a window by time.
    pub(super) fn in_order(
        &self,
        histograms: &'a TimedHistograms,
        floats: Range<usize>,
    ) -> Vec<(i64, Sample<'a>)> {
        let (times_ms, values) = (self.floats.times_ms, self.floats.values);
        let mut samples: Vec<(i64, Sample<'a>)> =
            floats.map(|at| (times_ms[at], Sample::Float(values[at]))).collect();
        samples.extend(histograms.iter().map(|(at, one)| (*at, Sample::Histogram(one))));
        samples.sort_by_key(|&(time_ms, _)| time_ms);
        samples
    }

    /// How many samples are a reset, or a change, after the one before.
    pub(super) fn count_pairs(&self, samples: &[(i64, Sample<'_>)]) -> f64 {
        let counts_resets = self.function == WindowFunction::Resets;
        let differs = |pair: &&[(i64, Sample<'_>)]| match (pair[0].1, pair[1].1) {
            (Sample::Float(before), Sample::Float(now)) if counts_resets => now < before,
            (Sample::Float(before), Sample::Float(now)) => {
                before.partial_cmp(&now) != Some(std::cmp::Ordering::Equal)
                    && !(before.is_nan() && now.is_nan())
            }
            (Sample::Histogram(before), Sample::Histogram(now)) if counts_resets => {
                is_reset(now, before)
            }
            (Sample::Histogram(before), Sample::Histogram(now)) => !are_equal(now, before),
            _ => true,
        };
        samples.windows(2).filter(differs).count() as f64
    }

    /// `irate` and `idelta` of a window that holds both.
    fn between_last_two(
        &self,
        series: &mut EvalSeries,
        step: usize,
        histograms: &'a TimedHistograms,
        floats: Range<usize>,
    ) {
        let last_two = |length: usize| length.saturating_sub(2);
        let newest = floats.start.max(last_two(floats.end))..floats.end;
        let samples = self.in_order(&histograms[last_two(histograms.len())..], newest);
        match samples[last_two(samples.len())..] {
            [(_, Sample::Float(_)), (_, Sample::Float(_))] => {}
            [(_, Sample::Histogram(_)), (_, Sample::Histogram(_))] => {
                series.values[step] = ABSENT;
                if let Some(made) = self.instant(histograms) {
                    series.put_histogram(step, Arc::new(made));
                }
            }
            _ => {
                series.values[step] = ABSENT;
                annotations::mixed_window(self.context, self.metric);
            }
        }
    }

    fn of_histograms(
        &self,
        series: &mut EvalSeries,
        step: usize,
        histograms: &'a TimedHistograms,
        bound: WindowBounds,
    ) {
        use WindowFunction as F;
        let made = match self.function {
            F::CountOverTime => return series.values[step] = histograms.len() as f64,
            F::PresentOverTime => return series.values[step] = 1.0,
            F::TsOfFirstOverTime | F::TsOfLastOverTime => {
                return self.when(series, step, histograms);
            }
            F::Resets | F::Changes => {
                let samples = self.in_order(histograms, 0..0);
                return series.values[step] = self.count_pairs(&samples);
            }
            F::LastOverTime => histograms.last().map(|(_, last)| Arc::clone(last)),
            F::FirstOverTime => histograms.first().map(|(_, first)| Arc::clone(first)),
            F::SumOverTime | F::AvgOverTime => self.total(histograms).map(Arc::new),
            F::Rate => self.change(histograms, bound, Change::Rate).map(Arc::new),
            F::Increase => self.change(histograms, bound, Change::Increase).map(Arc::new),
            F::Delta => self.change(histograms, bound, Change::Delta).map(Arc::new),
            F::Irate | F::Idelta => self.instant(histograms).map(Arc::new),
            _ => None,
        };
        if let Some(made) = made {
            series.put_histogram(step, made);
        }
    }

    /// The sum, or the mean.
    fn total(&self, histograms: &TimedHistograms) -> Option<NativeHistogram> {
        let ((_, first), others) = histograms.split_first()?;
        let mut resets = ResetsSeen::default();
        resets.see(first);
        let mut sum = HistogramSum::of(first);
        let mut mean = HistogramMean::of(first);
        let is_mean = self.function == WindowFunction::AvgOverTime;
        let mut bounds_differ = false;
        for (_, other) in others {
            resets.see(other);
            let added = if is_mean { mean.add(other) } else { sum.add(other) };
            bounds_differ |= self.unless_mixed(added)?.bounds_differ;
        }
        if resets.collide() {
            annotations::resets_collide(self.context, HistogramOperation::Aggregate);
        }
        if bounds_differ {
            annotations::bounds_differ(self.context, HistogramOperation::Aggregate);
        }
        Some(if is_mean { mean.mean() } else { sum.total() })
    }

    /// What adding gave, or the user is told why it cannot be done.
    fn unless_mixed(&self, added: Result<Added, Incompatible>) -> Option<Added> {
        added.map_err(|_| annotations::mixed_schemas(self.context, self.metric)).ok()
    }

    /// Adds with a factor of 1 or -1; tells of bounds that had to be given up.
    pub(super) fn add(
        &self,
        into: &mut NativeHistogram,
        other: &NativeHistogram,
        factor: f64,
    ) -> Option<()> {
        let added = self.unless_mixed(add(into, other, factor))?;
        if added.bounds_differ {
            let operation =
                if factor < 0.0 { HistogramOperation::Subtract } else { HistogramOperation::Add };
            annotations::bounds_differ(self.context, operation);
        }
        Some(())
    }

    fn change(
        &self,
        histograms: &TimedHistograms,
        bound: WindowBounds,
        kind: Change,
    ) -> Option<NativeHistogram> {
        let [(first_ms, first), .., (last_ms, last)] = histograms else { return None };
        let is_counter = kind != Change::Delta;
        self.warn_of_type(histograms, is_counter);
        // A counter that begins anew after the first sample tells nothing of its buckets.
        let second = &histograms[1].1;
        let mut before = if is_counter && is_reset(second, first) {
            Arc::new(NativeHistogram {
                schema: second.schema,
                custom_bounds: second.custom_bounds.clone(),
                ..NativeHistogram::default()
            })
        } else {
            Arc::clone(first)
        };
        let is_custom = before.has_custom_bounds();
        let differs = |(_, one): &(i64, Arc<NativeHistogram>)| one.has_custom_bounds() != is_custom;
        if last.has_custom_bounds() != is_custom
            || (is_counter && histograms[1..].iter().any(differs))
        {
            annotations::mixed_schemas(self.context, self.metric);
            return None;
        }
        let mut change = NativeHistogram::clone(last);
        if is_counter && !is_custom {
            let coarsest = histograms[1..].iter().map(|(_, one)| one.schema).min();
            change.reduce_to(coarsest.unwrap_or(last.schema).min(before.schema));
        }
        self.add(&mut change, &before, -1.0)?;
        if is_counter {
            for (_, now) in &histograms[1..] {
                if is_reset(now, &before) {
                    self.add(&mut change, &before, 1.0)?;
                }
                before = Arc::clone(now);
            }
        }
        let stretch = Stretch {
            first_ms: *first_ms,
            last_ms: *last_ms,
            intervals: histograms.len() - 1,
            after_ms: bound.after_ms,
            until_ms: bound.until_ms,
        };
        let factor = stretch.factor(kind, first.count, change.count);
        scale(&mut change, factor);
        change.reset = ResetHint::Gauge;
        Some(change)
    }

    /// Tells where a counter's function is asked of a gauge, or the other way round.
    pub(super) fn warn_of_type(&self, histograms: &TimedHistograms, is_counter: bool) {
        let is_gauge =
            |(_, histogram): &(i64, Arc<NativeHistogram>)| histogram.reset == ResetHint::Gauge;
        if is_counter && histograms.iter().any(is_gauge) {
            annotations::not_a_counter(self.context, self.metric);
        }
        let ends = [histograms.first(), histograms.last()];
        if !is_counter && !ends.into_iter().flatten().all(is_gauge) {
            annotations::not_a_gauge(self.context, self.metric);
        }
    }

    fn instant(&self, histograms: &TimedHistograms) -> Option<NativeHistogram> {
        let [.., (before_ms, before), (last_ms, last)] = histograms else { return None };
        let is_rate = self.function == WindowFunction::Irate;
        self.warn_of_type(&histograms[histograms.len() - 2..], is_rate);
        let mut change = NativeHistogram::clone(last);
        if !is_rate || !is_reset(last, before) {
            self.add(&mut change, before, -1.0)?;
        }
        if is_rate {
            divide(&mut change, (last_ms - before_ms) as f64 / 1e3);
        }
        change.reset = ResetHint::Gauge;
        Some(change)
    }
}
