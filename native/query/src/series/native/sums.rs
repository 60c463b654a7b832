//! Sums and means of native histograms, with the rounding errors of each count kept aside.

use varve_columnar::histogram::{Buckets, NativeHistogram, ResetHint};

use super::math::{
    Added, Incompatible, add, align, divide, drop_empty, each_count, rebound, scale, widen_zero,
};
use crate::series::sums::Sum;

/// A sum of histograms.
#[derive(Clone)]
pub(super) struct HistogramSum {
    total: NativeHistogram,
    /// What was rounded away, in the buckets of the total.
    error: NativeHistogram,
}

impl HistogramSum {
    /// The sum of one.
    pub(super) fn of(first: &NativeHistogram) -> Self {
        let error = NativeHistogram {
            schema: first.schema,
            zero_threshold: first.zero_threshold,
            custom_bounds: first.custom_bounds.clone(),
            ..NativeHistogram::default()
        };
        Self { total: first.clone(), error }
    }

    /// Takes one in.
    pub(super) fn add(&mut self, other: &NativeHistogram) -> Result<Added, Incompatible> {
        let mut other = other.clone();
        let added = align(&mut self.total, &mut other)?;
        let (total, error) = (&mut self.total, &mut self.error);
        if total.has_custom_bounds() {
            if added.bounds_differ {
                rebound(error, &total.custom_bounds);
            }
        } else {
            error.reduce_to(total.schema);
            if error.zero_threshold < total.zero_threshold {
                widen_zero(error, total.zero_threshold);
            }
        }
        for (sum, error, value) in [
            (&mut total.count, &mut error.count, other.count),
            (&mut total.sum, &mut error.sum, other.sum),
            (&mut total.zero_count, &mut error.zero_count, other.zero_count),
        ] {
            (*sum, *error) = Sum::from_parts(*sum, *error).plus(value);
        }
        add_side(&mut total.positive, &mut error.positive, &other.positive);
        add_side(&mut total.negative, &mut error.negative, &other.negative);
        Ok(added)
    }

    /// Whether a count has become infinite.
    fn overflows(&self) -> bool {
        let NativeHistogram { zero_count, count, sum, positive, negative, .. } = &self.total;
        [zero_count, count, sum]
            .into_iter()
            .chain(positive.iter().chain(negative).map(|(_, count)| count))
            .any(|count| count.is_infinite())
    }

    fn divided(mut self, divisor: f64) -> Self {
        each_count(&mut self.total, |count| *count /= divisor);
        each_count(&mut self.error, |count| *count /= divisor);
        self
    }

    /// The sum.
    pub(super) fn total(self) -> NativeHistogram {
        let Self { mut total, error } = self;
        let reset = total.reset;
        // Both have the same bounds.
        drop(add(&mut total, &error, 1.0));
        total.reset = reset;
        drop_empty(&mut total);
        total
    }
}

fn add_side(totals: &mut Buckets, errors: &mut Buckets, values: &[(i32, f64)]) {
    let mut indexes: Vec<i32> = totals.iter().chain(values).map(|&(index, _)| index).collect();
    indexes.sort_unstable();
    indexes.dedup();
    let of = |side: &[(i32, f64)], index: i32| {
        side.binary_search_by_key(&index, |&(at, _)| at).map_or(0.0, |at| side[at].1)
    };
    let mut sums = Vec::with_capacity(indexes.len());
    let mut lost = Vec::with_capacity(indexes.len());
    for index in indexes {
        let sum = Sum::from_parts(of(totals, index), of(errors, index));
        let (sum, error) = sum.plus(of(values, index));
        sums.push((index, sum));
        lost.push((index, error));
    }
    *totals = sums;
    *errors = lost;
}

/// A mean of histograms: their sum while that is finite, a moving mean from then on.
pub(super) struct HistogramMean {
    sum: HistogramSum,
    count: f64,
    is_moving: bool,
}

impl HistogramMean {
    /// The mean of one.
    pub(super) fn of(first: &NativeHistogram) -> Self {
        Self { sum: HistogramSum::of(first), count: 1.0, is_moving: false }
    }

    /// Takes one in.
    pub(super) fn add(&mut self, other: &NativeHistogram) -> Result<Added, Incompatible> {
        let before = self.count;
        self.count += 1.0;
        if !self.is_moving {
            let mut sum = self.sum.clone();
            let added = sum.add(other)?;
            if !sum.overflows() {
                self.sum = sum;
                return Ok(added);
            }
            self.is_moving = true;
            self.sum = self.sum.clone().divided(before);
        }
        let share = before / self.count;
        each_count(&mut self.sum.total, |count| *count *= share);
        each_count(&mut self.sum.error, |count| *count *= share);
        let mut part = other.clone();
        divide(&mut part, self.count);
        self.sum.add(&part)
    }

    /// The mean.
    pub(super) fn mean(self) -> NativeHistogram {
        if self.is_moving { self.sum.total() } else { self.sum.divided(self.count).total() }
    }
}

/// Of several histograms: whether some say that their counter began anew and others that it did not.
#[derive(Default)]
pub(super) struct ResetsSeen {
    reset: bool,
    not_reset: bool,
}

impl ResetsSeen {
    /// Looks at one more.
    pub(super) fn see(&mut self, histogram: &NativeHistogram) {
        self.reset |= histogram.reset == ResetHint::Reset;
        self.not_reset |= histogram.reset == ResetHint::NotReset;
    }

    /// Whether they contradict each other.
    pub(super) fn collide(&self) -> bool {
        self.reset && self.not_reset
    }
}

/// A histogram times a factor.
pub(super) fn scaled(histogram: &NativeHistogram, factor: f64) -> NativeHistogram {
    let mut scaled = histogram.clone();
    scale(&mut scaled, factor);
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(count: f64) -> NativeHistogram {
        NativeHistogram {
            count,
            sum: count,
            positive: vec![(0, count)],
            ..NativeHistogram::default()
        }
    }

    #[test]
    fn a_sum_keeps_what_floats_would_round_away_in_every_count() {
        let mut sum = HistogramSum::of(&histogram(1e100));
        for count in [1.0, -1e100, 1.0] {
            sum.add(&histogram(count)).unwrap();
        }
        let total = sum.total();
        assert_eq!(total.positive, [(0, 2.0)]);
        assert_eq!(total.sum.to_string(), "2");
    }

    #[test]
    fn a_mean_of_huge_counts_does_not_overflow() {
        let mut mean = HistogramMean::of(&histogram(f64::MAX));
        mean.add(&histogram(f64::MAX)).unwrap();
        assert!((mean.mean().count / f64::MAX - 1.0).abs() < 1e-12);
    }
}
