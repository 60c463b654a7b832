//! Which rows are read, in which pieces, and which of them pass the filters that need no labels.
//!
//! A segment holds each stream's rows as neighbours in the order of time, so its directory, the text
//! index and the column of times decide what else is read; wide columns are read only of rows that
//! pass the line filters.

mod ranges;

use std::ops::Range;

use arrow::array::RecordBatch;
use varve_columnar::answer::QueryStats;
use varve_types::{Lsn, PartitionId, Table};
use varve_view::{MemtableBatch, Segment};

use self::ranges::{cut, intersect, runs};
use super::{
    directory::{LogColumns, StreamDirectory, bodies, overlaps, times},
    pipeline::Pipeline,
};
use crate::{context::ExecContext, error::QueryError, plan::TimeRange};

/// What to read.
pub(super) struct Scan<'q> {
    /// When.
    pub(super) range: TimeRange,
    /// Its first line filters.
    pub(super) pipeline: &'q Pipeline,
    /// Texts of which lines must hold one, for each entry.
    pub(super) needles: Vec<Vec<&'q str>>,
}

/// A row that passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Its row in the batch.
    pub(super) at: u32,
    /// Its stream's number.
    pub(super) stream: u32,
    /// Nanoseconds since the epoch.
    pub(super) time_ns: i64,
}

/// Rows of one batch that passed.
pub(super) struct Found<'b> {
    /// Holds the scan's columns.
    pub(super) batch: &'b RecordBatch,
    /// In the batch's order.
    pub(super) rows: &'b [Row],
    /// Where all rows were appended; of a segment's rows the batch's columns say it.
    pub(super) appended: Option<(PartitionId, Lsn)>,
}

/// Who the rows are for.
pub(super) trait Reader {
    /// What it wants of rows that pass, once it is known which streams there are; empty if the times
    /// are enough.
    fn columns(&self, streams: &StreamDirectory<'_>) -> Vec<&'static str>;

    /// Whether rows of these times (both included) can still matter.
    fn wants(&self, times: (i64, i64)) -> bool;

    /// Takes away those of the rows that cannot matter, before their wide columns are read.
    fn narrow(&mut self, rows: &mut Vec<Row>);

    /// Takes rows.
    fn take(&mut self, found: &Found<'_>, streams: &StreamDirectory<'_>) -> Result<(), QueryError>;

    /// In which order pieces are read: those with the smallest answer first.
    fn rank(&self, times: (i64, i64)) -> i64;
}

/// Rows of a segment or memtable to be looked at together.
struct Piece<'s> {
    times: (i64, i64),
    source: Source<'s>,
}

enum Source<'s> {
    /// Each range with its stream.
    Segment(&'s Segment, Vec<(u32, Range<u32>)>),
    Memtable(&'s MemtableBatch, Vec<Option<u32>>),
}

/// Rows of a segment, each range with its stream, and what is read of those that pass.
struct SegmentRows<'s> {
    segment: &'s Segment,
    ranges: &'s [(u32, Range<u32>)],
    columns: &'s [&'static str],
}

impl Scan<'_> {
    /// Reads all tenants' rows.
    pub(super) fn run<'q>(
        &self,
        context: &'q ExecContext,
        streams: &mut StreamDirectory<'q>,
        reader: &mut impl Reader,
    ) -> Result<(), QueryError> {
        let mut pieces = self.pieces(context, streams)?;
        pieces.sort_by_key(|piece| reader.rank(piece.times));
        let columns = reader.columns(streams);
        for piece in &pieces {
            context.budget.check()?;
            if !reader.wants(piece.times) {
                continue;
            }
            match &piece.source {
                Source::Segment(segment, ranges) => {
                    let rows = SegmentRows { segment, ranges, columns: &columns };
                    self.read_segment(context, &rows, streams, reader)?;
                }
                Source::Memtable(batch, numbers) => {
                    self.read_memtable(context, batch, numbers, streams, reader)?;
                }
            }
        }
        Ok(())
    }

    fn pieces<'q>(
        &self,
        context: &'q ExecContext,
        streams: &mut StreamDirectory<'q>,
    ) -> Result<Vec<Piece<'q>>, QueryError> {
        let mut pieces = Vec::new();
        for (tenant, snapshot) in context.snapshots(Table::Logs) {
            streams.enter(tenant);
            for segment in
                snapshot.segments.iter().filter(|one| overlaps(one.time_range(), self.range))
            {
                context.budget.check()?;
                self.segment_pieces(context, segment, streams, &mut pieces)?;
            }
            for batch in snapshot.memtable.iter().filter(|one| overlaps(one.time_range, self.range))
            {
                let columns = LogColumns::of(&batch.batch)?;
                let numbers = streams.numbers_of(context, &columns)?;
                if numbers.iter().any(Option::is_some) {
                    let source = Source::Memtable(batch, numbers);
                    pieces.push(Piece { times: batch.time_range, source });
                }
            }
        }
        Ok(pieces)
    }

    fn segment_pieces<'q>(
        &self,
        context: &ExecContext,
        segment: &'q Segment,
        streams: &mut StreamDirectory<'_>,
        pieces: &mut Vec<Piece<'q>>,
    ) -> Result<(), QueryError> {
        let mut ranges = Vec::new();
        for set in segment.label_sets().iter().filter(|set| overlaps(set.time_range, self.range)) {
            if let Some(stream) = streams.number_of(context, &set.text)? {
                ranges.push((stream, set.rows.clone(), set.time_range));
            }
        }
        if ranges.is_empty() {
            return Ok(());
        }
        ranges.sort_by_key(|(_, rows, _)| rows.start);
        for texts in &self.needles {
            if let Some(hits) = rows_with_one_of(segment, texts)? {
                ranges = intersect(&ranges, &hits);
            }
        }
        if !ranges.is_empty() {
            context.count(&QueryStats { segments_read: 1, ..QueryStats::default() });
        }
        pieces.extend(
            cut(&ranges)
                .into_iter()
                .map(|(times, ranges)| Piece { times, source: Source::Segment(segment, ranges) }),
        );
        Ok(())
    }

    fn read_segment(
        &self,
        context: &ExecContext,
        piece @ SegmentRows { segment, ranges, columns }: &SegmentRows<'_>,
        streams: &StreamDirectory<'_>,
        reader: &mut impl Reader,
    ) -> Result<(), QueryError> {
        let filters = self.pipeline.filters_lines();
        let first: &[&str] =
            if filters { &["time_unix_nano", "body"] } else { &["time_unix_nano"] };
        let rows: Vec<_> = ranges.iter().map(|(_, rows)| rows.clone()).collect();
        let mut origins =
            ranges.iter().flat_map(|(stream, rows)| rows.clone().map(|row| (*stream, row)));
        // Here `at` is the row in the segment.
        let mut passed: Vec<Row> = Vec::new();
        let mut batches = Vec::new();
        for batch in segment.read(first, Some(&rows))? {
            context.budget.check()?;
            let lines = if filters { Some(bodies(&batch)?) } else { None };
            let mut bytes_read = 0;
            let before = passed.len();
            for (row, (&time_ns, (stream, at))) in
                times(&batch)?.values().iter().zip(origins.by_ref()).enumerate()
            {
                if !self.is_in_range(time_ns) {
                    continue;
                }
                if let Some(lines) = lines {
                    let line = lines.value(row);
                    bytes_read += line.len() as u64;
                    if !self.pipeline.keeps_line(line) {
                        continue;
                    }
                }
                passed.push(Row { at, stream, time_ns });
            }
            let rows_read = batch.num_rows() as u64;
            context.count(&QueryStats { rows_read, bytes_read, ..QueryStats::default() });
            if columns.is_empty() {
                batches.push((batch, before..passed.len()));
            }
        }
        if columns.is_empty() {
            for (batch, rows) in &batches {
                let rows = &passed[rows.clone()];
                reader.take(&Found { batch, rows, appended: None }, streams)?;
            }
            return Ok(());
        }
        reader.narrow(&mut passed);
        self.read_columns(context, piece, &passed, streams, reader)
    }

    /// The wide columns of a segment's rows that passed.
    fn read_columns(
        &self,
        context: &ExecContext,
        SegmentRows { segment, columns, .. }: &SegmentRows<'_>,
        passed: &[Row],
        streams: &StreamDirectory<'_>,
        reader: &mut impl Reader,
    ) -> Result<(), QueryError> {
        if passed.is_empty() {
            return Ok(());
        }
        let mut rest = passed.iter();
        let mut rows = Vec::new();
        for batch in segment.read(columns, Some(&runs(passed)))? {
            context.budget.check()?;
            rows.clear();
            let taken = rest.by_ref().take(batch.num_rows()).enumerate();
            rows.extend(taken.map(|(at, row)| Row { at: at as u32, ..*row }));
            if !self.pipeline.filters_lines() && columns.contains(&"body") {
                let bytes_read = bodies(&batch)?.value_data().len() as u64;
                context.count(&QueryStats { bytes_read, ..QueryStats::default() });
            }
            reader.take(&Found { batch: &batch, rows: &rows, appended: None }, streams)?;
        }
        Ok(())
    }

    fn read_memtable(
        &self,
        context: &ExecContext,
        source: &MemtableBatch,
        numbers: &[Option<u32>],
        streams: &StreamDirectory<'_>,
        reader: &mut impl Reader,
    ) -> Result<(), QueryError> {
        let batch = &source.batch;
        let columns = LogColumns::of(batch)?;
        let lines = bodies(batch)?;
        let mut bytes_read = 0;
        let mut rows = Vec::new();
        for (at, (&key, &time_ns)) in columns.keys.iter().zip(columns.times).enumerate() {
            let Some(stream) = numbers[key as usize].filter(|_| self.is_in_range(time_ns)) else {
                continue;
            };
            let line = lines.value(at);
            bytes_read += line.len() as u64;
            if self.pipeline.keeps_line(line) {
                rows.push(Row { at: at as u32, stream, time_ns });
            }
        }
        let rows_read = batch.num_rows() as u64;
        context.count(&QueryStats {
            rows_read,
            memtable_rows_read: rows_read,
            bytes_read,
            ..QueryStats::default()
        });
        reader.narrow(&mut rows);
        rows.sort_unstable_by_key(|row| row.at);
        let appended = Some((source.partition, source.lsn));
        reader.take(&Found { batch, rows: &rows, appended }, streams)
    }

    fn is_in_range(&self, time_ns: i64) -> bool {
        self.range.from.0 <= time_ns && time_ns < self.range.to.0
    }
}

/// Rows of a segment whose line may hold one of the texts; `None` if the index cannot tell.
fn rows_with_one_of(
    segment: &Segment,
    texts: &[&str],
) -> Result<Option<Vec<Range<u32>>>, QueryError> {
    let mut hits = Vec::new();
    for text in texts {
        let Some(rows) = segment.rows_with_text(text)? else { return Ok(None) };
        hits.extend(rows);
    }
    hits.sort_unstable_by_key(|rows| rows.start);
    hits.dedup_by(|next, last| {
        let joins = next.start <= last.end;
        if joins {
            last.end = last.end.max(next.end);
        }
        joins
    });
    Ok(Some(hits))
}
