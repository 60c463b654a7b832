//! Rows counted by series.

mod keeping;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use hashbrown::HashMap;
use varve_columnar::{
    answer::{QueryStats, Series, is_absent},
    labels::LabelSet,
    structured_metadata::LogMetadata,
};
use varve_view::Segment;

pub(super) use self::keeping::Keeping;
use super::{
    Rules,
    sums::{Sums, line_values},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    logs::{
        METADATA_COLUMNS,
        directory::{StreamDirectory, bodies},
        grouping::{grouped, pipeline_error, wanted_names},
        metadata_columns,
        row_labels::{RowLabels, WantedNames},
        samples::{self, Sample},
        scan::{Fork, Found, Reader, Row},
    },
    plan::Grouping,
};

/// The series of a stream's rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OfStream {
    Unknown,
    /// The stream's labels alone decide.
    One(usize),
    /// Each row has its own.
    Many,
}

/// Around each value in the key of `Counts::by_values`; the end alone is a label that is not there.
const VALUE_START: char = '=';
const VALUE_END: char = '\0';

/// Counts rows by series.
pub(super) struct Counts<'q> {
    context: &'q ExecContext,
    rules: Rules<'q>,
    series: Vec<Sums>,
    numbers: HashMap<LabelSet, usize>,
    /// The series by the values of the grouping's labels, one after the other.
    by_values: HashMap<Box<str>, usize>,
    by_stream: Vec<OfStream>,
    labels: RowLabels,
    /// Names that decide about a row and its series; `None` where all do.
    wanted: Option<Arc<WantedNames>>,
    /// Kept for the next row.
    values: String,
    /// The windows of the row before.
    near: (usize, usize),
    /// Rows with an error are told at once, with all of their labels.
    tells_errors: bool,
    /// A row had an error: what is counted is not asked for any more.
    is_failed: bool,
    /// What is kept for later queries; `None` where that would not be right.
    keeping: Option<Keeping>,
}

impl<'q> Counts<'q> {
    /// Counts as fast as it can; a row with an error ends it ([`Self::is_failed`]).
    pub(super) fn new(
        context: &'q ExecContext,
        rules: Rules<'q>,
        keeping: Option<Keeping>,
    ) -> Self {
        let wanted = wanted_names(rules.pipeline, rules.grouping, rules.unwrapper);
        Self { wanted, tells_errors: false, keeping, ..Self::telling(context, rules) }
    }

    /// Reads all labels of all rows, and tells the first row with an error.
    pub(super) fn telling(context: &'q ExecContext, rules: Rules<'q>) -> Self {
        Self {
            context,
            rules,
            series: Vec::new(),
            numbers: HashMap::new(),
            by_values: HashMap::new(),
            by_stream: Vec::new(),
            labels: RowLabels::default(),
            wanted: None,
            values: String::new(),
            near: (0, 0),
            tells_errors: true,
            is_failed: false,
            keeping: None,
        }
    }

    /// Whether a row had an error.
    pub(super) fn is_failed(&self) -> bool {
        self.is_failed
    }

    /// The series that rows with these labels belong to.
    fn series_of(&mut self, labels: &LabelSet) -> Result<usize, QueryError> {
        if let Some(&number) = self.numbers.get(labels) {
            return Ok(number);
        }
        let Rules { unwrapper, windows, .. } = self.rules;
        let steps = if unwrapper.is_some() { 0 } else { windows.steps.len() + 1 };
        let bytes = if self.rules.sums_bytes() { steps } else { 0 };
        let sums = Sums {
            labels: labels.clone(),
            lines: vec![0; steps],
            bytes: vec![0; bytes],
            samples: Vec::new(),
        };
        self.context.budget.charge(sums.size_bytes())?;
        self.add_series(sums)
    }

    /// A new series. How many there are counts when all are known: forks have the same ones.
    fn add_series(&mut self, sums: Sums) -> Result<usize, QueryError> {
        let number = self.series.len();
        self.context.budget.allow_series(number as u64 + 1)?;
        self.numbers.insert(sums.labels.clone(), number);
        self.series.push(sums);
        Ok(number)
    }

    /// The series of all of a stream's rows; `None` where each row has its own.
    fn series_of_stream(
        &mut self,
        number: u32,
        stream: &LabelSet,
    ) -> Result<Option<usize>, QueryError> {
        let at = number as usize;
        if self.by_stream.len() <= at {
            self.by_stream.resize(at + 1, OfStream::Unknown);
        }
        if self.by_stream[at] == OfStream::Unknown {
            self.by_stream[at] = if self.is_settled_by(stream) {
                OfStream::One(self.series_of(&grouped(stream.clone(), self.rules.grouping))?)
            } else {
                OfStream::Many
            };
        }
        Ok(match self.by_stream[at] {
            OfStream::One(series) => Some(series),
            OfStream::Many | OfStream::Unknown => None,
        })
    }

    /// Whether the series of a stream's rows follows from the stream's labels alone.
    fn is_settled_by(&self, stream: &LabelSet) -> bool {
        !self.rules.pipeline.changes_labels()
            && self.rules.unwrapper.is_none()
            && self.rules.grouping.is_some_and(|grouping| {
                !grouping.without && grouping.labels.iter().all(|name| stream.contains(name))
            })
    }

    /// The series of the row whose labels went through the pipeline.
    fn series_of_row(&mut self) -> Result<usize, QueryError> {
        let Some(Grouping { without: false, labels }) = self.rules.grouping else {
            return self.series_of(&self.series_labels());
        };
        self.values.clear();
        for name in labels {
            if let Some(value) = self.labels.get(name) {
                if value.contains(VALUE_END) {
                    return self.series_of(&self.series_labels());
                }
                self.values.push(VALUE_START);
                self.values.push_str(value);
            }
            self.values.push(VALUE_END);
        }
        if let Some(&series) = self.by_values.get(self.values.as_str()) {
            return Ok(series);
        }
        let series = self.series_of(&self.series_labels())?;
        self.by_values.insert(self.values.as_str().into(), series);
        Ok(series)
    }

    fn series_labels(&self) -> LabelSet {
        let leaves_out_empty = self.rules.leaves_out_empty();
        let mut labels = grouped(self.labels.merged(), self.rules.grouping);
        labels.retain(|_, value| !(leaves_out_empty && value.is_empty()));
        labels
    }

    /// Runs the pipeline over a row: how many bytes its line has then, or its sample. `None` where it
    /// does not stay or has no sample.
    fn run(
        &mut self,
        metadata: Option<&LogMetadata>,
        row: &Row,
        stream: &Arc<LabelSet>,
        line: &str,
    ) -> Option<Counted> {
        let labels = &mut self.labels;
        labels.start(stream);
        if let Some(metadata) = metadata {
            metadata.visit(row.at as usize, &mut |name, value| labels.add_metadata(name, value));
        }
        let mut line = Cow::Borrowed(line);
        if !self.rules.pipeline.run(row.time_ns, &mut line, labels) {
            return None;
        }
        match self.rules.unwrapper {
            Some(unwrapper) => unwrapper.value(labels).map(Counted::Sample),
            None => Some(Counted::Line { bytes: line.len() }),
        }
    }

    fn add(&mut self, series: usize, time_ns: i64, counted: Counted) -> Result<(), QueryError> {
        let sums = &mut self.series[series];
        match counted {
            Counted::Line { bytes } => {
                if let Some(keeping) = &mut self.keeping {
                    let kept = if self.rules.sums_bytes() { bytes as u64 } else { 0 };
                    keeping.add(series, time_ns, kept);
                }
                self.near = self.rules.windows.of(time_ns, self.near);
                let (first, end) = self.near;
                sums.lines[first] += 1;
                sums.lines[end] -= 1;
                if self.rules.sums_bytes() {
                    sums.bytes[first] += bytes as i64;
                    sums.bytes[end] -= bytes as i64;
                }
            }
            Counted::Sample(value) => {
                if sums.samples.len() == sums.samples.capacity() {
                    let more = sums.samples.len().max(4);
                    self.context.budget.charge((more * size_of::<Sample>()) as u64)?;
                    sums.samples.reserve_exact(more);
                }
                sums.samples.push(Sample { time_ns, value });
            }
        }
        Ok(())
    }

    /// The series, sorted by labels.
    pub(super) fn finish(self) -> Result<Vec<Series>, QueryError> {
        let Counts { context, rules: Rules { window, windows, unwrapper, .. }, .. } = self;
        if let Some(keeping) = self.keeping {
            keeping.finish();
        }
        context.budget.add_series(self.series.len() as u64)?;
        let mut sorted: BTreeMap<_, _> =
            self.series.into_iter().map(|sums| (sums.labels.clone(), sums)).collect();
        let mut series = Vec::with_capacity(sorted.len());
        while let Some((labels, sums)) = sorted.pop_first() {
            context.budget.check()?;
            let values = if unwrapper.is_some() {
                samples::over_windows(window, windows.steps, sums.samples)
            } else {
                line_values(window, windows.steps.len(), &sums)
            };
            // Windows may leave gaps, and a row in a gap is in none.
            if values.iter().any(|&value| !is_absent(value)) {
                series.push(Series::of(labels, values));
            }
        }
        Ok(series)
    }
}

/// What a row adds.
#[derive(Clone, Copy)]
enum Counted {
    Line { bytes: usize },
    Sample(f64),
}

impl Reader for Counts<'_> {
    fn columns(
        &self,
        streams: &StreamDirectory<'_>,
        segment: &Segment,
    ) -> Result<Vec<&'static str>, QueryError> {
        let mut columns = Vec::new();
        if !streams.streams().iter().all(|stream| self.is_settled_by(stream)) {
            match &self.wanted {
                Some(wanted) => columns.extend(metadata_columns(segment, wanted)?),
                None => columns.extend(METADATA_COLUMNS),
            }
        }
        if self.rules.reads_lines() {
            columns.push("body");
        }
        Ok(columns)
    }

    fn wants(&self, _: (i64, i64)) -> bool {
        !self.is_failed
    }

    fn narrow(&mut self, rows: &mut Vec<Row>, _: bool) {
        rows.retain(|row| {
            self.near = self.rules.windows.of(row.time_ns, self.near);
            self.near.0 < self.near.1
        });
    }

    fn take(&mut self, found: &Found<'_>, streams: &StreamDirectory<'_>) -> Result<(), QueryError> {
        let lines = if self.rules.reads_lines() { Some(bodies(found.batch)?) } else { None };
        let streams = streams.streams();
        let mut metadata: Option<(LogMetadata, bool)> = None;
        self.labels.want_only(self.wanted.clone());
        let mut matched = 0;
        for row in found.rows {
            let line = lines.map_or("", |lines| lines.value(row.at as usize));
            let stream: &Arc<LabelSet> = &streams[row.stream as usize];
            let (series, counted) =
                if let Some(series) = self.series_of_stream(row.stream, stream)? {
                    (series, Counted::Line { bytes: line.len() })
                } else {
                    let (metadata, matters) = metadata.get_or_insert_with(|| {
                        let metadata = LogMetadata::new(found.batch);
                        let matters = metadata.may_hold(|name| self.labels.wants(name));
                        (metadata, matters)
                    });
                    let Some(counted) = self.run(matters.then_some(&*metadata), row, stream, line)
                    else {
                        continue;
                    };
                    if self.rules.refuses(&self.labels) {
                        if self.tells_errors {
                            return Err(pipeline_error(&self.labels.merged()));
                        }
                        self.is_failed = true;
                        return Ok(());
                    }
                    (self.series_of_row()?, counted)
                };
            matched += 1;
            self.add(series, row.time_ns, counted)?;
        }
        self.context.count(&QueryStats { rows_matched: matched, ..QueryStats::default() });
        self.context.budget.check()
    }

    fn rank(&self, times: (i64, i64)) -> i64 {
        times.0
    }

    fn recall(
        &mut self,
        segment: &Segment,
        streams: &StreamDirectory<'_>,
    ) -> Result<bool, QueryError> {
        let known = self.known_of(segment, streams);
        known.as_ref().map_or(Ok(()), |known| self.add_kept(known))?;
        Ok(known.is_some())
    }

    fn begin(&mut self, segment: &Segment, streams: &StreamDirectory<'_>) {
        self.begin_keeping(segment, streams);
    }

    fn end(&mut self) -> Result<(), QueryError> {
        self.end_keeping()
    }
}

impl Fork for Counts<'_> {
    fn fork(&self) -> Self {
        let (wanted, tells_errors) = (self.wanted.clone(), self.tells_errors);
        let keeping = self.keeping.as_ref().map(Keeping::fork);
        Self { wanted, tells_errors, keeping, ..Self::telling(self.context, self.rules) }
    }

    fn join(&mut self, later: Self) -> Result<(), QueryError> {
        self.is_failed |= later.is_failed;
        if let Some((keeping, later)) = self.keeping.as_mut().zip(later.keeping) {
            keeping.join(later);
        }
        for sums in later.series {
            match self.numbers.get(&sums.labels) {
                Some(&number) => {
                    self.context.budget.release(sums.size_bytes());
                    self.series[number].join(sums);
                }
                None => {
                    self.add_series(sums)?;
                }
            }
        }
        Ok(())
    }
}
