//! Native histograms in windows that see samples beyond their edges.

use std::sync::Arc;

use varve_columnar::histogram::{NativeHistogram, ResetHint};

use super::{
    HistogramWindows, TimedHistograms,
    math::{Incompatible, add, divide, is_reset},
    sums::scaled,
};
use crate::{
    context::ExecContext,
    series::{
        annotations::{self, HistogramOperation},
        extended::Edged,
        range_functions::Change,
        value::{EvalSeries, NAME},
        window::Samples,
    },
};

type Timed<'h> = &'h (i64, Arc<NativeHistogram>);

impl HistogramWindows<'_> {
    /// Of both kinds of samples, how many are a reset, or a change, after the last one before the window.
    pub(crate) fn counted_from(&self, after_ms: i64) -> Option<f64> {
        let samples = self.in_order(self.histograms, 0..self.floats.times_ms.len());
        let after = samples.partition_point(|(time_ms, _)| *time_ms <= after_ms);
        (after < samples.len()).then(|| self.count_pairs(&samples[after.saturating_sub(1)..]))
    }

    /// The change between a window's edges.
    pub(crate) fn extended_change(&self, edged: Edged, kind: Change) -> Option<NativeHistogram> {
        let (context, metric) = (self.context, self.metric);
        if !self.floats.times_ms.is_empty() {
            annotations::mixed_window(context, metric);
            return None;
        }
        let times_ms: Vec<i64> = self.histograms.iter().map(|(time, _)| *time).collect();
        let (first, last) = edged.ends(&times_ms)?;
        let samples = &self.histograms[first..=last];
        let is_custom = samples[0].1.has_custom_bounds();
        if samples.iter().any(|(_, one)| one.has_custom_bounds() != is_custom) {
            annotations::mixed_schemas(context, metric);
            return None;
        }
        let counts = kind != Change::Delta;
        let mixed = |_: Incompatible| annotations::mixed_schemas(context, metric);
        let (left, right) = self.at_edges(edged, first, last, counts).map_err(mixed).ok()?;
        if counts && samples.iter().any(|(_, one)| one.reset == ResetHint::Gauge) {
            annotations::not_a_counter(context, metric);
        }
        if !counts && (left.reset != ResetHint::Gauge || right.reset != ResetHint::Gauge) {
            annotations::not_a_gauge(context, metric);
        }
        let mut change = right.clone();
        self.add(&mut change, &left, -1.0)?;
        if counts {
            for fallen in self.fallen(edged, (first, last), &left, &right) {
                self.add(&mut change, fallen, 1.0)?;
            }
        }
        if kind == Change::Rate {
            divide(&mut change, (edged.bound.until_ms - edged.bound.after_ms) as f64 / 1e3);
        }
        change.reset = ResetHint::Gauge;
        Some(change)
    }

    fn at_edges(
        &self,
        edged: Edged,
        first: usize,
        last: usize,
        counts: bool,
    ) -> Result<(NativeHistogram, NativeHistogram), Incompatible> {
        let samples = self.histograms;
        let (after_ms, until_ms) = (edged.bound.after_ms, edged.bound.until_ms);
        let left = if edged.is_smoothed() && samples[first].0 < after_ms {
            between(self.context, [&samples[first], &samples[first + 1]], after_ms, counts)?
        } else {
            NativeHistogram::clone(&samples[first].1)
        };
        let right = if edged.is_smoothed() && last > 0 && samples[last].0 > until_ms {
            between(self.context, [&samples[last - 1], &samples[last]], until_ms, counts)?
        } else {
            NativeHistogram::clone(&samples[last].1)
        };
        Ok((left, right))
    }

    /// The histograms after which the counter began anew. What the values at the edges have taken in
    /// already is not seen again.
    fn fallen<'h>(
        &'h self,
        edged: Edged,
        (first, last): (usize, usize),
        left: &'h NativeHistogram,
        right: &NativeHistogram,
    ) -> Vec<&'h NativeHistogram> {
        let samples = self.histograms;
        let mut from = first + 1;
        let mut before = left;
        if edged.is_smoothed()
            && samples[first].0 < edged.bound.after_ms
            && let Some((_, next)) = samples.get(first + 1)
            && is_reset(next, &samples[first].1)
        {
            before = next;
            from += 1;
        }
        if from > last {
            return Vec::new();
        }
        let mut fallen = Vec::new();
        for (_, now) in &samples[from..last] {
            if is_reset(now, before) {
                fallen.push(before);
            }
            before = now;
        }
        if is_reset(right, before) {
            fallen.push(before);
        }
        fallen
    }
}

/// The histogram at a time between two. A counter that falls there starts from nothing.
fn between(
    context: &ExecContext,
    [(start_ms, start), (end_ms, end)]: [Timed<'_>; 2],
    time_ms: i64,
    counts: bool,
) -> Result<NativeHistogram, Incompatible> {
    if time_ms == *start_ms || time_ms == *end_ms {
        return Ok(NativeHistogram::clone(if time_ms == *start_ms { start } else { end }));
    }
    let share = (time_ms - start_ms) as f64 / (end_ms - start_ms) as f64;
    if counts && is_reset(end, start) {
        return Ok(scaled(end, share));
    }
    let mut change = NativeHistogram::clone(end);
    let subtracted = add(&mut change, start, -1.0)?;
    let mut made = scaled(&change, share);
    let added = add(&mut made, start, 1.0)?;
    if subtracted.bounds_differ {
        annotations::bounds_differ(context, HistogramOperation::Subtract);
    }
    if added.bounds_differ {
        annotations::bounds_differ(context, HistogramOperation::Add);
    }
    Ok(made)
}

/// Puts at a step the histogram of its time: that of a sample, one between two, or the last one.
pub(crate) fn smooth(
    context: &ExecContext,
    made: &mut EvalSeries,
    step: usize,
    (floats, histograms): (Samples<'_>, &TimedHistograms),
    time_ms: i64,
) {
    if !floats.times_ms.is_empty() {
        annotations::mixed_window(context, made.labels.get(NAME));
        return;
    }
    let at = histograms.partition_point(|(time, _)| *time < time_ms);
    let next = histograms.get(at);
    if let Some((_, exact)) = next.filter(|(time, _)| *time == time_ms) {
        return made.put_histogram(step, Arc::clone(exact));
    }
    let Some(before) = at.checked_sub(1).and_then(|before| histograms.get(before)) else { return };
    let Some(next) = next else {
        let reset = ResetHint::Unknown;
        let last = NativeHistogram { reset, ..NativeHistogram::clone(&before.1) };
        return made.put_histogram(step, Arc::new(last));
    };
    if before.1.has_custom_bounds() != next.1.has_custom_bounds() {
        // Not even a counter that began anew lies between the two.
        return annotations::mixed_schemas(context, made.labels.get(NAME));
    }
    let counts = [before, next].iter().any(|(_, one)| one.reset != ResetHint::Gauge);
    match between(context, [before, next], time_ms, counts) {
        Ok(between) => made.put_histogram(step, Arc::new(between)),
        Err(Incompatible) => annotations::mixed_schemas(context, made.labels.get(NAME)),
    }
}
