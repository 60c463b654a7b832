//! Aggregations of series among which are native histograms.

use std::sync::Arc;

use varve_columnar::{
    answer::{ABSENT, is_absent},
    histogram::NativeHistogram,
    labels::LabelSet,
};

use super::sums::{HistogramMean, HistogramSum, ResetsSeen};
use crate::{
    context::ExecContext,
    plan::AggregateOp,
    series::{
        annotations::{self, HistogramOperation},
        sums::{Mean, Sum},
        value::{EvalSeries, LabelGroups, NAME},
    },
};

/// One value per group and step where histograms are among the series; `None` for the aggregations
/// that look at floats alone, or take whole series, and of which the user is told.
pub(crate) fn aggregate(
    context: &ExecContext,
    op: AggregateOp,
    series: &[EvalSeries],
    group_of: impl Fn(&LabelSet) -> LabelSet,
) -> Option<Vec<EvalSeries>> {
    if let Some(name) = ignores_histograms(op) {
        annotations::ignored_in_aggregation(context, name);
    }
    if !matches!(op, AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Count | AggregateOp::Group)
    {
        return None;
    }
    let mut groups = LabelGroups::default();
    let mut members: Vec<Vec<&EvalSeries>> = Vec::new();
    for one in series {
        let number = groups.number_of(group_of(&one.labels));
        members.resize_with(groups.len(), Vec::new);
        members[number].push(one);
    }
    let made = groups.into_labels().into_iter().zip(members).map(|(labels, members)| {
        let steps = members.first().map_or(0, |first| first.values.len());
        let drop_name = members.iter().any(|member| member.drop_name);
        let mut made = EvalSeries::of(labels, drop_name, vec![ABSENT; steps]);
        for step in 0..steps {
            Group { context, op, members: &members, step }.put(&mut made);
        }
        made
    });
    Some(made.collect())
}

/// The name of an aggregation that leaves histograms out.
fn ignores_histograms(op: AggregateOp) -> Option<&'static str> {
    Some(match op {
        AggregateOp::Min => "min",
        AggregateOp::Max => "max",
        AggregateOp::Stddev => "stddev",
        AggregateOp::Stdvar => "stdvar",
        AggregateOp::Quantile => "quantile",
        AggregateOp::Topk => "topk",
        AggregateOp::Bottomk => "bottomk",
        _ => return None,
    })
}

/// A group at one step.
struct Group<'g> {
    context: &'g ExecContext,
    op: AggregateOp,
    members: &'g [&'g EvalSeries],
    step: usize,
}

impl Group<'_> {
    fn put(&self, made: &mut EvalSeries) {
        let step = self.step;
        let present = self.members.iter().filter(|series| series.is_present(step)).count();
        if present == 0 {
            return;
        }
        if self.op == AggregateOp::Count || self.op == AggregateOp::Group {
            made.values[step] = if self.op == AggregateOp::Count { present as f64 } else { 1.0 };
            return;
        }
        let histograms: Vec<_> = self
            .members
            .iter()
            .filter_map(|series| Some((series.histogram(step)?, series.labels.get(NAME))))
            .collect();
        if histograms.is_empty() {
            made.values[step] = self.of_floats();
        } else if histograms.len() < present {
            annotations::mixed_group(self.context);
        } else if let Some(total) = self.of_histograms(&histograms) {
            made.put_histogram(step, Arc::new(total));
        }
    }

    fn of_floats(&self) -> f64 {
        let mut floats =
            self.members.iter().map(|series| series.values[self.step]).filter(|&v| !is_absent(v));
        let Some(first) = floats.next() else { return ABSENT };
        if self.op == AggregateOp::Sum {
            let mut sum = Sum::of(first);
            floats.for_each(|value| sum.add(value));
            return sum.total();
        }
        let mut mean = Mean::of(first);
        floats.for_each(|value| mean.add(value));
        mean.mean()
    }

    fn of_histograms(
        &self,
        histograms: &[(&Arc<NativeHistogram>, &str)],
    ) -> Option<NativeHistogram> {
        let ((first, _), others) = histograms.split_first()?;
        let mut total = Total::of(self.op, first);
        let mut resets = ResetsSeen::default();
        resets.see(first);
        for (other, metric) in others {
            resets.see(other);
            match total.add(other) {
                Err(_) => {
                    annotations::mixed_schemas(self.context, metric);
                    return None;
                }
                Ok(added) if added.bounds_differ => {
                    annotations::bounds_differ(self.context, HistogramOperation::Aggregate);
                }
                Ok(_) => {}
            }
        }
        if resets.collide() {
            annotations::resets_collide(self.context, HistogramOperation::Aggregate);
        }
        Some(total.finish())
    }
}

/// A sum or a mean.
pub(super) enum Total {
    Sum(HistogramSum),
    Mean(HistogramMean),
}

impl Total {
    fn of(op: AggregateOp, first: &NativeHistogram) -> Self {
        if op == AggregateOp::Avg {
            Self::Mean(HistogramMean::of(first))
        } else {
            Self::Sum(HistogramSum::of(first))
        }
    }

    pub(super) fn add(
        &mut self,
        other: &NativeHistogram,
    ) -> Result<super::math::Added, super::math::Incompatible> {
        match self {
            Self::Sum(sum) => sum.add(other),
            Self::Mean(mean) => mean.add(other),
        }
    }

    pub(super) fn finish(self) -> NativeHistogram {
        match self {
            Self::Sum(sum) => sum.total(),
            Self::Mean(mean) => mean.mean(),
        }
    }
}

/// A histogram as the text that `count_values` makes a label of.
pub(crate) fn value_text(histogram: &NativeHistogram) -> String {
    let mut text =
        format!("{{count:{}, sum:{}", short_text(histogram.count), short_text(histogram.sum));
    for bucket in histogram.buckets().into_iter().filter(|bucket| bucket.count != 0.0) {
        let open = if bucket.lower_inclusive { "[" } else { "(" };
        let close = if bucket.upper_inclusive { "]" } else { ")" };
        let (lower, upper, count) =
            (short_text(bucket.lower), short_text(bucket.upper), short_text(bucket.count));
        text += &[", ", open, &lower, ",", &upper, close, ":", &count].concat();
    }
    text.push('}');
    text
}

/// A number in the shortest form that reads back, with an exponent where it is very large or small.
pub(crate) fn short_text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) && !value.is_nan() {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_becomes_a_label_with_its_count_sum_and_buckets() {
        let histogram = NativeHistogram {
            count: 3.0,
            sum: 1e-7,
            zero_threshold: 0.001,
            zero_count: 1.0,
            positive: vec![(1, 2.0)],
            ..NativeHistogram::default()
        };
        let text = "{count:3, sum:1e-07, [-0.001,0.001]:1, (1,2]:2}";
        assert_eq!(value_text(&histogram), text);
    }
}
