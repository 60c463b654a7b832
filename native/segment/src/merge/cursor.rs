//! Rows of several segments in one order, from a cursor over each.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range};

use arrow::{
    array::{AsArray, RecordBatch},
    compute::interleave_record_batch,
    datatypes::{Int64Type, UInt32Type, UInt64Type},
    error::ArrowError,
};

use super::{
    MergeInput, Merged, cut_by_time,
    order::{Key, Rows},
    output::Output,
    ranked,
};
use crate::{
    SegmentError,
    clustered::column,
    columns::{EPOCH, OFFSET, PARTITION, ROW, stored_schema},
    parquet_file::RowStream,
};

/// Rows that are read of an input at once: a page.
pub(super) const BATCH_ROWS: usize = 2_048;
/// Rows of one batch of the output.
const OUTPUT_ROWS: usize = 8_192;

/// One input, read from the front.
struct Cursor {
    rows: Rows,
    stream: RowStream,
    /// For logs: the stream's rank of the rows that are left, and how many they are.
    groups: std::vec::IntoIter<(u128, Range<u32>)>,
    group: (u128, u32),
    /// Of the batch that is at hand.
    keys: Vec<Key>,
    /// Its first row that is not merged.
    next: usize,
    /// Its place among the batches that are held.
    held: usize,
}

impl Cursor {
    /// Reads on; `None` at the end.
    fn read(&mut self) -> Result<Option<RecordBatch>, SegmentError> {
        let Some(batch) = self.stream.next().transpose()? else { return Ok(None) };
        self.keys = self.keys_of(&batch)?;
        self.next = 0;
        Ok(Some(batch))
    }

    fn keys_of(&mut self, batch: &RecordBatch) -> Result<Vec<Key>, ArrowError> {
        let times = column(batch, self.rows.time_column())?.as_primitive::<Int64Type>().values();
        let number = |name| Ok::<_, ArrowError>(column(batch, name)?.as_primitive::<UInt32Type>());
        let (partitions, epochs, rows) = (number(PARTITION)?, number(EPOCH)?, number(ROW)?);
        let offsets = column(batch, OFFSET)?.as_primitive::<UInt64Type>();
        let traces = match self.rows {
            Rows::Spans => Some(column(batch, "trace_id")?.as_fixed_size_binary()),
            Rows::Logs | Rows::Exemplars => None,
        };
        let keys = times.iter().enumerate().map(|(at, &time)| Key {
            group: match traces {
                Some(ids) => trace_number(ids.value(at)),
                None => self.next_group(),
            },
            time,
            partition: partitions.value(at),
            epoch: epochs.value(at),
            offset: offsets.value(at),
            row: rows.value(at),
        });
        Ok(keys.collect())
    }

    fn next_group(&mut self) -> u128 {
        while self.group.1 == 0 {
            let Some((group, rows)) = self.groups.next() else { break };
            self.group = (group, rows.len() as u32);
        }
        self.group.1 = self.group.1.saturating_sub(1);
        self.group.0
    }

    fn key(&self) -> Option<Key> {
        self.keys.get(self.next).copied()
    }
}

/// A number that compares as the id's bytes do.
fn trace_number(id: &[u8]) -> u128 {
    <[u8; 16]>::try_from(id).map(u128::from_be_bytes).unwrap_or_default()
}

/// See [`super::merge`].
pub(super) fn merge<E: From<SegmentError>>(
    rows: Rows,
    inputs: &[MergeInput<'_>],
    times: (i64, i64),
    out: &mut dyn FnMut(&RecordBatch) -> Result<(), E>,
) -> Result<Merged, E> {
    let schema = stored_schema(rows.table());
    // Which stream a row has is known from the directory.
    let columns: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| Some(*name) != rows.label_column())
        .collect();
    let ranked = ranked(inputs);
    let mut merging = Merging {
        cursors: Vec::new(),
        held: Vec::new(),
        places: Vec::with_capacity(OUTPUT_ROWS),
        keys: Vec::with_capacity(OUTPUT_ROWS),
        output: Output::new(rows, ranked.texts),
    };
    for (input, sets) in inputs.iter().zip(&ranked.sets) {
        let ranges: Vec<(u128, Range<u32>)> = match (rows, input.rows) {
            (Rows::Logs | Rows::Exemplars, _) => {
                sets.iter().map(|(rank, set)| (u128::from(*rank), set.rows.clone())).collect()
            }
            (Rows::Spans, Some(rows)) => rows.iter().map(|rows| (0, rows.clone())).collect(),
            (Rows::Spans, None) => vec![(0, 0..input.parquet.rows())],
        };
        let groups = cut_by_time(input, rows.time_column(), ranges, times)?;
        let taken: Vec<Range<u32>> = groups.iter().map(|(_, rows)| rows.clone()).collect();
        merging.cursors.push(Cursor {
            rows,
            stream: input.parquet.stream(&columns, Some(&taken), BATCH_ROWS)?,
            groups: groups.into_iter(),
            group: (0, 0),
            keys: Vec::new(),
            next: 0,
            held: 0,
        });
    }
    merging.run(out)
}

struct Merging<'t> {
    cursors: Vec<Cursor>,
    /// The batches that `places` and cursors are in.
    held: Vec<RecordBatch>,
    /// The output's next rows: batch and row in it.
    places: Vec<(usize, usize)>,
    keys: Vec<Key>,
    output: Output<'t>,
}

impl Merging<'_> {
    fn run<E: From<SegmentError>>(
        mut self,
        out: &mut dyn FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<Merged, E> {
        let mut heap = BinaryHeap::new();
        for at in 0..self.cursors.len() {
            heap.extend(self.read(at)?.map(|key| Reverse((key, at))));
        }
        while let Some(Reverse((_, at))) = heap.pop() {
            // From here on the cursor's rows come next up to the first row of another.
            let until = heap.peek().map(|Reverse(other)| *other);
            let next = loop {
                let Some(cursor) = self.cursors.get_mut(at) else { break None };
                let Some(key) = cursor.key() else {
                    match self.read(at)? {
                        Some(_) => continue,
                        None => break None,
                    }
                };
                if until.is_some_and(|until| (key, at) > until) {
                    break Some(key);
                }
                self.places.push((cursor.held, cursor.next));
                self.keys.push(key);
                cursor.next += 1;
                if self.places.len() == OUTPUT_ROWS {
                    self.flush(out)?;
                }
            };
            heap.extend(next.map(|key| Reverse((key, at))));
        }
        self.flush(out)?;
        Ok(self.output.finish())
    }

    /// Reads the cursor's next batch; its first row's key, or `None` at the end.
    fn read(&mut self, at: usize) -> Result<Option<Key>, SegmentError> {
        let Some(cursor) = self.cursors.get_mut(at) else { return Ok(None) };
        let Some(batch) = cursor.read()? else { return Ok(None) };
        cursor.held = self.held.len();
        self.held.push(batch);
        Ok(cursor.key())
    }

    fn flush<E: From<SegmentError>>(
        &mut self,
        out: &mut dyn FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.places.is_empty() {
            return Ok(());
        }
        let held: Vec<&RecordBatch> = self.held.iter().collect();
        let rows = interleave_record_batch(&held, &self.places).map_err(SegmentError::from)?;
        out(&self.output.add(&self.keys, &rows).map_err(SegmentError::from)?)?;
        self.places.clear();
        self.keys.clear();
        let mut held = Vec::new();
        for cursor in self.cursors.iter_mut().filter(|cursor| cursor.key().is_some()) {
            held.extend(self.held.get(cursor.held).cloned());
            cursor.held = held.len() - 1;
        }
        self.held = held;
        Ok(())
    }
}
