//! Functions of the samples in one window, as Prometheus defines them (its `promql/functions.go`).

use std::cmp::Ordering;

use super::sums::{Mean, Sum, Variance, quantile};

/// The samples of a window, at least one, none of them a stale marker.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    /// Milliseconds since the epoch, ascending.
    pub(super) times_ms: &'a [i64],
    /// As many.
    pub(super) values: &'a [f64],
    /// The window's open end.
    pub(super) after_ms: i64,
    /// The window's closed end.
    pub(super) until_ms: i64,
}

/// What the change within a window is wanted as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Of a gauge, over the window.
    Delta,
    /// Of a counter, over the window.
    Increase,
    /// Of a counter, per second.
    Rate,
}

/// The time between the first and last sample of a window, and the window around it.
pub(super) struct Stretch {
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    /// Between samples; at least one.
    pub(super) intervals: usize,
    pub(super) after_ms: i64,
    pub(super) until_ms: i64,
}

impl Stretch {
    /// What a change between the samples is times, to be that of the window: samples that reach near
    /// its ends count for all of it, a counter not for a time at which it was below zero.
    pub(super) fn factor(&self, kind: Change, first: f64, change: f64) -> f64 {
        let sampled_s = (self.last_ms - self.first_ms) as f64 / 1e3;
        let between_s = sampled_s / self.intervals as f64;
        let near_s = between_s * 1.1;
        let to_edge = |gap_ms: i64| {
            let gap_s = gap_ms as f64 / 1e3;
            if gap_s >= near_s { between_s / 2.0 } else { gap_s }
        };
        let mut before_s = to_edge(self.first_ms - self.after_ms);
        if kind != Change::Delta && change > 0.0 && first >= 0.0 {
            before_s = before_s.min(sampled_s * (first / change));
        }
        let after_s = to_edge(self.until_ms - self.last_ms);
        let factor = (sampled_s + before_s + after_s) / sampled_s;
        let window_s = (self.until_ms - self.after_ms) as f64 / 1e3;
        match kind {
            Change::Rate => factor / window_s,
            Change::Delta | Change::Increase => factor,
        }
    }
}

impl Window<'_> {
    fn first(&self) -> f64 {
        self.values[0]
    }

    fn last(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    /// The change from the first to the last sample, extrapolated to the window's ends where
    /// samples reach near them, but of counters never below zero. `resets_total`: the sum of the
    /// values before each counter reset in the window; 0 for gauges.
    pub(super) fn change(&self, kind: Change, resets_total: f64) -> Option<f64> {
        let intervals = self.values.len() - 1;
        if intervals == 0 {
            return None;
        }
        let change = self.last() - self.first() + resets_total;
        let stretch = Stretch {
            first_ms: self.times_ms[0],
            last_ms: self.times_ms[intervals],
            intervals,
            after_ms: self.after_ms,
            until_ms: self.until_ms,
        };
        Some(change * stretch.factor(kind, self.first(), change))
    }

    /// Change per second between the last two samples of a counter.
    pub(super) fn instant_rate(&self) -> Option<f64> {
        let [.., before_ms, last_ms] = *self.times_ms else { return None };
        let [.., before, last] = *self.values else { return None };
        let change = if last < before { last } else { last - before };
        Some(change / ((last_ms - before_ms) as f64 / 1e3))
    }

    /// Change between the last two samples of a gauge.
    pub(super) fn instant_delta(&self) -> Option<f64> {
        let [.., before, last] = *self.values else { return None };
        Some(last - before)
    }

    /// Change per second by linear regression.
    pub(super) fn slope(&self) -> Option<f64> {
        (self.values.len() > 1).then(|| self.regression(self.times_ms[0]).0)
    }

    /// The value `ahead_s` after `now_ms` by linear regression.
    pub(super) fn prediction(&self, now_ms: i64, ahead_s: f64) -> Option<f64> {
        (self.values.len() > 1).then(|| {
            let (slope, intercept) = self.regression(now_ms);
            slope * ahead_s + intercept
        })
    }

    /// Slope per second, and value at `zero_ms`, of the line with the least squares.
    fn regression(&self, zero_ms: i64) -> (f64, f64) {
        let first = self.first();
        if self.values.iter().all(|value| value.partial_cmp(&first) == Some(Ordering::Equal)) {
            return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
        }
        let count = self.values.len() as f64;
        let [mut xs, mut ys, mut products, mut squares] = [Sum::default(); 4];
        for (&time_ms, &y) in self.times_ms.iter().zip(self.values) {
            let x = (time_ms - zero_ms) as f64 / 1e3;
            xs.add(x);
            ys.add(y);
            products.add(x * y);
            squares.add(x * x);
        }
        let [xs, ys, products, squares] = [xs, ys, products, squares].map(Sum::total);
        let covariance = products - xs * ys / count;
        let variance = squares - xs * xs / count;
        let slope = covariance / variance;
        (slope, ys / count - slope * xs / count)
    }

    /// How often the value changes; from NaN to NaN is no change.
    pub(super) fn changes(&self) -> f64 {
        let changes = self.pairs().filter(|(before, now)| {
            before.partial_cmp(now) != Some(Ordering::Equal) && !(before.is_nan() && now.is_nan())
        });
        changes.count() as f64
    }

    /// How often the value falls.
    pub(super) fn resets(&self) -> f64 {
        self.pairs().filter(|(before, now)| now < before).count() as f64
    }

    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        self.values.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// When the value was the least, or the greatest, for the last time: `wins` says of a value
    /// whether it takes the place of the one before. NaN only where there is nothing else.
    pub(super) fn when(&self, wins: fn(&f64, &f64) -> bool) -> Option<i64> {
        let samples = self.values.iter().zip(self.times_ms);
        let last = samples
            .reduce(|best, next| if wins(next.0, best.0) || best.0.is_nan() { next } else { best });
        last.map(|(_, &time_ms)| time_ms)
    }

    pub(super) fn mean(&self) -> f64 {
        let mut mean = Mean::of(self.first());
        for &value in &self.values[1..] {
            mean.add(value);
        }
        mean.mean()
    }

    pub(super) fn sum(&self) -> f64 {
        let mut sum = Sum::default();
        for &value in self.values {
            sum.add(value);
        }
        sum.total()
    }

    pub(super) fn min(&self) -> f64 {
        self.values
            .iter()
            .copied()
            .fold(f64::NAN, |min, value| if value < min || min.is_nan() { value } else { min })
    }

    pub(super) fn max(&self) -> f64 {
        self.values
            .iter()
            .copied()
            .fold(f64::NAN, |max, value| if value > max || max.is_nan() { value } else { max })
    }

    pub(super) fn variance(&self) -> f64 {
        let mut variance = Variance::default();
        for &value in self.values {
            variance.add(value);
        }
        variance.variance()
    }

    pub(super) fn quantile(&self, phi: f64) -> f64 {
        quantile(phi, &mut self.values.to_vec())
    }

    /// The median of the distances from the median; none of values of which one is no number.
    pub(super) fn median_deviation(&self) -> f64 {
        if self.values.iter().any(|value| value.is_nan()) {
            return f64::NAN;
        }
        let mut values = self.values.to_vec();
        let median = quantile(0.5, &mut values);
        for value in &mut values {
            *value = (*value - median).abs();
        }
        quantile(0.5, &mut values)
    }

    /// Holt's linear (double exponential) smoothing; both factors are between 0 and 1.
    pub(super) fn smoothed(&self, smoothing: f64, trend_factor: f64) -> Option<f64> {
        let [first, second, ..] = *self.values else { return None };
        let mut before = 0.0;
        let mut level = first;
        let mut trend = second - first;
        for (at, &value) in self.values[1..].iter().enumerate() {
            if at > 0 {
                trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
            }
            let next = smoothing * value + (1.0 - smoothing) * (level + trend);
            before = level;
            level = next;
        }
        Some(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(values: &[f64]) -> Window<'_> {
        const TIMES_MS: [i64; 6] = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000];
        Window { times_ms: &TIMES_MS[..values.len()], values, after_ms: 0, until_ms: 60_000 }
    }

    fn close(have: Option<f64>, want: f64) -> bool {
        have.is_some_and(|have| (have - want).abs() < 1e-9)
    }

    #[test]
    fn a_change_is_extrapolated_to_edges_that_samples_reach() {
        let samples = window(&[10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert!(close(samples.change(Change::Delta, 0.0), 60.0));
        assert!(close(samples.change(Change::Rate, 0.0), 1.0));
    }

    #[test]
    fn a_change_goes_half_an_interval_towards_edges_that_are_far() {
        assert!(close(window(&[100.0, 110.0, 120.0]).change(Change::Delta, 0.0), 35.0));
    }

    #[test]
    fn a_counter_is_not_extrapolated_below_zero() {
        let samples = window(&[1.0, 11.0, 21.0, 31.0, 41.0, 51.0]);
        assert!(close(samples.change(Change::Increase, 0.0), 51.0));
    }

    #[test]
    fn one_sample_has_no_change() {
        assert!(window(&[1.0]).change(Change::Rate, 0.0).is_none());
        assert!(window(&[1.0]).instant_rate().is_none());
        assert!(window(&[1.0]).slope().is_none());
    }

    #[test]
    fn an_instant_rate_takes_a_fall_for_a_start_from_zero() {
        assert!(close(window(&[5.0, 2.0]).instant_rate(), 0.2));
        assert!(close(window(&[5.0, 2.0]).instant_delta(), -3.0));
    }

    #[test]
    fn a_line_predicts_itself() {
        let line = window(&[1.0, 2.0, 3.0, 4.0]);
        assert!(close(line.slope(), 0.1));
        assert!(close(line.prediction(40_000, 10.0), 5.0));
        assert!(close(window(&[7.0, 7.0]).prediction(40_000, 10.0), 7.0));
    }

    #[test]
    fn nan_after_nan_is_no_change() {
        let values = [f64::NAN, f64::NAN, 1.0, 1.0, 0.0];
        assert_eq!(window(&values).changes().to_string(), "2");
        assert_eq!(window(&values).resets().to_string(), "1");
    }

    #[test]
    fn nan_counts_in_extremes_only_where_there_is_nothing_else() {
        assert_eq!(window(&[f64::NAN, 2.0, 1.0]).min().to_string(), "1");
        assert_eq!(window(&[f64::NAN, 2.0, 1.0]).max().to_string(), "2");
        assert!(window(&[f64::NAN]).max().is_nan());
    }

    #[test]
    fn a_median_deviation_ignores_an_outlier() {
        assert_eq!(window(&[1.0, 2.0, 3.0, 4.0, 1000.0]).median_deviation().to_string(), "1");
    }

    #[test]
    fn a_median_deviation_is_not_known_of_what_is_no_number() {
        assert!(window(&[1.0, f64::NAN, 2.0]).median_deviation().is_nan());
    }
}
