//! Series with series, series with constants, and the largest of them.

use std::cmp::Ordering;

use hashbrown::HashMap;
use varve_columnar::answer::{SpanSeries, Value};

use super::NAME_LABEL;
use crate::plan::{CompareOp, RankOp, SpanSeriesOp};

type Labels = Vec<(String, Value)>;

/// The `count` largest or smallest values at each time; a series has only those of its values.
pub(super) fn rank(input: Vec<SpanSeries>, op: RankOp, count: usize) -> Vec<SpanSeries> {
    if input.len() <= count {
        return input;
    }
    let times = input.first().map_or(0, |series| series.values.len());
    let mut kept: Vec<_> = input.iter().map(|_| vec![f64::NAN; times]).collect();
    (0..times).for_each(|time| {
        for place in ranked_at(&input, time, op).into_iter().take(count) {
            kept[place][time] = input[place].values[time];
        }
    });
    let ranked = input.into_iter().zip(kept);
    ranked.map(|(series, values)| SpanSeries { values, ..series }).collect()
}

/// The places of series that have a value at a time, from that end on.
fn ranked_at(input: &[SpanSeries], time: usize, op: RankOp) -> Vec<usize> {
    let mut values: Vec<(usize, f64)> =
        input.iter().enumerate().map(|(place, series)| (place, series.values[time])).collect();
    values.retain(|(_, value)| !value.is_nan());
    values.sort_by(|&(one, one_value), &(other, other_value)| {
        // Of equal values the one whose labels come first is the larger.
        let labels = || order(&input[other].labels, &input[one].labels);
        let ascending = one_value.total_cmp(&other_value).then_with(labels);
        if op == RankOp::TopK { ascending.reverse() } else { ascending }
    });
    values.into_iter().map(|(place, _)| place).collect()
}

/// Values that compare so.
pub(super) fn filter(mut input: Vec<SpanSeries>, op: CompareOp, bound: f64) -> Vec<SpanSeries> {
    let holds = |value: f64| {
        value.partial_cmp(&bound).is_some_and(|order| match op {
            CompareOp::Equal => order.is_eq(),
            CompareOp::NotEqual => order.is_ne(),
            CompareOp::Less => order.is_lt(),
            CompareOp::LessOrEqual => order.is_le(),
            CompareOp::Greater => order.is_gt(),
            CompareOp::GreaterOrEqual => order.is_ge(),
        })
    };
    for series in &mut input {
        for value in series.values.iter_mut().filter(|value| !holds(**value)) {
            *value = f64::NAN;
        }
        series.exemplars.retain(|exemplar| holds(exemplar.value));
    }
    input.retain(|series| series.values.iter().any(|value| !value.is_nan()));
    input
}

/// Each value with a constant.
pub(super) fn scale(
    mut input: Vec<SpanSeries>,
    op: SpanSeriesOp,
    constant: f64,
    constant_left: bool,
) -> Vec<SpanSeries> {
    let scaled = |value: f64| {
        if constant_left { apply(op, constant, value) } else { apply(op, value, constant) }
    };
    for series in &mut input {
        series.values.iter_mut().for_each(|value| *value = scaled(*value));
        series.exemplars.iter_mut().for_each(|one| one.value = scaled(one.value));
    }
    input
}

/// Series with the same labels. A series without labels goes with each of the other side.
pub(super) fn binary(
    op: SpanSeriesOp,
    left: &[SpanSeries],
    right: &[SpanSeries],
) -> Vec<SpanSeries> {
    let (lefts, rights) = (by_labels(left), by_labels(right));
    let fans_out = rights.contains_key("");
    let keys = if fans_out { &lefts } else { &rights };
    let of = |side: &HashMap<String, &SpanSeries>, key: &str| {
        side.get(key).or_else(|| side.get("")).map(|series| (*series).clone())
    };
    let mut combined = Vec::with_capacity(keys.len());
    for key in keys.keys() {
        let (Some(left), Some(right)) = (of(&lefts, key), of(&rights, key)) else { continue };
        let values = left.values.iter().zip(&right.values);
        let values = values.map(|(&left, &right)| apply(op, left, right)).collect();
        let exemplars = match (lefts.contains_key(key), rights.contains_key(key)) {
            (false, true) => right.exemplars,
            (true, false) => left.exemplars,
            _ => left.exemplars.into_iter().chain(right.exemplars).collect(),
        };
        combined.push(SpanSeries {
            labels: merged(op, left.labels, right.labels),
            values,
            exemplars,
        });
    }
    combined
}

fn apply(op: SpanSeriesOp, left: f64, right: f64) -> f64 {
    match op {
        SpanSeriesOp::Add => left + right,
        SpanSeriesOp::Subtract => left - right,
        SpanSeriesOp::Multiply => left * right,
        SpanSeriesOp::Divide if right == 0.0 => f64::NAN,
        SpanSeriesOp::Divide => left / right,
    }
}

fn by_labels(series: &[SpanSeries]) -> HashMap<String, &SpanSeries> {
    let key = |series: &SpanSeries| {
        let labels = series.labels.iter().filter(|(name, _)| name != NAME_LABEL);
        let texts: Vec<_> = labels.map(|(name, value)| format!("{name:?}={value:?}")).collect();
        texts.join(",")
    };
    series.iter().map(|one| (key(one), one)).collect()
}

/// The labels of both, with a name that tells the operation if both have one.
fn merged(op: SpanSeriesOp, left: Labels, right: Labels) -> Labels {
    let name = |labels: &Labels| match labels.iter().find(|(name, _)| name == NAME_LABEL) {
        Some((_, Value::String(name))) => Some(name.clone()),
        _ => None,
    };
    let sign = match op {
        SpanSeriesOp::Add => "+",
        SpanSeriesOp::Subtract => "-",
        SpanSeriesOp::Multiply => "*",
        SpanSeriesOp::Divide => "/",
    };
    let mut labels = Labels::new();
    if let (Some(left), Some(right)) = (name(&left), name(&right)) {
        labels.push((NAME_LABEL.to_owned(), Value::String(format!("({left} {sign} {right})"))));
    }
    for label in left.into_iter().chain(right) {
        let known = labels.iter().any(|(name, _)| *name == label.0);
        if label.0 != NAME_LABEL && !known {
            labels.push(label);
        }
    }
    labels
}

/// The order of label sets: by the texts of the values, then by names, then by numbers.
pub(super) fn order(left: &Labels, right: &Labels) -> Ordering {
    let texts = |labels: &Labels| -> Vec<(String, String)> {
        labels.iter().map(|(name, value)| (text(value), name.clone())).collect()
    };
    texts(left).cmp(&texts(right)).then_with(|| {
        let numbers =
            |labels: &Labels| labels.iter().filter_map(|(_, value)| number(value)).collect();
        let (left, right): (Vec<f64>, Vec<f64>) = (numbers(left), numbers(right));
        let pairs = left.iter().zip(&right);
        pairs
            .map(|(left, right)| left.total_cmp(right))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        _ => String::new(),
    }
}

fn number(value: &Value) -> Option<f64> {
    match *value {
        Value::Int(value) => Some(value as f64),
        Value::Double(value) => Some(value),
        Value::Bool(value) => Some(f64::from(u8::from(value))),
        _ => None,
    }
}
