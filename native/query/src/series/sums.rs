//! Sums, means and variances of floats, with the corrections that Prometheus makes.

/// A sum with the rounding errors kept aside (Kahan's summation with Neumaier's improvement).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    sum: f64,
    error: f64,
}

impl Sum {
    /// The sum of one value; unlike adding it to zero it keeps `-0`.
    pub(super) fn of(first: f64) -> Self {
        Self { sum: first, error: 0.0 }
    }

    /// A sum that goes on from what [`Self::plus`] gave.
    pub(super) fn from_parts(sum: f64, error: f64) -> Self {
        Self { sum, error }
    }

    /// The sum with one more value, and what was rounded away of it.
    pub(super) fn plus(mut self, value: f64) -> (f64, f64) {
        self.add(value);
        (self.sum, self.error)
    }

    /// Adds a value.
    pub(super) fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        if sum.is_infinite() {
            self.error = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.error += (self.sum - sum) + value;
        } else {
            self.error += (value - sum) + self.sum;
        }
        self.sum = sum;
    }

    /// The sum.
    pub(super) fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.error }
    }

    fn scaled(self, factor: f64) -> Self {
        Self { sum: self.sum * factor, error: self.error * factor }
    }
}

/// A mean that does not overflow: a sum while that is finite, a moving mean from then on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean {
    count: f64,
    /// The sum of all values, or their mean so far.
    state: Sum,
    incremental: bool,
}

impl Mean {
    /// The mean of one value.
    pub(super) fn of(first: f64) -> Self {
        Self { count: 1.0, state: Sum::of(first), incremental: false }
    }

    /// Takes a value in.
    pub(super) fn add(&mut self, value: f64) {
        let before = self.count;
        self.count += 1.0;
        if !self.incremental {
            let mut sum = self.state;
            sum.add(value);
            if !sum.sum.is_infinite() {
                self.state = sum;
                return;
            }
            self.incremental = true;
            self.state = Sum { sum: self.state.sum / before, error: self.state.error / before };
        }
        self.state = self.state.scaled(before / self.count);
        self.state.add(value / self.count);
    }

    /// The mean.
    pub(super) fn mean(self) -> f64 {
        let Sum { sum, error } = self.state;
        if self.incremental { sum + error } else { sum / self.count + error / self.count }
    }
}

/// A population variance (Welford's method, corrected sums).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Variance {
    count: f64,
    mean: Sum,
    squares: Sum,
}

impl Variance {
    /// Takes a value in.
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.current_mean();
        self.mean.add(delta / self.count);
        self.squares.add(delta * (value - self.current_mean()));
    }

    /// The variance.
    pub(super) fn variance(self) -> f64 {
        (self.squares.sum + self.squares.error) / self.count
    }

    fn current_mean(&self) -> f64 {
        self.mean.sum + self.mean.error
    }
}

/// The φ-quantile of values by linear interpolation between neighbours; NaN of no values, infinite
/// for φ outside of 0..=1. Sorts the values, NaN first.
pub(super) fn quantile(phi: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(|a, b| {
        b.is_nan()
            .cmp(&a.is_nan())
            .then_with(|| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal))
    });
    let last = values.len() - 1;
    let rank = phi * last as f64;
    let below = (rank.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let weight = rank - rank.floor();
    values[below] * (1.0 - weight) + values[above] * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_keeps_what_floats_would_round_away() {
        let mut sum = Sum::default();
        for value in [1e100, 1.0, -1e100, 1.0] {
            sum.add(value);
        }
        assert_eq!(sum.total().to_string(), "2");
    }

    #[test]
    fn a_mean_of_huge_values_does_not_overflow() {
        let mut mean = Mean::of(f64::MAX);
        mean.add(f64::MAX);
        assert!((mean.mean() / f64::MAX - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_mean_of_both_infinities_is_no_number() {
        let mut mean = Mean::of(f64::INFINITY);
        mean.add(f64::NEG_INFINITY);
        assert!(mean.mean().is_nan());
    }

    #[test]
    fn a_quantile_lies_between_neighbours() {
        assert_eq!(quantile(0.5, &mut [4.0, 1.0]).to_string(), "2.5");
        assert_eq!(quantile(1.0, &mut [f64::NAN, 4.0, 1.0]).to_string(), "4");
        assert_eq!(quantile(-0.1, &mut [1.0]).to_string(), "-inf");
        assert!(quantile(0.5, &mut []).is_nan());
    }
}
