//! Jaeger's spans, in Thrift over HTTP and in protobuf over gRPC.
//!
//! Both are written as OTLP and then decoded as that, by the rules of the OpenTelemetry Collector's
//! Jaeger receiver (OpenTelemetry specification, "OpenTelemetry to Jaeger transformation", read
//! backwards), so that a sender that moves to OTLP is still found by the same attributes.

pub(super) mod proto;
pub(super) mod thrift;

use std::{borrow::Cow, convert::Infallible};

use super::protobuf_write::{
    write_bytes, write_double, write_fixed32, write_fixed64, write_message, write_varint,
};

/// Flag of a span: it was sampled, in the same bit as W3C's.
const SAMPLED: u32 = 1;

/// More tags, logs and references than any sender's span has: each takes many times the bytes that it
/// is made of.
const PARTS_MAX: usize = 1 << 16;

/// What an attribute's value may be.
#[derive(Debug)]
enum TagValue<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Cow<'a, [u8]>),
}

#[derive(Debug)]
struct Tag<'a> {
    key: Cow<'a, str>,
    value: TagValue<'a>,
}

/// Whom a span belongs to.
#[derive(Debug, Default)]
struct Process<'a> {
    service_name: Cow<'a, str>,
    tags: Vec<Tag<'a>>,
}

#[derive(Debug)]
struct Log<'a> {
    time_ns: u64,
    fields: Vec<Tag<'a>>,
}

#[derive(Debug)]
struct Reference {
    trace_id: Vec<u8>,
    span_id: Vec<u8>,
    is_child_of: bool,
}

#[derive(Debug, Default)]
struct Span<'a> {
    trace_id: Vec<u8>,
    id: Vec<u8>,
    /// Empty where only a reference tells it.
    parent_id: Vec<u8>,
    name: Cow<'a, str>,
    flags: u32,
    start_ns: u64,
    duration_ns: u64,
    references: Vec<Reference>,
    tags: Vec<Tag<'a>>,
    logs: Vec<Log<'a>>,
}

/// An element of `ExportTraceServiceRequest.resource_spans`, of spans that are written already.
fn write_resource_spans(out: &mut Vec<u8>, process: &Process<'_>, scope_spans: &[u8]) {
    message(out, 1, |out| {
        message(out, 1, |out| {
            if !process.service_name.is_empty() {
                attribute(out, 1, "service.name", |out| {
                    write_bytes(out, 1, process.service_name.as_bytes());
                });
            }
            for tag in &process.tags {
                tag.write(out, 1);
            }
        });
        out.extend_from_slice(scope_spans);
    });
}

/// What tags say that OTLP has fields for.
#[derive(Default)]
struct Told<'s> {
    kind: u64,
    status_code: u64,
    status_message: &'s str,
    trace_state: &'s str,
    scope_name: &'s str,
    scope_version: &'s str,
}

impl<'s> Told<'s> {
    /// Takes note of a tag; false if it is an attribute like any other.
    fn take(&mut self, tag: &'s Tag<'_>) -> bool {
        let text = match &tag.value {
            TagValue::Text(text) => &**text,
            TagValue::Bool(true) => "true",
            _ => return false,
        };
        match (tag.key.as_ref(), text) {
            ("span.kind", "internal") => self.kind = 1,
            ("span.kind", "server") => self.kind = 2,
            ("span.kind", "client") => self.kind = 3,
            ("span.kind", "producer") => self.kind = 4,
            ("span.kind", "consumer") => self.kind = 5,
            ("otel.status_code", "OK") => self.status_code = 1,
            ("error", "true") | ("otel.status_code", "ERROR") => self.status_code = 2,
            ("otel.status_description", text) => self.status_message = text,
            ("w3c.tracestate", text) => self.trace_state = text,
            ("otel.scope.name" | "otel.library.name", text) => self.scope_name = text,
            ("otel.scope.version" | "otel.library.version", text) => self.scope_version = text,
            _ => return false,
        }
        true
    }
}

impl Span<'_> {
    /// Writes an element of `ResourceSpans.scope_spans`.
    fn write_scope_spans(&self, out: &mut Vec<u8>) {
        let mut told = Told::default();
        let attributes: Vec<&Tag<'_>> = self.tags.iter().filter(|tag| !told.take(tag)).collect();
        message(out, 2, |out| {
            if !told.scope_name.is_empty() {
                message(out, 1, |out| {
                    write_bytes(out, 1, told.scope_name.as_bytes());
                    write_bytes(out, 2, told.scope_version.as_bytes());
                });
            }
            message(out, 2, |out| self.write(out, &told, &attributes));
        });
    }

    fn write(&self, out: &mut Vec<u8>, told: &Told<'_>, attributes: &[&Tag<'_>]) {
        let parent = self.parent();
        write_bytes(out, 1, &self.trace_id);
        write_bytes(out, 2, &self.id);
        write_bytes(out, 3, told.trace_state.as_bytes());
        write_bytes(out, 4, parent);
        write_bytes(out, 5, self.name.as_bytes());
        write_varint(out, 6, told.kind);
        write_fixed64(out, 7, self.start_ns);
        write_fixed64(out, 8, self.start_ns.saturating_add(self.duration_ns));
        for tag in attributes {
            tag.write(out, 9);
        }
        for log in &self.logs {
            message(out, 11, |out| log.write(out));
        }
        let is_parent = |it: &Reference| it.trace_id == self.trace_id && it.span_id == parent;
        for reference in self.references.iter().filter(|reference| !is_parent(reference)) {
            message(out, 13, |out| reference.write(out));
        }
        if told.status_code != 0 {
            message(out, 15, |out| {
                write_bytes(out, 2, told.status_message.as_bytes());
                write_varint(out, 3, told.status_code);
            });
        }
        write_fixed32(out, 16, self.flags & SAMPLED);
    }

    /// The span's own parent; else the first of its trace that it refers to, as its child if there is one.
    fn parent(&self) -> &[u8] {
        if !self.parent_id.is_empty() {
            return &self.parent_id;
        }
        let mut in_trace = self.references.iter().filter(|it| it.trace_id == self.trace_id);
        let first = in_trace.clone().next();
        let parent = in_trace.find(|it| it.is_child_of).or(first);
        parent.map_or([].as_slice(), |reference| reference.span_id.as_slice())
    }
}

impl Log<'_> {
    /// Writes a `Span.Event`: the field `event` names it.
    fn write(&self, out: &mut Vec<u8>) {
        write_fixed64(out, 1, self.time_ns);
        let mut name = None;
        for field in &self.fields {
            match &field.value {
                TagValue::Text(text) if field.key == "event" && name.is_none() => name = Some(text),
                _ => field.write(out, 3),
            }
        }
        write_bytes(out, 2, name.map_or([].as_slice(), |name| name.as_bytes()));
    }
}

impl Reference {
    /// Writes a `Span.Link`.
    fn write(&self, out: &mut Vec<u8>) {
        write_bytes(out, 1, &self.trace_id);
        write_bytes(out, 2, &self.span_id);
        let kind = if self.is_child_of { "child_of" } else { "follows_from" };
        attribute(out, 4, "opentracing.ref_type", |out| write_bytes(out, 1, kind.as_bytes()));
    }
}

impl Tag<'_> {
    /// Writes a `KeyValue`.
    fn write(&self, out: &mut Vec<u8>, number: u32) {
        attribute(out, number, &self.key, |out| match &self.value {
            TagValue::Text(text) => write_bytes(out, 1, text.as_bytes()),
            TagValue::Bool(value) => write_varint(out, 2, u64::from(*value)),
            TagValue::Int(value) => write_varint(out, 3, *value as u64),
            TagValue::Double(value) => write_double(out, 4, *value),
            TagValue::Bytes(bytes) => write_bytes(out, 7, bytes),
        });
    }
}

fn attribute(out: &mut Vec<u8>, number: u32, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
    message(out, number, |out| {
        write_bytes(out, 1, key.as_bytes());
        message(out, 2, value);
    });
}

fn message(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let Ok(()) = write_message(out, number, |out| {
        write(out);
        Ok::<(), Infallible>(())
    });
}

/// An id in as many bytes as OTLP has for it; longer ones stay, and are refused later.
fn padded<const N: usize>(id: &[u8]) -> Vec<u8> {
    if id.is_empty() {
        return Vec::new();
    }
    let mut out = vec![0; N.saturating_sub(id.len())];
    out.extend_from_slice(id);
    out
}

#[cfg(test)]
mod tests;
