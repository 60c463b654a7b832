//! Fields and expressions as Tempo writes them, where they name something in an answer.

use super::{
    go_duration,
    operand::{kind_word, status_word},
};
use crate::plan::{AttributeScope, Field, FieldExpr, Intrinsic, Static};

/// An intrinsic field's name in queries and answers.
pub(super) fn intrinsic(name: Intrinsic) -> &'static str {
    match name {
        Intrinsic::Duration => "duration",
        Intrinsic::Name => "name",
        Intrinsic::Kind => "kind",
        Intrinsic::Status => "status",
        Intrinsic::StatusMessage => "statusMessage",
        Intrinsic::SpanId => "span:id",
        Intrinsic::ParentId => "span:parentID",
        Intrinsic::ChildCount => "span:childCount",
        Intrinsic::NestedSetLeft => "nestedSetLeft",
        Intrinsic::NestedSetRight => "nestedSetRight",
        Intrinsic::NestedSetParent => "nestedSetParent",
        Intrinsic::TraceId => "trace:id",
        Intrinsic::TraceDuration => "traceDuration",
        Intrinsic::RootName => "rootName",
        Intrinsic::RootServiceName => "rootServiceName",
        Intrinsic::EventName => "event:name",
        Intrinsic::EventTimeSinceStart => "event:timeSinceStart",
        Intrinsic::LinkTraceId => "link:traceID",
        Intrinsic::LinkSpanId => "link:spanID",
        Intrinsic::InstrumentationName => "instrumentation:name",
        Intrinsic::InstrumentationVersion => "instrumentation:version",
    }
}

/// A scope's name.
pub(super) fn scope(scope: AttributeScope) -> &'static str {
    match scope {
        AttributeScope::Resource => "resource",
        AttributeScope::Span => "span",
        AttributeScope::Event => "event",
        AttributeScope::Link => "link",
        AttributeScope::Instrumentation => "instrumentation",
    }
}

/// An expression, operations within it in parentheses.
pub(super) fn show(expr: &FieldExpr) -> String {
    match expr {
        FieldExpr::Field { field } => show_field(field),
        FieldExpr::Static { value } => show_static(value),
        FieldExpr::Not { input } => format!("!{}", show_operand(input)),
        FieldExpr::Negate { input } => format!("-{}", show_operand(input)),
        FieldExpr::Binary { op, left, right } => {
            // An operator is serialized as the text it is written as.
            let op = serde_json::to_value(op).unwrap_or_default();
            let op = op.as_str().unwrap_or_default();
            format!("{} {op} {}", show_operand(left), show_operand(right))
        }
    }
}

fn show_operand(expr: &FieldExpr) -> String {
    let shown = show(expr);
    if matches!(expr, FieldExpr::Binary { .. }) { format!("({shown})") } else { shown }
}

fn show_field(field: &Field) -> String {
    match field {
        Field::Intrinsic { name } => intrinsic(*name).to_owned(),
        Field::Attribute { scope: of, name, parent } => {
            let of = of.map_or("", scope);
            match (parent, of) {
                (false, of) => format!("{of}.{name}"),
                (true, "") => format!("parent.{name}"),
                (true, of) => format!("parent.{of}.{name}"),
            }
        }
    }
}

fn show_static(value: &Static) -> String {
    match value {
        Static::Nil => "nil".to_owned(),
        Static::String { value } => format!("`{value}`"),
        Static::Int { value } => value.0.to_string(),
        Static::Float { value } => value.clone(),
        Static::Bool { value } => value.to_string(),
        Static::Duration { value } => go_duration::show(value.0),
        Static::Status { value } => status_word(*value as i32).to_owned(),
        Static::Kind { value } => kind_word(*value as i32).to_owned(),
    }
}
