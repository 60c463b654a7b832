//! `jaeger.api_v2.PostSpansRequest`.

use std::borrow::Cow;

use super::{
    super::{
        DecodeError, Decoded, Gate, otlp_traces,
        protobuf::{Message, WireError},
        resource::each_message,
    },
    Log, PARTS_MAX, Process, Reference, Span, Tag, TagValue, padded, write_resource_spans,
};

const MESSAGE: &str = "jaeger.api_v2.PostSpansRequest";

pub(in super::super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut out = Vec::with_capacity(body.len());
    let mut spans = 0;
    each_message(Message::new(body), 1, |message| batch(message, &mut spans, gate, &mut out))
        .map_err(|source| DecodeError::Protobuf { message: MESSAGE, source })?;
    gate.check_rows(spans)?;
    otlp_traces::decode(&out, gate)
}

/// `spans`: how many there were in the body so far.
fn batch(
    mut message: Message<'_>,
    spans: &mut usize,
    gate: Gate<'_>,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let mut process = Process::default();
    let mut scope_spans = Vec::new();
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => {
                *spans += 1;
                // Those past the limit are counted only.
                if gate.check_rows(*spans).is_err() {
                    continue;
                }
                match span(field.message(&message)?)? {
                    (span, None) => span.write_scope_spans(&mut scope_spans),
                    (span, Some(own)) => {
                        let mut alone = Vec::new();
                        span.write_scope_spans(&mut alone);
                        write_resource_spans(out, &own, &alone);
                    }
                }
            }
            2 => process = read_process(field.message(&message)?)?,
            _ => {}
        }
    }
    if !scope_spans.is_empty() {
        write_resource_spans(out, &process, &scope_spans);
    }
    Ok(())
}

/// A span, and the process that it names itself.
fn span(mut message: Message<'_>) -> Result<(Span<'_>, Option<Process<'_>>), WireError> {
    let (mut span, mut own, mut parts) = (Span::default(), None, 0);
    while let Some((number, field)) = message.next_field()? {
        if parts > PARTS_MAX {
            return Err(message.error("a span of over 65536 tags, logs and references"));
        }
        match number {
            1 => span.trace_id = padded::<16>(field.message(&message)?.bytes()),
            2 => span.id = padded::<8>(field.message(&message)?.bytes()),
            3 => span.name = field.text(&message)?,
            4 => {
                parts += 1;
                span.references.push(reference(field.message(&message)?)?);
            }
            5 => span.flags = field.varint(&message)? as u32,
            6 => span.start_ns = nanoseconds(field.message(&message)?)?,
            7 => span.duration_ns = nanoseconds(field.message(&message)?)?,
            8 => {
                parts += 1;
                span.tags.push(tag(field.message(&message)?)?);
            }
            9 => {
                let log = log(field.message(&message)?)?;
                parts += 1 + log.fields.len();
                span.logs.push(log);
            }
            10 => own = Some(read_process(field.message(&message)?)?),
            _ => {}
        }
    }
    Ok((span, own))
}

fn read_process(mut message: Message<'_>) -> Result<Process<'_>, WireError> {
    let mut process = Process::default();
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => process.service_name = field.text(&message)?,
            2 if process.tags.len() > PARTS_MAX => {
                return Err(message.error("a process of over 65536 tags"));
            }
            2 => process.tags.push(tag(field.message(&message)?)?),
            _ => {}
        }
    }
    Ok(process)
}

fn reference(mut message: Message<'_>) -> Result<Reference, WireError> {
    let mut found = Reference { trace_id: Vec::new(), span_id: Vec::new(), is_child_of: true };
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => found.trace_id = padded::<16>(field.message(&message)?.bytes()),
            2 => found.span_id = padded::<8>(field.message(&message)?.bytes()),
            3 => found.is_child_of = field.varint(&message)? == 0,
            _ => {}
        }
    }
    Ok(found)
}

fn log(mut message: Message<'_>) -> Result<Log<'_>, WireError> {
    let mut log = Log { time_ns: 0, fields: Vec::new() };
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => log.time_ns = nanoseconds(field.message(&message)?)?,
            2 if log.fields.len() > PARTS_MAX => {
                return Err(message.error("a log of over 65536 fields"));
            }
            2 => log.fields.push(tag(field.message(&message)?)?),
            _ => {}
        }
    }
    Ok(log)
}

/// A `KeyValue`, whose type says which of its values counts.
fn tag(mut message: Message<'_>) -> Result<Tag<'_>, WireError> {
    let (mut key, mut kind) = (Cow::Borrowed(""), 0);
    let (mut text, mut truth, mut int, mut double, mut bytes) =
        (Cow::Borrowed(""), false, 0, 0.0, Cow::Borrowed([].as_slice()));
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => key = field.text(&message)?,
            2 => kind = field.varint(&message)?,
            3 => text = field.text(&message)?,
            4 => truth = field.varint(&message)? != 0,
            5 => int = field.varint(&message)? as i64,
            6 => double = field.double(&message)?,
            7 => bytes = field.message(&message)?.bytes().into(),
            _ => {}
        }
    }
    let value = match kind {
        1 => TagValue::Bool(truth),
        2 => TagValue::Int(int),
        3 => TagValue::Double(double),
        4 => TagValue::Bytes(bytes),
        _ => TagValue::Text(text),
    };
    Ok(Tag { key, value })
}

/// A `Timestamp` or `Duration`; 0 for one before 1970 or backwards.
fn nanoseconds(mut message: Message<'_>) -> Result<u64, WireError> {
    let (mut seconds, mut nanos) = (0_i64, 0_i64);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => seconds = field.varint(&message)? as i64,
            2 => nanos = i64::from(field.varint(&message)? as i32),
            _ => {}
        }
    }
    let whole = seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    Ok(u64::try_from(whole).unwrap_or_default())
}
