//! The first lines in one direction, over all streams.

mod place;

use std::{borrow::Cow, cmp::Ordering, sync::Arc};

use hashbrown::HashMap;
use varve_columnar::{
    answer::{DroppedLine, LogEntry, QueryStats, StreamRows},
    labels::LabelSet,
    structured_metadata::LogMetadata,
};
use varve_view::Segment;

use self::place::{Place, Positions};
use super::{
    METADATA_COLUMNS,
    directory::{StreamDirectory, bodies},
    metadata_columns,
    pipeline::Pipeline,
    row_labels::{LabelSets, RowLabels, WantedNames},
    scan::{Found, Reader, Row},
};
use crate::{context::ExecContext, error::QueryError, plan::Direction};

pub(super) use self::place::Ends;

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
    deciding: Option<Arc<WantedNames>>,
}

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
            deciding: deciding.map(|names| Arc::new(WantedNames::of(names))),
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

    /// Lets go of lines that are past the first `most`. With as many, it is known what is past them.
    fn cut(&mut self) {
        if self.lines.len() < self.most || self.most == 0 {
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
    fn columns(
        &self,
        _: &StreamDirectory<'_>,
        _: &Segment,
    ) -> Result<Vec<&'static str>, QueryError> {
        let mut columns = vec!["body", "_partition", "_epoch", "_offset", "_row"];
        columns.extend(METADATA_COLUMNS);
        Ok(columns)
    }

    fn decides(&self) -> bool {
        // Where rows are left out by their place in the log, all of it is asked for.
        self.deciding.is_some() && self.from.is_empty()
    }

    fn deciding_columns(&self, segment: &Segment) -> Result<Vec<&'static str>, QueryError> {
        let deciding = self.deciding.as_ref();
        let mut columns =
            deciding.map_or(Ok(Vec::new()), |names| metadata_columns(segment, names))?;
        if self.pipeline.reads_lines() {
            columns.push("body");
        }
        // Without a column there would be no batches.
        if columns.is_empty() {
            columns.push("_row");
        }
        Ok(columns)
    }

    fn keep(
        &mut self,
        found: &Found<'_>,
        streams: &StreamDirectory<'_>,
        kept: &mut Vec<usize>,
    ) -> Result<(), QueryError> {
        let metadata = LogMetadata::new(found.batch);
        let reads_lines = self.pipeline.reads_lines();
        let lines = if reads_lines { Some(bodies(found.batch)?) } else { None };
        self.labels.want_only(self.deciding.clone());
        let matters = metadata.may_hold(|name| self.labels.wants(name));
        for (place, row) in found.rows.iter().enumerate() {
            let line = lines.map_or("", |lines| lines.value(row.at as usize));
            let stream = &streams.streams()[row.stream as usize];
            if self.run(matters.then_some(&metadata), row, stream, line).is_some() {
                kept.push(place);
            }
        }
        Ok(())
    }

    fn wants(&self, times: (i64, i64)) -> bool {
        !self.is_past(match self.direction {
            Direction::Forward => times.0,
            Direction::Backward => times.1,
        })
    }

    fn narrow(&mut self, rows: &mut Vec<Row>, are_kept: bool) {
        rows.retain(|row| !self.is_past(row.time_ns));
        if (self.pipeline.drops_rows() && !are_kept) || rows.len() <= self.most || self.most == 0 {
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
        self.labels.want_only(None);
        for row in found.rows {
            let place = positions.place(*row);
            if place.is_before(&self.from) {
                continue;
            }
            let line = lines.value(row.at as usize);
            let stream = &streams.streams()[row.stream as usize];
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
    let labels = sets.metadata.held_bytes() + sets.parsed.held_bytes();
    (labels + size_of::<LabelSets>()) as u64 * 2
}
