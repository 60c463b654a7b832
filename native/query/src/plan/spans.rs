//! One span: its fields and expressions over them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::time::Nanos;

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

/// Spans of one trace that match, and those around them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpanSelection {
    /// Which match; every span without.
    pub condition: Option<FieldExpr>,
    /// How many levels above each matching span are kept as well; all without.
    pub above: Option<u32>,
    /// How many levels below each matching span are kept as well; all without.
    pub below: Option<u32>,
}
