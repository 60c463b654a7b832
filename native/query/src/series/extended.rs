//! Selectors that see samples beyond their windows: `anchored` ones start from the sample before the
//! window, `smoothed` ones put values between the samples around each of its edges.

use varve_columnar::answer::{ABSENT, SampleSeries};

use super::{
    instants::WindowBounds,
    native::{self, HistogramWindows, TimedHistograms},
    range_functions::{Change, Window},
    samples::LoadedSeries,
    value::{EvalSeries, NAME},
    window::Samples,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Edges, Extension, WindowFunction},
};

const NANOS_PER_MS: i64 = 1_000_000;

/// A window with what is seen around it.
#[derive(Clone, Copy)]
pub(super) struct Edged {
    pub(super) bound: WindowBounds,
    pub(super) edges: Edges,
    reach_ms: i64,
}

impl Edged {
    /// What a selector sees of a window.
    pub(super) fn of(bound: WindowBounds, extension: &Extension) -> Self {
        Self { bound, edges: extension.edges, reach_ms: extension.reach.0 / NANOS_PER_MS }
    }

    pub(super) fn is_smoothed(&self) -> bool {
        self.edges == Edges::Smoothed
    }

    /// All that is seen.
    pub(super) fn seen(&self) -> WindowBounds {
        let beyond_ms = if self.is_smoothed() { self.reach_ms } else { 0 };
        WindowBounds {
            after_ms: self.bound.after_ms.saturating_sub(self.reach_ms),
            until_ms: self.bound.until_ms.saturating_add(beyond_ms),
        }
    }

    /// The indexes of the first and last of the samples seen that the window is computed with;
    /// none where nothing is in it.
    pub(super) fn ends(&self, times_ms: &[i64]) -> Option<(usize, usize)> {
        let WindowBounds { after_ms, until_ms } = self.bound;
        let mut last = times_ms.len().checked_sub(1)?;
        let first = times_ms[..last].partition_point(|time| *time <= after_ms).saturating_sub(1);
        if self.is_smoothed() {
            last = times_ms[..last].partition_point(|time| *time < until_ms);
        }
        let is_outside =
            times_ms[last] <= after_ms || (self.is_smoothed() && times_ms[first] > until_ms);
        (!is_outside).then_some((first, last))
    }
}

/// The samples of a time.
pub(super) fn within(samples: Samples<'_>, bound: WindowBounds) -> Samples<'_> {
    let place = |until: i64| samples.times_ms.partition_point(|time| *time <= until);
    let (from, to) = (place(bound.after_ms), place(bound.until_ms));
    Samples { times_ms: &samples.times_ms[from..to], values: &samples.values[from..to] }
}

/// A window function over such windows.
pub(super) struct ExtendedWindows<'a> {
    context: &'a ExecContext,
    function: WindowFunction,
    extension: &'a Extension,
}

impl<'a> ExtendedWindows<'a> {
    /// Refuses functions to which a sample outside of the window would be one inside.
    pub(super) fn of(
        context: &'a ExecContext,
        function: WindowFunction,
        extension: &'a Extension,
    ) -> Result<Self, QueryError> {
        use WindowFunction as F;
        let changes = matches!(function, F::Rate | F::Increase | F::Delta);
        let counts = matches!(function, F::Changes | F::Resets);
        let (name, allowed, is_allowed) = match extension.edges {
            Edges::Anchored => {
                ("anchored", "changes, delta, increase, rate, resets", changes || counts)
            }
            Edges::Smoothed => ("smoothed", "delta, increase, rate", changes),
        };
        if !is_allowed {
            return Err(QueryError::execution(format!(
                "{name} modifier can only be used with: {allowed} - not with {}",
                function.name()
            )));
        }
        Ok(Self { context, function, extension })
    }

    /// The function's value at every step.
    pub(super) fn values(&self, series: &LoadedSeries, bounds: &[WindowBounds]) -> EvalSeries {
        let floats = series.fresh_samples();
        let fresh: Vec<_> =
            series.histograms.iter().filter(|(_, one)| !one.is_stale()).cloned().collect();
        let mut made = EvalSeries::of(series.labels.clone(), true, vec![ABSENT; bounds.len()]);
        for (step, &bound) in bounds.iter().enumerate() {
            let edged = Edged::of(bound, self.extension);
            let floats = within(floats, edged.seen());
            let histograms = native::within(&fresh, edged.seen());
            if floats.times_ms.is_empty() && histograms.is_empty() {
                continue;
            }
            self.put(&mut made, step, edged, (floats, histograms));
        }
        made
    }

    fn put(
        &self,
        made: &mut EvalSeries,
        step: usize,
        edged: Edged,
        (floats, histograms): (Samples<'_>, &TimedHistograms),
    ) {
        let metric = made.labels.get(NAME).to_owned();
        let windows = HistogramWindows {
            context: self.context,
            function: self.function,
            metric: &metric,
            floats,
            histograms,
        };
        let kind = match self.function {
            WindowFunction::Rate => Change::Rate,
            WindowFunction::Increase => Change::Increase,
            WindowFunction::Delta => Change::Delta,
            _ if histograms.is_empty() => {
                made.values[step] = self.counted(floats, edged.bound).unwrap_or(ABSENT);
                return;
            }
            _ => {
                made.values[step] = windows.counted_from(edged.bound.after_ms).unwrap_or(ABSENT);
                return;
            }
        };
        if histograms.is_empty() {
            made.values[step] = change(floats, edged, kind).unwrap_or(ABSENT);
        } else if let Some(histogram) = windows.extended_change(edged, kind) {
            made.put_histogram(step, std::sync::Arc::new(histogram));
        }
    }

    /// How often a value changes or falls from the last sample before the window on.
    fn counted(&self, seen: Samples<'_>, bound: WindowBounds) -> Option<f64> {
        let after = seen.times_ms.partition_point(|time| *time <= bound.after_ms);
        if after == seen.times_ms.len() {
            return None;
        }
        let from = after.saturating_sub(1);
        let window = Window {
            times_ms: &seen.times_ms[from..],
            values: &seen.values[from..],
            after_ms: bound.after_ms,
            until_ms: bound.until_ms,
        };
        Some(if self.function == WindowFunction::Resets {
            window.resets()
        } else {
            window.changes()
        })
    }
}

/// The change between a window's edges.
fn change(seen: Samples<'_>, edged: Edged, kind: Change) -> Option<f64> {
    let (first, last) = edged.ends(seen.times_ms)?;
    let WindowBounds { after_ms, until_ms } = edged.bound;
    let counts = kind != Change::Delta;
    let (left, right) = values_at_edges(seen, edged, (first, last), counts);
    let mut change = right - left;
    if counts {
        // Falls around the edges were seen to there.
        let from = first + usize::from(seen.times_ms[first] <= after_ms);
        let to = last + usize::from(seen.times_ms[last] < until_ms);
        change += fallen(left, right, seen.values.get(from..to).unwrap_or_default());
    }
    if kind == Change::Rate {
        change /= (until_ms - after_ms) as f64 / 1e3;
    }
    Some(change)
}

fn values_at_edges(
    seen: Samples<'_>,
    edged: Edged,
    (first, last): (usize, usize),
    counts: bool,
) -> (f64, f64) {
    let WindowBounds { after_ms, until_ms } = edged.bound;
    let left = if edged.is_smoothed() && seen.times_ms[first] < after_ms {
        between(seen, first, after_ms, counts)
    } else {
        seen.values[first]
    };
    let right = if edged.is_smoothed() && last > 0 && seen.times_ms[last] > until_ms {
        between(seen, last - 1, until_ms, counts)
    } else {
        seen.values[last]
    };
    (left, right)
}

/// The value at a time between the sample `before` and the next one. A counter that falls there
/// starts from zero.
fn between(samples: Samples<'_>, before: usize, time_ms: i64, counts: bool) -> f64 {
    let (start_ms, end_ms) = (samples.times_ms[before], samples.times_ms[before + 1]);
    let (mut start, end) = (samples.values[before], samples.values[before + 1]);
    if counts && end < start {
        start = 0.0;
    }
    start + (end - start) * (time_ms - start_ms) as f64 / (end_ms - start_ms) as f64
}

/// The sum of the values from which a counter fell.
fn fallen(left: f64, right: f64, inside: &[f64]) -> f64 {
    let mut before = left;
    let mut total = 0.0;
    for &value in inside.iter().chain([&right]) {
        if value < before {
            total += before;
        }
        before = value;
    }
    total
}

/// The value of a smoothed selector at every step; `bounds` reach from the oldest sample that counts
/// to the step.
pub(super) fn points(
    context: &ExecContext,
    series: &LoadedSeries,
    bounds: &[WindowBounds],
    extension: &Extension,
) -> EvalSeries {
    let fresh: Vec<_> =
        series.histograms.iter().filter(|(_, one)| !one.is_stale()).cloned().collect();
    let mut made = EvalSeries::of(series.labels.clone(), false, vec![ABSENT; bounds.len()]);
    for (step, &bound) in bounds.iter().enumerate() {
        let edged = Edged::of(bound, extension);
        // The step itself is the edge, and its lookback all that is before it.
        let seen = WindowBounds { after_ms: bound.after_ms, ..edged.seen() };
        let floats = within(series.fresh_samples(), seen);
        let histograms = native::within(&fresh, seen);
        if histograms.is_empty() {
            made.values[step] = point(floats, bound.until_ms);
        } else {
            native::smooth(context, &mut made, step, (floats, histograms), bound.until_ms);
        }
    }
    made
}

/// The value at a time: that of a sample, one between two, or the last one.
fn point(seen: Samples<'_>, time_ms: i64) -> f64 {
    let at = seen.times_ms.partition_point(|time| *time < time_ms);
    match (seen.times_ms.get(at), at.checked_sub(1)) {
        (Some(time), _) if *time == time_ms => seen.values[at],
        (Some(_), Some(before)) => between(seen, before, time_ms, false),
        (None, Some(before)) => seen.values[before],
        (_, None) => ABSENT,
    }
}

/// A series' samples in a window, with a value at each of its edges.
pub(super) fn edged_samples(
    loaded: LoadedSeries,
    bound: WindowBounds,
    extension: &Extension,
) -> Result<Option<SampleSeries>, QueryError> {
    let edged = Edged::of(bound, extension);
    if !native::within(&loaded.histograms, edged.seen()).is_empty() {
        let name = if edged.is_smoothed() { "smoothed" } else { "anchored" };
        let text = format!("{name} modifier is not supported with histograms");
        return Err(QueryError::execution(text));
    }
    let seen = within(loaded.fresh_samples(), edged.seen());
    let Some((first, last)) = edged.ends(seen.times_ms) else { return Ok(None) };
    let (left, right) = values_at_edges(seen, edged, (first, last), false);
    let inside = within(seen, WindowBounds { until_ms: bound.until_ms - 1, ..bound });
    let times_ms = [&[bound.after_ms], inside.times_ms, &[bound.until_ms]].concat();
    let values = [&[left], inside.values, &[right]].concat();
    Ok(Some(SampleSeries { labels: loaded.labels, times_ms, values, histograms: Vec::new() }))
}
