//! Samples as chunks: a run of one series, its times and values compressed on their own.

use std::sync::Arc;

use arrow::{
    array::{
        Array, AsArray, BinaryArray, BinaryBuilder, Int64Array, ListBuilder, RecordBatch,
        StringDictionaryBuilder, UInt32Array,
    },
    compute::concat,
    datatypes::{Field, Float64Type, Int32Type, Int64Type, UInt32Type},
    error::ArrowError,
};
use varve_types::Table;

use crate::{
    chunk_codec::{ChunkError, pack_times, pack_values, unpack_times, unpack_values},
    clustered::{Clustered, LogPart, column, range_of},
    columns::stored_schema,
    directory::{Directory, LabelSetRange},
    label_set_ranks::LabelSetRanks,
};

/// The most samples of one chunk: large enough to compress, small enough to read a few minutes of.
pub(crate) const CHUNK_SAMPLES: usize = 4_096;

/// Samples of one series from one segment, ascending by time; of equal times the later one in the
/// log comes last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleRun {
    /// Index into the segment's label sets.
    pub label_set: usize,
    /// Milliseconds since the epoch.
    pub times_ms: Vec<i64>,
    /// As many; bit-exact.
    pub values: Vec<f64>,
    /// Native histograms with their times, as `prometheus.Histogram` messages; ascending.
    pub histograms: Vec<(i64, Vec<u8>)>,
}

/// Sorts samples by series and time and packs them into chunks. Each batch has the texts of its series,
/// often one per sample, so the batches are not joined: only what is sorted is.
pub(crate) fn cluster_samples(parts: &[LogPart]) -> Result<Clustered, ArrowError> {
    let columns = |name| parts.iter().map(move |part| column(&part.batch, name));
    let series = LabelSetRanks::of(&columns("series").collect::<Result<Vec<_>, _>>()?);
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for (some_times, some_values) in columns("time_unix_ms").zip(columns("value")) {
        times.extend_from_slice(some_times?.as_primitive::<Int64Type>().values());
        values.extend_from_slice(some_values?.as_primitive::<Float64Type>().values());
    }
    let histograms: Vec<&dyn Array> =
        columns("histogram").map(|one| Ok(one?.as_ref())).collect::<Result<_, ArrowError>>()?;
    let histograms = concat(&histograms)?;
    let histograms = histograms.as_binary::<i32>();
    let order = series.order(&times);
    let mut chunks = ChunkColumns::default();
    let mut ranges = Vec::new();
    for (text, run) in series.runs(&order) {
        let first_chunk = chunks.len();
        let run = &order.values()[run.start as usize..run.end as usize];
        for samples in
            run.chunk_by(|&a, &b| histograms.is_null(a as usize) == histograms.is_null(b as usize))
        {
            for chunk in samples.chunks(CHUNK_SAMPLES) {
                chunks.push(&text, chunk, &times, &values, histograms)?;
            }
        }
        ranges.push(LabelSetRange {
            text,
            rows: first_chunk..chunks.len(),
            time_range: (times[run[0] as usize], times[run[run.len() - 1] as usize]),
            count: run.len() as u64,
            bytes: 0,
        });
    }
    Ok(Clustered {
        batch: chunks.finish()?,
        directory: Directory::label_sets(ranges),
        time_range: range_of(&times),
    })
}

/// Chunks on their way into a file.
pub(crate) struct ChunkColumns {
    series: StringDictionaryBuilder<Int32Type>,
    first: Vec<i64>,
    last: Vec<i64>,
    count: Vec<u32>,
    times: BinaryBuilder,
    values: BinaryBuilder,
    histograms: ListBuilder<BinaryBuilder>,
}

impl Default for ChunkColumns {
    fn default() -> Self {
        let item = Field::new("item", arrow::datatypes::DataType::Binary, false);
        Self {
            series: StringDictionaryBuilder::new(),
            first: Vec::new(),
            last: Vec::new(),
            count: Vec::new(),
            times: BinaryBuilder::new(),
            values: BinaryBuilder::new(),
            histograms: ListBuilder::new(BinaryBuilder::new()).with_field(item),
        }
    }
}

impl ChunkColumns {
    pub(crate) fn len(&self) -> u32 {
        self.count.len() as u32
    }

    /// Packs the samples of `rows`, which are all floats or all histograms.
    fn push(
        &mut self,
        series: &str,
        rows: &[u32],
        times: &[i64],
        values: &[f64],
        histograms: &BinaryArray,
    ) -> Result<(), ArrowError> {
        let at: Vec<i64> = rows.iter().map(|&row| times[row as usize]).collect();
        if histograms.is_null(rows[0] as usize) {
            let floats: Vec<f64> = rows.iter().map(|&row| values[row as usize]).collect();
            self.push_floats(series, &at, &floats)
        } else {
            self.push_histograms(
                series,
                &at,
                rows.iter().map(|&row| histograms.value(row as usize)),
            )
        }
    }

    /// Packs float samples: at least one, ascending by time.
    pub(crate) fn push_floats(
        &mut self,
        series: &str,
        times: &[i64],
        values: &[f64],
    ) -> Result<(), ArrowError> {
        self.push_times(series, times)?;
        self.values.append_value(pack_values(values).map_err(external)?);
        self.histograms.append_null();
        Ok(())
    }

    /// Packs native histograms: at least one, ascending by time.
    pub(crate) fn push_histograms<'a>(
        &mut self,
        series: &str,
        times: &[i64],
        histograms: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), ArrowError> {
        self.push_times(series, times)?;
        self.values.append_null();
        for histogram in histograms {
            self.histograms.values().append_value(histogram);
        }
        self.histograms.append(true);
        Ok(())
    }

    fn push_times(&mut self, series: &str, times: &[i64]) -> Result<(), ArrowError> {
        self.series.append(series)?;
        self.first.extend(times.first());
        self.last.extend(times.last());
        self.count.push(times.len() as u32);
        self.times.append_value(pack_times(times));
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(
            stored_schema(Table::Samples),
            vec![
                Arc::new(self.series.finish()),
                Arc::new(Int64Array::from(self.first)),
                Arc::new(Int64Array::from(self.last)),
                Arc::new(UInt32Array::from(self.count)),
                Arc::new(self.times.finish()),
                Arc::new(self.values.finish()),
                Arc::new(self.histograms.finish()),
            ],
        )
    }
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> ArrowError {
    ArrowError::ExternalError(Box::new(error))
}

/// The columns that [`unpack`] reads.
pub(crate) const PACKED_COLUMNS: [&str; 6] =
    ["first_unix_ms", "last_unix_ms", "count", "times", "values", "histograms"];

/// One sample that was unpacked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Float(f64),
    Histogram(Vec<u8>),
}

/// The times of a chunk's samples.
pub(crate) fn unpack_times_of(chunks: &RecordBatch, chunk: usize) -> Result<Vec<i64>, ArrowError> {
    let times = column(chunks, "times")?.as_binary::<i32>();
    let count = column(chunks, "count")?.as_primitive::<UInt32Type>().value(chunk) as usize;
    unpack_times(times.value(chunk), count).map_err(external)
}

/// All samples of a chunk, floats or histograms.
pub(crate) fn unpack_all(
    chunks: &RecordBatch,
    chunk: usize,
) -> Result<Vec<(i64, Value)>, ArrowError> {
    let values = column(chunks, "values")?.as_binary::<i32>();
    let times = unpack_times_of(chunks, chunk)?;
    let count = times.len();
    let values: Vec<Value> = if values.is_null(chunk) {
        let blobs = column(chunks, "histograms")?.as_list::<i32>().value(chunk);
        blobs
            .as_binary::<i32>()
            .iter()
            .flatten()
            .map(|one| Value::Histogram(one.to_vec()))
            .collect()
    } else {
        let floats = unpack_values(values.value(chunk), count).map_err(external)?;
        floats.into_iter().map(Value::Float).collect()
    };
    if values.len() != count {
        return Err(ArrowError::ParseError(format!("{} values of {count}", values.len())));
    }
    Ok(times.into_iter().zip(values).collect())
}

/// Adds the samples of a chunk that are in the range (both ends included) to `run`.
pub(crate) fn unpack(
    chunks: &RecordBatch,
    chunk: usize,
    (from_ms, to_ms): (i64, i64),
    run: &mut SampleRun,
) -> Result<(), ArrowError> {
    let times = column(chunks, "times")?.as_binary::<i32>();
    let values = column(chunks, "values")?.as_binary::<i32>();
    let first = column(chunks, "first_unix_ms")?.as_primitive::<Int64Type>().value(chunk);
    let last = column(chunks, "last_unix_ms")?.as_primitive::<Int64Type>().value(chunk);
    if last < from_ms || first > to_ms {
        return Ok(());
    }
    let count = column(chunks, "count")?.as_primitive::<UInt32Type>().value(chunk) as usize;
    let times = unpack_times(times.value(chunk), count).map_err(external)?;
    let start = times.partition_point(|&time| time < from_ms);
    let end = times.partition_point(|&time| time <= to_ms);
    if values.is_null(chunk) {
        let histograms = column(chunks, "histograms")?.as_list::<i32>().value(chunk);
        let histograms = histograms.as_binary::<i32>();
        if histograms.len() != count {
            return Err(external(ChunkError::Length));
        }
        let rows = (start..end).map(|at| (times[at], histograms.value(at).to_vec()));
        run.histograms.extend(rows);
        return Ok(());
    }
    let values = unpack_values(values.value(chunk), count).map_err(external)?;
    run.times_ms.extend_from_slice(&times[start..end]);
    run.values.extend_from_slice(&values[start..end]);
    Ok(())
}
