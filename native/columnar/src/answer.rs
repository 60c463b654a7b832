//! What a query answers with, before `wire` encodes it as a response body.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::RecordBatch;

use crate::{histogram::NativeHistogram, labels::LabelSet};

mod cardinality;
mod overview;
mod stats;

pub use cardinality::Cardinality;
pub use overview::{DetectedField, DroppedLine, FieldType, LogPattern, LogTotals, TailedLines};
pub use stats::{QueryStats, SegmentsLeftOut};

/// The bits of a point that is not there: Prometheus' stale marker, which no result ever holds.
pub const ABSENT_BITS: u64 = 0x7ff0_0000_0000_0002;

/// A point that is not there. Compare with [`is_absent`]: NaNs are not equal to themselves.
pub const ABSENT: f64 = f64::from_bits(ABSENT_BITS);

/// Whether a step has no point.
#[must_use]
pub fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT_BITS
}

/// A finished query.
#[derive(Debug)]
pub struct Outcome {
    /// The rows, series, traces or names.
    pub answer: Answer,
    /// Why the answer may be partial, truncated or surprising; shown to the user.
    pub warnings: Vec<String>,
    /// Remarks that are no warnings (Prometheus' `infos`).
    pub infos: Vec<String>,
    /// What it took.
    pub stats: QueryStats,
}

/// The answer proper.
#[derive(Debug)]
pub enum Answer {
    /// Log lines by stream.
    Streams(Vec<StreamRows>),
    /// Series with a value per step.
    Matrix(SeriesSet),
    /// One value per series, at one instant.
    Vector(SeriesSet),
    /// Samples as they were stored.
    Samples(Vec<SampleSeries>),
    /// A value without labels, at one instant.
    Scalar {
        /// The instant.
        time_ns: i64,
        /// The value.
        value: f64,
    },
    /// A string, at one instant.
    Text {
        /// The instant.
        time_ns: i64,
        /// The string.
        value: String,
    },
    /// Trace summaries, in the answer's order.
    Traces(Vec<TraceSummary>),
    /// Series over spans.
    SpanSeries(SpanSeriesSet),
    /// One trace: rows of the spans table, deduplicated. Empty if there is none.
    Trace(Vec<RecordBatch>),
    /// Names or values, sorted.
    Names(Vec<String>),
    /// Label sets.
    LabelSets(Vec<LabelSet>),
    /// How many series there are.
    Cardinality(Cardinality),
    /// How many logs there are.
    LogTotals(LogTotals),
    /// Names of labels with how many values each has, sorted.
    DetectedLabels(Vec<(String, u64)>),
    /// Fields of lines, sorted by name.
    DetectedFields {
        /// The fields.
        fields: Vec<DetectedField>,
        /// The most that there may be.
        limit: u32,
    },
    /// Values of one field, sorted.
    DetectedValues {
        /// The values.
        values: Vec<String>,
        /// The most that there may be.
        limit: u32,
    },
    /// What lines have in common, the most frequent first.
    Patterns(Vec<LogPattern>),
    /// Lines that say certain words.
    FoundLines {
        /// The first of them, in the order that was asked for.
        lines: Vec<FoundLine>,
        /// How many there are.
        total: u64,
    },
    /// Newly stored lines.
    Tail(TailedLines),
    /// Attribute names by scope, in TraceQL's order of scopes.
    Tags(Vec<TagScope>),
    /// Values with their types, sorted by value.
    TagValues(Vec<TypedValue>),
    /// Type, help and unit by metric name.
    Metadata(BTreeMap<String, Vec<MetricMetadata>>),
    /// Exemplars by series, sorted by labels.
    Exemplars(Vec<SeriesExemplars>),
}

/// The lines of one stream, grouped by index labels, structured metadata and parsed labels.
#[derive(Debug)]
pub struct StreamRows {
    /// The stream's own labels.
    pub index: LabelSet,
    /// Labels from structured metadata (attributes, severity, …).
    pub metadata: LabelSet,
    /// Labels that the pipeline made or changed.
    pub parsed: LabelSet,
    /// In the answer's order.
    pub entries: Vec<LogEntry>,
}

/// One line.
#[derive(Debug)]
pub struct LogEntry {
    /// Its number among all lines of the answer.
    pub at: u32,
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// The line after the pipeline.
    pub line: Arc<str>,
}

/// A line that says certain words.
#[derive(Debug)]
pub struct FoundLine {
    /// How well it fits; more is better.
    pub score: f32,
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// The labels of its stream.
    pub index: Arc<LabelSet>,
    /// Its structured metadata.
    pub metadata: LabelSet,
    /// The line.
    pub line: Box<str>,
    /// Where its words are, as bytes of the line; ascending.
    pub places: Vec<(u32, u32)>,
}

/// Series over common steps.
#[derive(Debug)]
pub struct SeriesSet {
    /// Nanoseconds since the epoch, ascending; one for a vector.
    pub steps_ns: Vec<i64>,
    /// In the answer's order.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its labels, `__name__` included where the expression keeps it.
    pub labels: LabelSet,
    /// One value per step; [`ABSENT`] where there is none.
    pub values: Vec<f64>,
    /// The native histogram of each step that has one, where its value is absent; empty if none has.
    pub histograms: Vec<Option<Arc<NativeHistogram>>>,
}

impl Series {
    /// A series of numbers.
    #[must_use]
    pub fn of(labels: LabelSet, values: Vec<f64>) -> Self {
        Self { labels, values, histograms: Vec::new() }
    }

    /// Whether any step has a number or a histogram.
    #[must_use]
    pub fn has_points(&self) -> bool {
        self.values.iter().any(|&value| !is_absent(value))
            || self.histograms.iter().any(Option::is_some)
    }
}

/// The samples of one series, each at a time of its own.
#[derive(Debug)]
pub struct SampleSeries {
    /// With the metric's name.
    pub labels: LabelSet,
    /// Milliseconds since the epoch, ascending, distinct.
    pub times_ms: Vec<i64>,
    /// As many.
    pub values: Vec<f64>,
    /// Native histograms with their times, ascending, distinct.
    pub histograms: Vec<(i64, Arc<NativeHistogram>)>,
}

/// One trace of a search.
#[derive(Debug)]
pub struct TraceSummary {
    /// 16 bytes.
    pub trace_id: [u8; 16],
    /// `service.name` of the root span; `None` while no root span came.
    pub root_service_name: Option<String>,
    /// Name of the root span; `None` while no root span came.
    pub root_trace_name: Option<String>,
    /// Start of the first span.
    pub start_unix_nano: i64,
    /// From the start of the first to the end of the last span, rounded down.
    pub duration_ms: u32,
    /// Matching spans.
    pub span_sets: Vec<SpanSet>,
    /// Spans and errors by service.
    pub service_stats: BTreeMap<String, ServiceStats>,
}

/// Spans and errors of a service in one trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceStats {
    /// Spans of the service.
    pub span_count: u32,
    /// Those with status error.
    pub error_count: u32,
}

/// Spans that match together.
#[derive(Debug)]
pub struct SpanSet {
    /// Those listed, at most `spans_per_set`.
    pub spans: Vec<SpanSummary>,
    /// All that matched.
    pub matched: u32,
    /// Of the set: groups and aggregates, e.g. `by(resource.service.name)`.
    pub attributes: Vec<(String, Value)>,
}

/// One span of a search.
#[derive(Debug)]
pub struct SpanSummary {
    /// 8 bytes.
    pub span_id: [u8; 8],
    /// Set when the query touches the name.
    pub name: Option<String>,
    /// Its start.
    pub start_unix_nano: i64,
    /// Its length.
    pub duration_ns: u64,
    /// The selected fields that it has, in the order of their first mention.
    pub attributes: Vec<(String, Value)>,
}

/// A value as OTLP's `AnyValue` types it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    String(String),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Values in order.
    Array(Vec<Value>),
    /// Values by key, in the sender's order.
    KeyValueList(Vec<(String, Value)>),
    /// `AnyValue` with nothing set.
    Empty,
}

/// Series over spans, whose labels have types.
#[derive(Debug)]
pub struct SpanSeriesSet {
    /// Nanoseconds since the epoch, ascending.
    pub times_ns: Vec<i64>,
    /// Whether each series has but one value, at no time in particular.
    pub instant: bool,
    /// In the answer's order.
    pub series: Vec<SpanSeries>,
}

/// One series over spans.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanSeries {
    /// In the order of the query.
    pub labels: Vec<(String, Value)>,
    /// One per time; NaN where there is none.
    pub values: Vec<f64>,
    /// Spans behind the values.
    pub exemplars: Vec<SpanExemplar>,
}

/// A span behind a value.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanExemplar {
    /// 16 bytes.
    pub trace_id: [u8; 16],
    /// 8 bytes.
    pub span_id: [u8; 8],
    /// What was measured of the span; NaN where spans are counted.
    pub value: f64,
    /// Its start, in milliseconds since the epoch.
    pub time_unix_ms: i64,
}

/// Attribute names of one scope.
#[derive(Debug)]
pub struct TagScope {
    /// `resource`, `span`, `event`, `link`, `instrumentation`, `intrinsic`.
    pub scope: &'static str,
    /// Sorted.
    pub tags: Vec<String>,
}

/// A value of a tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypedValue {
    /// Its text.
    pub value: String,
    /// `string`, `int`, `float`, `bool`, `duration`, `keyword`.
    pub kind: &'static str,
}

/// The exemplars of one series.
#[derive(Debug)]
pub struct SeriesExemplars {
    /// Its labels.
    pub labels: LabelSet,
    /// Ascending by time.
    pub exemplars: Vec<Exemplar>,
}

/// What stands behind a point of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Its own labels: `trace_id` and its like.
    pub labels: LabelSet,
    /// What was observed.
    pub value: f64,
    /// When, in milliseconds since the epoch.
    pub time_unix_ms: i64,
}

/// What is known of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricMetadata {
    /// counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown.
    pub kind: String,
    /// What it measures.
    pub help: String,
    /// In which unit.
    pub unit: String,
}
