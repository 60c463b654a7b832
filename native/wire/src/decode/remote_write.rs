//! Prometheus' remote write 1.0: `prometheus.WriteRequest`, from the wire to columns.

use std::borrow::Cow;

use super::{
    DecodeError, Decoded, Gate,
    protobuf::{Message, WireError},
    remote_write_points::{
        Label, exemplar, histogram, labels_rule, metric_type, pairs, sample, shown, sort,
    },
    sample_sink::{EXEMPLAR_LABELS_MAX_CHARS, SampleSink},
};

const MESSAGE: &str = "prometheus.WriteRequest";

pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut sink = SampleSink::new(gate);
    request(Message::new(body), &mut sink)
        .map_err(|source| DecodeError::Protobuf { message: MESSAGE, source })?;
    sink.finish()
}

fn request<'a>(mut message: Message<'a>, sink: &mut SampleSink<'_>) -> Result<(), WireError> {
    let mut labels: Vec<Label<'a>> = Vec::new();
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => time_series(field.message(&message)?, &mut labels, sink)?,
            3 => metadata(field.message(&message)?, sink)?,
            _ => {}
        }
    }
    Ok(())
}

/// `labels`: for the labels of the series at hand; kept for its memory.
fn time_series<'a>(
    message: Message<'a>,
    labels: &mut Vec<Label<'a>>,
    sink: &mut SampleSink<'_>,
) -> Result<(), WireError> {
    labels.clear();
    let labels_max = sink.gate.limits.attributes_max;
    let mut points = 0;
    let mut fields = message;
    while let Some((number, field)) = fields.next_field()? {
        match number {
            // One more than may be says that there are too many.
            1 if labels.len() <= labels_max => labels.push(label(field.message(&fields)?)?),
            2 | 4 => points += 1,
            _ => {}
        }
    }
    sort(labels);
    if let Some((reason, rule)) = labels_rule(labels, sink) {
        sink.refusals.add(reason, points, || format!("series {}: {rule}", shown(labels)));
        return Ok(());
    }
    labels.retain(|(_, value)| !value.is_empty());
    let series = sink.series(pairs(labels));
    let mut fields = message;
    while let Some((number, field)) = fields.next_field()? {
        match number {
            2 => sample(field.message(&fields)?, series, labels, sink)?,
            3 => read_exemplar(field.message(&fields)?, sink)?,
            4 => histogram(field.message(&fields)?, (series, 0), labels, sink)?,
            _ => {}
        }
    }
    Ok(())
}

fn label(mut message: Message<'_>) -> Result<Label<'_>, WireError> {
    let (mut name, mut value) = (Cow::Borrowed(""), Cow::Borrowed(""));
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => name = field.text(&message)?,
            2 => value = field.text(&message)?,
            _ => {}
        }
    }
    Ok((name, value))
}

fn read_exemplar(mut message: Message<'_>, sink: &mut SampleSink<'_>) -> Result<(), WireError> {
    let (mut labels, mut value, mut time_unix_ms) = (Vec::new(), 0.0, 0);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 if labels.len() <= EXEMPLAR_LABELS_MAX_CHARS => {
                labels.push(label(field.message(&message)?)?);
            }
            2 => value = field.double(&message)?,
            3 => time_unix_ms = field.varint(&message)? as i64,
            _ => {}
        }
    }
    exemplar(&mut labels, value, time_unix_ms, sink);
    Ok(())
}

fn metadata(mut message: Message<'_>, sink: &mut SampleSink<'_>) -> Result<(), WireError> {
    let (mut kind, mut name) = (0, Cow::Borrowed(""));
    let (mut help, mut unit) = (Cow::Borrowed(""), Cow::Borrowed(""));
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => kind = field.varint(&message)?,
            2 => name = field.text(&message)?,
            4 => help = field.text(&message)?,
            5 => unit = field.text(&message)?,
            _ => {}
        }
    }
    sink.note_metadata(&name, metric_type(kind), &help, &unit);
    Ok(())
}

#[cfg(test)]
mod tests;
