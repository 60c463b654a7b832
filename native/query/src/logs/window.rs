//! Series from log rows: how many lines or bytes are in each window.

use std::{collections::BTreeMap, sync::Arc};

use hashbrown::HashMap;
use varve_columnar::{
    answer::{ABSENT, QueryStats, Series},
    labels::LabelSet,
    structured_metadata::LogMetadata,
};

use super::{
    METADATA_COLUMNS,
    directory::{StreamDirectory, bodies},
    line_filter,
    pipeline::Pipeline,
    row_labels::{ERROR, ERROR_DETAILS, RowLabels},
    scan::{Found, Reader, Row, Scan},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    matcher::Matchers,
    plan::{Grouping, LogRows, LogWindowFunction, Nanos, TimeRange},
};

/// A value of `function` for each step `t` over the rows of `(t - offset - range, t - offset]`, by
/// the rows' labels after the pipeline or by `grouping`.
///
/// `steps`: nanoseconds since the epoch, ascending. Series come sorted by labels; a step without a
/// row is absent, and a series has a value at one step at least.
pub(crate) fn log_window(
    context: &ExecContext,
    input: &LogRows,
    function: LogWindowFunction,
    range_ns: i64,
    offset_ns: i64,
    grouping: Option<&Grouping>,
    steps: &[i64],
) -> Result<Vec<Series>, QueryError> {
    let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else {
        return Ok(Vec::new());
    };
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
    let mut counts = Counts {
        context,
        pipeline: &pipeline,
        grouping,
        windows,
        sums_bytes,
        series: Vec::new(),
        numbers: HashMap::new(),
        by_values: HashMap::new(),
        by_stream: Vec::new(),
        labels: RowLabels::default(),
        wanted: wanted_names(&pipeline, grouping),
        values: String::new(),
        near: (0, 0),
    };
    scan.run(context, &mut streams, &mut counts)?;
    Ok(counts.finish(function))
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
        let steps = self.windows.steps.len() + 1;
        let bytes = if self.sums_bytes { steps } else { 0 };
        let label_bytes: usize = labels.iter().map(|(n, v)| n.len() + v.len() + 64).sum();
        self.context.budget.charge(((steps + bytes) * size_of::<i64>() + label_bytes) as u64)?;
        self.series.push(Sums {
            labels: labels.clone(),
            lines: vec![0; steps],
            bytes: vec![0; bytes],
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

    /// Runs the pipeline over a row; whether it stays.
    fn run(
        &mut self,
        metadata: Option<&LogMetadata>,
        at: usize,
        stream: &Arc<LabelSet>,
        line: &str,
    ) -> bool {
        let labels = &mut self.labels;
        labels.start(stream);
        if let Some(metadata) = metadata {
            metadata.visit(at, &mut |name, value| labels.add_metadata(name, value));
        }
        self.pipeline.run(line, labels)
    }

    fn add(&mut self, series: usize, time_ns: i64, bytes: usize) {
        self.near = self.windows.of(time_ns, self.near);
        let (first, end) = self.near;
        let sums = &mut self.series[series];
        sums.lines[first] += 1;
        sums.lines[end] -= 1;
        if self.sums_bytes {
            sums.bytes[first] += bytes as i64;
            sums.bytes[end] -= bytes as i64;
        }
    }

    fn finish(self, function: LogWindowFunction) -> Vec<Series> {
        let seconds = self.windows.range_ns as f64 / 1e9;
        let value = |lines: i64, bytes: i64| match function {
            LogWindowFunction::CountOverTime => lines as f64,
            LogWindowFunction::Rate => lines as f64 / seconds,
            LogWindowFunction::BytesOverTime => bytes as f64,
            LogWindowFunction::BytesRate => bytes as f64 / seconds,
        };
        let sorted: BTreeMap<_, _> =
            self.series.into_iter().map(|sums| (sums.labels, (sums.lines, sums.bytes))).collect();
        let series = sorted.into_iter().map(|(labels, (lines, bytes))| {
            let mut held = (0, 0);
            let values = (0..self.windows.steps.len()).map(|step| {
                held.0 += lines[step];
                held.1 += bytes.get(step).copied().unwrap_or_default();
                if held.0 == 0 { ABSENT } else { value(held.0, held.1) }
            });
            Series { labels, values: values.collect() }
        });
        // Windows may leave gaps, and a row in a gap is in none.
        series
            .filter(|one| one.values.iter().any(|&v| !varve_columnar::answer::is_absent(v)))
            .collect()
    }
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
            let series = if let Some(series) = self.series_of_stream(number, stream)? {
                series
            } else {
                let (metadata, matters) = metadata.get_or_insert_with(|| {
                    let metadata = LogMetadata::new(found.batch);
                    let matters = metadata.may_hold(|name| self.labels.wants(name));
                    (metadata, matters)
                });
                if !self.run(matters.then_some(&*metadata), at as usize, stream, line) {
                    continue;
                }
                if self.labels.has_error() {
                    // The message shows all labels of the row.
                    self.labels.want_only(None);
                    self.run(Some(metadata), at as usize, stream, line);
                    return Err(pipeline_error(&self.labels.merged()));
                }
                self.series_of_row()?
            };
            matched += 1;
            self.add(series, time_ns, line.len());
        }
        self.context.count(&QueryStats { rows_matched: matched, ..QueryStats::default() });
        self.context.budget.check()
    }

    fn rank(&self, times: (i64, i64)) -> i64 {
        times.0
    }
}

/// The names of the labels that decide whether a row stays and which series it is of; `None` where all
/// its labels make the series.
fn wanted_names(pipeline: &Pipeline, grouping: Option<&Grouping>) -> Option<Arc<[String]>> {
    let Grouping { labels, without: false } = grouping? else { return None };
    let deciding = pipeline.deciding_names().into_iter().map(str::to_owned);
    let errors = [ERROR, ERROR_DETAILS].map(str::to_owned);
    Some(labels.iter().cloned().chain(deciding).chain(errors).collect())
}

/// The labels that are left of a set.
fn grouped(mut labels: LabelSet, grouping: Option<&Grouping>) -> LabelSet {
    if let Some(grouping) = grouping {
        labels.retain(|name, _| {
            grouping.labels.iter().any(|label| label == name) != grouping.without
        });
    }
    labels
}

/// A row that a stage failed on would be counted among labels that it only seems to have.
fn pipeline_error(labels: &LabelSet) -> QueryError {
    let shown: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    QueryError::invalid(format!(
        "pipeline error: '{}' for series: '{{{}}}'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"{}\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")",
        labels.get(ERROR),
        shown.join(", "),
        labels.get(ERROR),
    ))
}
