//! What a query tells besides its answer, in Prometheus' words.

use crate::context::{About, ExecContext};

/// Endings of a counter's name.
const COUNTER_ENDINGS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

/// Which operation put histograms together.
#[derive(Clone, Copy)]
pub(super) enum HistogramOperation {
    Add,
    Subtract,
    Aggregate,
}

impl HistogramOperation {
    fn name(self) -> &'static str {
        match self {
            Self::Add => "addition",
            Self::Subtract => "subtraction",
            Self::Aggregate => "aggregation",
        }
    }
}

fn warn(context: &ExecContext, text: String) {
    context.warn_about(About::Input, text);
}

/// A window holds floats and histograms, of which the function can take only one kind.
pub(super) fn mixed_window(context: &ExecContext, metric: &str) {
    warn(
        context,
        format!(
            "PromQL warning: encountered a mix of histograms and floats for metric name \"{metric}\""
        ),
    );
}

/// A group holds floats and histograms.
pub(super) fn mixed_group(context: &ExecContext) {
    warn(
        context,
        "PromQL warning: encountered a mix of histograms and floats for aggregation".to_owned(),
    );
}

/// Histograms of the same labels came in both forms.
pub(super) fn mixed_forms(context: &ExecContext, metric: &str) {
    warn(
        context,
        format!(
            "PromQL warning: vector contains a mix of classic and native histograms{}",
            for_metric(metric)
        ),
    );
}

/// Exponential and custom buckets cannot be put together.
pub(super) fn mixed_schemas(context: &ExecContext, metric: &str) {
    warn(
        context,
        format!(
            "PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name \"{metric}\""
        ),
    );
}

/// The same, of the sides of an operator.
pub(super) fn mixed_schemas_of_operator(context: &ExecContext, operator: &str) {
    warn(
        context,
        format!(
            "PromQL warning: incompatible bucket layout encountered for binary operator {operator}"
        ),
    );
}

/// A counter's function was asked of a gauge.
pub(super) fn not_a_counter(context: &ExecContext, metric: &str) {
    warn(
        context,
        format!("PromQL warning: this native histogram metric is not a counter: \"{metric}\""),
    );
}

/// A gauge's function was asked of a counter.
pub(super) fn not_a_gauge(context: &ExecContext, metric: &str) {
    warn(
        context,
        format!("PromQL warning: this native histogram metric is not a gauge: \"{metric}\""),
    );
}

/// What is known of counter resets contradicts itself.
pub(super) fn resets_collide(context: &ExecContext, operation: HistogramOperation) {
    warn(
        context,
        format!("PromQL warning: conflicting counter resets during histogram {}", operation.name()),
    );
}

/// Custom bounds that not all histograms have were given up.
pub(super) fn bounds_differ(context: &ExecContext, operation: HistogramOperation) {
    context.inform(format!(
        "PromQL info: mismatched custom buckets were reconciled during {}",
        operation.name()
    ));
}

/// An operator has no meaning for its sides.
pub(super) fn incompatible_sides(
    context: &ExecContext,
    operator: &str,
    (left, right): (&str, &str),
) {
    context.inform(format!(
        "PromQL info: incompatible sample types encountered for binary operator \"{operator}\": {left} {operator} {right}"
    ));
}

/// An aggregation left histograms out.
pub(super) fn ignored_in_aggregation(context: &ExecContext, aggregation: &str) {
    context.inform(format!("PromQL info: ignored histogram in {aggregation} aggregation"));
}

/// A window function left histograms out.
pub(super) fn ignored_in_window(context: &ExecContext, metric: &str) {
    context.inform(format!(
        "PromQL info: ignored histograms in a range containing both floats and histograms for metric name \"{metric}\""
    ));
}

/// A quantile of a histogram with observations that are no numbers.
pub(super) fn nan_observations(context: &ExecContext, metric: &str, what: NanObservations) {
    let (function, result) = match what {
        NanObservations::ResultIsNan => ("histogram_quantile", "result is NaN"),
        NanObservations::ResultIsSkewed => ("histogram_quantile", "result is skewed higher"),
        NanObservations::LeftOut => ("histogram_fraction", "which are excluded from all fractions"),
    };
    context.inform(format!(
        "PromQL info: input to {function} has NaN observations, {result}{}",
        for_metric(metric)
    ));
}

/// A counter's function was asked of metrics whose names are not those of counters.
pub(super) fn possible_non_counters<'a>(
    context: &ExecContext,
    names: impl Iterator<Item = &'a str>,
) {
    let mut told = "";
    for name in names {
        if name != told
            && !name.is_empty()
            && !COUNTER_ENDINGS.iter().any(|end| name.ends_with(end))
        {
            context.inform(format!(
                "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"{name}\""
            ));
        }
        told = name;
    }
}

/// Series were sorted that are shown in the order of their labels.
pub(super) fn sorted_in_vain(context: &ExecContext) {
    warn(
        context,
        "PromQL warning: sort is ineffective for range queries since results are always ordered by labels"
            .to_owned(),
    );
}

/// What observations that are no numbers do to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NanObservations {
    ResultIsNan,
    ResultIsSkewed,
    LeftOut,
}

/// Classic buckets whose counts fell with rising bounds.
pub(super) fn forced_monotonicity(context: &ExecContext, metric: &str) {
    context.inform(format!(
        "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}",
        for_metric(metric)
    ));
}

/// A classic bucket without a bound.
pub(super) fn bad_bound(context: &ExecContext, bound: &str, metric: &str) {
    warn(
        context,
        format!(
            "PromQL warning: bucket label \"le\" is missing or has a malformed value of \"{bound}\"{}",
            for_metric(metric)
        ),
    );
}

/// Numbers that are no quantiles.
pub(super) fn bad_quantiles(context: &ExecContext, quantiles: &[f64]) {
    let mut told = 0.0;
    for &phi in quantiles.iter().filter(|phi| !(0.0..=1.0).contains(*phi)) {
        if phi.total_cmp(&told).is_ne() {
            let text =
                format!("PromQL warning: quantile value should be between 0 and 1, got {phi}");
            context.warn_about(About::Param, text);
        }
        told = phi;
    }
}

/// Ratios beyond all or nothing.
pub(super) fn bad_ratios(context: &ExecContext, ratios: &[f64]) {
    let most = ratios.iter().copied().fold(0.0, f64::max);
    let least = ratios.iter().copied().fold(0.0, f64::min);
    for (bad, bound) in [(most, 1), (least, -1)] {
        if bad.abs() > 1.0 {
            let text = format!(
                "PromQL warning: ratio value should be between -1 and 1, got {bad}, capping to {bound}"
            );
            context.warn_about(About::Param, text);
        }
    }
}

fn for_metric(metric: &str) -> String {
    if metric.is_empty() { String::new() } else { format!(" for metric name \"{metric}\"") }
}
