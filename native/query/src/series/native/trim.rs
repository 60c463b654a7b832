//! The trim operators: what is left of a histogram below or above a value.

use varve_columnar::histogram::{Bucket, NativeHistogram};

use super::{math::drop_empty, quantile::share_below};

/// Which observations stay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Below,
    Above,
}

/// What stays of one bucket.
struct Part {
    count: f64,
    /// Where the observations that stay are taken to be.
    middle: f64,
}

/// Takes away the observations on one side of a value. Count and sum are worked out anew from the
/// buckets where any is cut.
pub(super) fn trim(histogram: &mut NativeHistogram, keep: Keep, value: f64) {
    let is_linear = histogram.has_custom_bounds();
    let (mut count, mut sum, mut is_cut) = (0.0, 0.0, false);
    let mut take = |before: &mut f64, part: &Part| {
        count += part.count;
        sum += part.middle * part.count;
        is_cut |= before.total_cmp(&part.count).is_ne();
        *before = part.count;
    };
    let sides_held = (holds(&histogram.negative), holds(&histogram.positive));
    for is_positive in [true, false] {
        let side = std::mem::take(if is_positive {
            &mut histogram.positive
        } else {
            &mut histogram.negative
        });
        let side: Vec<(i32, f64)> = side
            .into_iter()
            .map(|(index, mut held)| {
                let (near, far) = histogram.bounds_of(index);
                let (lower, upper) = if is_positive { (near, far) } else { (-far, -near) };
                let bucket = Bucket {
                    lower,
                    upper,
                    lower_inclusive: !is_positive,
                    upper_inclusive: is_positive,
                    count: held,
                };
                if held != 0.0 {
                    take(&mut held, &part_of(bucket, keep, value, is_linear));
                }
                (index, held)
            })
            .collect();
        *(if is_positive { &mut histogram.positive } else { &mut histogram.negative }) = side;
    }
    if histogram.zero_count > 0.0 {
        let edge = histogram.zero_threshold;
        let (lower, upper) = match sides_held {
            (true, false) => (-edge, 0.0),
            (false, true) => (0.0, edge),
            _ => (-edge, edge),
        };
        let part = part_of_zero((lower, upper), histogram.zero_count, keep, value);
        take(&mut histogram.zero_count, &part);
    }
    if is_cut {
        histogram.count = count;
        histogram.sum = sum;
        drop_empty(histogram);
    }
}

fn holds(side: &[(i32, f64)]) -> bool {
    side.iter().any(|&(_, count)| count != 0.0)
}

fn part_of(bucket: Bucket, keep: Keep, value: f64, is_linear: bool) -> Part {
    let Bucket { lower, upper, count, .. } = bucket;
    let stays = match keep {
        Keep::Below => upper <= value,
        Keep::Above => lower >= value,
    };
    if stays {
        return Part { count, middle: middle_of(lower, upper, is_linear) };
    }
    let goes = match keep {
        Keep::Below => lower >= value,
        Keep::Above => upper <= value,
    };
    // A value that is no number is on neither side of anything.
    if goes || value.is_nan() {
        return Part { count: 0.0, middle: 0.0 };
    }
    if lower == f64::NEG_INFINITY {
        return part_without_lower_bound(bucket, keep, value);
    }
    if upper == f64::INFINITY {
        // How its observations lie is not known: all are taken to be beyond the value.
        return match keep {
            Keep::Below => Part { count: 0.0, middle: 0.0 },
            Keep::Above => Part { count, middle: value },
        };
    }
    let below = count * share_below(bucket, value, is_linear);
    match keep {
        Keep::Below => Part { count: below, middle: middle_of(lower, value, is_linear) },
        Keep::Above => Part { count: count - below, middle: middle_of(value, upper, is_linear) },
    }
}

/// A bucket of custom bounds that is open below: it is taken to begin at zero where it reaches
/// above that.
fn part_without_lower_bound(bucket: Bucket, keep: Keep, value: f64) -> Part {
    let Bucket { upper, count, .. } = bucket;
    let is_finite = upper != f64::INFINITY;
    match keep {
        Keep::Below if value > 0.0 && upper > 0.0 && is_finite => {
            Part { count: count * value / upper, middle: value / 2.0 }
        }
        Keep::Below if upper <= 0.0 => Part { count, middle: value },
        Keep::Above if value == f64::NEG_INFINITY => Part { count, middle: 0.0 },
        Keep::Above if value >= 0.0 && upper > value && is_finite => {
            Part { count: count * (1.0 - value / upper), middle: f64::midpoint(value, upper) }
        }
        Keep::Below | Keep::Above => Part { count: 0.0, middle: 0.0 },
    }
}

fn part_of_zero((lower, upper): (f64, f64), count: f64, keep: Keep, value: f64) -> Part {
    let nothing = Part { count: 0.0, middle: 0.0 };
    let all = Part { count, middle: f64::midpoint(lower, upper) };
    let width = upper - lower;
    match keep {
        Keep::Below if value <= lower => nothing,
        Keep::Below if value >= upper => all,
        Keep::Below => {
            Part { count: count * ((value - lower) / width), middle: f64::midpoint(lower, value) }
        }
        Keep::Above if value <= lower => all,
        Keep::Above if value >= upper => nothing,
        Keep::Above => {
            Part { count: count * ((upper - value) / width), middle: f64::midpoint(value, upper) }
        }
    }
}

/// Where the observations between two values are taken to be.
fn middle_of(lower: f64, upper: f64, is_linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if is_linear => f64::midpoint(lower, upper),
        (false, false) => {
            let middle = (lower * upper).abs().sqrt();
            if upper > 0.0 { middle } else { -middle }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram() -> NativeHistogram {
        NativeHistogram {
            count: 7.0,
            sum: 20.0,
            zero_threshold: 0.5,
            zero_count: 1.0,
            positive: vec![(1, 2.0), (2, 4.0)],
            ..NativeHistogram::default()
        }
    }

    #[test]
    fn a_value_above_all_buckets_leaves_a_histogram_as_it_is() {
        let mut whole = histogram();
        trim(&mut whole, Keep::Below, 4.0);
        assert_eq!(whole, histogram());
    }

    #[test]
    fn a_bucket_that_holds_the_value_is_cut_on_the_logarithm() {
        let mut below = histogram();
        trim(&mut below, Keep::Below, 8_f64.sqrt());
        assert_eq!(below.positive.len(), 2);
        assert!((below.positive[1].1 - 2.0).abs() < 1e-12);
        assert!((below.count - 5.0).abs() < 1e-12);
        let mut above = histogram();
        trim(&mut above, Keep::Above, 2.0);
        assert_eq!(above.positive, [(2, 4.0)]);
        assert_eq!(above.zero_count.to_string(), "0");
        assert!((above.sum - 4.0 * 8_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_zero_bucket_of_a_histogram_above_zero_begins_at_zero() {
        let mut above = histogram();
        trim(&mut above, Keep::Above, 0.25);
        assert_eq!(above.zero_count.to_string(), "0.5");
    }
}
