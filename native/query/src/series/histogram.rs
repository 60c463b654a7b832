//! Functions of histograms in both forms: native ones, and classic ones with a series per bucket.

use varve_columnar::{
    answer::{ABSENT, is_absent},
    histogram::NativeHistogram,
};

use super::{
    annotations,
    classic_histogram::{self, Bucket},
    eval::Evaluator,
    functions::wrong_args,
    native,
    value::{EvalSeries, LabelGroups, NAME, Value, Vector},
};
use crate::{context::ExecContext, error::QueryError, plan::SeriesExpr};

/// The label that holds a bucket's upper bound.
const BOUND: &str = "le";

/// Evaluates `histogram_quantile(φ, buckets)`.
pub(super) fn eval_quantile<'a>(
    evaluator: &Evaluator<'a, '_>,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    let [phi, buckets] = args else {
        return Err(wrong_args("histogram_quantile", 2, args.len()));
    };
    let phis = evaluator.eval_scalar(phi, "histogram_quantile")?;
    annotations::bad_quantiles(evaluator.context, &phis);
    let buckets = evaluator.eval_vector(buckets, "histogram_quantile")?;
    evaluator.vector(quantiles(evaluator, &buckets, &phis))
}

/// Evaluates `histogram_quantiles(buckets, label, φ, …)`: each quantile with itself as a label.
pub(super) fn eval_quantiles<'a>(
    evaluator: &Evaluator<'a, '_>,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    let [buckets, SeriesExpr::Text { value: label }, phis @ ..] = args else {
        return Err(wrong_args("histogram_quantiles", 3, args.len()));
    };
    let buckets = evaluator.eval_vector(buckets, "histogram_quantiles")?;
    let mut all = Vec::new();
    for phi in phis {
        let phis = evaluator.eval_scalar(phi, "histogram_quantiles")?;
        annotations::bad_quantiles(evaluator.context, &phis);
        for one in quantiles(evaluator, &buckets, &phis) {
            // A quantile may be another one at every step.
            for (step, &value) in one.values.iter().enumerate().filter(|(_, v)| !is_absent(**v)) {
                let mut labels = one.labels.clone();
                labels.set(label.as_str(), open_metrics_text(phis[step]));
                let mut values = vec![ABSENT; one.values.len()];
                values[step] = value;
                all.push(EvalSeries::of(labels, true, values));
            }
        }
    }
    evaluator.vector(super::value::merge_same_labels(all, super::value::SAME_LABELS)?)
}

/// Evaluates `histogram_fraction(lower, upper, buckets)`.
pub(super) fn eval_fraction<'a>(
    evaluator: &Evaluator<'a, '_>,
    args: &[SeriesExpr],
) -> Result<Value<'a>, QueryError> {
    let [lower, upper, buckets] = args else {
        return Err(wrong_args("histogram_fraction", 3, args.len()));
    };
    let lower = evaluator.eval_scalar(lower, "histogram_fraction")?;
    let upper = evaluator.eval_scalar(upper, "histogram_fraction")?;
    let buckets = evaluator.eval_vector(buckets, "histogram_fraction")?;
    let read = Reader {
        native: |step: usize, histogram: &NativeHistogram| {
            native::fraction(lower[step], upper[step], histogram)
        },
        classic: |step: usize, buckets: &mut [Bucket]| {
            (classic_histogram::fraction(lower[step], upper[step], buckets), false)
        },
    };
    evaluator.vector(read.all(evaluator, &buckets))
}

fn quantiles(evaluator: &Evaluator<'_, '_>, buckets: &Vector<'_>, phis: &[f64]) -> Vec<EvalSeries> {
    let read = Reader {
        native: |step: usize, histogram: &NativeHistogram| native::quantile(phis[step], histogram),
        classic: |step: usize, buckets: &mut [Bucket]| {
            classic_histogram::quantile(phis[step], buckets)
        },
    };
    read.all(evaluator, buckets)
}

/// What is read of a histogram at a step. The reader of classic ones also says whether counts fell
/// by more than rounding.
struct Reader<Native, Classic> {
    native: Native,
    classic: Classic,
}

impl<Native, Classic> Reader<Native, Classic>
where
    Native: Fn(usize, &NativeHistogram) -> (f64, Option<annotations::NanObservations>),
    Classic: Fn(usize, &mut [Bucket]) -> (f64, bool),
{
    /// What the histograms of a vector give.
    fn all(&self, evaluator: &Evaluator<'_, '_>, vector: &Vector<'_>) -> Vec<EvalSeries> {
        let (context, steps) = (evaluator.context, evaluator.steps_ns.len());
        let mut groups = LabelGroups::default();
        let mut made: Vec<EvalSeries> = Vec::new();
        for series in vector.series.iter().filter(|series| !series.histograms.is_empty()) {
            groups.number_of(series.labels.clone());
            made.push(self.of_natives(context, series));
        }
        let natives = made.len();
        let mut classic: Vec<Vec<(f64, &EvalSeries)>> = vec![Vec::new(); natives];
        for series in &vector.series {
            if series.values.iter().all(|&value| is_absent(value)) {
                continue;
            }
            let Some(bound) = read_bound(context, series) else { continue };
            let mut labels = series.labels.clone();
            labels.remove(BOUND);
            let number = groups.number_of(labels);
            classic.resize_with(groups.len(), Vec::new);
            classic[number].push((bound, series));
        }
        for (number, (labels, mut buckets)) in
            groups.into_labels().into_iter().zip(classic).enumerate()
        {
            buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            let (values, forced) = self.of_classic(steps, &buckets);
            if forced {
                annotations::forced_monotonicity(context, labels.get(NAME));
            }
            match made.get_mut(number) {
                Some(native) if number < natives => merge_forms(context, native, &values),
                _ => made.push(EvalSeries::of(labels, true, values)),
            }
        }
        made
    }

    fn of_natives(&self, context: &ExecContext, series: &EvalSeries) -> EvalSeries {
        let at_step = |step: usize| {
            let Some(histogram) = series.histogram(step) else { return ABSENT };
            let (value, note) = (self.native)(step, histogram);
            if let Some(note) = note {
                annotations::nan_observations(context, series.labels.get(NAME), note);
            }
            value
        };
        let values = (0..series.values.len()).map(at_step).collect();
        EvalSeries::of(series.labels.clone(), true, values)
    }

    /// The value at every step, and whether counts fell somewhere by more than rounding.
    fn of_classic(&self, steps: usize, buckets: &[(f64, &EvalSeries)]) -> (Vec<f64>, bool) {
        let mut any_forced = false;
        let mut present: Vec<Bucket> = Vec::with_capacity(buckets.len());
        let at_step = |step: usize| {
            present.clear();
            let counts = buckets.iter().map(|&(bound, series)| (bound, series.values[step]));
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
            let (value, forced) = (self.classic)(step, &mut present);
            any_forced |= forced;
            value
        };
        let values = (0..steps).map(at_step).collect();
        (values, any_forced)
    }
}

/// Takes what classic buckets of the same labels give. A sender moves from one form to the other,
/// but at one step there may be one only.
fn merge_forms(context: &ExecContext, native: &mut EvalSeries, classic: &[f64]) {
    for (value, &other) in native.values.iter_mut().zip(classic) {
        if is_absent(other) {
            continue;
        }
        if is_absent(*value) {
            *value = other;
        } else {
            annotations::mixed_forms(context, native.labels.get(NAME));
            *value = ABSENT;
        }
    }
}

/// A bucket's upper bound; a series that has none is left out, and the user is told.
fn read_bound(context: &ExecContext, series: &EvalSeries) -> Option<f64> {
    let text = series.labels.get(BOUND);
    let bound = text.parse().ok();
    if bound.is_none() {
        annotations::bad_bound(context, text, series.labels.get(NAME));
    }
    bound
}

/// A number as `OpenMetrics` writes it: whole ones with `.0`.
fn open_metrics_text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = native::short_text(value);
    if value.is_nan() || text.contains(['e', '.']) { text } else { format!("{text}.0") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_as_a_label_has_a_point() {
        assert_eq!(open_metrics_text(1.0), "1.0");
        assert_eq!(open_metrics_text(0.99), "0.99");
        assert_eq!(open_metrics_text(1e-7), "1e-07");
        assert_eq!(open_metrics_text(f64::NEG_INFINITY), "-Inf");
    }
}
