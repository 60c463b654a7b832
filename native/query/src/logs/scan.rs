//! Which rows are read, in which pieces, and which of them pass the filters that need no labels.
//!
//! A segment holds each stream's rows as neighbours in the order of time, so its directory, the text
//! index and the column of times decide what else is read; wide columns are read only of rows that
//! pass the line filters.

use std::ops::Range;

use arrow::array::RecordBatch;
use varve_columnar::answer::QueryStats;
use varve_types::{Lsn, PartitionId, Table};
use varve_view::{MemtableBatch, Segment};

use super::{
    directory::{LogColumns, StreamDirectory, bodies, overlaps, times},
    pipeline::Pipeline,
};
use crate::{context::ExecContext, error::QueryError, plan::TimeRange};

/// How many rows of a segment are looked at together.
const PIECE_ROWS: u32 = 65_536;

/// What to read.
pub(super) struct Scan<'q> {
    /// When.
    pub(super) range: TimeRange,
    /// Its first line filters.
    pub(super) pipeline: &'q Pipeline,
    /// Texts of which lines must hold one, for each entry.
    pub(super) needles: Vec<&'q [String]>,
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
    texts: &[String],
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

/// Rows of a stream, with the stream's first and last time.
type StreamRange = (u32, Range<u32>, (i64, i64));

/// Rows by stream, with their first and last time.
type PieceRows = ((i64, i64), Vec<(u32, Range<u32>)>);

/// The parts of the ranges that are in `hits`; both are sorted and do not overlap.
fn intersect(ranges: &[StreamRange], hits: &[Range<u32>]) -> Vec<StreamRange> {
    let mut both = Vec::new();
    let mut first = 0;
    for (stream, rows, times) in ranges {
        first += hits[first..].partition_point(|hit| hit.end <= rows.start);
        for hit in hits[first..].iter().take_while(|hit| hit.start < rows.end) {
            both.push((*stream, hit.start.max(rows.start)..hit.end.min(rows.end), *times));
        }
    }
    both
}

/// Ranges in pieces of [`PIECE_ROWS`] at most, each with its first and last time.
fn cut(ranges: &[StreamRange]) -> Vec<PieceRows> {
    let mut pieces: Vec<PieceRows> = Vec::new();
    let mut room = 0;
    for (stream, rows, times) in ranges {
        let mut rows = rows.clone();
        while !rows.is_empty() {
            if room == 0 {
                pieces.push((*times, Vec::new()));
                room = PIECE_ROWS;
            }
            let end = rows.end.min(rows.start.saturating_add(room));
            room -= end - rows.start;
            if let Some((covered, piece)) = pieces.last_mut() {
                *covered = (covered.0.min(times.0), covered.1.max(times.1));
                piece.push((*stream, rows.start..end));
            }
            rows.start = end;
        }
    }
    pieces
}

/// Rows as ranges; they are sorted.
fn runs(rows: &[Row]) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some(run) if run.end == row.at => run.end += 1,
            _ => runs.push(row.at..row.at + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: (i64, i64) = (0, 9);

    #[test]
    fn ranges_keep_what_the_text_index_found() {
        let ranges = [(0, 0..10, TIMES), (1, 10..20, TIMES), (2, 30..40, TIMES)];
        assert_eq!(
            intersect(&ranges, &[2..4, 8..12, 25..28, 39..50]),
            [(0, 2..4, TIMES), (0, 8..10, TIMES), (1, 10..12, TIMES), (2, 39..40, TIMES)]
        );
    }

    #[test]
    fn pieces_hold_all_rows_and_know_their_times() {
        let ranges = [(0, 0..PIECE_ROWS - 1, (5, 9)), (1, PIECE_ROWS - 1..PIECE_ROWS + 3, (1, 6))];
        assert_eq!(
            cut(&ranges),
            [
                ((1, 9), vec![(0, 0..PIECE_ROWS - 1), (1, PIECE_ROWS - 1..PIECE_ROWS)]),
                ((1, 6), vec![(1, PIECE_ROWS..PIECE_ROWS + 3)]),
            ]
        );
    }

    #[test]
    fn neighbouring_rows_are_one_range() {
        let rows = [1, 2, 3, 7, 9, 10].map(|at| Row { at, stream: 0, time_ns: 0 });
        assert_eq!(runs(&rows), [1..4, 7..8, 9..11]);
    }
}
