//! Reading the rows of a segment: times and lines first, then what decides, then the rest of what is
//! left.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array as _, ArrayRef, RecordBatch, UInt32Array},
    compute,
    datatypes::{Field, Schema},
    error::ArrowError,
};
use varve_columnar::answer::QueryStats;
use varve_view::Segment;

use super::{Found, Reader, Row, Scan, StreamDirectory, ranges::runs};
use crate::{
    context::ExecContext,
    error::QueryError,
    logs::directory::{bodies, times},
};

/// Rows of a segment, each range with its stream.
pub(super) struct SegmentRows<'s> {
    pub(super) scan: &'s Scan<'s>,
    pub(super) context: &'s ExecContext,
    pub(super) streams: &'s StreamDirectory<'s>,
    pub(super) segment: &'s Segment,
    pub(super) ranges: &'s [(u32, Range<u32>)],
}

/// Lines that were read for the filters, so that they need not be read again.
#[derive(Default)]
struct HeldLines {
    /// The rows in the segment, ascending.
    rows: Vec<u32>,
    parts: Vec<ArrayRef>,
}

impl SegmentRows<'_> {
    pub(super) fn read(&self, reader: &mut impl Reader) -> Result<(), QueryError> {
        let columns = reader.columns(self.streams, self.segment)?;
        if columns.is_empty() {
            return self.each_passed(|batch, rows, _| {
                reader.take(&Found { batch, rows, appended: None }, self.streams)
            });
        }
        let mut passed = Vec::new();
        let mut held = None;
        if self.scan.pipeline.filters_lines() && columns.contains(&"body") {
            held = Some(HeldLines::default());
        }
        self.each_passed(|batch, rows, places| {
            passed.extend_from_slice(rows);
            held.as_mut().map_or(Ok(()), |held| held.hold(batch, rows, places))
        })?;
        let held = held.map_or(Ok(None), HeldLines::joined)?;
        reader.narrow(&mut passed, false);
        if reader.decides() {
            let mut kept = Vec::new();
            let deciding = reader.deciding_columns(self.segment)?;
            self.each_batch(&deciding, &passed, held.as_ref(), |batch, segment_rows, rows| {
                let mut places = Vec::new();
                reader.keep(&Found { batch, rows, appended: None }, self.streams, &mut places)?;
                kept.extend(places.into_iter().map(|place| segment_rows[place]));
                Ok(())
            })?;
            passed = kept;
            reader.narrow(&mut passed, true);
        }
        self.each_batch(&columns, &passed, held.as_ref(), |batch, _, rows| {
            reader.take(&Found { batch, rows, appended: None }, self.streams)
        })
    }

    /// Calls `each` with batches of times (and lines, if they are filtered), the rows that pass (`at` is
    /// their row in the segment), and their places in the batch.
    fn each_passed(
        &self,
        mut each: impl FnMut(&RecordBatch, &[Row], &[u32]) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let pipeline = self.scan.pipeline;
        let filters = pipeline.filters_lines();
        let first: &[&str] =
            if filters { &["time_unix_nano", "body"] } else { &["time_unix_nano"] };
        let rows: Vec<_> = self.ranges.iter().map(|(_, rows)| rows.clone()).collect();
        let mut origins =
            self.ranges.iter().flat_map(|(stream, rows)| rows.clone().map(|row| (*stream, row)));
        let (mut passed, mut places) = (Vec::new(), Vec::new());
        for batch in self.segment.scan(first, &rows)? {
            self.context.budget.check()?;
            let batch = batch?;
            let lines = if filters { Some(bodies(&batch)?) } else { None };
            let mut bytes_read = 0;
            passed.clear();
            places.clear();
            for (place, (&time_ns, (stream, at))) in
                (0..).zip(times(&batch)?.values().iter().zip(origins.by_ref()))
            {
                if !self.scan.is_in_range(time_ns) {
                    continue;
                }
                if let Some(lines) = lines {
                    let line = lines.value(place as usize);
                    bytes_read += line.len() as u64;
                    if !pipeline.keeps_line(line) {
                        continue;
                    }
                }
                passed.push(Row { at, stream, time_ns });
                places.push(place);
            }
            let rows_read = batch.num_rows() as u64;
            self.context.count(&QueryStats { rows_read, bytes_read, ..QueryStats::default() });
            each(&batch, &passed, &places)?;
        }
        Ok(())
    }

    /// Calls `each` with batches of columns of the rows: the batch, the rows with `at` in the segment,
    /// and the same with `at` in the batch.
    fn each_batch(
        &self,
        columns: &[&'static str],
        passed: &[Row],
        held: Option<&(Vec<u32>, ArrayRef)>,
        mut each: impl FnMut(&RecordBatch, &[Row], &[Row]) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        if passed.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::new();
        let mut give = |batch: &RecordBatch, of_segment: &[Row]| {
            self.context.budget.check()?;
            rows.clear();
            rows.extend((0..).zip(of_segment).map(|(at, row)| Row { at, ..*row }));
            each(batch, of_segment, &rows)
        };
        let Some(held) = held.filter(|_| columns.contains(&"body")) else {
            let mut rest = passed;
            for batch in self.segment.scan(columns, &runs(passed))? {
                let batch = batch?;
                let (now, later) = rest.split_at(batch.num_rows().min(rest.len()));
                rest = later;
                if !self.scan.pipeline.filters_lines() && columns.contains(&"body") {
                    let bytes_read = bodies(&batch)?.bytes();
                    self.context.count(&QueryStats { bytes_read, ..QueryStats::default() });
                }
                give(&batch, now)?;
            }
            return Ok(());
        };
        let others: Vec<_> = columns.iter().copied().filter(|name| *name != "body").collect();
        if others.is_empty() {
            return give(&with_lines(None, held, passed)?, passed);
        }
        let mut rest = passed;
        for batch in self.segment.scan(&others, &runs(passed))? {
            let batch = batch?;
            let (now, later) = rest.split_at(batch.num_rows().min(rest.len()));
            rest = later;
            give(&with_lines(Some(&batch), held, now)?, now)?;
        }
        Ok(())
    }
}

impl HeldLines {
    /// Lines of rows that passed, given by their places in the batch. Their views keep the pages in
    /// memory until the piece is done.
    fn hold(
        &mut self,
        batch: &RecordBatch,
        rows: &[Row],
        places: &[u32],
    ) -> Result<(), QueryError> {
        let Some(lines) = batch.column_by_name("body").filter(|_| !rows.is_empty()) else {
            return Ok(());
        };
        let places = UInt32Array::from(places.to_vec());
        self.parts.push(compute::take(lines, &places, None).map_err(|error| failed(&error))?);
        self.rows.extend(rows.iter().map(|row| row.at));
        Ok(())
    }

    /// All rows and their lines; `None` if there is none.
    fn joined(self) -> Result<Option<(Vec<u32>, ArrayRef)>, QueryError> {
        let parts: Vec<_> = self.parts.iter().map(AsRef::as_ref).collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let lines = compute::concat(&parts).map_err(|error| failed(&error))?;
        Ok(Some((self.rows, lines)))
    }
}

/// The batch with the lines of these rows, all of which are held; with nothing else if there is none.
fn with_lines(
    batch: Option<&RecordBatch>,
    (held, lines): &(Vec<u32>, ArrayRef),
    rows: &[Row],
) -> Result<RecordBatch, QueryError> {
    let mut from = 0;
    let places = rows.iter().map(|row| {
        from += held[from..].partition_point(|&one| one < row.at);
        from as u32
    });
    let places = UInt32Array::from(places.collect::<Vec<_>>());
    let lines = compute::take(lines, &places, None).map_err(|error| failed(&error))?;
    let mut fields: Vec<_> =
        batch.map(|batch| batch.schema().fields().iter().cloned().collect()).unwrap_or_default();
    let mut columns: Vec<_> = batch.map(|batch| batch.columns().to_vec()).unwrap_or_default();
    fields.push(Arc::new(Field::new("body", lines.data_type().clone(), true)));
    columns.push(lines);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| failed(&error))
}

fn failed(error: &ArrowError) -> QueryError {
    QueryError::execution(format!("lines of a segment do not fit together: {error}"))
}
