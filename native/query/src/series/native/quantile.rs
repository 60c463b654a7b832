//! Quantiles, fractions and the variance of native histograms.

use varve_columnar::histogram::{Bucket, NativeHistogram};

use crate::series::{annotations::NanObservations, sums::Sum};

/// The φ-quantile: within a bucket of its own bounds and around zero linear, in others on the
/// logarithm of the value. With it, what observations that are no numbers did to it.
pub(crate) fn quantile(phi: f64, histogram: &NativeHistogram) -> (f64, Option<NanObservations>) {
    if phi < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if phi > 1.0 {
        return (f64::INFINITY, None);
    }
    if histogram.count == 0.0 || phi.is_nan() {
        return (f64::NAN, None);
    }
    // Observations that are NaN count but are in no bucket: then only counting from below is right.
    let from_below = histogram.sum.is_nan() || phi < 0.5;
    let rank = if from_below { phi } else { 1.0 - phi } * histogram.count;
    let mut buckets: Vec<Bucket> = histogram.buckets();
    buckets.retain(|bucket| bucket.count != 0.0);
    if !from_below {
        buckets.reverse();
    }
    let mut count = 0.0;
    let mut reached = None;
    let mut rest = buckets.iter();
    for &bucket in rest.by_ref() {
        reached = Some(bucket);
        count += bucket.count;
        if count >= rank {
            break;
        }
    }
    let in_buckets = count + rest.map(|bucket| bucket.count).sum::<f64>();
    let bucket = match reached.map(|bucket| bounded(histogram, bucket)) {
        Some(Ok(bucket)) => bucket,
        Some(Err(value)) => return (value, None),
        None => Bucket {
            lower: 0.0,
            upper: 0.0,
            lower_inclusive: true,
            upper_inclusive: true,
            count: 0.0,
        },
    };
    count = count.min(histogram.count);
    if count < rank {
        return if histogram.sum.is_nan() {
            (f64::NAN, Some(NanObservations::ResultIsNan))
        } else {
            (bucket.upper, None)
        };
    }
    let skewed = histogram.sum.is_nan() && in_buckets < histogram.count;
    let note = skewed.then_some(NanObservations::ResultIsSkewed);
    let rank = if from_below { rank - (count - bucket.count) } else { count - rank };
    (within(histogram, bucket, rank / bucket.count), note)
}

/// A bucket with the bounds that a quantile is looked for between; or the quantile, where the
/// bucket has no bound on the side to which it is open.
fn bounded(histogram: &NativeHistogram, mut bucket: Bucket) -> Result<Bucket, f64> {
    if histogram.has_custom_bounds() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return Err(bucket.upper);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return Err(bucket.lower);
        }
    } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
        (bucket.lower, bucket.upper) = one_sided(histogram, bucket);
    }
    Ok(bucket)
}

/// The value at a share of a bucket.
fn within(histogram: &NativeHistogram, bucket: Bucket, share: f64) -> f64 {
    if histogram.has_custom_bounds() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return bucket.lower + (bucket.upper - bucket.lower) * share;
    }
    let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    if bucket.lower > 0.0 {
        return (lower + (upper - lower) * share).exp2();
    }
    -(upper + (lower - upper) * (1.0 - share)).exp2()
}

/// The zero bucket of a histogram that has buckets on one side only reaches to that side only.
fn one_sided(histogram: &NativeHistogram, bucket: Bucket) -> (f64, f64) {
    match (histogram.negative.is_empty(), histogram.positive.is_empty()) {
        (true, false) => (0.0, bucket.upper),
        (false, true) => (bucket.lower, 0.0),
        _ => (bucket.lower, bucket.upper),
    }
}

/// Which part of a bucket is below a value between its bounds.
pub(super) fn share_below(bucket: Bucket, value: f64, is_linear: bool) -> f64 {
    if is_linear {
        return (value - bucket.lower) / (bucket.upper - bucket.lower);
    }
    let (low, high) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    let at = value.abs().log2();
    if value > 0.0 { (at - low) / (high - low) } else { 1.0 - (at - high) / (low - high) }
}

/// Which part of the observations is between two values. With it, whether observations that are no
/// numbers were left out.
pub(crate) fn fraction(
    lower: f64,
    upper: f64,
    histogram: &NativeHistogram,
) -> (f64, Option<NanObservations>) {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, None);
    }
    if lower >= upper {
        return (0.0, None);
    }
    let buckets = histogram.buckets();
    let in_buckets: f64 = buckets.iter().map(|bucket| bucket.count).sum();
    let numbers = if histogram.sum.is_nan() { in_buckets } else { histogram.count };
    let rank_of = |value: f64| rank_below(histogram, &buckets, value).unwrap_or(numbers);
    let (low, high) = (rank_of(lower).min(numbers), rank_of(upper).min(numbers));
    let left_out = histogram.sum.is_nan() && in_buckets < histogram.count;
    ((high - low) / histogram.count, left_out.then_some(NanObservations::LeftOut))
}

/// How many observations are below a value; `None` where it is above all buckets.
fn rank_below(histogram: &NativeHistogram, buckets: &[Bucket], value: f64) -> Option<f64> {
    let mut rank = 0.0;
    for &(mut bucket) in buckets {
        let at_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        if at_zero {
            (bucket.lower, bucket.upper) = one_sided(histogram, bucket);
        }
        if bucket.lower >= value {
            return Some(rank);
        }
        if bucket.upper > value {
            let is_linear = histogram.has_custom_bounds() || at_zero;
            // Within a bucket without an end nothing is known of where.
            return Some(if is_linear && bucket.lower == f64::NEG_INFINITY {
                bucket.count
            } else {
                rank + bucket.count * share_below(bucket, value, is_linear)
            });
        }
        rank += bucket.count;
    }
    None
}

/// How far observations are from their mean, squared, if each is in the middle of its bucket.
pub(super) fn variance(histogram: &NativeHistogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut squares = Sum::default();
    for bucket in histogram.buckets().into_iter().filter(|bucket| bucket.count != 0.0) {
        let middle = if histogram.has_custom_bounds() {
            f64::midpoint(bucket.lower, bucket.upper)
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            let middle = (bucket.lower * bucket.upper).sqrt();
            if bucket.upper < 0.0 { -middle } else { middle }
        };
        squares.add(bucket.count * (middle - mean) * (middle - mean));
    }
    squares.total() / histogram.count
}

#[cfg(test)]
mod tests {
    use varve_columnar::histogram::SCHEMA_CUSTOM;

    use super::*;

    fn histogram(positive: &[(i32, f64)]) -> NativeHistogram {
        let count = positive.iter().map(|(_, count)| count).sum();
        NativeHistogram {
            count,
            sum: count,
            positive: positive.to_vec(),
            ..NativeHistogram::default()
        }
    }

    fn custom(bounds: &[f64], positive: &[(i32, f64)]) -> NativeHistogram {
        NativeHistogram {
            schema: SCHEMA_CUSTOM,
            custom_bounds: bounds.to_vec(),
            ..histogram(positive)
        }
    }

    #[test]
    fn a_quantile_lies_on_the_logarithm_between_the_bounds_of_its_bucket() {
        let one = histogram(&[(2, 4.0)]);
        assert!((quantile(0.5, &one).0 - 8_f64.sqrt()).abs() < 1e-12);
        assert!(quantile(0.5, &NativeHistogram::default()).0.is_nan());
        assert!(quantile(-1.0, &one).0.is_infinite());
    }

    #[test]
    fn a_quantile_of_custom_bounds_is_linear_and_never_beyond_the_last_bound() {
        let two = custom(&[1.0, 3.0], &[(0, 1.0), (1, 2.0), (2, 1.0)]);
        assert_eq!(quantile(0.5, &two).0.to_string(), "2");
        assert_eq!(quantile(0.99, &two).0.to_string(), "3");
    }

    #[test]
    fn a_fraction_counts_whole_buckets_and_parts_of_them() {
        let two = custom(&[1.0, 3.0], &[(0, 1.0), (1, 2.0), (2, 1.0)]);
        assert_eq!(fraction(0.0, 2.0, &two).0.to_string(), "0.5");
        assert_eq!(fraction(f64::NEG_INFINITY, f64::INFINITY, &two).0.to_string(), "1");
        assert_eq!(fraction(3.0, 2.0, &two).0.to_string(), "0");
    }

    #[test]
    fn observations_that_are_no_numbers_are_told_of() {
        let half = NativeHistogram { count: 8.0, sum: f64::NAN, ..histogram(&[(2, 4.0)]) };
        assert_eq!(quantile(0.9, &half).1, Some(NanObservations::ResultIsNan));
        assert_eq!(quantile(0.1, &half).1, Some(NanObservations::ResultIsSkewed));
        let (all, told) = fraction(f64::NEG_INFINITY, f64::INFINITY, &half);
        assert_eq!((all.to_string().as_str(), told), ("0.5", Some(NanObservations::LeftOut)));
    }

    #[test]
    fn a_variance_is_that_of_the_middles_of_buckets() {
        let spread = NativeHistogram { sum: 8.0, ..custom(&[1.0, 3.0], &[(1, 4.0)]) };
        assert_eq!(variance(&spread).to_string(), "0");
    }
}
