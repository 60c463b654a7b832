//! Which rows are read, in which pieces, and which of them pass the filters that need no labels.
//!
//! A segment holds each stream's rows as neighbours in the order of time, so its directory, the text
//! index and the column of times decide what else is read; wide columns are read only of rows that
//! pass the line filters, and most of them only of those that a reader keeps by a few of them.

mod ranges;
mod segment_rows;

use std::ops::Range;

use arrow::array::RecordBatch;
use hashbrown::HashMap;
use rayon::prelude::*;
use varve_columnar::answer::QueryStats;
use varve_types::{Lsn, PartitionId, Table};
use varve_view::{MemtableBatch, Segment, common_parts};

use self::{
    ranges::{StreamRange, cut},
    segment_rows::SegmentRows,
};
use super::{
    directory::{LogColumns, StreamDirectory, bodies, overlaps},
    pipeline::Pipeline,
    wanted::WantedMetadata,
};
use crate::{context::ExecContext, error::QueryError, fates::Fate, plan::TimeRange};

/// By a segment's number, rows of it: sorted, not overlapping.
pub(super) type Hits = HashMap<u64, Vec<Range<u32>>>;

/// What to read.
pub(super) struct Scan<'q> {
    /// When.
    pub(super) range: TimeRange,
    /// Its first line filters.
    pub(super) pipeline: &'q Pipeline,
    /// Texts of which lines must hold one, for each entry.
    pub(super) needles: Vec<Vec<&'q str>>,
    /// By segment the only rows that are read of it.
    pub(super) hits: Hits,
    /// What the rows that are kept have.
    pub(super) wanted: WantedMetadata,
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
pub(super) trait Reader: Sized {
    /// What it wants of a segment's rows that pass, once it is known which streams there are; empty if
    /// the times are enough.
    fn columns(
        &self,
        streams: &StreamDirectory<'_>,
        segment: &Segment,
    ) -> Result<Vec<&'static str>, QueryError>;

    /// Whether it says by few columns which rows it keeps ([`Self::keep`]), before it takes these.
    fn decides(&self) -> bool {
        false
    }

    /// The columns by which it decides, at least one.
    fn deciding_columns(&self, _: &Segment) -> Result<Vec<&'static str>, QueryError> {
        Ok(Vec::new())
    }

    /// Adds the places of those of the rows that it keeps; the batch holds the deciding columns.
    fn keep(
        &mut self,
        _: &Found<'_>,
        _: &StreamDirectory<'_>,
        _: &mut Vec<usize>,
    ) -> Result<(), QueryError> {
        Ok(())
    }

    /// Whether rows of these times (both included) can still matter.
    fn wants(&self, times: (i64, i64)) -> bool;

    /// Takes away those of the rows that cannot matter, before their wide columns are read.
    ///
    /// `are_kept`: it has said that it keeps them.
    fn narrow(&mut self, rows: &mut Vec<Row>, are_kept: bool);

    /// Takes rows.
    fn take(&mut self, found: &Found<'_>, streams: &StreamDirectory<'_>) -> Result<(), QueryError>;

    /// Whether it knows from before what counts of a segment's rows; then they are not read.
    fn recall(&mut self, _: &Segment, _: &StreamDirectory<'_>) -> Result<bool, QueryError> {
        Ok(false)
    }

    /// Rows of the segment follow, until [`Self::end`].
    fn begin(&mut self, _: &Segment, _: &StreamDirectory<'_>) {}

    /// All rows of a piece of a segment were given.
    fn end(&mut self) -> Result<(), QueryError> {
        Ok(())
    }

    /// In which order pieces are read: those with the smallest answer first.
    fn rank(&self, times: (i64, i64)) -> i64;
}

/// A reader that several threads can do the work of, each for some of the pieces.
pub(super) trait Fork: Reader + Send + Sync {
    /// One that has read nothing yet.
    fn fork(&self) -> Self;

    /// Takes over what another has read; its pieces come after those of this one.
    fn join(&mut self, later: Self) -> Result<(), QueryError>;
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

impl Scan<'_> {
    /// Reads all tenants' rows, one piece after the other.
    pub(super) fn run<'q>(
        &self,
        context: &'q ExecContext,
        streams: &mut StreamDirectory<'q>,
        reader: &mut impl Reader,
    ) -> Result<(), QueryError> {
        let mut pieces = self.pieces(context, streams, reader)?;
        pieces.sort_by_key(|piece| reader.rank(piece.times));
        pieces.iter().try_for_each(|piece| self.read(context, piece, streams, reader))
    }

    /// The same on several threads.
    pub(super) fn run_forked<'q, R: Fork>(
        &self,
        context: &'q ExecContext,
        streams: &mut StreamDirectory<'q>,
        reader: &mut R,
    ) -> Result<(), QueryError> {
        let mut pieces = self.pieces(context, streams, reader)?;
        pieces.sort_by_key(|piece| reader.rank(piece.times));
        if let [piece] = pieces.as_slice() {
            return self.read(context, piece, streams, reader);
        }
        let (first, streams) = (&*reader, &*streams);
        let read = pieces
            .par_iter()
            .try_fold(
                || first.fork(),
                |mut fork, piece| self.read(context, piece, streams, &mut fork).map(|()| fork),
            )
            .try_reduce_with(|mut earlier, later| earlier.join(later).map(|()| earlier));
        read.map_or(Ok(()), |read| reader.join(read?))
    }

    fn read(
        &self,
        context: &ExecContext,
        piece: &Piece<'_>,
        streams: &StreamDirectory<'_>,
        reader: &mut impl Reader,
    ) -> Result<(), QueryError> {
        context.budget.check()?;
        if !reader.wants(piece.times) {
            return Ok(());
        }
        match &piece.source {
            Source::Segment(segment, ranges) => {
                context.tell(segment, Fate::Read);
                let ranges = &context.parts_as_of(segment, ranges)?;
                if ranges.is_empty() {
                    return Ok(());
                }
                reader.begin(segment, streams);
                SegmentRows { scan: self, context, streams, segment, ranges }.read(reader)?;
                reader.end()
            }
            Source::Memtable(batch, numbers) => {
                self.read_memtable(context, batch, numbers, streams, reader)
            }
        }
    }

    fn pieces<'q>(
        &self,
        context: &'q ExecContext,
        streams: &mut StreamDirectory<'q>,
        reader: &mut impl Reader,
    ) -> Result<Vec<Piece<'q>>, QueryError> {
        let mut segments = Vec::new();
        let mut pieces = Vec::new();
        for (tenant, snapshot) in context.snapshots(Table::Logs) {
            streams.enter(tenant);
            let wanted = self.wanted.wanted.as_ref();
            let without =
                wanted.map(|wanted| snapshot.segments_without(wanted)).unwrap_or_default();
            for segment in context.segments_in_time(snapshot, |times| overlaps(times, self.range)) {
                context.budget.check()?;
                let mut ranges = self.ranges_of_streams(context, segment, streams)?;
                let matched = !ranges.is_empty();
                if without.binary_search(&segment.id()).is_ok() {
                    let streams = streams.streams();
                    ranges.retain(|((stream, _), _)| {
                        !self.wanted.is_told_of(&streams[*stream as usize])
                    });
                }
                if ranges.is_empty() {
                    let fate = if matched { Fate::OtherTraces } else { Fate::OtherLabels };
                    context.tell(segment, fate);
                } else if reader.recall(segment, streams)? {
                    context.tell(segment, Fate::Kept);
                } else {
                    segments.push((&**segment, ranges));
                }
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
        let narrowed: Vec<_> = segments
            .into_par_iter()
            .map(|(segment, ranges)| {
                context.budget.check()?;
                Ok((segment, self.narrowed_by_text(segment, ranges)?))
            })
            .collect::<Result<_, QueryError>>()?;
        for (segment, ranges) in narrowed {
            // Until one of its pieces is read.
            let fate = if ranges.is_empty() { Fate::OtherText } else { Fate::TooLate };
            context.tell(segment, fate);
            pieces.extend(
                cut(&ranges).into_iter().map(|(times, ranges)| Piece {
                    times,
                    source: Source::Segment(segment, ranges),
                }),
            );
        }
        Ok(pieces)
    }

    /// A segment's rows of the streams that match.
    fn ranges_of_streams(
        &self,
        context: &ExecContext,
        segment: &Segment,
        streams: &mut StreamDirectory<'_>,
    ) -> Result<Vec<StreamRange>, QueryError> {
        let mut ranges = Vec::new();
        for set in segment.label_sets().iter().filter(|set| overlaps(set.time_range, self.range)) {
            if let Some(stream) = streams.number_of(context, &set.text)? {
                ranges.push(((stream, set.time_range), set.rows.clone()));
            }
        }
        ranges.sort_by_key(|(_, rows)| rows.start);
        Ok(ranges)
    }

    /// Those of the rows that the text index does not exclude.
    fn narrowed_by_text(
        &self,
        segment: &Segment,
        mut ranges: Vec<StreamRange>,
    ) -> Result<Vec<StreamRange>, QueryError> {
        for texts in &self.needles {
            if let Some(hits) = rows_with_one_of(segment, texts)? {
                ranges = common_parts(&ranges, &hits);
            }
        }
        if let Some(hits) = self.hits.get(&segment.id()) {
            ranges = common_parts(&ranges, hits);
        }
        Ok(ranges)
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
        let appended = Some((source.partition, source.lsn));
        reader.narrow(&mut rows, false);
        if reader.decides() {
            let mut places = Vec::new();
            reader.keep(&Found { batch, rows: &rows, appended }, streams, &mut places)?;
            rows = places.into_iter().map(|place| rows[place]).collect();
            reader.narrow(&mut rows, true);
        }
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
