//! Samples from labels (`unwrap`), and what windows of them come to.

use varve_columnar::answer::ABSENT;

use super::{
    label_filter::LabelFilter, log_window::LogWindow, numbers::read_number, row_labels::RowLabels,
};
use crate::{
    error::QueryError,
    plan::{LogWindowFunction, NumberUnit, Unwrap},
};

/// A row's value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) time_ns: i64,
    pub(super) value: f64,
}

/// A compiled `unwrap`.
pub(super) struct Unwrapper {
    label: String,
    unit: NumberUnit,
    filters: Vec<LabelFilter>,
}

impl Unwrapper {
    pub(super) fn compile(Unwrap { label, unit, filters }: &Unwrap) -> Result<Self, QueryError> {
        let filters = filters.iter().map(LabelFilter::compile).collect::<Result<_, _>>()?;
        Ok(Self { label: label.clone(), unit: *unit, filters })
    }

    /// Calls `each` with the names of the labels that it looks at.
    pub(super) fn visit_names<'u>(&'u self, each: &mut impl FnMut(&'u str)) {
        each(&self.label);
        for filter in &self.filters {
            filter.visit_names(each);
        }
    }

    /// The row's sample; `None` where it has none or a filter drops the row. A label that is no number
    /// is noted as the row's error.
    pub(super) fn value(&self, labels: &mut RowLabels) -> Option<f64> {
        let text = labels.get(&self.label).filter(|text| !text.is_empty())?;
        let value = match read_number(text, self.unit) {
            Ok(value) => value,
            Err(details) => {
                labels.set_error("SampleExtractionErr", &details);
                0.0
            }
        };
        self.filters.iter().all(|filter| filter.keeps(labels)).then_some(value)
    }
}

/// The window's value at each step.
pub(super) fn over_windows(
    window: &LogWindow<'_>,
    steps: &[i64],
    mut samples: Vec<Sample>,
) -> Vec<f64> {
    // Stable: samples of one time stay in the order in which they were read.
    samples.sort_by_key(|sample| sample.time_ns);
    let (mut from, mut to) = (0, 0);
    let mut sorted = Vec::new();
    let values = steps.iter().map(|&step| {
        let until = step.saturating_sub(window.offset_ns);
        let after = until.saturating_sub(window.range_ns);
        to += samples[to..].iter().take_while(|sample| sample.time_ns <= until).count();
        from += samples[from..to].iter().take_while(|sample| sample.time_ns <= after).count();
        match &samples[from..to] {
            [] => ABSENT,
            inside => value_of(window, until, inside, &mut sorted),
        }
    });
    values.collect()
}

/// `until`: when the window ends; `samples`: at least one, by time.
fn value_of(window: &LogWindow<'_>, until: i64, samples: &[Sample], sorted: &mut Vec<f64>) -> f64 {
    let values = samples.iter().map(|sample| sample.value);
    let seconds = window.range_ns as f64 / 1e9;
    match window.function {
        LogWindowFunction::CountOverTime => samples.len() as f64,
        LogWindowFunction::SumOverTime | LogWindowFunction::BytesOverTime => values.sum(),
        LogWindowFunction::Rate | LogWindowFunction::BytesRate => values.sum::<f64>() / seconds,
        LogWindowFunction::RateCounter => rate_of_counter(window.range_ns, until, samples),
        LogWindowFunction::AvgOverTime => mean(values),
        LogWindowFunction::MinOverTime => most(values, |value, least| value < least),
        LogWindowFunction::MaxOverTime => most(values, |value, greatest| value > greatest),
        LogWindowFunction::StdvarOverTime => variance(values),
        LogWindowFunction::StddevOverTime => variance(values).sqrt(),
        LogWindowFunction::QuantileOverTime => {
            sorted.clear();
            sorted.extend(values);
            quantile(window.param.unwrap_or(f64::NAN), sorted)
        }
        LogWindowFunction::FirstOverTime => samples.first().map_or(ABSENT, |sample| sample.value),
        LogWindowFunction::LastOverTime => samples.last().map_or(ABSENT, |sample| sample.value),
    }
}

/// The value that wins over all others; one that is a number wins over one that is none.
fn most(values: impl Iterator<Item = f64>, wins: impl Fn(f64, f64) -> bool) -> f64 {
    values
        .reduce(|held, value| if wins(value, held) || held.is_nan() { value } else { held })
        .unwrap_or(f64::NAN)
}

/// The mean, moved by each value, so that sums of large ones don't overflow; an infinite one stays.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let mut mean = 0.0_f64;
    let mut count = 0.0;
    for value in values {
        count += 1.0;
        let stays = mean.is_infinite()
            && !value.is_nan()
            && (value.is_finite() || (value > 0.0) == (mean > 0.0));
        if !stays {
            mean += value / count - mean / count;
        }
    }
    mean
}

/// The population's variance, by Welford's method.
fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut squares, mut count, mut mean) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

/// The value below which the fraction `q` of the values lies, between neighbours if need be.
fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // Values that are no number come first, as in Loki.
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0);
    let weight = rank - lower;
    let at = |rank: f64| values[(rank as usize).min(values.len() - 1)];
    at(lower) * (1.0 - weight) + at(lower + 1.0) * weight
}

/// What a counter grew per second, resets undone, as in Prometheus: reckoned to an end of the window where a
/// further sample is to be expected before it, but not to where the counter would be negative. A window with
/// one sample gives 0.
fn rate_of_counter(range_ns: i64, until: i64, samples: &[Sample]) -> f64 {
    let [first, .., last] = samples else { return 0.0 };
    let mut growth = last.value - first.value;
    let mut before = 0.0;
    for sample in samples {
        if sample.value < before {
            growth += before;
        }
        before = sample.value;
    }
    let seconds = |nanos: i64| nanos as f64 / 1e9;
    let covered_s = seconds(last.time_ns - first.time_ns);
    let between_s = covered_s / (samples.len() - 1) as f64;
    let reach = |distance_s: f64| {
        if distance_s >= between_s * 1.1 { between_s / 2.0 } else { distance_s }
    };
    let mut to_start_s = reach(seconds(first.time_ns - until.saturating_sub(range_ns)));
    if growth > 0.0 && first.value >= 0.0 {
        to_start_s = to_start_s.min(covered_s * (first.value / growth));
    }
    let to_end_s = reach(seconds(until - last.time_ns));
    growth * ((covered_s + to_start_s + to_end_s) / covered_s) / seconds(range_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(function: LogWindowFunction, param: Option<f64>, values: &[f64]) -> f64 {
        let window = LogWindow {
            function,
            range_ns: 10_000_000_000,
            offset_ns: 0,
            grouping: None,
            unwrap: None,
            param,
        };
        let samples = values
            .iter()
            .zip(1..)
            .map(|(&value, second)| Sample { time_ns: second * 1_000_000_000, value })
            .collect();
        over_windows(&window, &[10_000_000_000], samples)[0]
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [4.0, 1.0, 2.0, 3.0];
        let quantile = |q| over(LogWindowFunction::QuantileOverTime, Some(q), &values).to_string();
        assert_eq!([0.0, 0.5, 1.0, 1.5, -0.5].map(quantile), ["1", "2.5", "4", "inf", "-inf"]);
    }

    #[test]
    fn a_counters_resets_are_undone() {
        // At 1 s to 4 s in a window of 10 s: one more sample before it, half of one behind it.
        let rate = over(LogWindowFunction::RateCounter, None, &[10.0, 20.0, 5.0, 15.0]);
        assert_eq!(rate.to_string(), (25.0 * (3.0 + 1.0 + 0.5) / 3.0 / 10.0).to_string());
        // The counter was 0 a quarter of a second before.
        let rate = over(LogWindowFunction::RateCounter, None, &[5.0, 25.0, 45.0, 65.0]);
        assert_eq!(rate.to_string(), (60.0 * (3.0 + 0.25 + 0.5) / 3.0 / 10.0).to_string());
        assert_eq!(over(LogWindowFunction::RateCounter, None, &[10.0]).to_string(), "0");
    }

    #[test]
    fn extremes_pass_over_what_is_no_number() {
        let values = [f64::NAN, 2.0, -1.0];
        assert_eq!(over(LogWindowFunction::MaxOverTime, None, &values).to_string(), "2");
        assert_eq!(over(LogWindowFunction::MinOverTime, None, &values).to_string(), "-1");
    }

    #[test]
    fn spread_and_mean_are_the_populations() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(over(LogWindowFunction::StddevOverTime, None, &values).to_string(), "2");
        assert_eq!(over(LogWindowFunction::AvgOverTime, None, &values).to_string(), "5");
    }
}
