//! A trace in JSON; ids are base64, as Tempo writes all bytes.

use super::{
    proto_json::{Object, key_value},
    spans::{Attribute, Event, Link, ResourceSpans, ScopeSpans, Span, shared},
};

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

const STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// The fields of `ResourceSpans`.
pub(super) fn resource_spans(
    fields: &mut Object<'_>,
    ResourceSpans { resource, scopes }: &ResourceSpans<'_>,
) {
    fields.object("resource", |fields| {
        attributes(fields, &shared(&resource.attributes));
        fields.u32("droppedAttributesCount", resource.dropped_attributes_count);
    });
    fields.list("scopeSpans", scopes, scope_spans);
    fields.text("schemaUrl", &resource.schema_url);
}

fn scope_spans(fields: &mut Object<'_>, ScopeSpans { scope, spans }: &ScopeSpans<'_>) {
    fields.object("scope", |fields| {
        fields.text("name", &scope.name);
        fields.text("version", &scope.version);
        attributes(fields, &shared(&scope.attributes));
        fields.u32("droppedAttributesCount", scope.dropped_attributes_count);
    });
    fields.list("spans", spans, span);
    fields.text("schemaUrl", &scope.schema_url);
}

fn span(fields: &mut Object<'_>, span: &Span<'_>) {
    fields.bytes("traceId", span.trace_id);
    fields.bytes("spanId", span.id);
    fields.text("traceState", span.trace_state);
    fields.bytes("parentSpanId", span.parent_span_id);
    fields.u32("flags", span.flags);
    fields.text("name", span.name);
    enumerated(fields, "kind", &KINDS, span.kind);
    fields.u64("startTimeUnixNano", span.start_unix_nano as u64);
    fields.u64("endTimeUnixNano", span.end_unix_nano as u64);
    attributes(fields, &span.attributes);
    fields.u32("droppedAttributesCount", span.dropped_attributes_count);
    fields.list("events", &span.events, event);
    fields.u32("droppedEventsCount", span.dropped_events_count);
    fields.list("links", &span.links, link);
    fields.u32("droppedLinksCount", span.dropped_links_count);
    fields.object("status", |fields| {
        fields.text("message", span.status_message);
        enumerated(fields, "code", &STATUS_CODES, span.status_code);
    });
}

fn event(fields: &mut Object<'_>, event: &Event<'_>) {
    fields.u64("timeUnixNano", event.time_unix_nano as u64);
    fields.text("name", event.name);
    attributes(fields, &event.attributes);
    fields.u32("droppedAttributesCount", event.dropped_attributes_count);
}

fn link(fields: &mut Object<'_>, link: &Link<'_>) {
    fields.bytes("traceId", link.trace_id);
    fields.bytes("spanId", link.span_id);
    fields.text("traceState", link.trace_state);
    attributes(fields, &link.attributes);
    fields.u32("droppedAttributesCount", link.dropped_attributes_count);
    fields.u32("flags", link.flags);
}

fn attributes(fields: &mut Object<'_>, attributes: &[Attribute<'_>]) {
    fields.list("attributes", attributes, |fields, attribute| {
        key_value(fields, attribute.key, &attribute.value());
    });
}

/// The name of an enumeration's value; a number that has none is written as it is.
fn enumerated(fields: &mut Object<'_>, field: &str, names: &[&str], value: i32) {
    match usize::try_from(value).ok().and_then(|value| names.get(value)) {
        _ if value == 0 => {}
        Some(name) => fields.text(field, name),
        None => super::super::json::integer(fields.field(field), value),
    }
}
