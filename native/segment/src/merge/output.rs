//! What is known of merged rows as they go by: their streams, their directory.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{
        ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, StringArray, new_null_array,
    },
    datatypes::Int32Type,
    error::ArrowError,
};
use varve_types::Table;

use super::{
    Merged,
    order::{Key, Rows},
};
use crate::{
    clustered::column,
    columns::stored_schema,
    directory::{Directory, LabelSetRange, TRACE_STRIDE_ROWS},
};

pub(super) struct Output<'t> {
    kind: Rows,
    /// By rank.
    texts: Vec<&'t Arc<str>>,
    rows: u32,
    time_range: Option<(i64, i64)>,
    label_sets: Vec<LabelSetRange>,
    /// Rank of the last one.
    last: Option<u128>,
    marks: Vec<[u8; 16]>,
}

impl<'t> Output<'t> {
    pub(super) fn new(kind: Rows, texts: Vec<&'t Arc<str>>) -> Self {
        Self {
            kind,
            texts,
            rows: 0,
            time_range: None,
            label_sets: Vec::new(),
            last: None,
            marks: Vec::new(),
        }
    }

    /// Notes rows, and answers them as they are stored: with their stream, in the schema's order.
    pub(super) fn add(
        &mut self,
        keys: &[Key],
        rows: &RecordBatch,
    ) -> Result<RecordBatch, ArrowError> {
        let times = keys.iter().map(|key| key.time);
        if let (Some(first), Some(last)) = (times.clone().min(), times.max()) {
            let (before, after) = self.time_range.unwrap_or((first, last));
            self.time_range = Some((first.min(before), last.max(after)));
        }
        let stored = match self.kind {
            kind @ (Rows::Logs | Rows::Exemplars) => {
                let streams = self.add_streams(keys, rows)?;
                stored(kind.table(), rows, Some(&streams))
            }
            Rows::Spans => {
                self.add_marks(keys);
                stored(Table::Spans, rows, None)
            }
        };
        self.rows += keys.len() as u32;
        stored
    }

    fn add_marks(&mut self, keys: &[Key]) {
        let stride = TRACE_STRIDE_ROWS;
        let first = (stride - self.rows % stride) % stride;
        let marked = keys.iter().skip(first as usize).step_by(stride as usize);
        self.marks.extend(marked.map(|key| key.group.to_be_bytes()));
    }

    /// Adds the rows to their streams' ranges; their column of streams.
    fn add_streams(&mut self, keys: &[Key], rows: &RecordBatch) -> Result<ArrayRef, ArrowError> {
        let bodies = match self.kind {
            Rows::Logs => Some(column(rows, "body")?.as_string::<i32>()),
            Rows::Spans | Rows::Exemplars => None,
        };
        let mut texts = Vec::new();
        let mut numbers = Vec::with_capacity(keys.len());
        let mut start = 0;
        for run in keys.chunk_by(|a, b| a.group == b.group) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let text = self.texts.get(first.group as usize).copied();
            let text =
                text.ok_or_else(|| ArrowError::ComputeError("a row has no stream".to_owned()))?;
            numbers.extend(std::iter::repeat_n(texts.len() as i32, run.len()));
            texts.push(&**text);
            let bytes = bodies.map_or(0, |bodies| bytes_of(bodies, start..start + run.len()));
            let more = LabelSetRange {
                text: text.clone(),
                rows: self.rows + start as u32..self.rows + (start + run.len()) as u32,
                time_range: (first.time, last.time),
                count: run.len() as u64,
                bytes,
            };
            self.push(first.group, more);
            start += run.len();
        }
        let texts = Arc::new(StringArray::from_iter_values(texts));
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(numbers), texts)?))
    }

    fn push(&mut self, group: u128, more: LabelSetRange) {
        let last = self.label_sets.last_mut().filter(|_| self.last == Some(group));
        match last {
            Some(set) => {
                set.rows.end = more.rows.end;
                set.time_range.1 = more.time_range.1;
                set.count += more.count;
                set.bytes += more.bytes;
            }
            None => self.label_sets.push(more),
        }
        self.last = Some(group);
    }

    pub(super) fn finish(self) -> Merged {
        let Self { kind, rows, time_range, label_sets, marks, .. } = self;
        let directory = match kind {
            Rows::Logs | Rows::Exemplars => Directory::label_sets(label_sets),
            Rows::Spans => Directory::traces(marks),
        };
        Merged {
            directory,
            time_range: time_range.unwrap_or_default(),
            rows,
            records: u64::from(rows),
        }
    }
}

fn bytes_of(bodies: &StringArray, rows: Range<usize>) -> u64 {
    let offsets = bodies.value_offsets();
    match (offsets.get(rows.start), offsets.get(rows.end)) {
        (Some(start), Some(end)) => (end - start) as u64,
        _ => 0,
    }
}

/// The columns as [`stored_schema`] has them. One that an older version did not write is null.
pub(super) fn stored(
    table: Table,
    rows: &RecordBatch,
    streams: Option<&ArrayRef>,
) -> Result<RecordBatch, ArrowError> {
    let schema = stored_schema(table);
    let columns =
        schema.fields().iter().map(|field| match (rows.column_by_name(field.name()), streams) {
            (None, Some(streams)) if ["stream", "series"].contains(&field.name().as_str()) => {
                Ok(streams.clone())
            }
            (Some(column), _) => Ok(column.clone()),
            (None, _) if field.is_nullable() => {
                Ok(new_null_array(field.data_type(), rows.num_rows()))
            }
            (None, _) => column(rows, field.name()).cloned(),
        });
    let columns = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema, columns)
}
