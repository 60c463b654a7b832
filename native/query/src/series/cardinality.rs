//! What makes series many: counts by metric, label and value, for dashboards of cardinality.

use std::cmp::Reverse;

use hashbrown::HashMap;
use varve_columnar::{
    answer::{Answer, Cardinality},
    labels::LabelSet,
};
use varve_types::Table;

use super::{
    labels::{collect, milliseconds},
    value::NAME,
};
use crate::{context::ExecContext, error::QueryError, plan::TimeRange};

/// Answers [`crate::plan::Plan::SeriesCardinality`].
pub(super) fn run(
    context: &ExecContext,
    range: TimeRange,
    limit: u32,
) -> Result<Answer, QueryError> {
    let range_ms = milliseconds(range);
    let mut counts = Counts::default();
    for (tenant, snapshot) in context.snapshots(Table::Samples) {
        collect(context, snapshot, tenant, &range_ms, |labels| {
            counts.add(&labels);
            true
        })?;
    }
    Ok(Answer::Cardinality(counts.greatest(limit as usize)))
}

/// Series by value, for each label's name.
#[derive(Default)]
struct Counts {
    series: u64,
    by_label: HashMap<String, HashMap<String, u64>>,
}

impl Counts {
    fn add(&mut self, labels: &LabelSet) {
        self.series += 1;
        for (name, value) in labels.iter() {
            let values = self.by_label.entry_ref(name).or_default();
            *values.entry_ref(value).or_default() += 1;
        }
    }

    fn greatest(&self, limit: usize) -> Cardinality {
        let metrics = self.by_label.get(NAME).into_iter().flatten();
        let pairs = self.by_label.iter().flat_map(|(name, values)| {
            values.iter().map(move |(value, &series)| ((name, value), series))
        });
        let labels = || self.by_label.iter();
        let bytes = |values: &HashMap<String, u64>| values.keys().map(|one| one.len() as u64).sum();
        Cardinality {
            series: self.series,
            label_pairs: labels().map(|(_, values)| values.len() as u64).sum(),
            series_by_metric: first(
                metrics.map(|(name, &series)| (name, series)),
                limit,
                String::clone,
            ),
            values_by_label: first(
                labels().map(|(name, values)| (name, values.len() as u64)),
                limit,
                String::clone,
            ),
            value_bytes_by_label: first(
                labels().map(|(name, values)| (name, bytes(values))),
                limit,
                String::clone,
            ),
            series_by_pair: first(pairs, limit, |(name, value)| format!("{name}={value}")),
        }
    }
}

/// The greatest, and of equal ones the first by name, as they are shown.
fn first<K: Ord + Copy>(
    counts: impl Iterator<Item = (K, u64)>,
    limit: usize,
    show: impl Fn(K) -> String,
) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_unstable_by_key(|&(name, count)| (Reverse(count), name));
    counts.truncate(limit);
    counts.into_iter().map(|(name, count)| (show(name), count)).collect()
}
