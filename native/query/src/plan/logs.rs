//! Log rows: a scan, then stages.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    labels::{CompareOp, LabelMatcher, MatchOp},
    time::TimeRange,
};

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
        patterns: Vec<LinePattern>,
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
    /// Takes the sequences away by which terminals are coloured.
    Decolorize,
    /// Writes the line anew.
    LineFormat {
        /// In Go's template language, over the labels.
        template: String,
    },
    /// Renames labels and writes new ones, one after the other.
    LabelFormat {
        /// What is done.
        formats: Vec<LabelFormat>,
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

/// What a line filter looks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinePattern {
    /// The text, expression, line pattern or range of addresses.
    pub text: String,
    /// `ip("…")`: an address, `a/24` or `a-b`; the line must hold an address of it.
    pub ip: bool,
}

/// A label that is set by `label_format`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelFormat {
    /// The label.
    pub to: String,
    /// Where its value comes from.
    pub from: LabelSource,
}

/// Where `label_format` takes a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", content = "text", rename_all = "camelCase")]
pub enum LabelSource {
    /// From this label, which is gone afterwards.
    Label(String),
    /// Written by this template, over the labels as they were before the stage.
    Template(String),
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
    /// The whole line is the literal parts of the pattern with something in place of each `<_>`.
    #[serde(rename = "|>")]
    Pattern,
    /// It is not.
    #[serde(rename = "!>")]
    NotPattern,
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
    /// Named captures of an expression.
    Regexp {
        /// With `(?P<label>…)`.
        expression: String,
    },
    /// What stands between literal parts.
    Pattern {
        /// E.g. `<ip> - <_> "<method> <path>"`.
        expression: String,
    },
    /// The texts of a JSON object that Promtail packed; `_entry` becomes the line.
    Unpack,
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

/// One of the tests of [`LabelFilterExpr::Words`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum WordTest {
    /// Of every value.
    Any,
    /// Of every value but the empty one.
    NotEmpty,
    /// Of this value.
    Equal {
        /// It.
        text: String,
    },
    /// Of values that hold it anywhere.
    Contains {
        /// The word.
        text: String,
    },
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
    /// Looks for words.
    Words {
        /// The label.
        name: String,
        /// None of the tests may hold.
        negated: bool,
        /// Upper and lower case are the same.
        ignores_case: bool,
        /// One of them holds.
        tests: Vec<WordTest>,
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
    /// Whether the value holds an address of a range.
    Ip {
        /// The label.
        name: String,
        /// `!=`: none may be in the range.
        negated: bool,
        /// An address, `a/24` or `a-b`.
        range: String,
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
