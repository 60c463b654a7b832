//! What a part of an expression gives: series with a value per step, or one value per step.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::{hash::BuildHasher as _, sync::Arc};
use varve_columnar::{
    answer::{ABSENT, is_absent},
    histogram::NativeHistogram,
    labels::LabelSet,
};

use super::native::Histograms;
use crate::{
    budget::{BudgetTracker, Held},
    error::QueryError,
};

/// The label that holds a metric's name.
pub(super) const NAME: &str = "__name__";

/// The labels that say of what type and unit a metric's values are, where senders tell.
const TYPE: &str = "__type__";
const UNIT: &str = "__unit__";

/// What Prometheus answers where two series of one answer would have the same labels.
pub(super) const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// Bytes that a series takes besides its values, roughly.
const SERIES_BYTES: u64 = 256;

/// A series under evaluation.
#[derive(Clone, Debug)]
pub(super) struct EvalSeries {
    /// Its labels, still with the metric's name.
    pub(super) labels: LabelSet,
    /// Whether the answer shows it without the metric's name. The name goes last of all, so that
    /// `label_replace` can still read it and metrics of different names do not collide before.
    pub(super) drop_name: bool,
    /// One value per step; [`ABSENT`] where there is none.
    pub(super) values: Vec<f64>,
    /// The native histogram of each step that has one, where its value is absent; empty if none has.
    pub(super) histograms: Histograms,
}

impl EvalSeries {
    /// A series of numbers.
    pub(super) fn of(labels: LabelSet, drop_name: bool, values: Vec<f64>) -> Self {
        Self { labels, drop_name, values, histograms: Histograms::new() }
    }

    /// The histogram at a step.
    pub(super) fn histogram(&self, step: usize) -> Option<&Arc<NativeHistogram>> {
        self.histograms.get(step).and_then(Option::as_ref)
    }

    /// Puts a histogram at a step, instead of a number.
    pub(super) fn put_histogram(&mut self, step: usize, histogram: Arc<NativeHistogram>) {
        if self.histograms.is_empty() {
            self.histograms = vec![None; self.values.len()];
        }
        self.values[step] = ABSENT;
        self.histograms[step] = Some(histogram);
    }

    /// Whether there is a number or histogram at a step.
    pub(super) fn is_present(&self, step: usize) -> bool {
        !is_absent(self.values[step]) || self.histogram(step).is_some()
    }

    /// The same series without anything at any step.
    pub(super) fn emptied(&self) -> Self {
        Self::of(self.labels.clone(), self.drop_name, vec![ABSENT; self.values.len()])
    }

    /// Takes over what another series has at a step.
    pub(super) fn take_over(&mut self, step: usize, other: &Self) {
        match other.histogram(step) {
            Some(histogram) => self.put_histogram(step, Arc::clone(histogram)),
            None => self.values[step] = other.values[step],
        }
    }

    /// Takes away what there is at a step.
    pub(super) fn take_away(&mut self, step: usize) {
        self.values[step] = ABSENT;
        if let Some(histogram) = self.histograms.get_mut(step) {
            *histogram = None;
        }
    }

    /// Whether any step has a value.
    pub(super) fn has_values(&self) -> bool {
        self.values.iter().any(|&value| !is_absent(value))
            || self.histograms.iter().any(Option::is_some)
    }
}

/// Series over the steps under evaluation, in the order of the expression's answer.
pub(super) struct Vector<'a> {
    /// The series.
    pub(super) series: Vec<EvalSeries>,
    _held: Held<'a>,
}

impl<'a> Vector<'a> {
    /// Series without those that have no value at all; their memory is charged.
    pub(super) fn of(
        budget: &'a BudgetTracker,
        mut series: Vec<EvalSeries>,
    ) -> Result<Self, QueryError> {
        series.retain(EvalSeries::has_values);
        let bytes = series
            .iter()
            .map(|series| SERIES_BYTES + (series.values.len() + series.histograms.len()) as u64 * 8)
            .sum();
        Ok(Self { series, _held: Held::charge(budget, bytes)? })
    }

    /// The same series with each number changed, without histograms; the metric's name no longer fits them.
    pub(super) fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        for series in &mut self.series {
            series.drop_name = true;
            series.histograms.clear();
            for value in series.values.iter_mut().filter(|value| !is_absent(**value)) {
                *value = change(*value);
            }
        }
        self.series.retain(EvalSeries::has_values);
        self
    }

    /// The same series with each value changed, or taken away, by what the step's other value is.
    pub(super) fn map_steps(
        mut self,
        others: &[f64],
        change: impl Fn(f64, f64) -> Option<f64>,
    ) -> Self {
        for series in &mut self.series {
            series.histograms.clear();
            for (value, &other) in series.values.iter_mut().zip(others) {
                if !is_absent(*value) {
                    *value = change(*value, other).unwrap_or(ABSENT);
                }
            }
        }
        self.series.retain(EvalSeries::has_values);
        self
    }

    /// Marks all series as no longer being of their metric's name.
    pub(super) fn without_names(mut self) -> Self {
        for series in &mut self.series {
            series.drop_name = true;
        }
        self
    }
}

/// What a part of an expression gives.
pub(super) enum Value<'a> {
    /// One value per step.
    Scalar(Vec<f64>),
    /// Series.
    Vector(Vector<'a>),
}

impl<'a> Value<'a> {
    /// The series, where the language allows nothing else.
    pub(super) fn into_vector(self, what: &str) -> Result<Vector<'a>, QueryError> {
        match self {
            Self::Vector(vector) => Ok(vector),
            Self::Scalar(_) => Err(QueryError::invalid(format!(
                "{what} takes series but was given a scalar; the plan must hold a series node there"
            ))),
        }
    }

    /// The scalar, where the language allows nothing else.
    pub(super) fn into_scalar(self, what: &str) -> Result<Vec<f64>, QueryError> {
        match self {
            Self::Scalar(values) => Ok(values),
            Self::Vector(_) => Err(QueryError::invalid(format!(
                "{what} takes a scalar but was given series; the plan must hold a scalar node there"
            ))),
        }
    }
}

/// Distinct label sets, numbered in the order in which they come.
#[derive(Default)]
pub(super) struct LabelGroups {
    hasher: DefaultHashBuilder,
    table: HashTable<usize>,
    labels: Vec<LabelSet>,
}

impl LabelGroups {
    /// The number of a label set.
    pub(super) fn number_of(&mut self, labels: LabelSet) -> usize {
        let (hasher, known) = (&self.hasher, &self.labels);
        let number = *self
            .table
            .entry(
                hasher.hash_one(&labels),
                |&at| known[at] == labels,
                |&at| hasher.hash_one(&known[at]),
            )
            .or_insert(known.len())
            .get();
        if number == self.labels.len() {
            self.labels.push(labels);
        }
        number
    }

    /// The label sets by number.
    pub(super) fn into_labels(self) -> Vec<LabelSet> {
        self.labels
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }
}

/// Makes one series of those with the same labels; `conflict` is the error where two of them have
/// a value at the same step.
pub(super) fn merge_same_labels(
    series: Vec<EvalSeries>,
    conflict: &str,
) -> Result<Vec<EvalSeries>, QueryError> {
    let mut groups = LabelGroups::default();
    let mut merged: Vec<EvalSeries> = Vec::with_capacity(series.len());
    for mut one in series {
        let number = groups.number_of(std::mem::take(&mut one.labels));
        let Some(target) = merged.get_mut(number) else {
            merged.push(one);
            continue;
        };
        for step in 0..one.values.len() {
            if !one.is_present(step) {
                continue;
            }
            if target.is_present(step) {
                return Err(QueryError::execution(conflict));
            }
            target.take_over(step, &one);
        }
    }
    for (series, labels) in merged.iter_mut().zip(groups.into_labels()) {
        series.labels = labels;
    }
    Ok(merged)
}

/// Whether a label is of the metric: its name, type or unit.
pub(super) fn is_metadata(label: &str) -> bool {
    matches!(label, NAME | TYPE | UNIT)
}

/// Takes away the names that the answer does not show, with the metrics' types and units.
pub(super) fn drop_names(mut series: Vec<EvalSeries>) -> Result<Vec<EvalSeries>, QueryError> {
    for one in series.iter_mut().filter(|one| one.drop_name) {
        one.labels.retain(|name, _| !is_metadata(name));
        one.drop_name = false;
    }
    merge_same_labels(series, SAME_LABELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, job: &str, values: Vec<f64>) -> EvalSeries {
        let labels = LabelSet::new([(NAME, name), ("job", job)]);
        EvalSeries::of(labels, true, values)
    }

    #[test]
    fn series_that_become_the_same_share_one_row_of_steps() {
        let both = vec![series("a", "x", vec![1.0, ABSENT]), series("b", "x", vec![ABSENT, 2.0])];
        let merged = drop_names(both).unwrap();
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].labels.to_json(), r#"{"job":"x"}"#);
        assert_eq!(merged[0].values, [1.0, 2.0]);
    }

    #[test]
    fn two_values_at_one_step_of_the_same_labels_are_an_error() {
        let both = vec![series("a", "x", vec![1.0]), series("b", "x", vec![2.0])];
        assert_eq!(drop_names(both).unwrap_err().to_string(), SAME_LABELS);
    }
}
