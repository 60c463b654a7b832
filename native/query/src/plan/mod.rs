//! The plan algebra: what every query language lowers to, and all that native code executes.
//!
//! TypeScript builds a [`Query`] as JSON; `search/plan/generated.ts` is generated from these files
//! (`npm run generate`). There are three kinds of relation, and a node says by its type which it
//! takes and gives, so a wrong plan cannot be written:
//!
//! - *log rows*: a [`LogScan`] followed by [`Stage`]s (filter, extract, format);
//! - *series*: [`SeriesExpr`], label sets with a value per step: windows over samples or over log
//!   rows, aggregations, joins, functions;
//! - *spansets*: [`SpansetExpr`], the spans of each trace, filtered, combined and related;
//!   [`SpanSeriesExpr`] makes series of them.
//!
//! Times are nanoseconds since the epoch unless a name says otherwise; they cross as decimal
//! strings because a JavaScript number holds only 53 bits.

mod functions;
mod labels;
mod log_overviews;
mod logs;
mod series;
mod span_series;
mod spans;
mod spansets;
mod text_search;
mod time;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use varve_view::{AsOfError, Position};

pub use functions::{AggregateOp, BinaryOp, Function, WindowFunction};
pub use labels::{CompareOp, Grouping, Label, LabelMatcher, LabelsOf, MatchOp};
pub use log_overviews::{FieldsOf, VolumeBy};
pub use logs::{
    Extraction, LabelFilterExpr, LabelFormat, LabelPick, LabelSource, LineFilterOp, LinePattern,
    LogRows, LogScan, NumberUnit, Parser, Stage, ValueMatch, WordTest,
};
pub use series::{
    Dialect, Edges, Extension, LogWindowFunction, MatchCardinality, Matching, NotePlace,
    SampleSelect, SeriesExpr, Unwrap,
};
pub use span_series::{Intervals, RankOp, SpanFunction, SpanGroup, SpanSeriesExpr, SpanSeriesOp};
pub use spans::{
    AttributeScope, Field, FieldExpr, FieldOp, Intrinsic, SpanKind, SpanSelection, Static,
    StatusCode,
};
pub use spansets::{SpansetAggregate, SpansetExpr, SpansetOp, StructuralOp};
pub use text_search::{SearchOrder, TextExpr};
pub use time::{Direction, Nanos, Steps, TimeRange};

/// One question, complete: whose data, which plan, in which form to answer, and what it may cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Query {
    /// One tenant, or several for a federated read (then series and streams carry `__tenant_id__`).
    pub tenants: Vec<String>,
    /// What to compute.
    pub plan: Plan,
    /// How to write the answer.
    pub answer: AnswerFormat,
    /// What it may cost.
    pub budget: Budget,
    /// As of when; nothing: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub as_of: Option<AsOf>,
    /// The most series of the answer, which says so when it has less than there are; nothing: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub series_limit: Option<u32>,
    /// How long it waited for its turn, in microseconds; told in the answer's statistics.
    #[serde(default)]
    pub queued_us: u32,
}

/// As of when rows are read: what was appended later is not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum AsOf {
    /// A position of the logs, as `logs/0=1:40,spans/3=1:7`.
    Position(String),
    /// Milliseconds since the epoch.
    TimeMs(#[ts(type = "number")] i64),
}

impl AsOf {
    /// The store's form of it.
    pub fn read(&self) -> Result<varve_view::AsOf, AsOfError> {
        Ok(match self {
            Self::Position(text) => varve_view::AsOf::Position(Position::parse(text)?),
            Self::TimeMs(at_ms) => varve_view::AsOf::TimeMs(*at_ms),
        })
    }
}

/// Past any of these the query ends with an error that names which, its value, and the setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// Wall time from the start of execution.
    pub deadline_ms: u32,
    /// Bytes held at once by the query's own state (groups, series, rows kept), roughly counted.
    #[ts(type = "number")]
    pub memory_max_bytes: u64,
    /// Series (or streams, or traces under evaluation) held at once.
    pub series_max: u32,
    /// Samples loaded into memory by one query.
    #[ts(type = "number")]
    pub samples_max: u64,
}

/// The form of the answer's bytes; each is a whole response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum AnswerFormat {
    /// Loki's JSON envelope.
    Loki,
    /// The same with `encodingFlags: ["categorize-labels"]` and triples for entries.
    LokiCategorized,
    /// Lines alone, as Loki answered them before its version 1.0.
    LokiLegacy,
    /// Prometheus' JSON envelope.
    Prometheus,
    /// Tempo's JSON for search and tags, version 1.
    TempoV1,
    /// Tempo's JSON for search, tags and traces, version 2.
    TempoV2,
    /// `tempopb.Trace`.
    TempoV1Protobuf,
    /// `tempopb.TraceByIDResponse`.
    TempoV2Protobuf,
}

/// What a query asks for, by the kind of its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "node",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Plan {
    /// Log lines, newest or oldest first, cut at a limit over all streams.
    LogRows {
        /// Which rows, and what happens to each.
        input: LogRows,
        /// The most lines over all streams.
        limit: u32,
        /// Which end comes first.
        direction: Direction,
        /// At most one line, of whichever stream, in each interval of this length; 0 for all.
        interval: Nanos,
    },
    /// Values over time: a matrix, or a vector or scalar where `steps` is one instant.
    Series {
        /// The expression.
        expr: SeriesExpr,
        /// When it is evaluated.
        steps: Steps,
        /// Whose rules decide where the languages differ (division by zero, sorting, names).
        dialect: Dialect,
    },
    /// Samples of series as they were stored: a range vector.
    Samples {
        /// Which series, and moved how in time.
        select: SampleSelect,
        /// Those after `time - range`, and up to `time`.
        range: Nanos,
        /// When.
        time: Nanos,
    },
    /// Traces that match, newest first, as summaries.
    TraceSearch {
        /// Which spans of a trace match.
        spanset: SpansetExpr,
        /// Only traces with a span in here.
        range: TimeRange,
        /// The most traces.
        limit: u32,
        /// The most spans listed of each span set; 0 for all.
        spans_per_set: u32,
        /// Fields shown with each listed span, in the order of their first mention.
        select: Vec<Field>,
        /// Whether only whole traces are told of, and not which of their spans match.
        summaries_only: bool,
    },
    /// Series over spans.
    SpanSeries {
        /// The expression.
        expr: SpanSeriesExpr,
        /// When it is evaluated.
        intervals: Intervals,
        /// The most exemplars of all series together.
        exemplars: u32,
        /// The most series; with more the answer has so many and says so.
        limit: u32,
    },
    /// All spans of one trace.
    TraceById {
        /// 32 lower-case hex digits.
        trace_id: String,
        /// Where to look, when the client says so; everywhere otherwise.
        range: Option<TimeRange>,
        /// Which of its spans; all of them without.
        spans: Option<SpanSelection>,
    },
    /// Names or values of stream labels, or whole label sets (Loki's labels, values, series).
    StreamLabels {
        /// Which streams: those that match any of these selectors; none means all.
        selectors: Vec<Vec<LabelMatcher>>,
        /// Streams with a line in here.
        range: TimeRange,
        /// What of them.
        of: LabelsOf,
    },
    /// How many streams, lines and bytes there are (Loki's index statistics).
    LogTotals {
        /// Which streams; none means all.
        matchers: Vec<LabelMatcher>,
        /// When.
        range: TimeRange,
    },
    /// Bytes of lines by labels, the largest first: a vector at the range's end, or a matrix with a
    /// point at the end of each step.
    LogVolume {
        /// Which streams; none means all.
        matchers: Vec<LabelMatcher>,
        /// When.
        range: TimeRange,
        /// By what.
        by: VolumeBy,
        /// The length of a step; 0 for one that is the whole range.
        step: Nanos,
        /// The most series.
        limit: u32,
    },
    /// Labels of streams that tell something, with how many values each has.
    DetectedLabels {
        /// Which streams; none means all.
        matchers: Vec<LabelMatcher>,
        /// Streams with a line in here.
        range: TimeRange,
    },
    /// Fields of the newest lines: structured metadata, and what a parser finds in the line.
    DetectedFields {
        /// Which lines.
        input: LogRows,
        /// How many lines are looked at.
        line_limit: u32,
        /// All fields, or the values of one.
        of: FieldsOf,
        /// The most fields, or values.
        limit: u32,
    },
    /// What lines have in common, with how many there are in each step.
    LogPatterns {
        /// Which lines.
        input: LogRows,
        /// The length of a step; counts stand at multiples of it.
        step: Nanos,
    },
    /// Lines that say certain words, with those first that fit best.
    LogSearch {
        /// Of which streams, and when.
        input: LogScan,
        /// The words.
        query: TextExpr,
        /// Which lines come first.
        order: SearchOrder,
        /// The most lines.
        limit: u32,
    },
    /// Lines as they are stored: a first answer with the newest ones, then with `after` those that were
    /// stored since, each once.
    LogTail {
        /// Which lines. The range counts only for the first answer.
        input: LogRows,
        /// Where the last answer ended, as it told; `None` for the first.
        after: Option<String>,
        /// The most lines of the first answer. In a later one, if it is not 0, older lines than these
        /// newest are told as dropped.
        limit: u32,
    },
    /// Names or values of series labels, or whole label sets (Prometheus' labels, values, series).
    SeriesLabels {
        /// Which series: those that match any of these selectors; none means all.
        selectors: Vec<Vec<LabelMatcher>>,
        /// Series with a sample in here.
        range: TimeRange,
        /// What of them.
        of: LabelsOf,
        /// The most entries; 0 for all. A cut is said in the answer's warnings.
        limit: u32,
    },
    /// How many series there are by metric, label and value (Prometheus' `status/tsdb`).
    SeriesCardinality {
        /// Series with a sample in here.
        range: TimeRange,
        /// The most entries of each list.
        limit: u32,
    },
    /// Exemplars of series.
    Exemplars {
        /// Which series: those that match any of these selectors.
        selectors: Vec<Vec<LabelMatcher>>,
        /// Exemplars with a time in here.
        range: TimeRange,
    },
    /// Type, help and unit of metric names.
    MetricMetadata {
        /// Only this metric, if given.
        metric: Option<String>,
        /// The most names; 0 for all.
        limit: u32,
        /// The most descriptions of one name; 0 for all.
        per_metric: u32,
    },
    /// Names of span, resource, scope, event and link attributes.
    SpanTags {
        /// Only this scope; every scope otherwise.
        scope: Option<AttributeScope>,
        /// Only spans that match.
        filter: Option<FieldExpr>,
        /// Where to look.
        range: TimeRange,
        /// The most names of each scope; 0 for all.
        limit: u32,
    },
    /// Values of one field of spans.
    SpanTagValues {
        /// Whose values.
        field: Field,
        /// Only of spans that match.
        filter: Option<FieldExpr>,
        /// Where to look.
        range: TimeRange,
        /// The most values; 0 for all.
        limit: u32,
    },
}
