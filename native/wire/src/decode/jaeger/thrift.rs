//! `jaeger.thrift`'s `Batch` in Thrift's binary protocol.

use std::borrow::Cow;

use thrift::{
    ProtocolError, ProtocolErrorKind, TConfiguration,
    protocol::{TBinaryInputProtocol, TInputProtocol, TType},
};

use super::{
    super::{DecodeError, Decoded, Gate, otlp_traces, text},
    Log, PARTS_MAX, Process, Reference, Span, Tag, TagValue, write_resource_spans,
};

/// Structures inside structures; a batch has four.
const DEPTH_MAX: usize = 16;

/// A place in a batch.
struct Reader<'a> {
    protocol: TBinaryInputProtocol<&'a [u8]>,
    /// Tags, logs and references that the span at hand may still have.
    parts_left: usize,
}

type Read<T> = Result<T, thrift::Error>;

pub(in super::super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    // No text or list can be longer than the body: what says so is refused before room is made for it.
    let within = TConfiguration::builder()
        .max_message_size(None)
        .max_frame_size(None)
        .max_recursion_depth(Some(DEPTH_MAX))
        .max_container_size(Some(body.len()))
        .max_string_size(Some(body.len()))
        .build()
        .map_err(DecodeError::Thrift)?;
    let protocol = TBinaryInputProtocol::with_config(body, false, within);
    let mut reader = Reader { protocol, parts_left: PARTS_MAX };
    let mut out = Vec::with_capacity(body.len());
    let spans = batch(&mut reader, gate, &mut out).map_err(DecodeError::Thrift)?;
    gate.check_rows(spans)?;
    otlp_traces::decode(&out, gate)
}

/// How many spans there are.
fn batch(reader: &mut Reader<'_>, gate: Gate<'_>, out: &mut Vec<u8>) -> Read<usize> {
    let mut process = Process::default();
    let mut scope_spans = Vec::new();
    let mut spans = 0;
    each_field(reader, |reader, id, kind| match (id, kind) {
        (1, TType::Struct) => {
            process = read_process(reader)?;
            Ok(true)
        }
        (2, TType::List) => {
            each_item(reader, |reader| {
                reader.parts_left = PARTS_MAX;
                let span = span(reader)?;
                spans += 1;
                // Those past the limit are counted only.
                if gate.check_rows(spans).is_ok() {
                    span.write_scope_spans(&mut scope_spans);
                }
                Ok(())
            })?;
            Ok(true)
        }
        _ => Ok(false),
    })?;
    write_resource_spans(out, &process, &scope_spans);
    Ok(spans)
}

fn read_process(reader: &mut Reader<'_>) -> Read<Process<'static>> {
    let mut process = Process::default();
    each_field(reader, |reader, id, kind| {
        match (id, kind) {
            (1, TType::String) => process.service_name = string(reader)?,
            (2, TType::List) => process.tags = tags(reader)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(process)
}

fn span(reader: &mut Reader<'_>) -> Read<Span<'static>> {
    let mut span = Span::default();
    let (mut low, mut high, mut parent) = (0, 0, 0);
    each_field(reader, |reader, id, kind| {
        match (id, kind) {
            (1, TType::I64) => low = reader.protocol.read_i64()?,
            (2, TType::I64) => high = reader.protocol.read_i64()?,
            (3, TType::I64) => span.id = reader.protocol.read_i64()?.to_be_bytes().into(),
            (4, TType::I64) => parent = reader.protocol.read_i64()?,
            (5, TType::String) => span.name = string(reader)?,
            (6, TType::List) => each_item(reader, |reader| {
                span.references.push(reference(reader)?);
                Ok(())
            })?,
            (7, TType::I32) => span.flags = reader.protocol.read_i32()? as u32,
            (8, TType::I64) => span.start_ns = microseconds(reader)?,
            (9, TType::I64) => span.duration_ns = microseconds(reader)?,
            (10, TType::List) => span.tags = tags(reader)?,
            (11, TType::List) => each_item(reader, |reader| {
                span.logs.push(log(reader)?);
                Ok(())
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    span.trace_id = trace_id(high, low);
    if parent != 0 {
        span.parent_id = parent.to_be_bytes().into();
    }
    Ok(span)
}

fn reference(reader: &mut Reader<'_>) -> Read<Reference> {
    let (mut low, mut high, mut span_id, mut is_child_of) = (0, 0, 0, true);
    each_field(reader, |reader, id, kind| {
        match (id, kind) {
            (1, TType::I32) => is_child_of = reader.protocol.read_i32()? == 0,
            (2, TType::I64) => low = reader.protocol.read_i64()?,
            (3, TType::I64) => high = reader.protocol.read_i64()?,
            (4, TType::I64) => span_id = reader.protocol.read_i64()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let span_id = span_id.to_be_bytes().into();
    Ok(Reference { trace_id: trace_id(high, low), span_id, is_child_of })
}

fn log(reader: &mut Reader<'_>) -> Read<Log<'static>> {
    let mut log = Log { time_ns: 0, fields: Vec::new() };
    each_field(reader, |reader, id, kind| {
        match (id, kind) {
            (1, TType::I64) => log.time_ns = microseconds(reader)?,
            (2, TType::List) => log.fields = tags(reader)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(log)
}

fn tags(reader: &mut Reader<'_>) -> Read<Vec<Tag<'static>>> {
    let mut tags = Vec::new();
    each_item(reader, |reader| {
        tags.push(tag(reader)?);
        Ok(())
    })?;
    Ok(tags)
}

/// A tag, whose type says which of its values counts.
fn tag(reader: &mut Reader<'_>) -> Read<Tag<'static>> {
    let (mut key, mut kind_told) = (Cow::Borrowed(""), 0);
    let (mut text, mut double, mut truth, mut int, mut bytes) =
        (Cow::Borrowed(""), 0.0, false, 0, Vec::new());
    each_field(reader, |reader, id, kind| {
        match (id, kind) {
            (1, TType::String) => key = string(reader)?,
            (2, TType::I32) => kind_told = reader.protocol.read_i32()?,
            (3, TType::String) => text = string(reader)?,
            (4, TType::Double) => double = reader.protocol.read_double()?,
            (5, TType::Bool) => truth = reader.protocol.read_bool()?,
            (6, TType::I64) => int = reader.protocol.read_i64()?,
            (7, TType::String) => bytes = reader.protocol.read_bytes()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let value = match kind_told {
        1 => TagValue::Double(double),
        2 => TagValue::Bool(truth),
        3 => TagValue::Int(int),
        4 => TagValue::Bytes(bytes.into()),
        _ => TagValue::Text(text),
    };
    Ok(Tag { key, value })
}

/// Calls `take` with each field of a structure; one that it leaves (false) is read over.
fn each_field(
    reader: &mut Reader<'_>,
    mut take: impl FnMut(&mut Reader<'_>, i16, TType) -> Read<bool>,
) -> Read<()> {
    reader.protocol.read_struct_begin()?;
    loop {
        let field = reader.protocol.read_field_begin()?;
        if field.field_type == TType::Stop {
            return reader.protocol.read_struct_end();
        }
        if !take(reader, field.id.unwrap_or_default(), field.field_type)? {
            reader.protocol.skip(field.field_type)?;
        }
    }
}

/// Calls `take` before every structure of a list; what else it holds is read over.
fn each_item(
    reader: &mut Reader<'_>,
    mut take: impl FnMut(&mut Reader<'_>) -> Read<()>,
) -> Read<()> {
    let list = reader.protocol.read_list_begin()?;
    for _ in 0..list.size {
        let Some(left) = reader.parts_left.checked_sub(1) else {
            let message = format!("a span of over {PARTS_MAX} tags, logs and references");
            return Err(ProtocolError::new(ProtocolErrorKind::SizeLimit, message).into());
        };
        reader.parts_left = left;
        if list.element_type == TType::Struct {
            take(reader)?;
        } else {
            reader.protocol.skip(list.element_type)?;
        }
    }
    reader.protocol.read_list_end()
}

/// Text; bytes that are no UTF-8 become U+FFFD.
fn string(reader: &mut Reader<'_>) -> Read<Cow<'static, str>> {
    let bytes = reader.protocol.read_bytes()?;
    Ok(text(&bytes).into_owned().into())
}

/// Microseconds as nanoseconds; 0 for what is negative.
fn microseconds(reader: &mut Reader<'_>) -> Read<u64> {
    let microseconds = u64::try_from(reader.protocol.read_i64()?).unwrap_or_default();
    Ok(microseconds.saturating_mul(1_000))
}

fn trace_id(high: i64, low: i64) -> Vec<u8> {
    [high.to_be_bytes(), low.to_be_bytes()].concat()
}
