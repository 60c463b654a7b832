//! What a field is worth that a span does not have, or has more than once, where answers show, group or
//! compute with it.
//!
//! Tempo keeps some attributes in columns of their own. In what it answers, those have the text `nil` on
//! spans without them, and all others are left out.

use super::operand::Operand;
use crate::plan::{AttributeScope, Field, Intrinsic};

/// Attributes of resources with a column of their own in Tempo.
const RESOURCE: [&str; 4] =
    ["k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name"];

/// The same of spans.
const SPAN: [&str; 10] = [
    "http.request.method",
    "http.response.status_code",
    "url.path",
    "url.route",
    "server.address",
    "server.port",
    "http.method",
    "http.url",
    "http.route",
    "http.status_code",
];

/// An id that is not there, as Tempo writes it.
const NO_ID: &str = "0000000000000000";

/// Whether Tempo has a column for the attribute.
pub(super) fn has_column(field: &Field) -> bool {
    let Field::Attribute { scope, name, parent: false } = field else { return false };
    let has = |scope| names_with_column(scope).contains(&name.as_str());
    match scope {
        None => has(AttributeScope::Resource) || has(AttributeScope::Span),
        Some(scope) => has(*scope),
    }
}

/// The attributes of a scope that Tempo has columns for.
pub(super) fn names_with_column(scope: AttributeScope) -> &'static [&'static str] {
    match scope {
        AttributeScope::Resource => &RESOURCE,
        AttributeScope::Span => &SPAN,
        AttributeScope::Event | AttributeScope::Link | AttributeScope::Instrumentation => &[],
    }
}

/// What stands for a field that a span does not have; nil where nothing does.
pub(super) fn instead(field: &Field) -> Operand<'static> {
    match field {
        Field::Intrinsic { name: Intrinsic::EventName | Intrinsic::LinkTraceId } => {
            Operand::String("".into())
        }
        Field::Intrinsic { name: Intrinsic::EventTimeSinceStart } => Operand::Duration(0),
        Field::Intrinsic { name: Intrinsic::LinkSpanId | Intrinsic::ParentId } => {
            Operand::String(NO_ID.into())
        }
        field if has_column(field) => Operand::String("nil".into()),
        Field::Intrinsic { .. } | Field::Attribute { .. } => Operand::Nil,
    }
}

/// Whether a span may have the field more than once, with its events or links.
pub(super) fn is_listed(field: &Field) -> bool {
    match field {
        Field::Attribute { scope, .. } => {
            matches!(scope, Some(AttributeScope::Event | AttributeScope::Link))
        }
        Field::Intrinsic { .. } => true,
    }
}

/// The one value that a span is grouped by or counted with: of several events or links that of the first.
pub(super) fn single<'t>(field: &Field, value: Operand<'t>) -> Operand<'t> {
    match value {
        Operand::Nil => instead(field),
        Operand::Many(items) if is_listed(field) => {
            items.into_iter().next().unwrap_or(Operand::Nil)
        }
        one => one,
    }
}
