//! `compare()`: how often each value of each attribute stands in a selection of the spans and in the
//! rest of them.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use varve_columnar::{
    answer::{SpanSeries, Value},
    attributes::AttributeType,
};

use super::{clock::Clock, scan::Found};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Field, Intrinsic},
    traces::{condition::Expr, operand::Operand},
};

/// Says which part of the spans a series is about.
const META_LABEL: &str = "__meta_type";

/// Fields that every span has and whose values say something in common.
const INTRINSICS: [(Intrinsic, &str); 8] = [
    (Intrinsic::Name, "name"),
    (Intrinsic::Kind, "kind"),
    (Intrinsic::Status, "status"),
    (Intrinsic::StatusMessage, "statusMessage"),
    (Intrinsic::RootName, "rootName"),
    (Intrinsic::RootServiceName, "rootServiceName"),
    (Intrinsic::InstrumentationName, "instrumentation:name"),
    (Intrinsic::InstrumentationVersion, "instrumentation:version"),
];

pub(super) struct Comparison<'q> {
    context: &'q ExecContext,
    clock: &'q Clock,
    selection: Option<&'q Expr>,
    /// Spans that start after the first and not after the second may be selected.
    within: Option<(i64, i64)>,
    baseline: Part,
    selected: Part,
}

/// Counts by attribute and value.
#[derive(Default)]
struct Part(BTreeMap<String, HashMap<String, Counts>>);

struct Counts {
    value: Value,
    counts: Vec<f64>,
}

impl<'q> Comparison<'q> {
    pub(super) fn new(
        context: &'q ExecContext,
        clock: &'q Clock,
        selection: Option<&'q Expr>,
        within: Option<(i64, i64)>,
    ) -> Self {
        Self {
            context,
            clock,
            selection,
            within,
            baseline: Part::default(),
            selected: Part::default(),
        }
    }

    pub(super) fn add(&mut self, found: &Found<'_>) -> Result<(), QueryError> {
        let start = found.span.start_unix_nano();
        let in_time = self.within.is_none_or(|(from, to)| start > from && start <= to);
        let selected = in_time && self.selection.is_none_or(|selection| found.is(selection));
        let part = if selected { &mut self.selected } else { &mut self.baseline };
        let mut charge = 0;
        let mut count = |name: String, value: &Operand<'_>| {
            charge += part.count(self.clock, name, value, found.interval);
        };
        for (name, label) in INTRINSICS {
            let value = found.field(&Field::Intrinsic { name });
            if value != Operand::Nil {
                count(label.to_owned(), &value);
            }
        }
        let columns = found.span.columns;
        for attribute in columns.attributes.row(found.span.row) {
            count(format!("span.{}", attribute.key), &Operand::of_attribute(attribute));
        }
        if let Some(resource) = columns.resources.get(found.span.row) {
            for (key, kind, text) in &resource.attributes {
                let kind = AttributeType::from_number(*kind).unwrap_or(AttributeType::String);
                count(format!("resource.{key}"), &Operand::of_text(kind, text));
            }
        }
        self.context.budget.charge(charge)
    }

    /// Of each attribute the `top` most frequent values, and how many spans have it at all.
    pub(super) fn into_series(self, top: usize) -> Vec<SpanSeries> {
        let clock = self.clock;
        let baseline = self.baseline.into_series(clock, top, "baseline", "baseline_total");
        let selected = self.selected.into_series(clock, top, "selection", "selection_total");
        baseline.into_iter().chain(selected).collect()
    }
}

impl Part {
    /// Gives the bytes it now holds more.
    fn count(&mut self, clock: &Clock, name: String, value: &Operand<'_>, interval: usize) -> u64 {
        let value = value.to_value();
        let key = format!("{value:?}");
        let values = self.0.entry(name).or_default();
        let mut grown = 0;
        let counts = values.entry(key).or_insert_with_key(|key| {
            grown = (key.len() * 2 + clock.count() * 8 + 96) as u64;
            Counts { value, counts: vec![0.0; clock.count()] }
        });
        counts.counts[interval] += 1.0;
        grown
    }

    fn into_series(
        self,
        clock: &Clock,
        top: usize,
        of_values: &str,
        of_all: &str,
    ) -> Vec<SpanSeries> {
        let series = |kind: &str, name: &str, value: Value, values: Vec<f64>| SpanSeries {
            labels: vec![
                (META_LABEL.to_owned(), Value::String(kind.to_owned())),
                (name.to_owned(), value),
            ],
            values,
            exemplars: Vec::new(),
        };
        let mut all = Vec::new();
        for (name, values) in self.0 {
            let mut total = vec![0.0; clock.count()];
            for counts in values.values() {
                total.iter_mut().zip(&counts.counts).for_each(|(total, count)| *total += count);
            }
            let mut values: Vec<_> = values
                .into_iter()
                .map(|(key, counts)| (counts.counts.iter().sum::<f64>(), key, counts))
                .collect();
            values.sort_by(|(one, one_key, _), (other, other_key, _)| {
                other.total_cmp(one).then_with(|| one_key.cmp(other_key))
            });
            for (_, _, Counts { value, counts }) in values.into_iter().take(top) {
                all.push(series(of_values, &name, value, counts));
            }
            all.push(series(of_all, &name, Operand::Nil.to_value(), total));
        }
        all
    }
}
