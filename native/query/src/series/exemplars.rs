//! Exemplars of series: what stands behind single points, such as a trace.

use std::ops::{Range, RangeInclusive};

use arrow::{
    array::{AsArray as _, RecordBatch, StringArray},
    datatypes::{Float64Type, Int32Type, Int64Type},
};
use varve_columnar::{
    answer::{Answer, Exemplar, QueryStats, SeriesExemplars},
    labels::LabelSet,
};
use varve_types::Table;
use varve_view::Snapshot;

use super::{directory::read_labels, labels::milliseconds};
use crate::{
    context::ExecContext,
    error::QueryError,
    fates::Fate,
    matcher::Matchers,
    plan::{LabelMatcher, TimeRange},
};

const COLUMNS: [&str; 4] = ["series", "time_unix_ms", "value", "labels"];

/// Answers [`crate::plan::Plan::Exemplars`]: by series, sorted by labels and times. What a sender said
/// twice is shown once.
pub(super) fn run(
    context: &ExecContext,
    selectors: &[Vec<LabelMatcher>],
    range: TimeRange,
) -> Result<Answer, QueryError> {
    let selectors = selectors
        .iter()
        .map(|matchers| Matchers::compile(matchers))
        .collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    for (tenant, snapshot) in context.snapshots(Table::Exemplars) {
        let mut scan = Scan {
            context,
            wanted: |text: &str| {
                let labels = read_labels(text, tenant)?;
                Ok(selectors.iter().any(|one| one.matches(&labels)).then_some(labels))
            },
            range_ms: milliseconds(range),
            found: &mut found,
            counted: QueryStats::default(),
        };
        scan.read(snapshot)?;
        context.count(&scan.counted);
    }
    found.sort_by(|(a, one), (b, other)| {
        let order = a.cmp(b).then(one.time_unix_ms.cmp(&other.time_unix_ms));
        order.then_with(|| one.labels.cmp(&other.labels)).then(one.value.total_cmp(&other.value))
    });
    found.dedup_by(|later, earlier| {
        later.0 == earlier.0
            && later.1.time_unix_ms == earlier.1.time_unix_ms
            && later.1.labels == earlier.1.labels
            && later.1.value.to_bits() == earlier.1.value.to_bits()
    });
    let mut series: Vec<SeriesExemplars> = Vec::new();
    for (labels, exemplar) in found {
        match series.last_mut().filter(|last| last.labels == labels) {
            Some(last) => last.exemplars.push(exemplar),
            None => series.push(SeriesExemplars { labels, exemplars: vec![exemplar] }),
        }
    }
    context.budget.add_series(series.len() as u64)?;
    Ok(Answer::Exemplars(series))
}

/// One tenant's exemplars on their way into memory.
struct Scan<'a, F> {
    context: &'a ExecContext,
    /// The labels of a series, by their text, if it is asked for.
    wanted: F,
    range_ms: RangeInclusive<i64>,
    found: &'a mut Vec<(LabelSet, Exemplar)>,
    counted: QueryStats,
}

impl<F: Fn(&str) -> Result<Option<LabelSet>, QueryError>> Scan<'_, F> {
    fn read(&mut self, snapshot: &Snapshot) -> Result<(), QueryError> {
        let (from_ms, to_ms) = (*self.range_ms.start(), *self.range_ms.end());
        let overlaps = |(first, last): (i64, i64)| first <= to_ms && from_ms <= last;
        for segment in self.context.segments_in_time(snapshot, overlaps) {
            self.context.budget.check()?;
            let mut rows: Vec<Range<u32>> = Vec::new();
            for set in segment.label_sets().iter().filter(|set| overlaps(set.time_range)) {
                if (self.wanted)(&set.text)?.is_some() {
                    rows.push(set.rows.clone());
                }
            }
            if rows.is_empty() {
                self.context.tell(segment, Fate::OtherLabels);
                continue;
            }
            self.context.tell(segment, Fate::Read);
            let there = self.context.rows_as_of(segment, &rows)?;
            for batch in segment.read(&COLUMNS, Some(&there.rows))? {
                self.take(&batch)?;
            }
        }
        for batch in snapshot.memtable.iter().filter(|batch| overlaps(batch.time_range)) {
            self.context.budget.check()?;
            self.counted.memtable_rows_read += batch.batch.num_rows() as u64;
            self.take(&batch.batch)?;
        }
        Ok(())
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let columns = Columns::of(batch).ok_or_else(|| {
            QueryError::invalid(format!(
                "a batch of exemplars has the columns {:?}, which is not the schema of the exemplars table",
                batch.schema().fields()
            ))
        })?;
        let series: Vec<Option<LabelSet>> = columns
            .series
            .iter()
            .map(|text| (self.wanted)(text.unwrap_or_default()))
            .collect::<Result<_, _>>()?;
        self.counted.rows_read += batch.num_rows() as u64;
        let rows = columns.keys.iter().zip(columns.times_ms).zip(columns.values).enumerate();
        for (row, ((&key, &time_unix_ms), &value)) in rows {
            let Some(labels) = &series[key as usize] else { continue };
            if !self.range_ms.contains(&time_unix_ms) {
                continue;
            }
            self.context.budget.add_samples(1)?;
            self.counted.rows_matched += 1;
            let text = columns.labels.value(row);
            self.context.budget.charge(text.len() as u64 + 64)?;
            let exemplar = Exemplar { labels: read_labels(text, None)?, value, time_unix_ms };
            self.found.push((labels.clone(), exemplar));
        }
        Ok(())
    }
}

/// The columns of a batch of the exemplars table.
struct Columns<'a> {
    series: &'a StringArray,
    keys: &'a [i32],
    times_ms: &'a [i64],
    values: &'a [f64],
    labels: &'a StringArray,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let series = batch.column_by_name("series")?.as_dictionary_opt::<Int32Type>()?;
        let times = batch.column_by_name("time_unix_ms")?.as_primitive_opt::<Int64Type>()?;
        Some(Self {
            series: series.values().as_string_opt::<i32>()?,
            keys: series.keys().values(),
            times_ms: times.values(),
            values: batch.column_by_name("value")?.as_primitive_opt::<Float64Type>()?.values(),
            labels: batch.column_by_name("labels")?.as_string_opt::<i32>()?,
        })
    }
}
