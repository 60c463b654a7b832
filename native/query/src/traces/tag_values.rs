//! Which values a field of spans has.

use std::{collections::BTreeSet, ops::ControlFlow};

use varve_columnar::{
    answer::{Answer, TypedValue},
    attributes::write_double,
};

use super::{
    condition::Expr,
    fields::{SpanAt, columns_of, is_of_trace, of_span_alone},
    matching::{by_columns, by_traces, is_columnar},
    operand::{KINDS, Operand, STATUSES, kind_word, status_word},
    trace::SpanRef,
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{AttributeScope, Field, FieldExpr, Intrinsic, TimeRange},
};

/// The values, sorted; at most `limit`, 0 for all.
pub(crate) fn run(
    context: &ExecContext,
    field: &Field,
    filter: Option<&FieldExpr>,
    range: TimeRange,
    limit: u32,
) -> Result<Answer, QueryError> {
    if let Some(fixed) = fixed(field) {
        return Ok(Answer::TagValues(fixed));
    }
    let filter = filter.map(Expr::compile).transpose()?;
    let filter = filter.as_ref();
    let limit = if limit == 0 { usize::MAX } else { limit as usize };
    let of_scope = of_scope(field);
    let mut values = BTreeSet::new();
    let mut visit = |span: SpanRef<'_>, at: Option<SpanAt<'_>>| {
        let mut value = at.map_or_else(|| of_span_alone(span, field), |at| at.field(field));
        if let (Operand::Nil, Some(field)) = (&value, &of_scope) {
            value = of_span_alone(span, field);
        }
        values.extend(value.each().iter().filter_map(typed));
        if values.len() >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let filtered = filter.map(Expr::fields).unwrap_or_default();
    let columns = columns_of(std::iter::once(field).chain(filtered));
    if is_columnar(filter)? && !is_of_trace(field) {
        by_columns(context, filter, range, &columns, &mut visit)?;
    } else {
        by_traces(context, filter, range, &columns, &mut visit)?;
    }
    Ok(Answer::TagValues(values.into_iter().take(limit).collect()))
}

/// Values that do not depend on what is stored: words of the language, and none where every span has
/// a value of its own, which nobody would pick from a list.
fn fixed(field: &Field) -> Option<Vec<TypedValue>> {
    let Field::Intrinsic { name } = field else { return None };
    let words = |words: &[&str]| {
        let keyword = |word: &&str| TypedValue { value: (*word).to_owned(), kind: "keyword" };
        let mut values: Vec<_> = words.iter().map(keyword).collect();
        values.sort();
        values
    };
    match name {
        Intrinsic::Status => Some(words(&STATUSES)),
        Intrinsic::Kind => Some(words(&KINDS)),
        Intrinsic::Duration
        | Intrinsic::TraceDuration
        | Intrinsic::SpanId
        | Intrinsic::ParentId
        | Intrinsic::TraceId
        | Intrinsic::LinkTraceId
        | Intrinsic::LinkSpanId => Some(Vec::new()),
        Intrinsic::Name
        | Intrinsic::StatusMessage
        | Intrinsic::RootName
        | Intrinsic::RootServiceName
        | Intrinsic::EventName
        | Intrinsic::EventTimeSinceStart
        | Intrinsic::ChildCount
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent
        | Intrinsic::InstrumentationName
        | Intrinsic::InstrumentationVersion => None,
    }
}

/// Lists of values, unlike conditions, know an attribute without a scope from the instrumentation's too.
fn of_scope(field: &Field) -> Option<Field> {
    let Field::Attribute { scope: None, name, parent } = field else { return None };
    let (scope, name, parent) = (Some(AttributeScope::Instrumentation), name.clone(), *parent);
    Some(Field::Attribute { scope, name, parent })
}

fn typed(value: &Operand<'_>) -> Option<TypedValue> {
    let (value, kind) = match value {
        Operand::String(text) => (text.clone().into_owned(), "string"),
        // Lengths of time in nanoseconds.
        Operand::Int(value) | Operand::Duration(value) => (value.to_string(), "int"),
        Operand::Float(value) => {
            let mut text = String::new();
            write_double(&mut text, *value);
            // A fraction is told from a whole number by its point.
            if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                text.push_str(".0");
            }
            (text, "float")
        }
        Operand::Bool(value) => (value.to_string(), "bool"),
        Operand::Status(number) => (status_word(*number).to_owned(), "keyword"),
        Operand::Kind(number) => (kind_word(*number).to_owned(), "keyword"),
        Operand::Nil | Operand::Many(_) => return None,
    };
    Some(TypedValue { value, kind })
}
