//! The first lines in one direction, over all streams.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap, sync::Arc};

use arrow::{
    array::{AsArray as _, RecordBatch},
    datatypes::{ArrowPrimitiveType, UInt32Type, UInt64Type},
};
use hashbrown::HashMap;
use varve_columnar::{
    answer::{DroppedLine, LogEntry, QueryStats, StreamRows},
    labels::LabelSet,
    structured_metadata::LogMetadata,
};
use varve_types::Lsn;

use super::{
    METADATA_COLUMNS,
    directory::{StreamDirectory, bodies, no_column},
    pipeline::Pipeline,
    row_labels::{LabelSets, RowLabels},
    scan::{Found, Reader, Row},
};
use crate::{context::ExecContext, error::QueryError, plan::Direction};

/// A row's place in time and in the log: rows of one time keep the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time_ns: i64,
    partition: u32,
    epoch: u32,
    offset: u64,
    row: u32,
    stream: u32,
}

impl Place {
    fn is_before(&self, ends: &Ends) -> bool {
        let lsn = Lsn::new(self.epoch, self.offset);
        ends.get(&self.partition).is_some_and(|&end| lsn < end)
    }
}

/// A line that may be in the answer.
struct Line {
    place: Place,
    text: Arc<str>,
    /// Its labels, as a number.
    labels: u32,
}

/// Collects the lines that come first.
pub(super) struct Listing<'q> {
    context: &'q ExecContext,
    pipeline: &'q Pipeline,
    direction: Direction,
    /// The most lines.
    most: usize,
    lines: Vec<Line>,
    /// The time of the last line that still counts, once there are enough.
    last_ns: Option<i64>,
    /// Label sets by number.
    sets: Vec<LabelSets>,
    numbers: HashMap<LabelSets, u32>,
    labels: RowLabels,
    /// Rows before these places of their partitions are left out.
    from: Ends,
    /// Names of the labels that decide whether a row stays, where that is known of a few: rows are
    /// looked at with these alone first, and most need no more.
    deciding: Option<Arc<[String]>>,
}

/// By number of a partition, a place in it.
pub(super) type Ends = BTreeMap<u32, Lsn>;

/// The most lines that are told as dropped at once.
const DROPPED_MAX: usize = 1_000;

/// What a line takes besides its text.
const LINE_BYTES: u64 = size_of::<Line>() as u64 + 16;

impl<'q> Listing<'q> {
    pub(super) fn new(
        context: &'q ExecContext,
        pipeline: &'q Pipeline,
        direction: Direction,
        most: usize,
    ) -> Self {
        let deciding = pipeline.deciding_names().filter(|_| pipeline.drops_rows());
        Self {
            context,
            pipeline,
            direction,
            most,
            lines: Vec::new(),
            last_ns: None,
            sets: Vec::new(),
            numbers: HashMap::new(),
            labels: RowLabels::default(),
            from: Ends::new(),
            deciding: deciding.map(|names| names.into_iter().map(str::to_owned).collect()),
        }
    }

    /// Leaves out rows that are in the log before these places.
    pub(super) fn start_at(&mut self, from: Ends) {
        self.from = from;
    }

    /// Runs the pipeline over a row: its line then, if it stays.
    fn run<'l>(
        &mut self,
        metadata: Option<&LogMetadata>,
        row: &Row,
        stream: &Arc<LabelSet>,
        line: &'l str,
    ) -> Option<Cow<'l, str>> {
        let mut line = Cow::Borrowed(line);
        let labels = &mut self.labels;
        labels.start(stream);
        if let Some(metadata) = metadata {
            metadata.visit(row.at as usize, &mut |name, value| labels.add_metadata(name, value));
        }
        self.pipeline.run(row.time_ns, &mut line, labels).then_some(line)
    }

    /// The lines in the answer's order, grouped by their labels; groups come in the order of their
    /// first lines.
    ///
    /// `interval_ns`: between the lines that are shown, whichever stream they are of; 0 for all. As in
    /// Loki the lines that are left out count for the limit.
    pub(super) fn finish(mut self, interval_ns: i64) -> Vec<StreamRows> {
        let direction = self.direction;
        self.lines.sort_unstable_by(|a, b| in_direction(direction, &a.place, &b.place));
        self.lines.truncate(self.most);
        thin_out(&mut self.lines, interval_ns);
        self.grouped()
    }

    /// The newest `most` lines, oldest first, and of those that are left out the newest
    /// [`DROPPED_MAX`].
    pub(super) fn finish_newest(mut self, most: usize) -> (Vec<StreamRows>, Vec<DroppedLine>) {
        self.lines.sort_unstable_by_key(|line| line.place);
        let past = self.lines.len().saturating_sub(most);
        let dropped = self.lines.drain(..past).skip(past.saturating_sub(DROPPED_MAX));
        let dropped = dropped.map(|Line { place, labels, .. }| {
            let LabelSets { index, metadata, parsed } = &self.sets[labels as usize];
            let mut labels = LabelSet::clone(index);
            metadata.iter().chain(parsed.iter()).for_each(|(name, value)| labels.set(name, value));
            DroppedLine { time_ns: place.time_ns, labels }
        });
        let dropped = dropped.collect();
        (self.grouped(), dropped)
    }

    fn grouped(self) -> Vec<StreamRows> {
        let mut groups: Vec<StreamRows> = Vec::new();
        let mut group_of: Vec<Option<usize>> = vec![None; self.sets.len()];
        for (at, Line { place, text, labels }) in (0..).zip(self.lines) {
            let group = *group_of[labels as usize].get_or_insert_with(|| {
                let LabelSets { index, metadata, parsed } = self.sets[labels as usize].clone();
                let index = Arc::unwrap_or_clone(index);
                groups.push(StreamRows { index, metadata, parsed, entries: Vec::new() });
                groups.len() - 1
            });
            groups[group].entries.push(LogEntry { at, time_ns: place.time_ns, line: text });
        }
        groups
    }

    fn is_past(&self, time_ns: i64) -> bool {
        self.last_ns.is_some_and(|last_ns| match self.direction {
            Direction::Forward => time_ns > last_ns,
            Direction::Backward => time_ns < last_ns,
        })
    }

    fn push(&mut self, place: Place, line: &str) -> Result<(), QueryError> {
        let sets = self.labels.sets();
        let labels = if let Some(&number) = self.numbers.get(&sets) {
            number
        } else {
            self.context.budget.charge(bytes_of(&sets))?;
            self.sets.push(sets.clone());
            let number = self.numbers.len() as u32;
            self.numbers.insert(sets, number);
            number
        };
        self.context.budget.charge(line.len() as u64 + LINE_BYTES)?;
        self.lines.push(Line { place, text: line.into(), labels });
        // Sorting out the rest only when there are twice as many costs each line a constant.
        if self.lines.len() >= self.most.saturating_mul(2).max(1_024) {
            self.cut();
        }
        Ok(())
    }

    /// Lets go of lines that are past the first `most`.
    fn cut(&mut self) {
        if self.lines.len() <= self.most || self.most == 0 {
            return;
        }
        let direction = self.direction;
        let by_place = |a: &Line, b: &Line| in_direction(direction, &a.place, &b.place);
        let (_, last, _) = self.lines.select_nth_unstable_by(self.most - 1, by_place);
        self.last_ns = Some(last.place.time_ns);
        let gone = self.lines.drain(self.most..);
        let bytes = gone.map(|line| line.text.len() as u64 + LINE_BYTES).sum();
        self.context.budget.release(bytes);
    }
}

impl Reader for Listing<'_> {
    fn columns(&self, _: &StreamDirectory<'_>) -> Vec<&'static str> {
        let mut columns = vec!["time_unix_nano", "body", "_partition", "_epoch", "_offset", "_row"];
        columns.extend(METADATA_COLUMNS);
        columns
    }

    fn wants(&self, times: (i64, i64)) -> bool {
        !self.is_past(match self.direction {
            Direction::Forward => times.0,
            Direction::Backward => times.1,
        })
    }

    fn narrow(&mut self, rows: &mut Vec<Row>) {
        rows.retain(|row| !self.is_past(row.time_ns));
        if self.pipeline.drops_rows() || rows.len() <= self.most || self.most == 0 {
            return;
        }
        // Every row that is left is a line of the answer, so only the first ones are of use.
        let mut times: Vec<i64> = rows.iter().map(|row| row.time_ns).collect();
        match self.direction {
            Direction::Forward => {
                let (_, &mut last_ns, _) = times.select_nth_unstable(self.most - 1);
                rows.retain(|row| row.time_ns <= last_ns);
            }
            Direction::Backward => {
                let at = times.len() - self.most;
                let (_, &mut last_ns, _) = times.select_nth_unstable(at);
                rows.retain(|row| row.time_ns >= last_ns);
            }
        }
    }

    fn take(&mut self, found: &Found<'_>, streams: &StreamDirectory<'_>) -> Result<(), QueryError> {
        let metadata = LogMetadata::new(found.batch);
        let lines = bodies(found.batch)?;
        let positions = Positions::of(found)?;
        let mut matched = 0;
        self.labels.want_only(self.deciding.clone());
        let matters = metadata.may_hold(|name| self.labels.wants(name));
        for row in found.rows {
            let place = positions.place(*row);
            if place.is_before(&self.from) {
                continue;
            }
            let line = lines.value(row.at as usize);
            let stream = &streams.streams()[row.stream as usize];
            if let Some(deciding) = self.deciding.clone() {
                self.labels.want_only(Some(deciding));
                if self.run(matters.then_some(&metadata), row, stream, line).is_none() {
                    continue;
                }
                self.labels.want_only(None);
            }
            if let Some(line) = self.run(Some(&metadata), row, stream, line) {
                matched += 1;
                self.push(place, &line)?;
            }
        }
        self.context.count(&QueryStats { rows_matched: matched, ..QueryStats::default() });
        self.cut();
        Ok(())
    }

    fn rank(&self, times: (i64, i64)) -> i64 {
        match self.direction {
            Direction::Forward => times.0,
            Direction::Backward => times.1.saturating_neg(),
        }
    }
}

/// Where the rows of a batch are in the log.
enum Positions<'b> {
    Memtable { partition: u32, epoch: u32, offset: u64 },
    Segment { partitions: &'b [u32], epochs: &'b [u32], offsets: &'b [u64], rows: &'b [u32] },
}

impl<'b> Positions<'b> {
    fn of(found: &Found<'b>) -> Result<Self, QueryError> {
        if let Some((partition, lsn)) = found.appended {
            let (epoch, offset) = (lsn.epoch.0, lsn.offset.0);
            return Ok(Self::Memtable { partition: partition.number, epoch, offset });
        }
        Ok(Self::Segment {
            partitions: numbers::<UInt32Type>(found.batch, "_partition")?,
            epochs: numbers::<UInt32Type>(found.batch, "_epoch")?,
            offsets: numbers::<UInt64Type>(found.batch, "_offset")?,
            rows: numbers::<UInt32Type>(found.batch, "_row")?,
        })
    }

    fn place(&self, Row { at, stream, time_ns }: Row) -> Place {
        let row = at as usize;
        match *self {
            Self::Memtable { partition, epoch, offset } => {
                Place { time_ns, partition, epoch, offset, row: at, stream }
            }
            Self::Segment { partitions, epochs, offsets, rows } => Place {
                time_ns,
                partition: partitions[row],
                epoch: epochs[row],
                offset: offsets[row],
                row: rows[row],
                stream,
            },
        }
    }
}

fn numbers<'b, T: ArrowPrimitiveType>(
    batch: &'b RecordBatch,
    name: &str,
) -> Result<&'b [T::Native], QueryError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<T>());
    column.map(|column| column.values().as_ref()).ok_or_else(|| no_column(batch, name))
}

fn in_direction(direction: Direction, a: &Place, b: &Place) -> Ordering {
    match direction {
        Direction::Forward => a.cmp(b),
        Direction::Backward => b.cmp(a),
    }
}

/// Leaves out lines that are nearer than the interval to the last one that is kept.
fn thin_out(lines: &mut Vec<Line>, interval_ns: i64) {
    if interval_ns <= 0 {
        return;
    }
    let mut last_ns: Option<i64> = None;
    lines.retain(|line| {
        let is_far = last_ns
            .is_none_or(|last| line.place.time_ns.abs_diff(last) >= interval_ns.unsigned_abs());
        if is_far {
            last_ns = Some(line.place.time_ns);
        }
        is_far
    });
}

fn bytes_of(sets: &LabelSets) -> u64 {
    let bytes = |set: &LabelSet| {
        set.iter().map(|(name, value)| name.len() + value.len() + 64).sum::<usize>()
    };
    (bytes(&sets.metadata) + bytes(&sets.parsed) + size_of::<LabelSets>()) as u64 * 2
}
