//! A trace as `tempopb.Trace`, whose bytes are OTLP's `TracesData`.

use varve_columnar::answer::Value;

use super::{
    super::protobuf::{
        bytes, fixed32, fixed64, member_bytes, member_double, member_varint, message, varint,
    },
    spans::{Attribute, Event, Link, ResourceSpans, ScopeSpans, Span, shared},
};

/// The fields of `Trace`.
pub(super) fn write(out: &mut Vec<u8>, trace: &[ResourceSpans<'_>]) {
    for group in trace {
        message(out, 1, |out| resource_spans(out, group));
    }
}

fn resource_spans(out: &mut Vec<u8>, group: &ResourceSpans<'_>) {
    let resource = &group.resource;
    message(out, 1, |out| {
        attributes(out, 1, &shared(&resource.attributes));
        varint(out, 2, resource.dropped_attributes_count.into());
    });
    for scope in &group.scopes {
        message(out, 2, |out| scope_spans(out, scope));
    }
    bytes(out, 3, resource.schema_url.as_bytes());
}

fn scope_spans(out: &mut Vec<u8>, ScopeSpans { scope, spans }: &ScopeSpans<'_>) {
    message(out, 1, |out| {
        bytes(out, 1, scope.name.as_bytes());
        bytes(out, 2, scope.version.as_bytes());
        attributes(out, 3, &shared(&scope.attributes));
        varint(out, 4, scope.dropped_attributes_count.into());
    });
    for span in spans {
        message(out, 2, |out| write_span(out, span));
    }
    bytes(out, 3, scope.schema_url.as_bytes());
}

fn write_span(out: &mut Vec<u8>, span: &Span<'_>) {
    bytes(out, 1, span.trace_id);
    bytes(out, 2, span.id);
    bytes(out, 3, span.trace_state.as_bytes());
    bytes(out, 4, span.parent_span_id);
    bytes(out, 5, span.name.as_bytes());
    varint(out, 6, span.kind as u64);
    fixed64(out, 7, span.start_unix_nano as u64);
    fixed64(out, 8, span.end_unix_nano as u64);
    attributes(out, 9, &span.attributes);
    varint(out, 10, span.dropped_attributes_count.into());
    for event in &span.events {
        message(out, 11, |out| write_event(out, event));
    }
    varint(out, 12, span.dropped_events_count.into());
    for link in &span.links {
        message(out, 13, |out| write_link(out, link));
    }
    varint(out, 14, span.dropped_links_count.into());
    message(out, 15, |out| {
        bytes(out, 2, span.status_message.as_bytes());
        varint(out, 3, span.status_code as u64);
    });
    fixed32(out, 16, span.flags);
}

fn write_event(out: &mut Vec<u8>, event: &Event<'_>) {
    fixed64(out, 1, event.time_unix_nano as u64);
    bytes(out, 2, event.name.as_bytes());
    attributes(out, 3, &event.attributes);
    varint(out, 4, event.dropped_attributes_count.into());
}

fn write_link(out: &mut Vec<u8>, link: &Link<'_>) {
    bytes(out, 1, link.trace_id);
    bytes(out, 2, link.span_id);
    bytes(out, 3, link.trace_state.as_bytes());
    attributes(out, 4, &link.attributes);
    varint(out, 5, link.dropped_attributes_count.into());
    fixed32(out, 6, link.flags);
}

fn attributes(out: &mut Vec<u8>, number: u32, attributes: &[Attribute<'_>]) {
    for attribute in attributes {
        message(out, number, |out| key_value(out, attribute.key, &attribute.value()));
    }
}

fn key_value(out: &mut Vec<u8>, key: &str, value: &Value) {
    bytes(out, 1, key.as_bytes());
    message(out, 2, |out| any_value(out, value));
}

fn any_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => member_bytes(out, 1, text.as_bytes()),
        Value::Bool(value) => member_varint(out, 2, u64::from(*value)),
        Value::Int(value) => member_varint(out, 3, *value as u64),
        Value::Double(value) => member_double(out, 4, *value),
        Value::Array(items) => message(out, 5, |out| {
            for item in items {
                message(out, 1, |out| any_value(out, item));
            }
        }),
        Value::KeyValueList(pairs) => message(out, 6, |out| {
            for (key, value) in pairs {
                message(out, 1, |out| key_value(out, key, value));
            }
        }),
        Value::Bytes(value) => member_bytes(out, 7, value),
        Value::Empty => {}
    }
}
