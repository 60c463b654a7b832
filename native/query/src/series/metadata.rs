//! Type, help and unit of metric names.

use std::collections::BTreeMap;

use arrow::{
    array::{AsArray as _, RecordBatch, StringArray},
    datatypes::{Int32Type, UInt32Type, UInt64Type},
};
use varve_columnar::answer::{Answer, MetricMetadata, QueryStats};
use varve_types::{Lsn, Table};

use super::labels::TRUNCATED;
use crate::{context::ExecContext, error::QueryError, fates::Fate};

/// What is known of one name: each distinct entry with where it was told last.
type Entries = Vec<(Lsn, MetricMetadata)>;

/// Answers [`crate::plan::Plan::MetricMetadata`]. Of a name that was described in several ways,
/// the newest description comes first.
pub(super) fn run(
    context: &ExecContext,
    metric: Option<&str>,
    limit: u32,
    per_metric: u32,
) -> Result<Answer, QueryError> {
    let mut found: BTreeMap<String, Entries> = BTreeMap::new();
    let mut counted = QueryStats::default();
    for (_, snapshot) in context.snapshots(Table::Metadata) {
        context.tell_all(&snapshot.segments, Fate::Read);
        for segment in &snapshot.segments {
            context.budget.check()?;
            for batch in
                segment.read(&["name", "type", "help", "unit", "_epoch", "_offset"], None)?
            {
                counted.rows_read += batch.num_rows() as u64;
                let lsns = lsns_of(&batch).ok_or_else(|| not_metadata(&batch))?;
                collect(&batch, metric, |row| lsns[row], &mut found)?;
            }
        }
        for batch in &snapshot.memtable {
            context.budget.check()?;
            counted.rows_read += batch.batch.num_rows() as u64;
            counted.memtable_rows_read += batch.batch.num_rows() as u64;
            collect(&batch.batch, metric, |_| batch.lsn, &mut found)?;
        }
    }
    context.count(&counted);
    let most_of = |limit: u32| if limit == 0 { usize::MAX } else { limit as usize };
    let most = most_of(limit);
    if found.len() > most {
        context.warn(TRUNCATED.to_owned());
    }
    let newest_first = |mut entries: Entries| {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.0));
        entries.into_iter().take(most_of(per_metric)).map(|(_, entry)| entry).collect()
    };
    Ok(Answer::Metadata(
        found.into_iter().take(most).map(|(name, entries)| (name, newest_first(entries))).collect(),
    ))
}

/// Adds the rows of a batch.
fn collect(
    batch: &RecordBatch,
    metric: Option<&str>,
    lsn_of: impl Fn(usize) -> Lsn,
    found: &mut BTreeMap<String, Entries>,
) -> Result<(), QueryError> {
    let columns = MetadataColumns::of(batch).ok_or_else(|| not_metadata(batch))?;
    for row in 0..batch.num_rows() {
        let name = columns.names.value(row);
        if metric.is_some_and(|metric| metric != name) {
            continue;
        }
        let entry = columns.entry(row);
        let entries = match found.get_mut(name) {
            Some(entries) => entries,
            None => found.entry(name.to_owned()).or_default(),
        };
        match entries.iter_mut().find(|(_, known)| *known == entry) {
            Some((lsn, _)) => *lsn = (*lsn).max(lsn_of(row)),
            None => entries.push((lsn_of(row), entry)),
        }
    }
    Ok(())
}

/// The columns of a batch of the metadata table.
struct MetadataColumns<'a> {
    names: &'a StringArray,
    kind_keys: &'a [i32],
    kinds: &'a StringArray,
    helps: &'a StringArray,
    units: &'a StringArray,
}

impl<'a> MetadataColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let kinds = batch.column_by_name("type")?.as_dictionary_opt::<Int32Type>()?;
        Some(Self {
            names: text("name")?,
            kind_keys: kinds.keys().values(),
            kinds: kinds.values().as_string_opt::<i32>()?,
            helps: text("help")?,
            units: text("unit")?,
        })
    }

    fn entry(&self, row: usize) -> MetricMetadata {
        MetricMetadata {
            kind: self.kinds.value(self.kind_keys[row] as usize).to_owned(),
            help: self.helps.value(row).to_owned(),
            unit: self.units.value(row).to_owned(),
        }
    }
}

/// Where a segment's rows were in the log.
fn lsns_of(batch: &RecordBatch) -> Option<Vec<Lsn>> {
    let epochs = batch.column_by_name("_epoch")?.as_primitive_opt::<UInt32Type>()?.values();
    let offsets = batch.column_by_name("_offset")?.as_primitive_opt::<UInt64Type>()?.values();
    Some(epochs.iter().zip(offsets).map(|(&epoch, &offset)| Lsn::new(epoch, offset)).collect())
}

fn not_metadata(batch: &RecordBatch) -> QueryError {
    QueryError::invalid(format!(
        "a batch of metadata has the columns {:?}, which is not the schema of the metadata table",
        batch.schema().fields()
    ))
}
