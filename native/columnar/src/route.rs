//! Which partition of its log a row goes to, and batches split accordingly.
//!
//! A tenant's rows are spread over `tenant_partitions` neighbouring partitions; within those, all
//! rows of a stream, trace or series go to one, so that whoever reads it reads one partition. The
//! hashes are part of the stored format: they must never change.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, StringArray,
        UInt32Array,
    },
    compute::{take, take_record_batch},
    datatypes::Int32Type,
    error::ArrowError,
};
use varve_types::{Table, TenantId};
use xxhash_rust::xxh3::xxh3_64;

/// How many partitions there are, and how many of them one tenant uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Of the log, at least 1.
    pub partitions: u32,
    /// Of one tenant, at least 1; more than `partitions` counts as all.
    pub tenant_partitions: u32,
}

impl Routing {
    /// The partition number of a key's hash.
    fn partition(self, tenant: u64, key: u64) -> u32 {
        let partitions = u64::from(self.partitions.max(1));
        let spread = u64::from(self.tenant_partitions.max(1)).min(partitions);
        ((tenant % partitions + key % spread) % partitions) as u32
    }
}

/// Splits a batch of `table` by partition number, ascending; the rows of each part keep their order.
/// A batch whose rows all go to one partition is handed on as it is.
///
/// Fails only if the batch is not of the table's schema.
pub fn route(
    table: Table,
    tenant: &TenantId,
    batch: RecordBatch,
    routing: Routing,
) -> Result<Vec<(u32, RecordBatch)>, ArrowError> {
    if batch.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let tenant = xxh3_64(tenant.as_str().as_bytes());
    let of_key = |key: &[u8]| routing.partition(tenant, xxh3_64(key));
    let partitions = match table {
        Table::Logs => of_dictionary(&batch, "stream", of_key)?,
        Table::Samples | Table::Exemplars => of_dictionary(&batch, "series", of_key)?,
        Table::Spans => {
            let ids = column(&batch, "trace_id")?.as_fixed_size_binary();
            (0..batch.num_rows()).map(|row| of_key(ids.value(row))).collect()
        }
        Table::Metadata => {
            let names = column(&batch, "name")?.as_string::<i32>();
            names.iter().map(|name| of_key(name.unwrap_or_default().as_bytes())).collect()
        }
    };
    if partitions.iter().all(|&partition| partition == partitions[0]) {
        return Ok(vec![(partitions[0], batch)]);
    }
    let mut rows = vec![Vec::new(); routing.partitions as usize];
    for (row, &partition) in partitions.iter().enumerate() {
        rows[partition as usize].push(row as u32);
    }
    let parts = (0..).zip(rows).filter(|(_, rows)| !rows.is_empty());
    parts
        .map(|(partition, rows)| {
            let part = take_record_batch(&batch, &UInt32Array::from(rows))?;
            Ok((partition, with_small_dictionaries(&part)?))
        })
        .collect()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
}

/// The partition of each row, worked out once per dictionary value.
fn of_dictionary(
    batch: &RecordBatch,
    name: &str,
    of_key: impl Fn(&[u8]) -> u32,
) -> Result<Vec<u32>, ArrowError> {
    let dictionary = column(batch, name)?.as_dictionary::<Int32Type>();
    let texts = dictionary.values().as_string::<i32>();
    let partitions: Vec<u32> =
        texts.iter().map(|text| of_key(text.unwrap_or_default().as_bytes())).collect();
    Ok(dictionary.keys().values().iter().map(|&key| partitions[key as usize]).collect())
}

/// The batch with only the texts in its dictionaries that its rows use.
fn with_small_dictionaries(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns =
        batch.columns().iter().map(|column| match column.as_dictionary_opt::<Int32Type>() {
            Some(dictionary) => small_dictionary(dictionary),
            None => Ok(Arc::clone(column)),
        });
    RecordBatch::try_new(batch.schema(), columns.collect::<Result<_, _>>()?)
}

fn small_dictionary(dictionary: &DictionaryArray<Int32Type>) -> Result<ArrayRef, ArrowError> {
    const UNSEEN: i32 = -1;
    let mut new_index = vec![UNSEEN; dictionary.values().len()];
    let mut used: Vec<i32> = Vec::new();
    let keys: Int32Array = dictionary
        .keys()
        .iter()
        .map(|key| {
            let index = &mut new_index[key? as usize];
            if *index == UNSEEN {
                *index = used.len() as i32;
                used.push(key?);
            }
            Some(*index)
        })
        .collect();
    let texts = take(dictionary.values(), &Int32Array::from(used), None)?;
    let texts: StringArray = texts.as_string::<i32>().clone();
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(texts))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::{SampleRow, SamplesBuilder};

    fn samples(series: u32) -> RecordBatch {
        let mut samples = SamplesBuilder::default();
        for number in 0..series * 3 {
            let name = format!(r#"{{"__name__":"m{}"}}"#, number % series);
            let series = samples.intern_series(&name);
            let time_unix_ms = i64::from(number);
            samples.append(&SampleRow { series, time_unix_ms, value: 1.0, histogram: None });
        }
        samples.finish().unwrap()
    }

    fn parts(series: u32, partitions: u32, tenant_partitions: u32) -> Vec<(u32, RecordBatch)> {
        let tenant = TenantId::parse("a").unwrap();
        let routing = Routing { partitions, tenant_partitions };
        route(Table::Samples, &tenant, samples(series), routing).unwrap()
    }

    fn texts(batch: &RecordBatch) -> Vec<String> {
        let series = batch.column(0).as_dictionary::<Int32Type>();
        series.values().as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
    }

    #[test]
    fn all_rows_of_a_series_go_to_one_partition() {
        let parts = parts(50, 8, 4);
        let mut all: Vec<String> = parts.iter().flat_map(|(_, batch)| texts(batch)).collect();
        assert_eq!(all.len(), 50, "each text is in the dictionary of one part only");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 50);
        assert_eq!(parts.iter().map(|(_, batch)| batch.num_rows()).sum::<usize>(), 150);
    }

    #[test]
    fn a_tenant_uses_no_more_than_its_partitions() {
        assert_eq!(parts(100, 8, 3).len(), 3);
        assert_eq!(parts(100, 2, 9).len(), 2);
    }

    #[test]
    fn rows_for_one_partition_are_handed_on_as_they_are() {
        let parts = parts(5, 8, 1);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].1, samples(5));
    }

    #[test]
    fn an_empty_batch_goes_nowhere() {
        assert!(parts(0, 8, 4).is_empty());
    }
}
