//! Series: label sets with a value per step.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    functions::{AggregateOp, BinaryOp, Function, WindowFunction},
    labels::{Grouping, Label, LabelMatcher},
    logs::{LabelFilterExpr, LogRows, NumberUnit},
    time::Nanos,
};

/// Whose rules count where the series languages differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Dialect {
    /// LogQL.
    Loki,
    /// PromQL.
    Prometheus,
}

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
        /// For what the user is told of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        place: Option<NotePlace>,
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
        /// As in `Selector`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        place: Option<NotePlace>,
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
        /// As in `Selector`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        place: Option<NotePlace>,
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
        /// Whose value counts instead of the line.
        unwrap: Option<Unwrap>,
        /// The quantile of `quantile_over_time`.
        param: Option<f64>,
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
        /// As in `Selector`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        place: Option<NotePlace>,
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
        /// As in `Selector`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        place: Option<NotePlace>,
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
        /// As in `Selector`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        place: Option<NotePlace>,
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
    /// `info(v, {…})`: series with the labels of the info series of their `instance` and `job`.
    Info {
        /// The series.
        input: Box<SeriesExpr>,
        /// The info series. Labels that its matchers name are the only ones that are taken over.
        select: SampleSelect,
        /// How old a sample may be.
        lookback: Nanos,
    },
    /// `absent(v)`, `absent_over_time(v[r])`: 1 where the input has nothing.
    Absent {
        /// What may be missing.
        input: Box<SeriesExpr>,
        /// The labels of the answer, from the equality matchers.
        labels: Vec<Label>,
    },
}

/// Where in the query's text the notes of a node point to, each as `line:column`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotePlace {
    /// What is computed with.
    pub input: String,
    /// The quantile or ratio.
    pub param: String,
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
    /// Whether samples beyond the window's edges count.
    pub extension: Option<Extension>,
}

/// What the edges of a window are, where samples do not lie on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extension {
    /// How they are found.
    pub edges: Edges,
    /// How far from the edge samples are looked for.
    pub reach: Nanos,
}

/// How the edges of a window are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Edges {
    /// By the sample before them.
    Anchored,
    /// Between the samples before and after them.
    Smoothed,
}

/// The label whose value is a row's sample; rows without it are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unwrap {
    /// The label. It is no part of the series' labels.
    pub label: String,
    /// How its value is read; what cannot be is an error of the row.
    pub unit: NumberUnit,
    /// Run afterwards, with that error to be seen.
    pub filters: Vec<LabelFilterExpr>,
}

/// What a window of log rows becomes; names are LogQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the others are the LogQL function of that name, of samples")]
pub enum LogWindowFunction {
    /// Lines per second; of samples, their sum per second.
    Rate,
    /// Lines.
    CountOverTime,
    /// Bytes of lines per second.
    BytesRate,
    /// Bytes of lines.
    BytesOverTime,
    RateCounter,
    AvgOverTime,
    SumOverTime,
    MinOverTime,
    MaxOverTime,
    StddevOverTime,
    StdvarOverTime,
    QuantileOverTime,
    FirstOverTime,
    LastOverTime,
}

/// `on`/`ignoring` and `group_left`/`group_right`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
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
    /// What stands for a series that the left side lacks, as in `SeriesExpr::Number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub fill_left: Option<String>,
    /// What stands for a series that the right side lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub fill_right: Option<String>,
}

/// How many series may match each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum MatchCardinality {
    #[default]
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}
