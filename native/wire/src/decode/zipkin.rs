//! Zipkin's spans, version 2: written anew as OTLP, span by span, and decoded as that.
//!
//! Names are those of the Collector's Zipkin receiver, so that a sender that moves to OTLP is still
//! found by the same attributes.

pub(super) mod proto;

use std::{borrow::Cow, collections::BTreeMap, convert::Infallible, fmt};

use serde::{
    Deserialize, Deserializer as _,
    de::{SeqAccess, Visitor},
};

use super::{
    DecodeError, Decoded, Gate,
    hex_id::hex_id,
    otlp_traces,
    protobuf_write::{write_bytes, write_fixed64, write_message, write_varint},
};

pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut out = Vec::with_capacity(body.len());
    let mut reader = serde_json::Deserializer::from_slice(body);
    reader
        .deserialize_seq(EachSpan { out: &mut out, received_ns: gate.received_ns })
        .and_then(|()| reader.end())
        .map_err(DecodeError::Zipkin)?;
    otlp_traces::decode(&out, gate)
}

/// Writes each span of the list as it is read: a list of them all would take many times the body.
struct EachSpan<'o> {
    out: &'o mut Vec<u8>,
    received_ns: i64,
}

impl<'de> Visitor<'de> for EachSpan<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of spans")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut spans: A) -> Result<(), A::Error> {
        while let Some(span) = spans.next_element::<Span<'de>>()? {
            span.write_request(self.out, self.received_ns);
        }
        Ok(())
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    parent_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    /// Microseconds since the epoch.
    timestamp: Option<u64>,
    /// Microseconds.
    duration: Option<u64>,
    local_endpoint: Option<Endpoint>,
    remote_endpoint: Option<Endpoint>,
    annotations: Option<Vec<Annotation>>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    service_name: Option<String>,
    ipv4: Option<String>,
    ipv6: Option<String>,
    port: Option<u16>,
}

#[derive(Deserialize)]
struct Annotation {
    timestamp: u64,
    value: String,
}

impl Span<'_> {
    /// Writes an element of `ExportTraceServiceRequest.resource_spans`.
    fn write_request(&self, out: &mut Vec<u8>, received_ns: i64) {
        let service_name = self.local_endpoint.as_ref().and_then(|it| it.service_name.as_deref());
        message(out, 1, |out| {
            if let Some(name) = service_name {
                message(out, 1, |out| text_attribute(out, 1, "service.name", name));
            }
            message(out, 2, |out| message(out, 2, |out| self.write(out, received_ns)));
        });
    }

    fn write(&self, out: &mut Vec<u8>, received_ns: i64) {
        write_bytes(out, 1, &id::<16>(&self.trace_id));
        write_bytes(out, 2, &id::<8>(&self.id));
        write_bytes(out, 4, &id::<8>(self.parent_id.as_deref().unwrap_or_default()));
        write_bytes(out, 5, self.name.as_deref().unwrap_or_default().as_bytes());
        write_varint(out, 6, self.otlp_kind());
        let annotations = self.annotations.as_deref().unwrap_or_default();
        let first = annotations.iter().map(|annotation| annotation.timestamp).min();
        let start_us = self.timestamp.or(first).unwrap_or(received_ns as u64 / 1_000);
        let end_us = start_us.saturating_add(self.duration.unwrap_or(0));
        write_fixed64(out, 7, start_us.saturating_mul(1_000));
        write_fixed64(out, 8, end_us.saturating_mul(1_000));
        for (key, value) in self.tags.iter().flatten() {
            text_attribute(out, 9, key, value);
        }
        if let Some(endpoint) = &self.local_endpoint {
            endpoint.write(out, ["", "net.host.ip", "net.host.port"]);
        }
        if let Some(endpoint) = &self.remote_endpoint {
            endpoint.write(out, ["peer.service", "net.peer.ip", "net.peer.port"]);
        }
        for annotation in annotations {
            message(out, 11, |out| {
                write_fixed64(out, 1, annotation.timestamp.saturating_mul(1_000));
                write_bytes(out, 2, annotation.value.as_bytes());
            });
        }
        self.write_status(out);
    }

    /// OTLP's `SpanKind`.
    fn otlp_kind(&self) -> u64 {
        match self.kind.as_deref() {
            Some("SERVER") => 2,
            Some("CLIENT") => 3,
            Some("PRODUCER") => 4,
            Some("CONSUMER") => 5,
            _ => 0,
        }
    }

    /// A tag `error` says that the span failed, whatever its value; OpenTelemetry's exporters also
    /// write what the status was.
    fn write_status(&self, out: &mut Vec<u8>) {
        let tag = |name| self.tags.as_ref().and_then(|tags| tags.get(name)).map(String::as_str);
        let (error, told) = (tag("error"), tag("otel.status_code"));
        let code = match told {
            Some("OK") => 1,
            Some("ERROR") => 2,
            _ if error.is_some() => 2,
            _ => return,
        };
        let reason = tag("otel.status_description").or(error).filter(|text| *text != "true");
        message(out, 15, |out| {
            write_bytes(out, 2, reason.unwrap_or_default().as_bytes());
            write_varint(out, 3, code);
        });
    }
}

impl Endpoint {
    /// Writes what is known, under these names.
    fn write(&self, out: &mut Vec<u8>, [service, ip, port]: [&str; 3]) {
        if let Some(name) = self.service_name.as_ref().filter(|_| !service.is_empty()) {
            text_attribute(out, 9, service, name);
        }
        if let Some(address) = self.ipv4.as_ref().or(self.ipv6.as_ref()) {
            text_attribute(out, 9, ip, address);
        }
        if let Some(number) = self.port.filter(|&number| number != 0) {
            message(out, 9, |out| {
                write_bytes(out, 1, port.as_bytes());
                message(out, 2, |out| write_varint(out, 3, number.into()));
            });
        }
    }
}

/// An id of hex digits, which may be fewer than its bytes take; empty, which is refused later, if it
/// is none.
fn id<const N: usize>(digits: &str) -> Vec<u8> {
    hex_id::<N>(digits).map(Vec::from).unwrap_or_default()
}

fn text_attribute(out: &mut Vec<u8>, number: u32, key: &str, value: &str) {
    message(out, number, |out| {
        write_bytes(out, 1, key.as_bytes());
        message(out, 2, |out| write_bytes(out, 1, value.as_bytes()));
    });
}

fn message(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let Ok(()) = write_message(out, number, |out| {
        write(out);
        Ok::<(), Infallible>(())
    });
}

#[cfg(test)]
mod tests;
