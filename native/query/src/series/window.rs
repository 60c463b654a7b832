//! Values of series at steps: the newest sample, or a function of a window of samples.

use std::ops::Range;

use varve_columnar::answer::{ABSENT, is_absent};

use super::{
    instants::{WindowBounds, slide},
    range_functions::{Change, Window},
};
use crate::{error::QueryError, plan::WindowFunction};

/// The samples of one series, ascending by time, times distinct.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    /// Milliseconds since the epoch.
    pub(super) times_ms: &'a [i64],
    /// As many.
    pub(super) values: &'a [f64],
}

/// Each step's newest sample, or none where that is a stale marker. With `times`, its time in
/// seconds instead of its value.
pub(super) fn newest(samples: Samples<'_>, bounds: &[WindowBounds], times: Shown) -> Vec<f64> {
    let mut newest = vec![ABSENT; bounds.len()];
    slide(samples.times_ms, bounds, |step, Range { start, end }| {
        if start < end && !is_absent(samples.values[end - 1]) {
            newest[step] = match times {
                Shown::Value => samples.values[end - 1],
                Shown::Time => samples.times_ms[end - 1] as f64 / 1e3,
            };
        }
    });
    newest
}

/// What is shown of a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Its value.
    Value,
    /// Its time, in seconds since the epoch.
    Time,
}

/// A window function with its arguments at every step.
pub(super) struct WindowCall<'a> {
    /// Which.
    pub(super) function: WindowFunction,
    /// Its scalar arguments, each with a value per step.
    pub(super) args: &'a [Vec<f64>],
    /// The steps, in milliseconds.
    pub(super) steps_ms: &'a [i64],
}

impl WindowCall<'_> {
    /// Checks that the arguments are as many as the function takes.
    pub(super) fn check(&self) -> Result<(), QueryError> {
        let takes = match self.function {
            WindowFunction::PredictLinear | WindowFunction::QuantileOverTime => 1,
            WindowFunction::DoubleExponentialSmoothing => 2,
            _ => 0,
        };
        if self.args.len() != takes {
            return Err(QueryError::invalid(format!(
                "{:?} takes {takes} arguments besides its window but was given {}",
                self.function,
                self.args.len()
            )));
        }
        Ok(())
    }

    /// Checks factors that must be fractions. As in Prometheus only where there is something to smooth.
    pub(super) fn check_factors(&self) -> Result<(), QueryError> {
        if self.function != WindowFunction::DoubleExponentialSmoothing {
            return Ok(());
        }
        let factors = [("smoothing", "sf"), ("trend", "tf")];
        for ((name, short), values) in factors.into_iter().zip(self.args) {
            if let Some(bad) = values.iter().find(|&&value| !(value > 0.0 && value < 1.0)) {
                return Err(QueryError::execution(format!(
                    "invalid {name} factor. Expected: 0 < {short} < 1, got: {bad:.6}"
                )));
            }
        }
        Ok(())
    }

    /// Whether all steps have the same value where all have the same window.
    pub(super) fn depends_on_window_only(&self) -> bool {
        self.args.is_empty()
    }

    /// The function's value at every step; samples must hold no stale marker.
    pub(super) fn values(&self, samples: Samples<'_>, bounds: &[WindowBounds]) -> Vec<f64> {
        use WindowFunction as F;
        let arg = |at: usize, step: usize| self.args[at][step];
        let run = Run { samples, bounds };
        match self.function {
            F::Rate => run.counter_changes(Change::Rate),
            F::Increase => run.counter_changes(Change::Increase),
            F::Delta => run.each(|_, window| window.change(Change::Delta, 0.0)),
            F::Irate => run.each(|_, window| window.instant_rate()),
            F::Idelta => run.each(|_, window| window.instant_delta()),
            F::Deriv => run.each(|_, window| window.slope()),
            F::PredictLinear => {
                run.each(|step, window| window.prediction(self.steps_ms[step], arg(0, step)))
            }
            F::Changes => run.each(|_, window| Some(window.changes())),
            F::Resets => run.each(|_, window| Some(window.resets())),
            F::AvgOverTime => run.each(|_, window| Some(window.mean())),
            F::MinOverTime => run.each(|_, window| Some(window.min())),
            F::MaxOverTime => run.each(|_, window| Some(window.max())),
            F::SumOverTime => run.each(|_, window| Some(window.sum())),
            F::CountOverTime => run.each(|_, window| Some(window.values.len() as f64)),
            F::QuantileOverTime => run.each(|step, window| Some(window.quantile(arg(0, step)))),
            F::StddevOverTime => run.each(|_, window| Some(window.variance().sqrt())),
            F::StdvarOverTime => run.each(|_, window| Some(window.variance())),
            F::MadOverTime => run.each(|_, window| Some(window.median_deviation())),
            F::LastOverTime => run.each(|_, window| window.values.last().copied()),
            F::FirstOverTime => run.each(|_, window| window.values.first().copied()),
            F::PresentOverTime => run.each(|_, _| Some(1.0)),
            F::TsOfFirstOverTime => {
                run.each(|_, window| window.times_ms.first().copied().map(in_seconds))
            }
            F::TsOfLastOverTime => {
                run.each(|_, window| window.times_ms.last().copied().map(in_seconds))
            }
            F::TsOfMinOverTime => run.each(|_, window| window.when(f64::le).map(in_seconds)),
            F::TsOfMaxOverTime => run.each(|_, window| window.when(f64::ge).map(in_seconds)),
            F::DoubleExponentialSmoothing => {
                run.each(|step, window| window.smoothed(arg(0, step), arg(1, step)))
            }
        }
    }
}

fn in_seconds(time_ms: i64) -> f64 {
    time_ms as f64 / 1e3
}

/// One series under a window function.
struct Run<'a> {
    samples: Samples<'a>,
    bounds: &'a [WindowBounds],
}

impl<'a> Run<'a> {
    /// The value of every window that has samples.
    fn each(&self, mut value: impl FnMut(usize, Window<'a>) -> Option<f64>) -> Vec<f64> {
        self.each_range(|step, _, window| value(step, window))
    }

    fn each_range(
        &self,
        mut value: impl FnMut(usize, Range<usize>, Window<'a>) -> Option<f64>,
    ) -> Vec<f64> {
        let Samples { times_ms, values } = self.samples;
        let mut out = vec![ABSENT; self.bounds.len()];
        slide(times_ms, self.bounds, |step, range| {
            if range.is_empty() {
                return;
            }
            let WindowBounds { after_ms, until_ms } = self.bounds[step];
            let window = Window {
                times_ms: &times_ms[range.clone()],
                values: &values[range.clone()],
                after_ms,
                until_ms,
            };
            if let Some(value) = value(step, range, window) {
                out[step] = value;
            }
        });
        out
    }

    /// Changes of a counter. Resets are looked for once per series, not once per window, and added
    /// up per window in the order of time, as Prometheus adds them, so that rounding agrees.
    fn counter_changes(&self, kind: Change) -> Vec<f64> {
        let values = self.samples.values;
        let resets: Vec<usize> =
            (1..values.len()).filter(|&at| values[at] < values[at - 1]).collect();
        let (mut from, mut to) = (0, 0);
        self.each_range(|_, range, window| {
            // A reset is between two samples; both must be in the window.
            while to < resets.len() && resets[to] < range.end {
                to += 1;
            }
            while from < to && resets[from] <= range.start {
                from += 1;
            }
            let before = resets[from..to].iter().map(|&at| values[at - 1]);
            window.change(kind, before.fold(0.0, |total, value| total + value))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(function: WindowFunction) -> WindowCall<'static> {
        WindowCall { function, args: &[], steps_ms: &[] }
    }

    fn bounds(start: i64, step: i64, length: i64) -> Vec<WindowBounds> {
        (0..12)
            .map(|at| start + at * step)
            .map(|t| WindowBounds { after_ms: t - length, until_ms: t })
            .collect()
    }

    #[test]
    fn a_stale_marker_ends_a_series_at_once() {
        let samples = Samples { times_ms: &[0, 10, 30], values: &[1.0, ABSENT, 3.0] };
        let steps = bounds(0, 10, 15);
        let newest = newest(samples, &steps[..5], Shown::Value);
        let shown: Vec<_> = newest.iter().map(|&v| (!is_absent(v)).then_some(v)).collect();
        assert_eq!(shown, [Some(1.0), None, None, Some(3.0), Some(3.0)]);
    }

    #[test]
    fn a_sample_as_old_as_the_lookback_is_too_old() {
        let samples = Samples { times_ms: &[0], values: &[1.0] };
        let at = |until_ms| {
            newest(samples, &[WindowBounds { after_ms: until_ms - 15, until_ms }], Shown::Value)[0]
        };
        assert!(!is_absent(at(14)));
        assert!(is_absent(at(15)));
    }

    #[test]
    fn a_smoothing_factor_of_one_is_refused() {
        let args = [vec![1.0], vec![0.5]];
        let function = WindowFunction::DoubleExponentialSmoothing;
        let error =
            WindowCall { function, args: &args, steps_ms: &[0] }.check_factors().unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000"
        );
    }

    /// Prometheus' rate, written down as its documentation tells it.
    fn naive_increase(samples: &[(i64, f64)], bound: WindowBounds) -> Option<f64> {
        let inside: Vec<_> = samples
            .iter()
            .filter(|(t, _)| bound.after_ms < *t && *t <= bound.until_ms)
            .copied()
            .collect();
        let (&(first_ms, first), &(last_ms, last)) = (inside.first()?, inside.last()?);
        if inside.len() < 2 {
            return None;
        }
        let mut total = last - first;
        for pair in inside.windows(2) {
            if pair[1].1 < pair[0].1 {
                total += pair[0].1;
            }
        }
        let length = (last_ms - first_ms) as f64 / 1e3;
        let mean_gap = length / (inside.len() - 1) as f64;
        let reach = |gap_ms: i64| {
            let gap = gap_ms as f64 / 1e3;
            if gap < mean_gap * 1.1 { gap } else { mean_gap / 2.0 }
        };
        let mut start = reach(first_ms - bound.after_ms);
        if total > 0.0 && first >= 0.0 {
            start = start.min(length * first / total);
        }
        Some(total * (length + start + reach(bound.until_ms - last_ms)) / length)
    }

    proptest! {
        #[test]
        fn windows_give_what_a_naive_model_gives(
            gaps in proptest::collection::vec((1i64..40, 0u32..50), 0..60),
            start in 0i64..200, step in 1i64..60, length in 1i64..300,
        ) {
            let mut now = 0;
            let samples: Vec<(i64, f64)> = gaps
                .iter()
                .map(|&(gap, value)| { now += gap; (now, f64::from(value)) })
                .collect();
            let (times_ms, values): (Vec<_>, Vec<_>) = samples.iter().copied().unzip();
            let columns = Samples { times_ms: &times_ms, values: &values };
            let bounds = bounds(start, step, length);
            let increases = call(WindowFunction::Increase).values(columns, &bounds);
            let sums = call(WindowFunction::SumOverTime).values(columns, &bounds);
            for (at, &bound) in bounds.iter().enumerate() {
                match naive_increase(&samples, bound) {
                    None => prop_assert!(is_absent(increases[at])),
                    Some(want) => prop_assert!((increases[at] - want).abs() < 1e-9 * want.abs().max(1.0)),
                }
                let inside = || samples.iter().filter(|(t, _)| bound.after_ms < *t && *t <= bound.until_ms);
                let sum: f64 = inside().map(|(_, value)| value).sum();
                prop_assert_eq!(is_absent(sums[at]), inside().next().is_none());
                prop_assert!(is_absent(sums[at]) || (sums[at] - sum).abs() < 1e-9);
            }
        }
    }
}
