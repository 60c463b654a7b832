//! Clustering: the rows of many records, put into the order in which they are asked for.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, DictionaryArray, RecordBatch, StringArray, UInt32Array,
        UInt64Array,
    },
    compute::{concat_batches, interleave_record_batch},
    datatypes::{Int32Type, Int64Type},
    error::ArrowError,
};
use hashbrown::HashMap;
use varve_columnar::schema::schema_of;
use varve_types::{Lsn, Table};

use crate::{
    chunks,
    columns::stored_schema,
    directory::{Directory, LabelSetRange, TRACE_STRIDE_ROWS},
};

/// One record of the log whose rows go into the segment.
pub struct LogPart {
    /// Number of the partition.
    pub partition: u32,
    /// Where in it.
    pub lsn: Lsn,
    /// The rows.
    pub batch: RecordBatch,
}

/// Rows in the segment's order, and where in them to look.
pub struct Clustered {
    /// Of [`stored_schema`].
    pub batch: RecordBatch,
    /// Where each stream, series or trace is.
    pub directory: Directory,
    /// First and last time, in the table's unit (both included); (0, 0) for metadata.
    pub time_range: (i64, i64),
}

/// Clusters the parts, which come in the log's order within each partition: logs by stream and time,
/// spans by trace and start, samples by series and time, metadata by name. Rows that compare equal
/// keep the log's order.
pub fn cluster(table: Table, parts: &[LogPart]) -> Result<Clustered, ArrowError> {
    match table {
        Table::Logs => logs(parts),
        Table::Spans => spans(parts),
        Table::Samples => chunks::cluster_samples(parts),
        Table::Metadata => metadata(parts),
    }
}

fn logs(parts: &[LogPart]) -> Result<Clustered, ArrowError> {
    let streams = LabelSetRanks::of(&columns(parts, "stream")?);
    let order = streams.order(&times(parts, "time_unix_nano")?);
    let batch = gather(Table::Logs, parts, order.values())?;
    let times = column(&batch, "time_unix_nano")?.as_primitive::<Int64Type>().values().clone();
    let bodies = column(&batch, "body")?.as_string::<i32>().clone();
    let ranges = streams
        .runs(&order)
        .map(|(text, run)| {
            let (first, last) = (run.start as usize, run.end as usize);
            let offsets = bodies.value_offsets();
            LabelSetRange {
                text,
                time_range: (times[first], times[last - 1]),
                count: u64::from(run.end - run.start),
                bytes: (offsets[last] - offsets[first]) as u64,
                rows: run,
            }
        })
        .collect();
    Ok(Clustered { time_range: range_of(&times), batch, directory: Directory::label_sets(ranges) })
}

fn spans(parts: &[LogPart]) -> Result<Clustered, ArrowError> {
    let ids = columns(parts, "trace_id")?;
    let ids = ids.iter().flat_map(|ids| ids.as_fixed_size_binary().iter());
    let starts = times(parts, "start_unix_nano")?;
    let mut keys: Vec<([u8; 16], i64, u32)> = ids
        .zip(&starts)
        .zip(0..)
        .map(|((id, &start), row)| (trace_id(id.unwrap_or_default()), start, row))
        .collect();
    keys.sort_unstable();
    let order: Vec<u32> = keys.iter().map(|&(_, _, row)| row).collect();
    let batch = gather(Table::Spans, parts, &order)?;
    let marks = keys.iter().step_by(TRACE_STRIDE_ROWS as usize).map(|&(id, _, _)| id).collect();
    let time_range = range_of(&starts);
    Ok(Clustered { batch, directory: Directory::traces(marks), time_range })
}

/// A row says the same as often as a sender repeats it, about once a minute: the newest is kept.
fn metadata(parts: &[LogPart]) -> Result<Clustered, ArrowError> {
    let rows = concat_batches(&schema_of(Table::Metadata), parts.iter().map(|part| &part.batch))?;
    let texts = |name| Ok::<_, ArrowError>(column(&rows, name)?.as_string::<i32>().clone());
    let (names, help, units) = (texts("name")?, texts("help")?, texts("unit")?);
    let kinds = arrow::compute::cast(column(&rows, "type")?, &arrow::datatypes::DataType::Utf8)?;
    let kinds = kinds.as_string::<i32>();
    let mut newest = HashMap::new();
    for row in 0..rows.num_rows() {
        let said = (names.value(row), kinds.value(row), help.value(row), units.value(row));
        newest.insert(said, row as u32);
    }
    let mut kept: Vec<u32> = newest.into_values().collect();
    kept.sort_unstable_by_key(|&row| (names.value(row as usize), row));
    let batch = gather(Table::Metadata, parts, &kept)?;
    Ok(Clustered { batch, directory: Directory::none(), time_range: (0, 0) })
}

/// The rows in this order, with the columns that say where they came from. `order`: numbers of rows,
/// counted over all parts.
fn gather(table: Table, parts: &[LogPart], order: &[u32]) -> Result<RecordBatch, ArrowError> {
    let places: Vec<(usize, usize)> = parts
        .iter()
        .enumerate()
        .flat_map(|(part, from)| (0..from.batch.num_rows()).map(move |row| (part, row)))
        .collect();
    let places: Vec<(usize, usize)> = order.iter().map(|&row| places[row as usize]).collect();
    let batches: Vec<&RecordBatch> = parts.iter().map(|part| &part.batch).collect();
    let rows = interleave_record_batch(&batches, &places)?;
    let origin = |place: &(usize, usize)| &parts[place.0];
    let partition = UInt32Array::from_iter_values(places.iter().map(|at| origin(at).partition));
    let epoch = UInt32Array::from_iter_values(places.iter().map(|at| origin(at).lsn.epoch.0));
    let offset = UInt64Array::from_iter_values(places.iter().map(|at| origin(at).lsn.offset.0));
    let row = UInt32Array::from_iter_values(places.iter().map(|at| at.1 as u32));
    let mut columns = rows.columns().to_vec();
    let positions: [ArrayRef; 4] =
        [Arc::new(partition), Arc::new(epoch), Arc::new(offset), Arc::new(row)];
    columns.extend(positions);
    RecordBatch::try_new(stored_schema(table), columns)
}

fn columns<'a>(parts: &'a [LogPart], name: &str) -> Result<Vec<&'a ArrayRef>, ArrowError> {
    parts.iter().map(|part| column(&part.batch, name)).collect()
}

fn times(parts: &[LogPart], name: &str) -> Result<Vec<i64>, ArrowError> {
    let mut times = Vec::new();
    for column in columns(parts, name)? {
        times.extend_from_slice(column.as_primitive::<Int64Type>().values());
    }
    Ok(times)
}

/// The label sets of dictionary columns in the order of their texts, and each row's place among them.
pub(crate) struct LabelSetRanks {
    texts: Vec<Arc<str>>,
    of_row: Vec<u32>,
}

impl LabelSetRanks {
    /// Looks each dictionary's texts up once, not each row's; texts that no row has are left out.
    pub(crate) fn of(columns: &[&ArrayRef]) -> Self {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut of_row = Vec::new();
        for column in columns {
            let column: &DictionaryArray<Int32Type> = column.as_dictionary();
            let values: &StringArray = column.values().as_string();
            let mut number_of_key: Vec<Option<u32>> = vec![None; values.len()];
            of_row.extend(column.keys().values().iter().map(|&key| {
                *number_of_key[key as usize].get_or_insert_with(|| {
                    let next = numbers.len() as u32;
                    *numbers.entry(values.value(key as usize)).or_insert(next)
                })
            }));
        }
        let mut by_text: Vec<(&str, u32)> = numbers.into_iter().collect();
        by_text.sort_unstable();
        let mut ranks = vec![0; by_text.len()];
        for (rank, &(_, number)) in (0u32..).zip(&by_text) {
            ranks[number as usize] = rank;
        }
        for number in &mut of_row {
            *number = ranks[*number as usize];
        }
        Self { texts: by_text.into_iter().map(|(text, _)| Arc::from(text)).collect(), of_row }
    }

    /// Rows by label set, then time, then the order they came in.
    pub(crate) fn order(&self, times: &[i64]) -> UInt32Array {
        let mut keys: Vec<(u32, i64, u32)> = self
            .of_row
            .iter()
            .zip(times)
            .zip(0..)
            .map(|((&rank, &time), row)| (rank, time, row))
            .collect();
        keys.sort_unstable();
        UInt32Array::from_iter_values(keys.into_iter().map(|(_, _, row)| row))
    }

    /// Each label set with its rows in `order`.
    pub(crate) fn runs<'a>(
        &'a self,
        order: &'a UInt32Array,
    ) -> impl Iterator<Item = (Arc<str>, std::ops::Range<u32>)> + 'a {
        let rank = |at: u32| self.of_row[order.value(at as usize) as usize];
        let rows = order.len() as u32;
        let mut start = 0;
        std::iter::from_fn(move || {
            if start == rows {
                return None;
            }
            let first = rank(start);
            let end = (start..rows).find(|&at| rank(at) != first).unwrap_or(rows);
            let run = (self.texts[first as usize].clone(), start..end);
            start = end;
            Some(run)
        })
    }
}

pub(crate) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
}

fn trace_id(bytes: &[u8]) -> [u8; 16] {
    let mut id = [0; 16];
    // The schema says 16; a shorter one would only sort differently.
    id[..bytes.len().min(16)].copy_from_slice(&bytes[..bytes.len().min(16)]);
    id
}

pub(crate) fn range_of(times: &[i64]) -> (i64, i64) {
    let first = times.iter().copied().min().unwrap_or(0);
    let last = times.iter().copied().max().unwrap_or(0);
    (first, last)
}
