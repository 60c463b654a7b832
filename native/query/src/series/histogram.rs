//! `histogram_quantile` over classic histograms: cumulative counts by upper bound (`le`).

use varve_columnar::answer::{ABSENT, is_absent};

use super::{
    eval::{Evaluator, warn_of_quantiles},
    functions::wrong_args,
    value::{EvalSeries, LabelGroups, NAME, Value},
};
use crate::{context::ExecContext, error::QueryError, plan::SeriesExpr};

/// The label that holds a bucket's upper bound.
const BOUND: &str = "le";

/// Counts that differ by less than this fraction are the same: sums of rates differ so much by
/// their rounding alone.
const TOLERANCE: f64 = 1e-12;

/// Evaluates `histogram_quantile(φ, buckets)`.
pub(super) fn eval<'a>(
    evaluator: &Evaluator<'a, '_>,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    let [phi, buckets] = args else {
        return Err(wrong_args("histogram_quantile", 2, args.len()));
    };
    let phis = evaluator.eval_scalar(phi, "histogram_quantile")?;
    let buckets = evaluator.eval_vector(buckets, "histogram_quantile")?;
    if !buckets.series.is_empty() {
        warn_of_quantiles(evaluator.context, &phis);
    }
    let mut groups = LabelGroups::default();
    let mut histograms: Vec<Vec<(f64, &EvalSeries)>> = Vec::new();
    for series in &buckets.series {
        let Some(bound) = read_bound(evaluator.context, series) else { continue };
        let mut labels = series.labels.clone();
        labels.remove(BOUND);
        let number = groups.number_of(labels);
        histograms.resize_with(groups.len(), Vec::new);
        histograms[number].push((bound, series));
    }
    let series = groups.into_labels().into_iter().zip(histograms).map(|(labels, mut histogram)| {
        histogram.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let (values, forced) = quantiles(&phis, &histogram);
        if forced {
            evaluator.context.inform(format!(
                "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name \"{}\"",
                labels.get(NAME)
            ));
        }
        EvalSeries { labels, drop_name: true, values }
    });
    evaluator.vector(series)
}

/// A bucket's upper bound; a series that has none is left out, and the user is told.
fn read_bound(context: &ExecContext, series: &EvalSeries) -> Option<f64> {
    let text = series.labels.get(BOUND);
    let bound = text.parse().ok();
    if bound.is_none() {
        context.warn(format!(
            "PromQL warning: bucket label \"le\" is missing or has a malformed value of \"{text}\" for metric name \"{}\"",
            series.labels.get(NAME)
        ));
    }
    bound
}

/// The quantile at every step, and whether counts fell somewhere by more than rounding.
fn quantiles(phis: &[f64], histogram: &[(f64, &EvalSeries)]) -> (Vec<f64>, bool) {
    let mut any_forced = false;
    let mut present: Vec<Bucket> = Vec::with_capacity(histogram.len());
    let at_step = |(step, &phi): (usize, &f64)| {
        present.clear();
        let counts = histogram.iter().map(|&(bound, series)| (bound, series.values[step]));
        for (bound, count) in counts.filter(|(_, count)| !is_absent(*count)) {
            match present.last_mut() {
                // The same bound written in two ways (`1`, `1.0`).
                Some(last) if last.bound.total_cmp(&bound).is_eq() => last.count += count,
                _ => present.push(Bucket { bound, count }),
            }
        }
        if present.is_empty() {
            return ABSENT;
        }
        let (value, forced) = quantile(phi, &mut present);
        any_forced |= forced;
        value
    };
    let values = phis.iter().enumerate().map(at_step).collect();
    (values, any_forced)
}

/// Observations up to a bound.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// The φ-quantile of at least one bucket, ascending by bound: linear between the bounds of the
/// bucket that it falls into. With it, whether the counts fell somewhere by more than rounding.
fn quantile(phi: f64, buckets: &mut [Bucket]) -> (f64, bool) {
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
}
