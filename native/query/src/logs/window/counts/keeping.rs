//! Keeping what was counted of segments for the next query that asks the same.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use hashbrown::HashMap;
use varve_columnar::{answer::QueryStats, labels::LabelSet};
use varve_view::Segment;

use super::{Counted, Counts};
use crate::{
    context::ExecContext,
    error::QueryError,
    kept_rows::{KeptRows, PackedRows, SegmentRows, SeriesRows},
    logs::{
        directory::StreamDirectory,
        window::{Rules, Windows},
    },
    plan::{LogRows, TimeRange},
};

/// What one query keeps; forks keep their own and are joined.
pub(in crate::logs::window) struct Keeping {
    kept: Arc<KeptRows>,
    /// All that decides which rows count, and for which series.
    question: Arc<str>,
    range: TimeRange,
    /// Of all forks together.
    bytes: Arc<AtomicU64>,
    /// Editions that are read, with the times of which all rows are.
    missed: Vec<(u64, (i64, i64))>,
    /// What was counted of them.
    pieces: Vec<(u64, Vec<SeriesRows>)>,
    open: Option<Open>,
    /// So many of the first streams settle which series their rows count for.
    settled_streams: usize,
}

/// The piece of a segment that is being counted.
struct Open {
    edition: u64,
    /// By the series' number the place in `series`.
    places: HashMap<usize, usize>,
    /// Of the row before: the series' number and place.
    near: (usize, usize),
    series: Vec<OpenSeries>,
}

struct OpenSeries {
    number: usize,
    last_ns: i64,
    rows: PackedRows,
}

impl Keeping {
    /// `None` where nothing may be kept: no place for it, or not all rows of the range count.
    pub(in crate::logs::window) fn of(
        context: &ExecContext,
        input: &LogRows,
        range: TimeRange,
        rules: &Rules<'_>,
    ) -> Option<Self> {
        let kept = context.kept_rows.clone()?;
        // Samples of equal times count in the order of the log, which is not kept.
        if rules.unwrapper.is_some() || rules.windows.leave_gaps() {
            return None;
        }
        let asked = (&input.scan.matchers, &input.stages, rules.grouping);
        let question =
            serde_json::to_string(&(asked, rules.sums_bytes(), context.is_federated())).ok()?;
        Some(Self {
            kept,
            question: question.into(),
            range,
            bytes: Arc::new(AtomicU64::new(0)),
            missed: Vec::new(),
            pieces: Vec::new(),
            open: None,
            settled_streams: 0,
        })
    }

    pub(super) fn fork(&self) -> Self {
        Self {
            kept: self.kept.clone(),
            question: self.question.clone(),
            range: self.range,
            bytes: self.bytes.clone(),
            missed: Vec::new(),
            pieces: Vec::new(),
            open: None,
            settled_streams: self.settled_streams,
        }
    }

    pub(super) fn join(&mut self, later: Self) {
        self.pieces.extend(later.pieces);
    }

    /// What is known of a segment's rows in the range.
    pub(super) fn recall(&mut self, segment: &Segment) -> Option<Arc<SegmentRows>> {
        let (first, last) = segment.time_range();
        let times = (first.max(self.range.from.0), last.min(self.range.to.0.saturating_sub(1)));
        let known = self.kept.get(segment.edition(), &self.question, times);
        if known.is_none() {
            self.missed.push((segment.edition(), times));
        }
        known
    }

    pub(super) fn is_in_range(&self, time_ns: i64) -> bool {
        self.range.from.0 <= time_ns && time_ns < self.range.to.0
    }

    pub(super) fn begin(&mut self, segment: &Segment) {
        self.open = (!self.is_full()).then(|| Open {
            edition: segment.edition(),
            places: HashMap::new(),
            near: (usize::MAX, 0),
            series: Vec::new(),
        });
    }

    /// A row that counts for a series.
    pub(super) fn add(&mut self, number: usize, time_ns: i64, line_bytes: u64) {
        let Some(open) = &mut self.open else { return };
        if open.near.0 != number {
            let place = *open.places.entry(number).or_insert_with(|| {
                open.series.push(OpenSeries { number, last_ns: 0, rows: PackedRows::default() });
                open.series.len() - 1
            });
            open.near = (number, place);
        }
        if let Some(series) = open.series.get_mut(open.near.1) {
            series.rows.push(series.last_ns, time_ns, line_bytes);
            series.last_ns = time_ns;
        }
    }

    /// The piece is counted; how many bytes are held of it.
    pub(super) fn end<'l>(&mut self, labels_of: impl Fn(usize) -> &'l LabelSet) -> u64 {
        let Some(open) = self.open.take() else { return 0 };
        let series = open.series.into_iter().map(|OpenSeries { number, rows, .. }| {
            let labels = labels_of(number).clone();
            SeriesRows { labels, rows }
        });
        let series: Vec<_> = series.collect();
        let bytes = series.iter().map(SeriesRows::size_bytes).sum();
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.pieces.push((open.edition, series));
        bytes
    }

    /// Keeps all that was read, unless it is too much.
    pub(super) fn finish(self) {
        if self.is_full() {
            return;
        }
        let mut series_of: HashMap<u64, Vec<SeriesRows>> = HashMap::new();
        for (edition, series) in self.pieces {
            series_of.entry(edition).or_default().extend(series);
        }
        for (edition, times) in self.missed {
            let series = series_of.remove(&edition).unwrap_or_default();
            self.kept.keep(edition, &self.question, SegmentRows { times, series });
        }
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.kept.query_max_bytes()
    }
}

impl Counts<'_> {
    /// What an earlier query has kept of a segment.
    pub(super) fn known_of(
        &mut self,
        segment: &Segment,
        streams: &StreamDirectory<'_>,
    ) -> Option<Arc<SegmentRows>> {
        let looks = self.reads_more(streams);
        self.keeping.as_mut().filter(|_| looks)?.recall(segment)
    }

    pub(super) fn begin_keeping(&mut self, segment: &Segment, streams: &StreamDirectory<'_>) {
        let keeps = self.reads_more(streams);
        if let Some(keeping) = self.keeping.as_mut().filter(|_| keeps) {
            keeping.begin(segment);
        }
    }

    pub(super) fn end_keeping(&mut self) -> Result<(), QueryError> {
        let series = &self.series;
        let held = self.keeping.as_mut().map(|one| one.end(|number| &series[number].labels));
        self.context.budget.charge(held.unwrap_or(0))
    }

    /// Whether something may be kept, and more than times is read of the segments. Asked for each of them, and
    /// so looks at each stream once.
    fn reads_more(&mut self, streams: &StreamDirectory<'_>) -> bool {
        let Some(keeping) = &self.keeping else { return false };
        if self.rules.pipeline.filters_lines() || self.rules.reads_lines() {
            return true;
        }
        let (streams, known) = (streams.streams(), keeping.settled_streams);
        let more = streams.iter().skip(known).take_while(|stream| self.is_settled_by(stream));
        let settled = known + more.count();
        if let Some(keeping) = &mut self.keeping {
            keeping.settled_streams = settled;
        }
        settled < streams.len()
    }

    /// Counts what an earlier query has counted.
    pub(super) fn add_kept(&mut self, kept: &SegmentRows) -> Result<(), QueryError> {
        let mut matched = 0;
        for SeriesRows { labels, rows } in &kept.series {
            self.context.budget.check()?;
            let mut series = None;
            for (time_ns, bytes) in rows.iter() {
                if self.keeping.as_ref().is_some_and(|one| !one.is_in_range(time_ns)) {
                    continue;
                }
                let number = match series {
                    Some(number) => number,
                    None => *series.insert(self.series_of(labels)?),
                };
                matched += 1;
                self.add(number, time_ns, Counted::Line { bytes: bytes as usize })?;
            }
        }
        self.context.count(&QueryStats { rows_matched: matched, ..QueryStats::default() });
        Ok(())
    }
}

impl Windows<'_> {
    /// Whether an instant between the steps may be in no window.
    fn leave_gaps(&self) -> bool {
        let is_gap = |pair: &[i64]| matches!(pair, [a, b] if b.saturating_sub(*a) > self.range_ns);
        self.steps.windows(2).any(is_gap)
    }
}
