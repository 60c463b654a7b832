//! Spansets: the spans of each trace that match.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    labels::CompareOp,
    spans::{FieldExpr, Static},
};

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
