//! Series from log rows: how many lines or bytes are in each window, or what its samples come to.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use hashbrown::HashMap;
use varve_columnar::{
    answer::{ABSENT, QueryStats, Series, is_absent},
    labels::LabelSet,
    structured_metadata::LogMetadata,
};

use super::{
    METADATA_COLUMNS,
    directory::{StreamDirectory, bodies},
    grouping::{effective_grouping, grouped, pipeline_error, wanted_names},
    line_filter,
    pipeline::Pipeline,
    row_labels::RowLabels,
    samples::{self, Sample, Unwrapper},
    scan::{Found, Reader, Row, Scan},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    matcher::Matchers,
    plan::{Grouping, LogRows, LogWindowFunction, Nanos, TimeRange, Unwrap},
};

/// What is computed of windows of rows.
#[derive(Clone, Copy)]
pub(crate) struct LogWindow<'q> {
    pub(crate) function: LogWindowFunction,
    /// The window's length.
    pub(crate) range_ns: i64,
    /// How far back it is moved.
    pub(crate) offset_ns: i64,
    /// The labels that rows are grouped by; all labels otherwise.
    pub(crate) grouping: Option<&'q Grouping>,
    /// The label whose values are the samples.
    pub(crate) unwrap: Option<&'q Unwrap>,
    /// The quantile.
    pub(crate) param: Option<f64>,
}

/// A value of the window's function for each step `t` over the rows of `(t - offset - range, t - offset]`,
/// by the rows' labels after the pipeline or by the grouping.
///
/// `steps`: nanoseconds since the epoch, ascending. Series come sorted by labels; a step without a
/// row is absent, and a series has a value at one step at least.
pub(crate) fn log_window(
    context: &ExecContext,
    input: &LogRows,
    window: &LogWindow<'_>,
    steps: &[i64],
) -> Result<Vec<Series>, QueryError> {
    let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else {
        return Ok(Vec::new());
    };
    let LogWindow { function, range_ns, offset_ns, unwrap, .. } = *window;
    let windows = Windows { steps, range_ns, offset_ns };
    let pipeline = Pipeline::compile(&input.stages)?;
    let selectors = [Matchers::compile(&input.scan.matchers)?];
    let mut streams = StreamDirectory::new(&selectors);
    let sums_bytes =
        matches!(function, LogWindowFunction::BytesRate | LogWindowFunction::BytesOverTime);
    // The left end of a window is open, the right one closed; a scan's range is the other way round.
    let from = first.saturating_sub(offset_ns).saturating_sub(range_ns).saturating_add(1);
    let to = last.saturating_sub(offset_ns).saturating_add(1);
    let range = TimeRange { from: Nanos(from), to: Nanos(to) };
    let needles = line_filter::needles(&input.stages);
    let scan = Scan { range, pipeline: &pipeline, needles };
    let unwrapper = unwrap.map(Unwrapper::compile).transpose()?;
    let grouping = effective_grouping(window);
    let mut counts = Counts {
        context,
        pipeline: &pipeline,
        grouping: grouping.as_ref(),
        unwrapper: unwrapper.as_ref(),
        windows,
        sums_bytes,
        series: Vec::new(),
        numbers: HashMap::new(),
        by_values: HashMap::new(),
        by_stream: Vec::new(),
        labels: RowLabels::default(),
        wanted: wanted_names(&pipeline, grouping.as_ref(), unwrapper.as_ref()),
        values: String::new(),
        near: (0, 0),
    };
    scan.run(context, &mut streams, &mut counts)?;
    counts.finish(window)
}

/// Which steps' windows an instant is in.
struct Windows<'q> {
    steps: &'q [i64],
    range_ns: i64,
    offset_ns: i64,
}

impl Windows<'_> {
    /// Indexes of the steps: from the first (included) to the second (excluded). `near`: what they were
    /// for an instant that is probably close.
    fn of(&self, time_ns: i64, near: (usize, usize)) -> (usize, usize) {
        let first = time_ns.saturating_add(self.offset_ns);
        let end = first.saturating_add(self.range_ns);
        (self.at_or_after(first, near.0), self.at_or_after(end, near.1))
    }

    fn at_or_after(&self, time_ns: i64, near: usize) -> usize {
        let is_before = near == 0 || self.steps.get(near - 1).is_some_and(|&step| step < time_ns);
        if is_before && self.steps.get(near).is_none_or(|&step| step >= time_ns) {
            return near;
        }
        self.steps.partition_point(|&step| step < time_ns)
    }
}

/// Lines and bytes of one series, as differences from one step to the next: a row is then two
/// additions, in however many windows it is.
struct Sums {
    labels: LabelSet,
    lines: Vec<i64>,
    bytes: Vec<i64>,
    /// Instead of both, where values of a label count.
    samples: Vec<Sample>,
}

/// The series of a stream's rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OfStream {
    Unknown,
    /// The stream's labels alone decide.
    One(usize),
    /// Each row has its own.
    Many,
}

/// Ends each value in the key of `Counts::by_values`.
const VALUE_END: char = '\0';

/// Counts rows by series.
struct Counts<'q> {
    context: &'q ExecContext,
    pipeline: &'q Pipeline,
    grouping: Option<&'q Grouping>,
    unwrapper: Option<&'q Unwrapper>,
    windows: Windows<'q>,
    sums_bytes: bool,
    series: Vec<Sums>,
    numbers: HashMap<LabelSet, usize>,
    /// The series by the values of the grouping's labels, one after the other.
    by_values: HashMap<Box<str>, usize>,
    by_stream: Vec<OfStream>,
    labels: RowLabels,
    /// Names that decide about a row and its series; `None` where all do.
    wanted: Option<Arc<[String]>>,
    /// Kept for the next row.
    values: String,
    /// The windows of the row before.
    near: (usize, usize),
}

impl Counts<'_> {
    /// The series that rows with these labels belong to.
    fn series_of(&mut self, labels: &LabelSet) -> Result<usize, QueryError> {
        if let Some(&number) = self.numbers.get(labels) {
            return Ok(number);
        }
        self.context.budget.add_series(1)?;
        let number = self.series.len();
        let steps = if self.unwrapper.is_some() { 0 } else { self.windows.steps.len() + 1 };
        let bytes = if self.sums_bytes { steps } else { 0 };
        let label_bytes: usize = labels.iter().map(|(n, v)| n.len() + v.len() + 64).sum();
        self.context.budget.charge(((steps + bytes) * size_of::<i64>() + label_bytes) as u64)?;
        self.series.push(Sums {
            labels: labels.clone(),
            lines: vec![0; steps],
            bytes: vec![0; bytes],
            samples: Vec::new(),
        });
        self.numbers.insert(labels.clone(), number);
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
                OfStream::One(self.series_of(&grouped(stream.clone(), self.grouping))?)
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
        !self.pipeline.changes_labels()
            && self.unwrapper.is_none()
            && self.grouping.is_some_and(|grouping| {
                !grouping.without && grouping.labels.iter().all(|name| stream.contains(name))
            })
    }

    /// The series of the row whose labels went through the pipeline.
    fn series_of_row(&mut self) -> Result<usize, QueryError> {
        let Some(Grouping { without: false, labels }) = self.grouping else {
            return self.series_of(&grouped(self.labels.merged(), self.grouping));
        };
        self.values.clear();
        for name in labels {
            let value = self.labels.get(name).unwrap_or_default();
            if value.contains(VALUE_END) {
                return self.series_of(&grouped(self.labels.merged(), self.grouping));
            }
            self.values.push_str(value);
            self.values.push(VALUE_END);
        }
        if let Some(&series) = self.by_values.get(self.values.as_str()) {
            return Ok(series);
        }
        let series = self.series_of(&grouped(self.labels.merged(), self.grouping))?;
        self.by_values.insert(self.values.as_str().into(), series);
        Ok(series)
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
        if !self.pipeline.run(row.time_ns, &mut line, labels) {
            return None;
        }
        match self.unwrapper {
            Some(unwrapper) => unwrapper.value(labels).map(Counted::Sample),
            None => Some(Counted::Line { bytes: line.len() }),
        }
    }

    fn add(&mut self, series: usize, time_ns: i64, counted: Counted) -> Result<(), QueryError> {
        let sums = &mut self.series[series];
        match counted {
            Counted::Line { bytes } => {
                self.near = self.windows.of(time_ns, self.near);
                let (first, end) = self.near;
                sums.lines[first] += 1;
                sums.lines[end] -= 1;
                if self.sums_bytes {
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

    fn finish(self, window: &LogWindow<'_>) -> Result<Vec<Series>, QueryError> {
        let Counts { context, windows, unwrapper, .. } = self;
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

/// Per step what the rows' differences add up to.
fn line_values(window: &LogWindow<'_>, steps: usize, sums: &Sums) -> Vec<f64> {
    let per = match window.function {
        LogWindowFunction::Rate | LogWindowFunction::BytesRate => window.range_ns as f64 / 1e9,
        _ => 1.0,
    };
    let mut held = (0, 0);
    let values = (0..steps).map(|step| {
        held.0 += sums.lines[step];
        held.1 += sums.bytes.get(step).copied().unwrap_or_default();
        let value = if sums.bytes.is_empty() { held.0 } else { held.1 };
        if held.0 == 0 { ABSENT } else { value as f64 / per }
    });
    values.collect()
}

impl Reader for Counts<'_> {
    fn columns(&self, streams: &StreamDirectory<'_>) -> Vec<&'static str> {
        let mut columns = Vec::new();
        if self.sums_bytes || self.pipeline.reads_lines() {
            columns.push("body");
        }
        if !streams.streams().iter().all(|stream| self.is_settled_by(stream)) {
            columns.extend(METADATA_COLUMNS);
        }
        columns
    }

    fn wants(&self, _: (i64, i64)) -> bool {
        true
    }

    fn narrow(&mut self, rows: &mut Vec<Row>) {
        rows.retain(|row| {
            self.near = self.windows.of(row.time_ns, self.near);
            self.near.0 < self.near.1
        });
    }

    fn take(&mut self, found: &Found<'_>, streams: &StreamDirectory<'_>) -> Result<(), QueryError> {
        let lines = if self.sums_bytes || self.pipeline.reads_lines() {
            Some(bodies(found.batch)?)
        } else {
            None
        };
        let streams = streams.streams();
        let mut metadata: Option<(LogMetadata, bool)> = None;
        self.labels.want_only(self.wanted.clone());
        let mut matched = 0;
        for &Row { at, stream: number, time_ns } in found.rows {
            let line = lines.map_or("", |lines| lines.value(at as usize));
            let stream: &Arc<LabelSet> = &streams[number as usize];
            let row = Row { at, stream: number, time_ns };
            let (series, counted) = if let Some(series) = self.series_of_stream(number, stream)? {
                (series, Counted::Line { bytes: line.len() })
            } else {
                let (metadata, matters) = metadata.get_or_insert_with(|| {
                    let metadata = LogMetadata::new(found.batch);
                    let matters = metadata.may_hold(|name| self.labels.wants(name));
                    (metadata, matters)
                });
                let Some(counted) = self.run(matters.then_some(&*metadata), &row, stream, line)
                else {
                    continue;
                };
                if self.labels.has_error() {
                    // The message shows all labels of the row.
                    self.labels.want_only(None);
                    self.run(Some(metadata), &row, stream, line);
                    return Err(pipeline_error(&self.labels.merged()));
                }
                (self.series_of_row()?, counted)
            };
            matched += 1;
            self.add(series, time_ns, counted)?;
        }
        self.context.count(&QueryStats { rows_matched: matched, ..QueryStats::default() });
        self.context.budget.check()
    }

    fn rank(&self, times: (i64, i64)) -> i64 {
        times.0
    }
}
