//! OTLP traces: `ExportTraceServiceRequest`, from the wire to columns.

use std::borrow::Cow;

use varve_columnar::{
    builders::{EventRow, LinkRow, SpanRow, SpansBuilder},
    resource::Resource,
};
use varve_types::Table;

use super::{
    DecodeError, Decoded, Gate, Refusals,
    any_value::push_attribute,
    otlp_logs::time,
    protobuf::{Message, WireError},
    resource::{Described, canonical, each_message, has_records, id, records_below},
};

const MESSAGE: &str = "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest";

pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut sink =
        SpanSink { builder: SpansBuilder::default(), refusals: Refusals::default(), gate };
    each_message(Message::new(body), 1, |message| resource_spans(message, &mut sink))
        .map_err(|source| DecodeError::Protobuf { message: MESSAGE, source })?;
    gate.check_rows(sink.builder.rows())?;
    // A span is known by its ids, also without times.
    Ok(Decoded::rows(Table::Spans, sink.builder.finish()?, sink.refusals.0))
}

struct SpanSink<'l> {
    builder: SpansBuilder,
    refusals: Refusals,
    gate: Gate<'l>,
}

/// What a span shares with others.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    service_name: &'a str,
    resource: i32,
    scope: i32,
}

fn resource_spans(message: Message<'_>, sink: &mut SpanSink<'_>) -> Result<(), WireError> {
    if !has_records(message, 2)? {
        return Ok(());
    }
    let resource = Described::find(message)?.into_resource()?;
    if let Some((reason, text)) = sink.gate.subject_rule("resource", &resource.attributes) {
        sink.refusals.add(reason, records_below(message, 2)?, || text);
        return Ok(());
    }
    let index = sink.builder.intern_resource(&canonical(&resource));
    let service_name = service_name(&resource);
    each_message(message, 2, |message| {
        if !has_records(message, 1)? {
            return Ok(());
        }
        let scope = Described::find(message)?.into_scope()?;
        if let Some((reason, text)) = sink.gate.subject_rule("scope", &scope.attributes) {
            sink.refusals.add(reason, records_below(message, 1)?, || text);
            return Ok(());
        }
        let scope = sink.builder.intern_scope(&canonical(&scope));
        let around = Surroundings { service_name, resource: index, scope };
        each_message(message, 2, |message| span(message, around, sink))
    })
}

fn service_name(resource: &Resource) -> &str {
    let attribute = resource.attributes.iter().find(|(key, ..)| key == "service.name");
    attribute.map_or("", |(_, _, text)| text)
}

/// The fields of a span that are checked, or shared texts, once all of it was read.
#[derive(Default)]
struct SpanFields<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_span_id: &'a [u8],
    trace_state: Cow<'a, str>,
    name: Cow<'a, str>,
    kind: i32,
    start_unix_nano: i64,
    end_unix_nano: i64,
    status_code: i32,
    status_message: Cow<'a, str>,
    flags: u32,
    dropped_attributes_count: u32,
    dropped_events_count: u32,
    dropped_links_count: u32,
    /// Its events and links.
    parts: usize,
}

fn span(
    mut message: Message<'_>,
    around: Surroundings<'_>,
    sink: &mut SpanSink<'_>,
) -> Result<(), WireError> {
    let mut span = SpanFields::default();
    let parts_max = sink.gate.limits.attributes_max;
    let builder = &mut sink.builder;
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => span.trace_id = field.message(&message)?.bytes(),
            2 => span.span_id = field.message(&message)?.bytes(),
            3 => span.trace_state = field.text(&message)?,
            4 => span.parent_span_id = field.message(&message)?.bytes(),
            5 => span.name = field.text(&message)?,
            6 => span.kind = field.varint(&message)? as i32,
            7 => span.start_unix_nano = time(field.fixed64(&message)?),
            8 => span.end_unix_nano = time(field.fixed64(&message)?),
            9 => push_attribute(field.message(&message)?, &mut builder.attributes)?,
            10 => span.dropped_attributes_count = field.varint(&message)? as u32,
            // Past the limit they are counted only: the span is refused.
            11 | 13 if span.parts >= parts_max => span.parts += 1,
            11 => {
                span.parts += 1;
                event(field.message(&message)?, builder)?;
            }
            12 => span.dropped_events_count = field.varint(&message)? as u32,
            13 => {
                span.parts += 1;
                link(field.message(&message)?, builder)?;
            }
            14 => span.dropped_links_count = field.varint(&message)? as u32,
            15 => status(field.message(&message)?, &mut span)?,
            16 => span.flags = field.fixed32(&message)?,
            _ => {}
        }
    }
    if sink.gate.check_rows(sink.builder.rows()).is_err() {
        sink.builder.drop_row();
    } else if let Err((reason, message)) = accept(&span, around, sink) {
        sink.builder.drop_row();
        sink.refusals.add(reason, 1, || message);
    }
    Ok(())
}

fn accept(
    span: &SpanFields<'_>,
    around: Surroundings<'_>,
    sink: &mut SpanSink<'_>,
) -> Result<(), (&'static str, String)> {
    let row = SpanRow {
        trace_id: needed_id(span.trace_id, "trace id", "traceIdInvalid")?,
        span_id: needed_id(span.span_id, "span id", "spanIdInvalid")?,
        parent_span_id: id(span.parent_span_id)
            .map_err(|length| wrong_length("parent span id", 8, length, "spanIdInvalid"))?,
        trace_state: &span.trace_state,
        name: &span.name,
        kind: span.kind,
        start_unix_nano: span.start_unix_nano,
        end_unix_nano: span.end_unix_nano,
        status_code: span.status_code,
        status_message: &span.status_message,
        flags: span.flags,
        dropped_attributes_count: span.dropped_attributes_count,
        dropped_events_count: span.dropped_events_count,
        dropped_links_count: span.dropped_links_count,
        service_name: around.service_name,
        resource: around.resource,
        scope: around.scope,
    };
    sink.gate.check_time(row.start_unix_nano).map_err(|untimely| {
        let whose = format!("span '{}' of service '{}'", row.name, row.service_name);
        (untimely.reason(), sink.gate.time_message(untimely, &whose, row.start_unix_nano))
    })?;
    let (count, bytes) = sink.builder.attributes_size();
    let count = count.saturating_add(span.parts);
    if let Some((reason, message)) = sink.gate.attributes_rule("record", count, bytes) {
        return Err((reason, format!("span '{}': {message}", row.name)));
    }
    sink.builder.append(&row);
    Ok(())
}

/// An id that a span cannot be without.
fn needed_id<const N: usize>(
    bytes: &[u8],
    what: &str,
    reason: &'static str,
) -> Result<[u8; N], (&'static str, String)> {
    match id(bytes) {
        Ok(Some(id)) => Ok(id),
        Ok(None) if bytes.is_empty() => Err(wrong_length(what, N, 0, reason)),
        Ok(None) => Err((reason, format!("{what} must not be all zeros"))),
        Err(length) => Err(wrong_length(what, N, length, reason)),
    }
}

fn wrong_length(
    what: &str,
    needed: usize,
    length: usize,
    reason: &'static str,
) -> (&'static str, String) {
    (reason, format!("{what} must be {needed} bytes, not {length}"))
}

fn event(mut message: Message<'_>, builder: &mut SpansBuilder) -> Result<(), WireError> {
    let (mut time_unix_nano, mut name, mut dropped_attributes_count) = (0, Cow::Borrowed(""), 0);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => time_unix_nano = time(field.fixed64(&message)?),
            2 => name = field.text(&message)?,
            3 => push_attribute(field.message(&message)?, &mut builder.event_attributes)?,
            4 => dropped_attributes_count = field.varint(&message)? as u32,
            _ => {}
        }
    }
    builder.push_event(&EventRow { time_unix_nano, name: &name, dropped_attributes_count });
    Ok(())
}

/// A link that leads nowhere (ids missing or of a wrong length) is left out: it says nothing, and
/// the span is worth keeping.
fn link(mut message: Message<'_>, builder: &mut SpansBuilder) -> Result<(), WireError> {
    let (mut trace_id, mut span_id) = ([].as_slice(), [].as_slice());
    let (mut trace_state, mut dropped_attributes_count, mut flags) = (Cow::Borrowed(""), 0, 0);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => trace_id = field.message(&message)?.bytes(),
            2 => span_id = field.message(&message)?.bytes(),
            3 => trace_state = field.text(&message)?,
            4 => push_attribute(field.message(&message)?, &mut builder.link_attributes)?,
            5 => dropped_attributes_count = field.varint(&message)? as u32,
            6 => flags = field.fixed32(&message)?,
            _ => {}
        }
    }
    let (Ok(Some(trace_id)), Ok(Some(span_id))) = (id(trace_id), id(span_id)) else {
        builder.link_attributes.drop_row();
        return Ok(());
    };
    let trace_state = &trace_state;
    builder.push_link(&LinkRow { trace_id, span_id, trace_state, dropped_attributes_count, flags });
    Ok(())
}

fn status<'a>(mut message: Message<'a>, span: &mut SpanFields<'a>) -> Result<(), WireError> {
    while let Some((number, field)) = message.next_field()? {
        match number {
            2 => span.status_message = field.text(&message)?,
            3 => span.status_code = field.varint(&message)? as i32,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
