//! Fields of a span, as conditions and summaries see them.

use varve_columnar::{attributes::AttributeType, resource::AttributeText};

use super::{
    operand::Operand,
    spans::SUMMARY_COLUMNS,
    trace::{SpanRef, Trace},
};
use crate::plan::{AttributeScope, Field, Intrinsic};

/// A span among the others of its trace.
#[derive(Clone, Copy)]
pub(super) struct SpanAt<'t> {
    pub(super) trace: &'t Trace<'t>,
    /// Its place in the trace.
    pub(super) place: usize,
}

impl<'t> SpanAt<'t> {
    pub(super) fn span(self) -> SpanRef<'t> {
        self.trace.spans[self.place]
    }

    /// The field's value; nil where the span has none.
    pub(super) fn field(self, field: &Field) -> Operand<'t> {
        match field {
            Field::Intrinsic { name } => self.intrinsic(*name),
            Field::Attribute { scope, name, parent: false } => attribute(self.span(), *scope, name),
            Field::Attribute { scope, name, parent: true } => {
                let parent = self.trace.tree().parent(self.place);
                parent
                    .map_or(Operand::Nil, |place| attribute(self.trace.spans[place], *scope, name))
            }
        }
    }

    fn intrinsic(self, name: Intrinsic) -> Operand<'t> {
        let nested = || self.trace.tree().nested(self.place);
        match name {
            Intrinsic::ChildCount => Operand::Int(self.trace.tree().child_count(self.place).into()),
            Intrinsic::NestedSetLeft => Operand::Int(nested().left),
            Intrinsic::NestedSetRight => Operand::Int(nested().right),
            Intrinsic::NestedSetParent => Operand::Int(nested().parent),
            Intrinsic::TraceDuration => Operand::Duration(self.trace.duration_ns()),
            // Of a trace without a root both are the empty text.
            Intrinsic::RootName => text(Some(self.trace.root().map_or("", SpanRef::name))),
            Intrinsic::RootServiceName => {
                text(Some(self.trace.root().and_then(SpanRef::service_name).unwrap_or_default()))
            }
            Intrinsic::TraceId => Operand::String(hex(&self.trace.id).into()),
            _ => of_span(self.span(), name),
        }
    }
}

/// A field that a span has without its trace; nil for the others.
pub(super) fn of_span_alone<'a>(span: SpanRef<'a>, field: &Field) -> Operand<'a> {
    match field {
        Field::Intrinsic { name } => of_span(span, *name),
        Field::Attribute { scope, name, parent: false } => attribute(span, *scope, name),
        Field::Attribute { parent: true, .. } => Operand::Nil,
    }
}

/// An intrinsic field that a span has without its trace; nil for the others.
fn of_span(span: SpanRef<'_>, name: Intrinsic) -> Operand<'_> {
    match name {
        Intrinsic::Duration => Operand::Duration(span.duration_ns()),
        Intrinsic::Name => text(Some(span.name())),
        Intrinsic::Kind => Operand::Kind(span.kind()),
        Intrinsic::Status => Operand::Status(span.status()),
        Intrinsic::StatusMessage => {
            text(Some(span.columns.status_messages.get(span.row).unwrap_or_default()))
        }
        Intrinsic::SpanId => Operand::String(hex(&span.id()).into()),
        Intrinsic::ParentId => {
            span.parent_id().map_or(Operand::Nil, |id| Operand::String(hex(&id).into()))
        }
        Intrinsic::EventName | Intrinsic::EventTimeSinceStart => of_events(span, name),
        Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => of_links(span, name),
        Intrinsic::InstrumentationName => {
            text(span.columns.scopes.get(span.row).map(|scope| scope.name.as_str()))
        }
        Intrinsic::InstrumentationVersion => {
            text(span.columns.scopes.get(span.row).map(|scope| scope.version.as_str()))
        }
        Intrinsic::ChildCount
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent
        | Intrinsic::TraceId
        | Intrinsic::TraceDuration
        | Intrinsic::RootName
        | Intrinsic::RootServiceName => Operand::Nil,
    }
}

fn of_events(span: SpanRef<'_>, name: Intrinsic) -> Operand<'_> {
    let Some(events) = &span.columns.events else { return Operand::Nil };
    Operand::many(events.of(span.row).map(|at| {
        if name == Intrinsic::EventName {
            text(Some(events.names.value(at)))
        } else {
            Operand::Duration(events.times.value(at).saturating_sub(span.start_unix_nano()))
        }
    }))
}

fn of_links(span: SpanRef<'_>, name: Intrinsic) -> Operand<'_> {
    let Some(links) = &span.columns.links else { return Operand::Nil };
    let ids = if name == Intrinsic::LinkTraceId { &links.trace_ids } else { &links.span_ids };
    Operand::many(links.of(span.row).map(|at| Operand::String(hex(ids.value(at)).into())))
}

/// An attribute by its name as sent. Without a scope the span's own hides its resource's.
fn attribute<'a>(span: SpanRef<'a>, scope: Option<AttributeScope>, name: &str) -> Operand<'a> {
    let columns = span.columns;
    let own = || columns.attributes.get(span.row, name).map(Operand::of_attribute);
    let resource = || {
        let resource = columns.resources.get(span.row)?;
        shared(&resource.attributes, name)
    };
    let found = match scope {
        None => own().or_else(resource),
        Some(AttributeScope::Span) => own(),
        Some(AttributeScope::Resource) => resource(),
        Some(AttributeScope::Instrumentation) => {
            columns.scopes.get(span.row).and_then(|scope| shared(&scope.attributes, name))
        }
        Some(AttributeScope::Event) => columns.events.as_ref().map(|events| {
            let values = events.of(span.row).filter_map(|at| events.attributes.get(at, name));
            Operand::many(values.map(Operand::of_attribute))
        }),
        Some(AttributeScope::Link) => columns.links.as_ref().map(|links| {
            let values = links.of(span.row).filter_map(|at| links.attributes.get(at, name));
            Operand::many(values.map(Operand::of_attribute))
        }),
    };
    found.unwrap_or(Operand::Nil)
}

/// An attribute of a resource or scope.
pub(super) fn shared<'a>(attributes: &'a [AttributeText], name: &str) -> Option<Operand<'a>> {
    let (_, number, text) = attributes.iter().find(|(key, ..)| key == name)?;
    let kind = AttributeType::from_number(*number).unwrap_or(AttributeType::String);
    Some(Operand::of_text(kind, text))
}

fn text(text: Option<&str>) -> Operand<'_> {
    text.map_or(Operand::Nil, |text| Operand::String(text.into()))
}

/// Lower-case digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]).collect()
}

/// Whether reading the field needs the columns of events or links.
pub(super) fn list_columns(field: &Field) -> &'static [&'static str] {
    match field {
        Field::Attribute { scope: Some(AttributeScope::Event), .. }
        | Field::Intrinsic { name: Intrinsic::EventName | Intrinsic::EventTimeSinceStart } => {
            &["events"]
        }
        Field::Attribute { scope: Some(AttributeScope::Link), .. }
        | Field::Intrinsic { name: Intrinsic::LinkTraceId | Intrinsic::LinkSpanId } => &["links"],
        Field::Attribute { .. } | Field::Intrinsic { .. } => &[],
    }
}

/// Whether a field is of the trace that a span is in, or of its place there.
pub(super) fn is_of_trace(field: &Field) -> bool {
    match field {
        Field::Attribute { parent, .. } => *parent,
        Field::Intrinsic { name } => matches!(
            name,
            Intrinsic::ChildCount
                | Intrinsic::NestedSetLeft
                | Intrinsic::NestedSetRight
                | Intrinsic::NestedSetParent
                | Intrinsic::TraceId
                | Intrinsic::TraceDuration
                | Intrinsic::RootName
                | Intrinsic::RootServiceName
        ),
    }
}

/// The columns from which the fields and a summary of each span are read.
pub(super) fn columns_of<'f>(fields: impl Iterator<Item = &'f Field>) -> Vec<&'static str> {
    let mut columns: Vec<_> =
        fields.flat_map(|field| list_columns(field).iter().copied()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns.extend(SUMMARY_COLUMNS);
    columns
}
