//! The plan algebra: what every query language lowers to, and all that native code executes.
//!
//! TypeScript builds a [`Query`] as JSON; `search/plan/generated.ts` is generated from this file
//! (`npm run generate`). There are three kinds of relation, and a node says by its type which it
//! takes and gives, so a wrong plan cannot be written:
//!
//! - *log rows*: a [`LogScan`] followed by [`Stage`]s (filter, extract, format);
//! - *series*: [`SeriesExpr`], label sets with a value per step: windows over samples or over log
//!   rows, aggregations, joins, functions;
//! - *spansets*: [`SpansetExpr`], the spans of each trace, filtered, combined and related.
//!
//! Times are nanoseconds since the epoch unless a name says otherwise; they cross as decimal
//! strings because a JavaScript number holds only 53 bits.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Nanoseconds, as a point in time since 1970 or as a length; a decimal string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
#[ts(type = "string")]
pub struct Nanos(pub i64);

impl Serialize for Nanos {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            serde::de::Error::custom(format!("'{text}' is not a whole number of nanoseconds"))
        })
    }
}

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
    },
    /// All spans of one trace.
    TraceById {
        /// 32 lower-case hex digits.
        trace_id: String,
        /// Where to look, when the client says so; everywhere otherwise.
        range: Option<TimeRange>,
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
    /// Type, help and unit of metric names.
    MetricMetadata {
        /// Only this metric, if given.
        metric: Option<String>,
        /// The most names; 0 for all.
        limit: u32,
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

/// Which part of the matching label sets is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum LabelsOf {
    /// The names, sorted.
    Names,
    /// The values of one name, sorted.
    Values {
        /// Whose.
        name: String,
    },
    /// The sets themselves.
    Sets,
}

/// From `from` (included) to `to` (excluded).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// Included.
    pub from: Nanos,
    /// Excluded.
    pub to: Nanos,
}

/// Instants at which series are evaluated: `start`, `start + step`, … up to and including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The first instant.
    pub start: Nanos,
    /// No instant is later.
    pub end: Nanos,
    /// 0 means one instant, `start`, and an answer that is a vector or scalar.
    pub step: Nanos,
}

/// Which end of time comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// Whose rules count where the series languages differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Dialect {
    /// LogQL.
    Loki,
    /// PromQL.
    Prometheus,
}

/// A condition on one label of a set; a label that is not there has the value `""`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelMatcher {
    /// The label.
    pub name: String,
    /// How it is compared.
    pub op: MatchOp,
    /// With what; a regular expression is anchored at both ends.
    pub value: String,
}

/// How a text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum MatchOp {
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    NotEqual,
    /// Matches the regular expression.
    #[serde(rename = "=~")]
    Regex,
    /// Does not match it.
    #[serde(rename = "!~")]
    NotRegex,
}

// ---------------------------------------------------------------------------------- log rows

/// Log rows: a scan, then stages in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogRows {
    /// Which rows are read.
    pub scan: LogScan,
    /// What happens to each, in order.
    pub stages: Vec<Stage>,
}

/// The rows of streams that match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogScan {
    /// All must hold of the stream's labels.
    pub matchers: Vec<LabelMatcher>,
    /// When; under a [`SeriesExpr::LogWindow`] the executor derives it from steps and window, and
    /// this is `None`.
    pub range: Option<TimeRange>,
}

/// One step of a log pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "stage",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Stage {
    /// Keeps lines by their text. A chain `|= "a" or "b"` is one filter with two patterns.
    LineFilter {
        /// How the line is compared.
        op: LineFilterOp,
        /// At least one must be found (for the negated forms: none may).
        patterns: Vec<String>,
    },
    /// Keeps entries by their labels.
    LabelFilter {
        /// The condition.
        expr: LabelFilterExpr,
    },
    /// Adds labels read from the line; what does not parse gets `__error__`.
    Parse {
        /// How the line is read.
        parser: Parser,
    },
    /// Takes labels away: all named ones, or those whose value matches.
    Drop {
        /// Which.
        labels: Vec<LabelPick>,
    },
    /// Takes all other labels away.
    Keep {
        /// Which stay.
        labels: Vec<LabelPick>,
    },
}

/// A label, perhaps only with certain values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelPick {
    /// The label.
    pub name: String,
    /// Only where its value compares so.
    pub matches: Option<ValueMatch>,
}

/// A comparison of a value with a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueMatch {
    /// How.
    pub op: MatchOp,
    /// With what.
    pub value: String,
}

/// How a line filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum LineFilterOp {
    /// The line contains the text.
    #[serde(rename = "|=")]
    Contains,
    /// It does not.
    #[serde(rename = "!=")]
    NotContains,
    /// The expression is found somewhere in the line (not anchored).
    #[serde(rename = "|~")]
    Regex,
    /// It is not.
    #[serde(rename = "!~")]
    NotRegex,
}

/// How a line becomes labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Parser {
    /// A JSON object; nested keys are joined with `_`. With `expressions`, only those.
    Json {
        /// `label` = path into the object, e.g. `client.geo["city name"]`, `list[0]`.
        expressions: Vec<Extraction>,
    },
    /// `key=value` pairs. With `expressions`, only those.
    Logfmt {
        /// A pair that is not one is an error, not skipped.
        strict: bool,
        /// A key without a value gives an empty label instead of none.
        keep_empty: bool,
        /// `label` = key.
        expressions: Vec<Extraction>,
    },
}

/// A label and where its value is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extraction {
    /// The new label.
    pub label: String,
    /// Where.
    pub path: String,
}

/// A condition on an entry's labels after the stages before it. A label that is not there has
/// the value `""`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum LabelFilterExpr {
    /// Both hold.
    And {
        /// One.
        left: Box<LabelFilterExpr>,
        /// The other.
        right: Box<LabelFilterExpr>,
    },
    /// At least one holds.
    Or {
        /// One.
        left: Box<LabelFilterExpr>,
        /// The other.
        right: Box<LabelFilterExpr>,
    },
    /// Compares text.
    Text {
        /// The label and how.
        matcher: LabelMatcher,
    },
    /// Compares a number; a value that is not one sets `__error__` and keeps the entry.
    Number {
        /// The label.
        name: String,
        /// How.
        op: CompareOp,
        /// How label values are read, and in which unit `value` is.
        unit: NumberUnit,
        /// With what.
        value: f64,
    },
}

/// How label values are read as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum NumberUnit {
    /// A plain number.
    Plain,
    /// A Go duration, in seconds.
    Seconds,
    /// A size such as `5 MiB`, in bytes.
    Bytes,
}

/// A comparison of numbers or ordered values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum CompareOp {
    /// Equal.
    #[serde(rename = "==")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    NotEqual,
    /// Less.
    #[serde(rename = "<")]
    Less,
    /// Less or equal.
    #[serde(rename = "<=")]
    LessOrEqual,
    /// Greater.
    #[serde(rename = ">")]
    Greater,
    /// Greater or equal.
    #[serde(rename = ">=")]
    GreaterOrEqual,
}

// ---------------------------------------------------------------------------------- series

/// Values over time by label set, or a single value over time (a scalar).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "node",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum SeriesExpr {
    /// A constant scalar; `value` is a text because JSON has no NaN or infinities.
    Number {
        /// As `f64::from_str` reads it: `1.5`, `NaN`, `inf`, `-inf`.
        value: String,
    },
    /// A constant string; only as the whole expression.
    Text {
        /// The string.
        value: String,
    },
    /// Each series' newest sample not older than `lookback` at each step.
    Selector {
        /// Which series and when.
        select: SampleSelect,
        /// How old a sample may be.
        lookback: Nanos,
    },
    /// A function over the samples of `(t - range, t]` of each series.
    Window {
        /// Which series and when.
        select: SampleSelect,
        /// The window's length.
        range: Nanos,
        /// What is computed of each window.
        function: WindowFunction,
        /// The function's scalar arguments, in PromQL's order without the range vector.
        args: Vec<SeriesExpr>,
    },
    /// A function over windows of a subquery's points.
    Subquery {
        /// Evaluated at each inner step.
        input: Box<SeriesExpr>,
        /// The window's length.
        range: Nanos,
        /// Between inner evaluations, which are aligned to multiples of it.
        step: Nanos,
        /// How far back the window is moved; negative moves it forward.
        offset: Nanos,
        /// A fixed evaluation time instead of the step's.
        at: Option<Nanos>,
        /// What is computed of each window.
        function: WindowFunction,
        /// As in `Window`.
        args: Vec<SeriesExpr>,
    },
    /// A function over the log rows of `(t - range, t]`, by their labels.
    LogWindow {
        /// Which rows.
        input: LogRows,
        /// What is computed.
        function: LogWindowFunction,
        /// The window's length.
        range: Nanos,
        /// How far back the window is moved; negative moves it forward.
        offset: Nanos,
        /// The labels that rows are grouped by; all labels otherwise.
        grouping: Option<Grouping>,
    },
    /// One value per group and step.
    Aggregate {
        /// What is computed of each group.
        op: AggregateOp,
        /// Over what.
        input: Box<SeriesExpr>,
        /// Which labels make a group; without it, one group.
        grouping: Option<Grouping>,
        /// `k` of topk and bottomk, the quantile, or the label's name of `count_values`.
        param: Option<Box<SeriesExpr>>,
    },
    /// A join of two sides, or arithmetic with scalars.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// One side.
        left: Box<SeriesExpr>,
        /// The other.
        right: Box<SeriesExpr>,
        /// `bool`: comparisons give 0 or 1 instead of filtering.
        return_bool: bool,
        /// How series of both sides find each other.
        matching: Option<Matching>,
    },
    /// Unary minus.
    Negate {
        /// Of what.
        input: Box<SeriesExpr>,
    },
    /// A function of instant vectors and scalars.
    Call {
        /// Which.
        function: Function,
        /// In the language's order.
        args: Vec<SeriesExpr>,
    },
    /// `label_replace`.
    LabelReplace {
        /// The series.
        input: Box<SeriesExpr>,
        /// The label that is set.
        to: String,
        /// What it is set to, with `$1` and `${name}`.
        replacement: String,
        /// The label that is read.
        from: String,
        /// Anchored at both ends.
        regex: String,
    },
    /// `label_join`.
    LabelJoin {
        /// The series.
        input: Box<SeriesExpr>,
        /// The label that is set.
        to: String,
        /// Between the values.
        separator: String,
        /// The labels that are read.
        from: Vec<String>,
    },
    /// `absent(v)`, `absent_over_time(v[r])`: 1 where the input has nothing.
    Absent {
        /// What may be missing.
        input: Box<SeriesExpr>,
        /// The labels of the answer, from the equality matchers.
        labels: Vec<Label>,
    },
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Which series' samples, and moved how in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SampleSelect {
    /// All must hold; the metric's name is the label `__name__`.
    pub matchers: Vec<LabelMatcher>,
    /// How far back samples are taken; negative for the future.
    pub offset: Nanos,
    /// A fixed evaluation time instead of the step's (`@ 1700000000`, `@ start()`, `@ end()`).
    pub at: Option<Nanos>,
}

/// Labels that make groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grouping {
    /// `true`: all labels but these (`without`); `false`: these (`by`).
    pub without: bool,
    /// The labels.
    pub labels: Vec<String>,
}

/// What a window of samples becomes; names are PromQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the PromQL function of that name")]
pub enum WindowFunction {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Deriv,
    PredictLinear,
    Changes,
    Resets,
    AvgOverTime,
    MinOverTime,
    MaxOverTime,
    SumOverTime,
    CountOverTime,
    QuantileOverTime,
    StddevOverTime,
    StdvarOverTime,
    MadOverTime,
    LastOverTime,
    FirstOverTime,
    PresentOverTime,
    DoubleExponentialSmoothing,
}

/// What a window of log rows becomes; names are LogQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LogWindowFunction {
    /// Lines per second.
    Rate,
    /// Lines.
    CountOverTime,
    /// Bytes of lines per second.
    BytesRate,
    /// Bytes of lines.
    BytesOverTime,
}

/// How a group of series becomes one (or some); names are PromQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the PromQL aggregation of that name")]
pub enum AggregateOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Quantile,
    CountValues,
    Limitk,
    /// LogQL's `sort`.
    Sort,
    /// LogQL's `sort_desc`.
    SortDesc,
}

/// A binary operator of the series languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[expect(missing_docs, reason = "each is the operator it is written as")]
pub enum BinaryOp {
    #[serde(rename = "+")]
    Add,
    #[serde(rename = "-")]
    Subtract,
    #[serde(rename = "*")]
    Multiply,
    #[serde(rename = "/")]
    Divide,
    #[serde(rename = "%")]
    Modulo,
    #[serde(rename = "^")]
    Power,
    #[serde(rename = "atan2")]
    Atan2,
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "and")]
    And,
    #[serde(rename = "or")]
    Or,
    #[serde(rename = "unless")]
    Unless,
}

/// `on`/`ignoring` and `group_left`/`group_right`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Matching {
    /// `true`: compare these labels (`on`); `false`: all but these (`ignoring`).
    pub on: bool,
    /// The labels.
    pub labels: Vec<String>,
    /// Which side may have several series per match.
    pub cardinality: MatchCardinality,
    /// Labels taken over from the side with one series per match.
    pub include: Vec<String>,
}

/// How many series may match each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum MatchCardinality {
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}

/// A function of instant vectors and scalars; names are PromQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the PromQL function of that name")]
pub enum Function {
    Abs,
    Ceil,
    Floor,
    Round,
    Exp,
    Ln,
    Log2,
    Log10,
    Sqrt,
    Sgn,
    Clamp,
    ClampMin,
    ClampMax,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Deg,
    Rad,
    Pi,
    Time,
    Timestamp,
    Scalar,
    Vector,
    Minute,
    Hour,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Month,
    Year,
    Sort,
    SortDesc,
    SortByLabel,
    SortByLabelDesc,
    HistogramQuantile,
}

// ---------------------------------------------------------------------------------- spansets

/// Spans of each trace that match; evaluated on whole traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "node",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum SpansetExpr {
    /// `{ … }`: the spans for which the condition is true; all for no condition.
    Filter {
        /// The condition.
        condition: Option<FieldExpr>,
    },
    /// `{…} && {…}`, `{…} || {…}`: the spans of both, if both (or one) have any.
    Combine {
        /// Which.
        op: SpansetOp,
        /// One.
        left: Box<SpansetExpr>,
        /// The other.
        right: Box<SpansetExpr>,
    },
    /// The right side's spans that stand in the relation to one of the left side's.
    Structural {
        /// Which relation.
        op: StructuralOp,
        /// `!`: the right spans that do not.
        negated: bool,
        /// `&`: the left side's spans that take part are kept too.
        union: bool,
        /// One.
        left: Box<SpansetExpr>,
        /// The other.
        right: Box<SpansetExpr>,
    },
    /// `| { … }` after another stage: filters each of its span sets.
    Then {
        /// The stage before.
        input: Box<SpansetExpr>,
        /// The condition.
        condition: Option<FieldExpr>,
    },
    /// `| count() > 2`, `| avg(duration) > 1s`: keeps span sets whose aggregate compares so.
    AggregateFilter {
        /// The stage before.
        input: Box<SpansetExpr>,
        /// What is computed of each set.
        aggregate: SpansetAggregate,
        /// Of which field; none for `count`.
        field: Option<FieldExpr>,
        /// How it is compared.
        op: CompareOp,
        /// With what.
        value: Static,
    },
    /// `| by(field)`: one span set per value.
    GroupBy {
        /// The stage before.
        input: Box<SpansetExpr>,
        /// The values.
        by: FieldExpr,
        /// As it is shown, e.g. `by(resource.service.name)`.
        label: String,
    },
    /// `| coalesce()`: one span set per trace again.
    Coalesce {
        /// The stage before.
        input: Box<SpansetExpr>,
    },
}

/// How two span sets are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum SpansetOp {
    /// Both must have spans.
    #[serde(rename = "&&")]
    And,
    /// One must.
    #[serde(rename = "||")]
    Or,
}

/// How spans of one trace stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum StructuralOp {
    /// The right span is below a left one.
    #[serde(rename = ">>")]
    Descendant,
    /// The right span is directly below.
    #[serde(rename = ">")]
    Child,
    /// The right span is above.
    #[serde(rename = "<<")]
    Ancestor,
    /// The right span is directly above.
    #[serde(rename = "<")]
    Parent,
    /// Both have the same parent.
    #[serde(rename = "~")]
    Sibling,
}

/// What is computed of a span set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the TraceQL aggregate of that name")]
pub enum SpansetAggregate {
    Count,
    Avg,
    Min,
    Max,
    Sum,
}

/// An expression over one span's fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum FieldExpr {
    /// The field's value; nil where the span has none.
    Field {
        /// Which.
        field: Field,
    },
    /// A constant.
    Static {
        /// Which.
        value: Static,
    },
    /// Two operands.
    Binary {
        /// The operator.
        op: FieldOp,
        /// One.
        left: Box<FieldExpr>,
        /// The other.
        right: Box<FieldExpr>,
    },
    /// `!x`.
    Not {
        /// Of what.
        input: Box<FieldExpr>,
    },
    /// `-x`.
    Negate {
        /// Of what.
        input: Box<FieldExpr>,
    },
}

/// An operator between span fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[expect(missing_docs, reason = "each is the operator it is written as")]
pub enum FieldOp {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "=~")]
    Regex,
    #[serde(rename = "!~")]
    NotRegex,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "&&")]
    And,
    #[serde(rename = "||")]
    Or,
    #[serde(rename = "+")]
    Add,
    #[serde(rename = "-")]
    Subtract,
    #[serde(rename = "*")]
    Multiply,
    #[serde(rename = "/")]
    Divide,
    #[serde(rename = "%")]
    Modulo,
    #[serde(rename = "^")]
    Power,
}

/// A constant of TraceQL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Static {
    /// No value.
    Nil,
    /// Text.
    String {
        /// The text.
        value: String,
    },
    /// A whole number, as a decimal string.
    Int {
        /// The number.
        #[ts(type = "string")]
        value: Nanos,
    },
    /// A number with a fraction, as `f64::from_str` reads it.
    Float {
        /// The number.
        value: String,
    },
    /// True or false.
    Bool {
        /// Which.
        value: bool,
    },
    /// A length of time.
    Duration {
        /// In nanoseconds.
        value: Nanos,
    },
    /// `ok`, `error`, `unset`.
    Status {
        /// Which.
        value: StatusCode,
    },
    /// `server`, `client`, ….
    Kind {
        /// Which.
        value: SpanKind,
    },
}

/// A span's status; the numbers are OTLP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "OTLP's names")]
pub enum StatusCode {
    Unset = 0,
    Ok = 1,
    Error = 2,
}

/// A span's kind; the numbers are OTLP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "OTLP's names")]
pub enum SpanKind {
    Unspecified = 0,
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// Something a span has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Field {
    /// An attribute by name, in one scope or in any (span first, then resource).
    Attribute {
        /// Where.
        scope: Option<AttributeScope>,
        /// Its name as sent.
        name: String,
        /// Of the parent span (`parent.…`).
        parent: bool,
    },
    /// A field that every span has.
    Intrinsic {
        /// Which.
        name: Intrinsic,
    },
}

/// Where an attribute belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "TraceQL's scopes")]
pub enum AttributeScope {
    Resource,
    Span,
    Event,
    Link,
    Instrumentation,
}

/// TraceQL's intrinsic fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[expect(
    missing_docs,
    reason = "TraceQL's names: span:duration is Duration, trace:id is TraceId, …"
)]
pub enum Intrinsic {
    Duration,
    Name,
    Kind,
    Status,
    StatusMessage,
    SpanId,
    ParentId,
    ChildCount,
    NestedSetLeft,
    NestedSetRight,
    NestedSetParent,
    TraceId,
    TraceDuration,
    RootName,
    RootServiceName,
    EventName,
    EventTimeSinceStart,
    LinkTraceId,
    LinkSpanId,
    InstrumentationName,
    InstrumentationVersion,
}
