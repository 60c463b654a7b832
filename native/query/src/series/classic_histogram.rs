//! Classic histograms: cumulative counts by upper bound.

/// Counts that differ by less than this fraction are the same: sums of rates differ so much by
/// their rounding alone.
const TOLERANCE: f64 = 1e-12;

/// Observations up to a bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// Included.
    pub(super) bound: f64,
    /// Of all observations up to it.
    pub(super) count: f64,
}

/// The φ-quantile of at least one bucket, ascending by bound: linear between the bounds of the
/// bucket that it falls into. With it, whether the counts fell somewhere by more than rounding.
pub(super) fn quantile(phi: f64, buckets: &mut [Bucket]) -> (f64, bool) {
    if phi.is_nan() {
        return (f64::NAN, false);
    }
    if !(0.0..=1.0).contains(&phi) {
        return (if phi < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY }, false);
    }
    let last = buckets.len() - 1;
    // Without the bucket of everything the number of observations is not known.
    if last == 0 || buckets[last].bound < f64::INFINITY {
        return (f64::NAN, false);
    }
    let forced = make_monotonic(buckets);
    let total = buckets[last].count;
    if total == 0.0 || total.is_nan() {
        return (f64::NAN, forced);
    }
    let rank = phi * total;
    let at = buckets[..last].partition_point(|bucket| bucket.count < rank);
    let value = if at == last {
        buckets[last - 1].bound
    } else if at == 0 && buckets[0].bound <= 0.0 {
        buckets[0].bound
    } else {
        let below = if at == 0 { Bucket { bound: 0.0, count: 0.0 } } else { buckets[at - 1] };
        let share = (rank - below.count) / (buckets[at].count - below.count);
        below.bound + (buckets[at].bound - below.bound) * share
    };
    (value, forced)
}

/// Which part of the observations is between two values, of at least one bucket, ascending by bound;
/// linear between bounds.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &[Bucket]) -> f64 {
    let Some(last) = buckets.last().filter(|last| last.bound == f64::INFINITY) else {
        return f64::NAN;
    };
    let total = last.count;
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let below = |value: f64| count_below(buckets, value).map_or(total, |count| count.min(total));
    (below(upper) - below(lower)) / total
}

/// How many observations are below a value; `None` where it is above all bounds.
fn count_below(buckets: &[Bucket], value: f64) -> Option<f64> {
    let first = buckets.first()?.bound;
    let mut from = Bucket { bound: if first <= 0.0 { f64::NEG_INFINITY } else { 0.0 }, count: 0.0 };
    for &to in buckets {
        if from.bound >= value {
            return Some(from.count);
        }
        if to.bound > value {
            // Within a bucket without an end nothing is known of where.
            return Some(if from.bound == f64::NEG_INFINITY {
                to.count
            } else {
                let share = (value - from.bound) / (to.bound - from.bound);
                from.count + (to.count - from.count) * share
            });
        }
        from = to;
    }
    None
}

/// Raises counts that are below the one before. Whether one was lower by more than rounding.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let mut forced = false;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let close = nearly_equal(before, bucket.count);
        if close || bucket.count < before {
            forced |= !close;
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    forced
}

fn nearly_equal(a: f64, b: f64) -> bool {
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if difference == 0.0 {
        return true;
    }
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(phi: f64, buckets: &[(f64, f64)]) -> (String, bool) {
        let mut buckets: Vec<_> =
            buckets.iter().map(|&(bound, count)| Bucket { bound, count }).collect();
        let (value, forced) = quantile(phi, &mut buckets);
        (value.to_string(), forced)
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn a_quantile_lies_on_the_line_between_its_buckets_bounds() {
        assert_eq!(of(0.5, &[(1.0, 0.0), (2.0, 10.0), (INF, 10.0)]), ("1.5".into(), false));
        assert_eq!(of(0.5, &[(1.0, 10.0), (INF, 10.0)]), ("0.5".into(), false));
    }

    #[test]
    fn a_quantile_in_the_last_bucket_is_the_last_bound() {
        assert_eq!(of(0.9, &[(1.0, 1.0), (INF, 10.0)]), ("1".into(), false));
    }

    #[test]
    fn a_first_bucket_below_zero_has_no_lower_bound() {
        assert_eq!(of(0.1, &[(-1.0, 5.0), (INF, 10.0)]), ("-1".into(), false));
    }

    #[test]
    fn a_histogram_without_an_infinite_bound_has_no_quantile() {
        assert_eq!(of(0.5, &[(1.0, 1.0), (2.0, 2.0)]), ("NaN".into(), false));
        assert_eq!(of(0.5, &[(1.0, 0.0), (INF, 0.0)]), ("NaN".into(), false));
        assert_eq!(of(0.5, &[(INF, 3.0)]), ("NaN".into(), false));
    }

    #[test]
    fn counts_that_fall_are_raised_and_told_unless_it_is_rounding() {
        assert_eq!(of(1.0, &[(1.0, 10.0), (2.0, 8.0), (INF, 10.0)]), ("1".into(), true));
        assert!(!of(1.0, &[(1.0, 10.0), (2.0, 10.0 - 1e-13), (INF, 10.0)]).1);
    }

    #[test]
    fn a_fraction_counts_whole_buckets_and_parts_of_them() {
        let buckets = [(1.0, 2.0), (3.0, 6.0), (INF, 8.0)];
        let buckets = buckets.map(|(bound, count)| Bucket { bound, count });
        assert_eq!(fraction(0.0, 2.0, &buckets).to_string(), "0.5");
        assert_eq!(fraction(f64::NEG_INFINITY, INF, &buckets).to_string(), "1");
        assert_eq!(fraction(5.0, INF, &buckets).to_string(), "0.25");
        assert!(fraction(0.0, 1.0, &buckets[..2]).is_nan());
    }
}
