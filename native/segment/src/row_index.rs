//! What the rows of a Parquet file say of themselves: the directory that belongs beside it, and what the
//! manifest has of it. Every page is decoded for it, and every chunk of samples unpacked.

use std::sync::Arc;

use arrow::{
    array::{AsArray, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Int64Type, UInt32Type},
    error::ArrowError,
};
use varve_types::Table;

use crate::{
    SegmentError,
    chunks::unpack_all,
    clustered::column,
    columns::stored_schema,
    directory::{Directory, LabelSetRange, TRACE_STRIDE_ROWS},
    parquet_file::ParquetSegment,
};

/// Rows that are read at once.
const BATCH_ROWS: usize = 2_048;

/// What the rows of a segment are.
#[derive(Debug)]
pub struct RowIndex {
    /// Where each stream, series or trace is; without a filter of trace ids.
    pub directory: Directory,
    /// First and last time, in the table's unit (both included); (0, 0) for metadata and for no rows.
    pub time_range: (i64, i64),
    /// Rows of the file (for samples: chunks).
    pub rows: u32,
    /// Rows, or samples.
    pub records: u64,
}

/// Reads all rows, and says where what is; `visit` is shown each batch. An error where a page does not
/// decode, or rows are not in the segment's order.
pub fn index_rows(
    table: Table,
    parquet: &ParquetSegment,
    visit: &mut dyn FnMut(&RecordBatch),
) -> Result<RowIndex, SegmentError> {
    let schema = stored_schema(table);
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut index = Indexing::new(table);
    for batch in parquet.stream(&columns, None, BATCH_ROWS)? {
        let batch = batch?;
        index.add(&batch).map_err(|error| parquet.damaged(error))?;
        visit(&batch);
    }
    Ok(index.finish())
}

struct Indexing {
    table: Table,
    label_sets: Vec<LabelSetRange>,
    marks: Vec<[u8; 16]>,
    /// Of spans, the row before: its trace and start.
    last_span: Option<([u8; 16], i64)>,
    time_range: Option<(i64, i64)>,
    rows: u32,
    records: u64,
}

impl Indexing {
    const fn new(table: Table) -> Self {
        Self {
            table,
            label_sets: Vec::new(),
            marks: Vec::new(),
            last_span: None,
            time_range: None,
            rows: 0,
            records: 0,
        }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self.table {
            Table::Logs => self.add_lines(batch),
            Table::Spans => self.add_spans(batch),
            Table::Samples => self.add_chunks(batch),
            Table::Exemplars => self.add_exemplars(batch),
            Table::Metadata => {
                self.rows += batch.num_rows() as u32;
                self.records = u64::from(self.rows);
                Ok(())
            }
        }
    }

    fn add_lines(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let bodies = cast(column(batch, "body")?, &DataType::Utf8)?;
        let bodies = bodies.as_string::<i32>();
        let bytes = |at: usize| bodies.value(at).len() as u64;
        self.add_labelled(batch, "stream", "time_unix_nano", bytes)
    }

    fn add_exemplars(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.add_labelled(batch, "series", "time_unix_ms", |_| 0)
    }

    fn add_labelled(
        &mut self,
        batch: &RecordBatch,
        labels: &str,
        time: &str,
        bytes: impl Fn(usize) -> u64,
    ) -> Result<(), ArrowError> {
        let labels = texts(batch, labels)?;
        let times = column(batch, time)?.as_primitive::<Int64Type>();
        for at in 0..batch.num_rows() {
            let time = times.value(at);
            self.add_row(labels.value(at), (time, time), 1, bytes(at))?;
        }
        Ok(())
    }

    fn add_chunks(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let series = texts(batch, "series")?;
        let time = |name| Ok::<_, ArrowError>(column(batch, name)?.as_primitive::<Int64Type>());
        let (firsts, lasts) = (time("first_unix_ms")?, time("last_unix_ms")?);
        let counts = column(batch, "count")?.as_primitive::<UInt32Type>();
        for at in 0..batch.num_rows() {
            let samples = unpack_all(batch, at)?;
            let range = (firsts.value(at), lasts.value(at));
            let ends = (samples.first(), samples.last());
            let is_range = matches!(ends, (Some(first), Some(last)) if (first.0, last.0) == range);
            if !is_range || !samples.is_sorted_by_key(|(time, _)| *time) {
                return Err(wrong(format!(
                    "the times of chunk {} are not what it says",
                    self.rows
                )));
            }
            self.add_row(series.value(at), range, u64::from(counts.value(at)), 0)?;
        }
        Ok(())
    }

    fn add_spans(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let traces = column(batch, "trace_id")?.as_fixed_size_binary();
        let starts = column(batch, "start_unix_nano")?.as_primitive::<Int64Type>();
        for at in 0..batch.num_rows() {
            let trace: [u8; 16] = traces
                .value(at)
                .try_into()
                .map_err(|_| wrong("a trace id has not 16 bytes".to_owned()))?;
            let span = (trace, starts.value(at));
            if self.last_span.is_some_and(|last| span < last) {
                return Err(self.out_of_order());
            }
            self.last_span = Some(span);
            if self.rows.is_multiple_of(TRACE_STRIDE_ROWS) {
                self.marks.push(trace);
            }
            self.widen((span.1, span.1));
            self.rows += 1;
            self.records += 1;
        }
        Ok(())
    }

    /// Adds a row to the label set before, or begins the next one.
    fn add_row(
        &mut self,
        text: &str,
        times: (i64, i64),
        count: u64,
        bytes: u64,
    ) -> Result<(), ArrowError> {
        let row = self.rows;
        match self.label_sets.last_mut() {
            Some(set) if *set.text == *text => {
                // Chunks of one series may overlap in time, lines may not.
                if times.0 < set.time_range.1 && self.table != Table::Samples {
                    return Err(self.out_of_order());
                }
                set.rows.end = row + 1;
                set.time_range.1 = set.time_range.1.max(times.1);
                set.count += count;
                set.bytes += bytes;
            }
            Some(set) if *set.text > *text => return Err(self.out_of_order()),
            _ => self.label_sets.push(LabelSetRange {
                text: Arc::from(text),
                rows: row..row + 1,
                time_range: times,
                count,
                bytes,
            }),
        }
        self.widen(times);
        self.rows += 1;
        self.records += count;
        Ok(())
    }

    fn widen(&mut self, (first, last): (i64, i64)) {
        let (before, after) = self.time_range.unwrap_or((first, last));
        self.time_range = Some((before.min(first), after.max(last)));
    }

    fn out_of_order(&self) -> ArrowError {
        wrong(format!("row {} is not in the segment's order", self.rows))
    }

    fn finish(self) -> RowIndex {
        let directory = match self.table {
            Table::Logs | Table::Samples | Table::Exemplars => {
                Directory::label_sets(self.label_sets)
            }
            Table::Spans => Directory::traces(self.marks),
            Table::Metadata => Directory::none(),
        };
        let time_range = self.time_range.unwrap_or_default();
        RowIndex { directory, time_range, rows: self.rows, records: self.records }
    }
}

fn texts(batch: &RecordBatch, name: &str) -> Result<StringArray, ArrowError> {
    Ok(cast(column(batch, name)?, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn wrong(reason: String) -> ArrowError {
    ArrowError::ParseError(reason)
}
