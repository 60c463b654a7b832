//! OTLP logs: `ExportLogsServiceRequest`, from the wire to columns.

use varve_columnar::{
    attributes::AttributeType,
    label_names::loki_label_name,
    labels::LabelSet,
    resource::Resource,
    structured_metadata::{INDEX_ATTRIBUTES, attribute_labels, resource_labels, scope_labels},
};

use super::{
    DecodeError, Decoded, Gate,
    any_value::{AnyValue, push_attribute},
    log_sink::{LogSink, Record, Stream, Surroundings},
    protobuf::{Message, WireError},
    resource::{Described, canonical, each_message, has_records, id, records_below},
};

const MESSAGE: &str = "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest";

pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut sink = LogSink::new(gate);
    each_message(Message::new(body), 1, |message| resource_logs(message, &mut sink))
        .map_err(|source| DecodeError::Protobuf { message: MESSAGE, source })?;
    sink.finish()
}

fn resource_logs(message: Message<'_>, sink: &mut LogSink<'_>) -> Result<(), WireError> {
    if !has_records(message, 2)? {
        return Ok(());
    }
    let resource = Described::find(message)?.into_resource()?;
    if let Some(rule) = sink.subject_rule("resource", &resource.attributes) {
        sink.refuse_below(rule, records_below(message, 2)?);
        return Ok(());
    }
    let stream = sink.stream(stream_labels(&resource));
    let mut around = Surroundings {
        resource: Some(sink.builder.intern_resource(&canonical(&resource))),
        ..Surroundings::default()
    };
    around.note(resource_labels(&resource).iter().map(|(name, value)| (&**name, &**value)));
    each_message(message, 2, |message| scope_logs(message, &stream, &around, sink))
}

fn scope_logs(
    message: Message<'_>,
    stream: &Stream,
    around: &Surroundings,
    sink: &mut LogSink<'_>,
) -> Result<(), WireError> {
    if !has_records(message, 1)? {
        return Ok(());
    }
    let scope = Described::find(message)?.into_scope()?;
    if let Some(rule) = sink.subject_rule("scope", &scope.attributes) {
        sink.refuse_below(rule, records_below(message, 1)?);
        return Ok(());
    }
    let mut around = around.clone();
    around.scope = Some(sink.builder.intern_scope(&canonical(&scope)));
    around.note(scope_labels(&scope).iter().map(|(name, value)| (&**name, &**value)));
    each_message(message, 2, |message| log_record(message, stream, &around, sink))
}

fn log_record(
    mut message: Message<'_>,
    stream: &Stream,
    around: &Surroundings,
    sink: &mut LogSink<'_>,
) -> Result<(), WireError> {
    let mut record = Record::default();
    let (mut trace_id, mut span_id) = ([].as_slice(), [].as_slice());
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => record.time_unix_nano = time(field.fixed64(&message)?),
            2 => record.severity_number = field.varint(&message)? as i32,
            3 => record.severity_text = field.text(&message)?,
            5 => record.body = Some(AnyValue::read(field.message(&message)?)?.into_line()),
            6 => push_attribute(field.message(&message)?, &mut sink.builder.attributes)?,
            7 => record.dropped_attributes_count = field.varint(&message)? as u32,
            8 => record.flags = field.fixed32(&message)?,
            9 => trace_id = field.message(&message)?.bytes(),
            10 => span_id = field.message(&message)?.bytes(),
            11 => record.observed_time_unix_nano = time(field.fixed64(&message)?),
            12 => record.event_name = field.text(&message)?,
            _ => {}
        }
    }
    match (id(trace_id), id(span_id)) {
        (Ok(trace_id), Ok(span_id)) => {
            (record.trace_id, record.span_id) = (trace_id, span_id);
            set_time(&mut record, sink);
            sink.accept(stream, around, &record);
        }
        (Err(length), _) => {
            sink.refuse("traceIdInvalid", || format!("trace id must be 16 bytes, not {length}"));
        }
        (_, Err(length)) => {
            sink.refuse("spanIdInvalid", || format!("span id must be 8 bytes, not {length}"));
        }
    }
    Ok(())
}

/// A record without a time has that of its observation, and without that the one of its receipt.
fn set_time(record: &mut Record<'_>, sink: &mut LogSink<'_>) {
    if record.time_unix_nano == 0 {
        record.time_unix_nano = match std::mem::take(&mut record.observed_time_unix_nano) {
            0 => sink.received_ns(),
            observed_ns => observed_ns,
        };
    }
}

/// A time on the wire; one past the year 2262 is as far ahead as can be said.
pub(super) fn time(unix_nano: u64) -> i64 {
    i64::try_from(unix_nano).unwrap_or(i64::MAX)
}

/// The labels that Loki indexes: of certain attributes of the resource.
fn stream_labels(resource: &Resource) -> LabelSet {
    let mut labels = Vec::new();
    for (key, kind, text) in &resource.attributes {
        if INDEX_ATTRIBUTES.contains(&key.as_str())
            && let Some(name) = loki_label_name(key)
        {
            let kind = AttributeType::from_number(*kind).unwrap_or(AttributeType::String);
            attribute_labels(&name, kind, text, &mut |name, value| {
                labels.push((name.to_owned(), value.to_owned()));
            });
        }
    }
    LabelSet::new(labels)
}

#[cfg(test)]
mod tests;
