//! `zipkin.proto3.ListOfSpans`: the same spans as in JSON, and made into the same.

use std::{
    borrow::Cow,
    fmt::Write as _,
    net::{Ipv4Addr, Ipv6Addr},
};

use super::{
    super::{
        DecodeError, Decoded, Gate, otlp_traces,
        protobuf::{Message, WireError},
        resource::each_message,
    },
    Annotation, Endpoint, Span,
};

const MESSAGE: &str = "zipkin.proto3.ListOfSpans";

/// More tags and annotations than any sender's span has: each takes many times the bytes that it is
/// made of.
const PARTS_MAX: usize = 1 << 16;

pub(in super::super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut out = Vec::with_capacity(body.len());
    let mut spans = 0;
    each_message(Message::new(body), 1, |message| {
        spans += 1;
        // Those past the limit are counted only.
        if gate.check_rows(spans).is_ok() {
            span(message)?.write_request(&mut out, gate.received_ns);
        }
        Ok(())
    })
    .map_err(|source| DecodeError::Protobuf { message: MESSAGE, source })?;
    gate.check_rows(spans)?;
    otlp_traces::decode(&out, gate)
}

fn span(mut message: Message<'_>) -> Result<Span<'_>, WireError> {
    let (mut span, mut parts) = (Span::default(), 0);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => span.trace_id = digits(field.message(&message)?.bytes()),
            2 => span.parent_id = Some(digits(field.message(&message)?.bytes())),
            3 => span.id = digits(field.message(&message)?.bytes()),
            4 => span.kind = kind(field.varint(&message)?),
            5 => span.name = Some(field.text(&message)?),
            6 => span.timestamp = Some(field.fixed64(&message)?).filter(|&time| time != 0),
            7 => span.duration = Some(field.varint(&message)?),
            8 => span.local_endpoint = Some(endpoint(field.message(&message)?)?),
            9 => span.remote_endpoint = Some(endpoint(field.message(&message)?)?),
            10 => {
                parts += 1;
                let read = annotation(field.message(&message)?)?;
                span.annotations.get_or_insert_default().push(read);
            }
            11 => {
                parts += 1;
                let (key, value) = tag(field.message(&message)?)?;
                span.tags.get_or_insert_default().insert(key, value);
            }
            _ => {}
        }
        if parts > PARTS_MAX {
            return Err(message.error("a span of over 65536 tags and annotations"));
        }
    }
    Ok(span)
}

/// An id as JSON has it. What is too long is refused with the record, as it is there.
fn digits(id: &[u8]) -> Cow<'static, str> {
    let most = id.get(..id.len().min(17)).unwrap_or_default();
    Cow::Owned(most.iter().fold(String::new(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
        text
    }))
}

fn kind(number: u64) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match number {
        1 => "CLIENT",
        2 => "SERVER",
        3 => "PRODUCER",
        4 => "CONSUMER",
        _ => return None,
    }))
}

fn endpoint(mut message: Message<'_>) -> Result<Endpoint, WireError> {
    let mut endpoint = Endpoint::default();
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => {
                let name = field.text(&message)?.into_owned();
                endpoint.service_name = Some(name).filter(|name| !name.is_empty());
            }
            2 => {
                let address = <[u8; 4]>::try_from(field.message(&message)?.bytes()).ok();
                endpoint.ipv4 = address.map(|bytes| Ipv4Addr::from(bytes).to_string());
            }
            3 => {
                let address = <[u8; 16]>::try_from(field.message(&message)?.bytes()).ok();
                endpoint.ipv6 = address.map(|bytes| Ipv6Addr::from(bytes).to_string());
            }
            4 => endpoint.port = u16::try_from(field.varint(&message)?).ok(),
            _ => {}
        }
    }
    Ok(endpoint)
}

fn annotation(mut message: Message<'_>) -> Result<Annotation, WireError> {
    let mut annotation = Annotation { timestamp: 0, value: String::new() };
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => annotation.timestamp = field.fixed64(&message)?,
            2 => annotation.value = field.text(&message)?.into_owned(),
            _ => {}
        }
    }
    Ok(annotation)
}

/// An entry of a map.
fn tag(mut message: Message<'_>) -> Result<(String, String), WireError> {
    let (mut key, mut value) = (String::new(), String::new());
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => key = field.text(&message)?.into_owned(),
            2 => value = field.text(&message)?.into_owned(),
            _ => {}
        }
    }
    Ok((key, value))
}
