//! The order of series at one instant: by value, by label.

use std::cmp::Ordering;

use super::{
    eval::Evaluator,
    value::{EvalSeries, Value, Vector},
};

/// Which way values or labels are sorted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Ascending,
    Descending,
}

impl Way {
    fn turn(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

/// Sorts by value, NaN last either way; histograms have no order and are left out. Over several steps there is no order by value.
pub(super) fn by_value<'a>(
    evaluator: &Evaluator<'a, '_>,
    mut vector: Vector<'a>,
    way: Way,
) -> Value<'a> {
    for series in &mut vector.series {
        series.histograms.clear();
    }
    vector.series.retain(EvalSeries::has_values);
    if evaluator.instant {
        vector.series.sort_by(|a, b| {
            let (a, b) = (a.values[0], b.values[0]);
            let by_value = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
            a.is_nan().cmp(&b.is_nan()).then(way.turn(by_value))
        });
    }
    Value::Vector(vector)
}

/// Sorts by the values of these labels, numbers in them by size; then by all labels.
pub(super) fn by_labels<'a>(
    evaluator: &Evaluator<'a, '_>,
    mut vector: Vector<'a>,
    names: &[&str],
    way: Way,
) -> Value<'a> {
    if evaluator.instant {
        vector.series.sort_by(|a, b| way.turn(compare_labels(a, b, names)));
    }
    Value::Vector(vector)
}

fn compare_labels(a: &EvalSeries, b: &EvalSeries, names: &[&str]) -> Ordering {
    let values = |name: &&str| natural(a.labels.get(name), b.labels.get(name));
    names
        .iter()
        .map(values)
        .find(|ordering| ordering.is_ne())
        .unwrap_or_else(|| a.labels.cmp(&b.labels))
}

/// Compares texts as people sort them: stretches of digits by their number, others by bytes.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    while !rest_a.is_empty() && !rest_b.is_empty() {
        let (chunk_a, next_a) = chunk(rest_a);
        let (chunk_b, next_b) = chunk(rest_b);
        let ordering = match (chunk_a.parse::<u64>(), chunk_b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => chunk_a.cmp(chunk_b),
        };
        if ordering.is_ne() {
            return ordering;
        }
        (rest_a, rest_b) = (next_a, next_b);
    }
    rest_a.len().cmp(&rest_b.len())
}

/// The digits, or what is none, at the start of a text; and the rest.
fn chunk(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|char: char| char.is_ascii_digit());
    let end = text.find(|char: char| char.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_labels_sort_by_size() {
        let mut values = ["10", "9a", "2", "1", "b", "a10", "a9", ""];
        values.sort_by(|a, b| natural(a, b));
        assert_eq!(values, ["", "1", "2", "9a", "10", "a9", "a10", "b"]);
    }
}
