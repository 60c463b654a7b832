//! Rows that are too old and not sealed yet.

use arrow::{
    array::{Array as _, AsArray, BooleanArray},
    compute::filter_record_batch,
    datatypes::{Int32Type, Int64Type},
};
use varve_types::Table;

use super::{Policy, policy::Ahead};
use crate::snapshot::MemtableBatch;

impl Policy<'_> {
    /// The batches without rows that are too old now.
    pub(crate) fn shown(&self, batches: &mut Vec<MemtableBatch>, now_ms: i64) {
        let last_due = self.last_due(self.shortest_age_ms(), now_ms, Ahead::No);
        let Some(last_due) = last_due else { return };
        if batches.iter().all(|one| one.time_range.0 > last_due) {
            return;
        }
        batches.retain_mut(|one| {
            if one.time_range.0 > last_due {
                return true;
            }
            // It only fails for a batch that is not of the table's schema, of which there is none.
            if let Some(shown) = self.shown_rows(one, now_ms)
                && let Ok(batch) = filter_record_batch(&one.batch, &shown)
            {
                one.batch = batch;
            }
            one.batch.num_rows() > 0
        });
    }

    fn shown_rows(&self, one: &MemtableBatch, now_ms: i64) -> Option<BooleanArray> {
        let (time, label_set) = match self.table {
            Table::Logs => ("time_unix_nano", Some("stream")),
            Table::Spans => ("start_unix_nano", None),
            Table::Samples | Table::Exemplars => ("time_unix_ms", Some("series")),
            Table::Metadata => return None,
        };
        let last_due =
            |max_age_ms| self.last_due(max_age_ms, now_ms, Ahead::No).unwrap_or(i64::MIN);
        let times = one.batch.column_by_name(time)?.as_primitive_opt::<Int64Type>()?.values();
        let Some(label_set) = label_set.filter(|_| !self.streams.is_empty()) else {
            let last = last_due(self.standard.max_age_ms);
            return Some(times.iter().map(|&time| Some(time > last)).collect());
        };
        let sets = one.batch.column_by_name(label_set)?.as_dictionary_opt::<Int32Type>()?;
        let texts = sets.values().as_string_opt::<i32>()?;
        let last_by_key: Vec<i64> = (0..texts.len())
            .map(|key| last_due(self.max_age_ms(self.rule_of(texts.value(key)))))
            .collect();
        let last_of = |row: usize| sets.key(row).and_then(|key| last_by_key.get(key)).copied();
        let is_shown =
            |(row, &time): (usize, &i64)| Some(last_of(row).is_none_or(|last| time > last));
        Some(times.iter().enumerate().map(is_shown).collect())
    }
}
