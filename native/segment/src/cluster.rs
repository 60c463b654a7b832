//! Clustering: the rows of many records, put into the order in which they are asked for.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array},
    compute::{concat_batches, interleave_record_batch},
    datatypes::Int64Type,
    error::ArrowError,
};
use hashbrown::HashMap;
use varve_columnar::schema::schema_of;
use varve_types::Table;

use crate::{
    chunks,
    clustered::{Clustered, LogPart, column, range_of},
    columns::stored_schema,
    directory::{Directory, LabelSetRange, TRACE_STRIDE_ROWS},
    label_set_ranks::LabelSetRanks,
};

/// Clusters the parts, which come in the log's order within each partition: logs by stream and time,
/// spans by trace and start, samples and exemplars by series and time, metadata by name. Rows that compare equal
/// keep the log's order.
pub fn cluster(table: Table, parts: &[LogPart]) -> Result<Clustered, ArrowError> {
    match table {
        Table::Logs => logs(parts),
        Table::Spans => spans(parts),
        Table::Samples => chunks::cluster_samples(parts),
        Table::Metadata => metadata(parts),
        Table::Exemplars => exemplars(parts),
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

fn exemplars(parts: &[LogPart]) -> Result<Clustered, ArrowError> {
    let series = LabelSetRanks::of(&columns(parts, "series")?);
    let order = series.order(&times(parts, "time_unix_ms")?);
    let batch = gather(Table::Exemplars, parts, order.values())?;
    let times = column(&batch, "time_unix_ms")?.as_primitive::<Int64Type>().values().clone();
    let ranges = series
        .runs(&order)
        .map(|(text, run)| LabelSetRange {
            text,
            time_range: (times[run.start as usize], times[run.end as usize - 1]),
            count: u64::from(run.end - run.start),
            bytes: 0,
            rows: run,
        })
        .collect();
    Ok(Clustered { time_range: range_of(&times), batch, directory: Directory::label_sets(ranges) })
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

fn trace_id(bytes: &[u8]) -> [u8; 16] {
    let mut id = [0; 16];
    // The schema says 16; a shorter one would only sort differently.
    id[..bytes.len().min(16)].copy_from_slice(&bytes[..bytes.len().min(16)]);
    id
}
