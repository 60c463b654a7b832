//! Aggregations: one value per group and step, or some series of each group.

use std::cmp::Ordering;

use hashbrown::HashMap;
use varve_columnar::{
    answer::{ABSENT, is_absent},
    labels::LabelSet,
};

use super::{
    accumulators::{Accumulator, Count, Deviation, Greatest, Least, One, Spread},
    annotations,
    eval::Evaluator,
    native, order, ratio,
    sums::{Mean, Sum, quantile},
    value::{EvalSeries, LabelGroups, NAME, Value, Vector},
};
use crate::{
    error::QueryError,
    plan::{AggregateOp, Grouping, SeriesExpr},
};

/// Evaluates an aggregation.
pub(super) fn eval<'a>(
    evaluator: &Evaluator<'a, '_>,
    op: AggregateOp,
    input: &SeriesExpr,
    grouping: Option<&Grouping>,
    param: Option<&SeriesExpr>,
) -> Result<Value<'a>, QueryError> {
    let vector = evaluator.eval_vector(input, "an aggregation")?;
    let scalar = |what: &str| match param {
        Some(param) => evaluator.eval_scalar(param, what),
        None => Err(QueryError::invalid(format!("{what} is missing"))),
    };
    let groups = || Groups::of(&vector.series, grouping);
    let counts = match op {
        AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => {
            counts_of(&scalar("the number of series to keep")?)?
        }
        _ => Vec::new(),
    };
    // Who keeps nothing leaves nothing out.
    let keeps_none = !counts.is_empty() && counts.iter().all(|&count| count == 0);
    if !keeps_none && vector.series.iter().any(|series| !series.histograms.is_empty()) {
        let group_of = |labels: &LabelSet| group_labels(labels, grouping);
        let of_both = native::aggregate(evaluator.context, op, &vector.series, group_of);
        if let Some(series) = of_both {
            return evaluator.vector(series);
        }
    }
    let steps = evaluator.steps_ns.len();
    let series = match op {
        AggregateOp::Sum => groups().fold::<Sum>(&vector.series, steps),
        AggregateOp::Avg => groups().fold::<Mean>(&vector.series, steps),
        AggregateOp::Min => groups().fold::<Least>(&vector.series, steps),
        AggregateOp::Max => groups().fold::<Greatest>(&vector.series, steps),
        AggregateOp::Count => groups().fold::<Count>(&vector.series, steps),
        AggregateOp::Group => groups().fold::<One>(&vector.series, steps),
        AggregateOp::Stddev => groups().fold::<Deviation>(&vector.series, steps),
        AggregateOp::Stdvar => groups().fold::<Spread>(&vector.series, steps),
        AggregateOp::Quantile => {
            let phis = scalar("the quantile")?;
            annotations::bad_quantiles(evaluator.context, &phis);
            groups().quantiles(&vector.series, &phis)
        }
        AggregateOp::CountValues => {
            let Some(SeriesExpr::Text { value: label }) = param else {
                return Err(QueryError::invalid("count_values needs a label name as a string"));
            };
            count_values(&vector.series, grouping, label, steps)?
        }
        AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => {
            let pick = Pick::of(op);
            let groups = groups();
            return pick_series(evaluator, &vector, &groups, &counts, pick);
        }
        AggregateOp::LimitRatio => {
            return ratio::eval(evaluator, vector, &scalar("the ratio")?);
        }
        AggregateOp::Sort => return Ok(order::by_value(evaluator, vector, order::Way::Ascending)),
        AggregateOp::SortDesc => {
            return Ok(order::by_value(evaluator, vector, order::Way::Descending));
        }
    };
    evaluator.vector(series)
}

/// The labels of a series' group.
fn group_labels(labels: &LabelSet, grouping: Option<&Grouping>) -> LabelSet {
    let Some(Grouping { without, labels: named }) = grouping else {
        return LabelSet::default();
    };
    let is_named = |name: &str| named.iter().any(|named| named == name);
    let mut group = labels.clone();
    if *without {
        // LogQL has labels that are there and empty.
        group.retain(|name, value| name != NAME && !is_named(name) && !value.is_empty());
    } else {
        group.retain(|name, _| is_named(name));
    }
    group
}

/// Which series belong together.
struct Groups {
    labels: Vec<LabelSet>,
    /// By group: indexes of its series.
    members: Vec<Vec<usize>>,
}

impl Groups {
    fn of(series: &[EvalSeries], grouping: Option<&Grouping>) -> Self {
        let mut groups = LabelGroups::default();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (at, one) in series.iter().enumerate() {
            let number = groups.number_of(group_labels(&one.labels, grouping));
            members.resize_with(groups.len(), Vec::new);
            members[number].push(at);
        }
        Self { labels: groups.into_labels(), members }
    }

    /// One series per group, whose values `values` computes from the group's series.
    fn each<'s>(
        self,
        series: &'s [EvalSeries],
        mut values: impl FnMut(&mut dyn Iterator<Item = &'s EvalSeries>) -> Vec<f64>,
    ) -> Vec<EvalSeries> {
        let groups = self.labels.into_iter().zip(self.members);
        groups
            .map(|(labels, members)| {
                // Only seen where the name is among the labels that make groups.
                let drop_name = members.iter().any(|&at| series[at].drop_name);
                let values = values(&mut members.iter().map(|&at| &series[at]));
                EvalSeries::of(labels, drop_name, values)
            })
            .collect()
    }

    fn fold<A: Accumulator>(self, series: &[EvalSeries], steps: usize) -> Vec<EvalSeries> {
        self.each(series, |members| {
            let mut totals: Vec<Option<A>> = vec![None; steps];
            for member in members {
                for (total, &value) in totals.iter_mut().zip(&member.values) {
                    if is_absent(value) {
                        continue;
                    }
                    match total {
                        Some(total) => total.add(value),
                        None => *total = Some(A::of(value)),
                    }
                }
            }
            totals.into_iter().map(|total| total.map_or(ABSENT, A::result)).collect()
        })
    }

    fn quantiles(self, series: &[EvalSeries], phis: &[f64]) -> Vec<EvalSeries> {
        let mut present = Vec::new();
        self.each(series, |members| {
            let members: Vec<_> = members.collect();
            let at_step = |(step, &phi): (usize, &f64)| {
                present.clear();
                present.extend(
                    members.iter().map(|series| series.values[step]).filter(|&v| !is_absent(v)),
                );
                if present.is_empty() { ABSENT } else { quantile(phi, &mut present) }
            };
            phis.iter().enumerate().map(at_step).collect()
        })
    }
}

/// How many series have each value, by group, with the value as the label.
fn count_values(
    series: &[EvalSeries],
    grouping: Option<&Grouping>,
    label: &str,
    steps: usize,
) -> Result<Vec<EvalSeries>, QueryError> {
    if label.is_empty() {
        return Err(QueryError::invalid("invalid label name \"\""));
    }
    let mut groups = LabelGroups::default();
    let mut counts: Vec<Vec<f64>> = Vec::new();
    let mut numbers: HashMap<(usize, u64), usize> = HashMap::new();
    let mut bases = LabelGroups::default();
    for one in series {
        let base = group_labels(&one.labels, grouping);
        let base_number = bases.number_of(base.clone());
        let mut count = |number: usize, step: usize| {
            if number == counts.len() {
                counts.push(vec![ABSENT; steps]);
            }
            let count = &mut counts[number][step];
            *count = if is_absent(*count) { 1.0 } else { *count + 1.0 };
        };
        let labelled = |text: String| {
            let mut labels = base.clone();
            labels.set(label, text);
            labels
        };
        for (step, &value) in one.values.iter().enumerate().filter(|(_, value)| !is_absent(**value))
        {
            let number = *numbers
                .entry((base_number, value.to_bits()))
                .or_insert_with(|| groups.number_of(labelled(number_text(value))));
            count(number, step);
        }
        for (step, histogram) in one.histograms.iter().enumerate() {
            if let Some(histogram) = histogram {
                count(groups.number_of(labelled(native::value_text(histogram))), step);
            }
        }
    }
    let counted = groups.into_labels().into_iter().zip(counts);
    Ok(counted.map(|(labels, values)| EvalSeries::of(labels, false, values)).collect())
}

/// A value as a label: plain decimal, the shortest that reads back.
fn number_text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

/// Which series of a group stay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pick {
    Greatest,
    Least,
    First,
}

impl Pick {
    fn of(op: AggregateOp) -> Self {
        match op {
            AggregateOp::Topk => Self::Greatest,
            AggregateOp::Bottomk => Self::Least,
            _ => Self::First,
        }
    }

    /// Which of two values stays rather; NaN only if there is nothing else.
    fn compare(self, a: f64, b: f64) -> Ordering {
        let by_value = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        match self {
            Self::Greatest => a.is_nan().cmp(&b.is_nan()).then(by_value(b, a)),
            Self::Least => a.is_nan().cmp(&b.is_nan()).then(by_value(a, b)),
            Self::First => Ordering::Equal,
        }
    }
}

/// How many series to keep at each step.
fn counts_of(values: &[f64]) -> Result<Vec<usize>, QueryError> {
    const ABOVE_INT64: f64 = 9_223_372_036_854_775_808.0;
    let count_of = |&value: &f64| {
        if value.is_nan() {
            return Err(QueryError::invalid("Parameter value is NaN"));
        }
        if !(-ABOVE_INT64..ABOVE_INT64).contains(&value) {
            return Err(QueryError::invalid(format!("Scalar value {value} overflows int64")));
        }
        Ok(if value < 1.0 { 0 } else { value as usize })
    };
    values.iter().map(count_of).collect()
}

/// Keeps at each step the picked series of each group. At one instant they come in the order of
/// the pick.
fn pick_series<'a>(
    evaluator: &Evaluator<'a, '_>,
    vector: &Vector<'a>,
    groups: &Groups,
    counts: &[usize],
    pick: Pick,
) -> Result<Value<'a>, QueryError> {
    let mut picked: Vec<Option<EvalSeries>> = vec![None; vector.series.len()];
    let mut order = Vec::new();
    let mut candidates: Vec<(f64, usize)> = Vec::new();
    for members in &groups.members {
        for (step, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            candidates.clear();
            let takes_histograms = pick == Pick::First;
            let present = members.iter().map(|&at| (&vector.series[at], at));
            let present = present.filter(|(series, _)| {
                !is_absent(series.values[step]) || (takes_histograms && series.is_present(step))
            });
            candidates.extend(present.map(|(series, at)| (series.values[step], at)));
            // Of equal values the series that comes first stays.
            let better =
                |a: &(f64, usize), b: &(f64, usize)| pick.compare(a.0, b.0).then(a.1.cmp(&b.1));
            if count < candidates.len() {
                candidates.select_nth_unstable_by(count, better);
                candidates.truncate(count);
            }
            if evaluator.instant {
                candidates.sort_unstable_by(better);
                order.extend(candidates.iter().map(|&(_, at)| at));
            }
            for &(_, at) in &candidates {
                let series = &vector.series[at];
                picked[at].get_or_insert_with(|| series.emptied()).take_over(step, series);
            }
        }
    }
    if !evaluator.instant {
        order.extend(0..picked.len());
    }
    evaluator.vector(order.into_iter().filter_map(|at| picked[at].take()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_labels_in_plain_decimal() {
        assert_eq!(number_text(1e21), "1000000000000000000000");
        assert_eq!(number_text(-2.5), "-2.5");
        assert_eq!(number_text(f64::INFINITY), "+Inf");
        assert_eq!(number_text(f64::NAN), "NaN");
    }

    #[test]
    fn nan_is_neither_among_the_greatest_nor_among_the_least() {
        assert_eq!(Pick::Greatest.compare(f64::NAN, -1.0), Ordering::Greater);
        assert_eq!(Pick::Least.compare(f64::NAN, 1.0), Ordering::Greater);
        assert_eq!(Pick::Greatest.compare(2.0, 1.0), Ordering::Less);
    }

    #[test]
    fn a_number_of_series_must_be_a_number() {
        assert_eq!(counts_of(&[2.9, 0.5, -3.0]).unwrap(), [2, 0, 0]);
        assert_eq!(counts_of(&[f64::NAN]).unwrap_err().to_string(), "Parameter value is NaN");
        assert!(counts_of(&[1e30]).is_err());
    }
}
