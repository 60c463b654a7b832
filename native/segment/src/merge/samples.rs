//! Chunks of several segments as longer ones.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::Int64Type,
};
use varve_types::Table;

use super::{MergeInput, Merged, ranked};
use crate::{
    SegmentError,
    chunks::{CHUNK_SAMPLES, ChunkColumns, Value, unpack_all},
    clustered::column,
    columns::stored_schema,
    directory::{Directory, LabelSetRange},
    parquet_file::RowStream,
};

/// Chunks that are read of an input, and written, at once.
const BATCH_CHUNKS: usize = 512;

/// See [`super::merge`].
pub(super) fn merge<E: From<SegmentError>>(
    inputs: &[MergeInput<'_>],
    times: (i64, i64),
    out: &mut dyn FnMut(&RecordBatch) -> Result<(), E>,
) -> Result<Merged, E> {
    let mut ranked = ranked(inputs);
    for sets in &mut ranked.sets {
        sets.retain(|(_, set)| set.time_range.0 <= times.1 && times.0 <= set.time_range.1);
    }
    let mut readers = Vec::new();
    for (input, sets) in inputs.iter().zip(&ranked.sets) {
        readers.push(ChunkReader::open(input, sets)?);
    }
    let mut writer = ChunkWriter::default();
    let mut left: Vec<_> = ranked.sets.iter().map(Vec::as_slice).collect();
    for (rank, text) in (0u32..).zip(&ranked.texts) {
        let mut series = Series::default();
        for (at, (reader, left)) in readers.iter_mut().zip(&mut left).enumerate() {
            let (mine, rest) = left.split_at(left.partition_point(|(other, _)| *other == rank));
            *left = rest;
            series.read(at, reader, mine, times)?;
        }
        series.write(text, &mut writer).map_err(SegmentError::from)?;
        if writer.columns.len() as usize >= BATCH_CHUNKS {
            writer.flush(out)?;
        }
    }
    writer.flush(out)?;
    Ok(writer.finish())
}

/// An input's chunks that are wanted, from the front.
struct ChunkReader {
    stream: RowStream,
    /// What was read and not taken.
    batch: Option<(RecordBatch, usize)>,
}

impl ChunkReader {
    fn open(input: &MergeInput<'_>, sets: &[(u32, &LabelSetRange)]) -> Result<Self, SegmentError> {
        let names = stored_schema(Table::Samples);
        let names: Vec<&str> = names
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .filter(|name| *name != "series")
            .collect();
        let rows = chunks_of(sets);
        let stream = input.parquet.stream(&names, Some(&rows), BATCH_CHUNKS)?;
        Ok(Self { stream, batch: None })
    }

    fn next(&mut self) -> Result<Option<(RecordBatch, usize)>, SegmentError> {
        if self.batch.as_ref().is_none_or(|(batch, at)| *at == batch.num_rows()) {
            self.batch = self.stream.next().transpose()?.map(|batch| (batch, 0));
        }
        Ok(self.batch.as_mut().map(|(batch, at)| {
            *at += 1;
            (batch.clone(), *at - 1)
        }))
    }
}

/// The sets' chunks, ascending, each once: parts of one series may share a chunk.
fn chunks_of(sets: &[(u32, &LabelSetRange)]) -> Vec<Range<u32>> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for (_, set) in sets {
        match ranges.last_mut() {
            Some(last) if set.rows.start <= last.end => last.end = last.end.max(set.rows.end),
            _ => ranges.push(set.rows.clone()),
        }
    }
    ranges
}

/// A chunk as it is stored.
struct Chunk {
    /// Which input, and its place among this series' chunks of it.
    order: (usize, usize),
    times: (i64, i64),
    batch: RecordBatch,
    row: usize,
    /// Which of its samples are wanted.
    wanted: Arc<[(i64, i64)]>,
}

/// One series' chunks of all inputs.
#[derive(Default)]
struct Series {
    chunks: Vec<Chunk>,
}

impl Series {
    /// Takes the input's chunks of the series.
    fn read(
        &mut self,
        input: usize,
        reader: &mut ChunkReader,
        sets: &[(u32, &LabelSetRange)],
        times: (i64, i64),
    ) -> Result<(), SegmentError> {
        let wanted: Arc<[(i64, i64)]> = sets
            .iter()
            .map(|(_, set)| (set.time_range.0.max(times.0), set.time_range.1.min(times.1)))
            .collect();
        let count: usize = chunks_of(sets).iter().map(ExactSizeIterator::len).sum();
        for at in 0..count {
            let Some((batch, row)) = reader.next()? else { break };
            let time = |name| {
                Ok::<_, SegmentError>(column(&batch, name)?.as_primitive::<Int64Type>().value(row))
            };
            let times = (time("first_unix_ms")?, time("last_unix_ms")?);
            let wanted = wanted.clone();
            self.chunks.push(Chunk { order: (input, at), times, batch, row, wanted });
        }
        Ok(())
    }

    /// Packs the samples anew, in the order of their times; of equal times the later in the log last.
    fn write(
        mut self,
        text: &Arc<str>,
        writer: &mut ChunkWriter,
    ) -> Result<(), arrow::error::ArrowError> {
        self.chunks.sort_unstable_by_key(|chunk| (chunk.times.0, chunk.order));
        writer.begin(text);
        let mut pending: VecDeque<Sample> = VecDeque::new();
        for chunk in self.chunks {
            // No later chunk has a sample before this one's first.
            let done = pending.partition_point(|sample| sample.time < chunk.times.0);
            if done >= CHUNK_SAMPLES {
                let whole = done - done % CHUNK_SAMPLES;
                let whole: Vec<Sample> = pending.drain(..whole).collect();
                writer.push(&whole)?;
            }
            for (number, (time, value)) in
                unpack_all(&chunk.batch, chunk.row)?.into_iter().enumerate()
            {
                if chunk.wanted.iter().any(|(first, last)| (*first..=*last).contains(&time)) {
                    pending.push_back(Sample { time, order: (chunk.order, number), value });
                }
            }
            pending.make_contiguous().sort_by_key(|sample| (sample.time, sample.order));
        }
        writer.push(pending.make_contiguous())
    }
}

struct Sample {
    time: i64,
    order: ((usize, usize), usize),
    value: Value,
}

/// Chunks on their way out, and what is known of them.
#[derive(Default)]
struct ChunkWriter {
    columns: ChunkColumns,
    /// Chunks that are out.
    written: u32,
    text: Option<Arc<str>>,
    label_sets: Vec<LabelSetRange>,
    time_range: Option<(i64, i64)>,
    records: u64,
}

impl ChunkWriter {
    fn begin(&mut self, text: &Arc<str>) {
        self.text = Some(text.clone());
    }

    /// Packs samples of the series that was begun: the next ones, in order.
    fn push(&mut self, samples: &[Sample]) -> Result<(), arrow::error::ArrowError> {
        let (Some(text), Some(first), Some(last)) =
            (self.text.clone(), samples.first(), samples.last())
        else {
            return Ok(());
        };
        let (first, last) = (first.time, last.time);
        let start = self.written + self.columns.len();
        let is_float = |sample: &Sample| matches!(sample.value, Value::Float(_));
        for run in samples.chunk_by(|a, b| is_float(a) == is_float(b)) {
            for chunk in run.chunks(CHUNK_SAMPLES) {
                self.push_chunk(&text, chunk)?;
            }
        }
        let end = self.written + self.columns.len();
        let count = samples.len() as u64;
        self.records += count;
        let (before, after) = self.time_range.unwrap_or((first, last));
        self.time_range = Some((before.min(first), after.max(last)));
        match self.label_sets.last_mut().filter(|set| set.text == text) {
            Some(set) => {
                set.rows.end = end;
                set.time_range.1 = last;
                set.count += count;
            }
            None => self.label_sets.push(LabelSetRange {
                text,
                rows: start..end,
                time_range: (first, last),
                count,
                bytes: 0,
            }),
        }
        Ok(())
    }

    fn push_chunk(&mut self, text: &str, chunk: &[Sample]) -> Result<(), arrow::error::ArrowError> {
        let times: Vec<i64> = chunk.iter().map(|sample| sample.time).collect();
        let floats: Vec<f64> = chunk
            .iter()
            .filter_map(|sample| match sample.value {
                Value::Float(value) => Some(value),
                Value::Histogram(_) => None,
            })
            .collect();
        if floats.len() == times.len() {
            return self.columns.push_floats(text, &times, &floats);
        }
        let blobs = chunk.iter().filter_map(|sample| match &sample.value {
            Value::Histogram(blob) => Some(blob.as_slice()),
            Value::Float(_) => None,
        });
        self.columns.push_histograms(text, &times, blobs)
    }

    fn flush<E: From<SegmentError>>(
        &mut self,
        out: &mut dyn FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let chunks = std::mem::take(&mut self.columns);
        if chunks.len() == 0 {
            return Ok(());
        }
        self.written += chunks.len();
        out(&chunks.finish().map_err(SegmentError::from)?)
    }

    fn finish(self) -> Merged {
        Merged {
            directory: Directory::label_sets(self.label_sets),
            time_range: self.time_range.unwrap_or_default(),
            rows: self.written,
            records: self.records,
        }
    }
}
