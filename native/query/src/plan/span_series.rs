//! Series over spans: TraceQL's metrics.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    labels::CompareOp,
    spans::{Field, FieldExpr},
    spansets::SpansetExpr,
    time::Nanos,
};

/// Values of groups of spans over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "node",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum SpanSeriesExpr {
    /// `{ … } | rate() by (…)`: a function over the matching spans of each interval and group.
    Window {
        /// Which spans.
        input: SpansetExpr,
        /// What is computed of them.
        function: SpanFunction,
        /// What they are grouped by; none for one group.
        by: Vec<SpanGroup>,
    },
    /// `{ … } | compare({ … })`: how often each value of each attribute stands in the selection and
    /// in the rest.
    Compare {
        /// Which spans.
        input: SpansetExpr,
        /// Those that are selected; all for none.
        selection: Option<FieldExpr>,
        /// The most values of each attribute.
        top: u32,
        /// Only spans that start after this are selected; with `to` 0 at any time.
        from: Nanos,
        /// And at this or before.
        to: Nanos,
    },
    /// `| topk(3)`, `| bottomk(3)`: the largest or smallest values at each time.
    Rank {
        /// Of what.
        input: Box<SpanSeriesExpr>,
        /// Which end.
        op: RankOp,
        /// How many.
        count: u32,
    },
    /// `> 20`: values that compare so, and series that have any.
    Filter {
        /// Of what.
        input: Box<SpanSeriesExpr>,
        /// How it is compared.
        op: CompareOp,
        /// With what, as `f64::from_str` reads it.
        value: String,
    },
    /// `100 * x`: each value with a constant.
    Scale {
        /// Of what.
        input: Box<SpanSeriesExpr>,
        /// How they are combined.
        op: SpanSeriesOp,
        /// The constant, as `f64::from_str` reads it.
        value: String,
        /// Whether the constant is the left operand.
        constant_left: bool,
    },
    /// `x / y`: series with the same labels; one without labels goes with each of the other side.
    Binary {
        /// How they are combined.
        op: SpanSeriesOp,
        /// One.
        left: Box<SpanSeriesExpr>,
        /// The other.
        right: Box<SpanSeriesExpr>,
    },
}

/// What spans are grouped by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SpanGroup {
    /// Whose values.
    pub field: Field,
    /// The label's name: the field as Tempo writes it.
    pub label: String,
}

/// A function over spans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "name",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[expect(missing_docs, reason = "each is the TraceQL function of that name")]
pub enum SpanFunction {
    Rate,
    CountOverTime,
    MinOverTime {
        of: Field,
    },
    MaxOverTime {
        of: Field,
    },
    SumOverTime {
        of: Field,
    },
    AvgOverTime {
        of: Field,
    },
    /// Quantiles between 0 and 1, as `f64::from_str` reads them.
    QuantileOverTime {
        of: Field,
        quantiles: Vec<String>,
    },
    HistogramOverTime {
        of: Field,
    },
}

/// Which end of the values is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is the TraceQL stage of that name")]
pub enum RankOp {
    TopK,
    BottomK,
}

/// Arithmetic between values. Division by zero gives no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[expect(missing_docs, reason = "each is the operator it is written as")]
pub enum SpanSeriesOp {
    #[serde(rename = "+")]
    Add,
    #[serde(rename = "-")]
    Subtract,
    #[serde(rename = "*")]
    Multiply,
    #[serde(rename = "/")]
    Divide,
}

/// Intervals of one length, each open at its start and closed at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Intervals {
    /// The start of the first; spans that start then are not in it.
    pub from: Nanos,
    /// The end of the last.
    pub to: Nanos,
    /// The length of each; 0 for one that is the whole range, and an answer of one value a series.
    pub step: Nanos,
}
