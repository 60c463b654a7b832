//! Prometheus' remote write 1.0: `prometheus.WriteRequest`, from the wire to columns.
//!
//! Exemplars are not kept.

use std::borrow::Cow;

use super::{
    DecodeError, Decoded, Gate,
    native_histogram::check,
    protobuf::{Message, WireError},
    sample_sink::{NAME_LABEL, SampleSink},
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
    while let Some((number, field)) = message.next()? {
        match number {
            1 => time_series(field.message(&message)?, &mut labels, sink)?,
            3 => metadata(field.message(&message)?, sink)?,
            _ => {}
        }
    }
    Ok(())
}

type Label<'a> = (Cow<'a, str>, Cow<'a, str>);

/// `labels`: for the labels of the series at hand; kept for its memory.
fn time_series<'a>(
    message: Message<'a>,
    labels: &mut Vec<Label<'a>>,
    sink: &mut SampleSink<'_>,
) -> Result<(), WireError> {
    labels.clear();
    let mut points = 0;
    let mut fields = message;
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => labels.push(label(field.message(&fields)?)?),
            2 | 4 => points += 1,
            _ => {}
        }
    }
    // The protocol asks for sorted labels; some senders do not sort them.
    if !labels.is_sorted_by(|a, b| a.0 <= b.0) {
        labels.sort_by(|a, b| a.0.cmp(&b.0));
    }
    if let Some(rule) = broken_rule(labels) {
        sink.refusals.add("labelsInvalid", points, || format!("series {}: {rule}", shown(labels)));
        return Ok(());
    }
    labels.retain(|(_, value)| !value.is_empty());
    let series = sink.series(labels.iter().map(|(name, value)| (&**name, &**value)));
    let mut fields = message;
    while let Some((number, field)) = fields.next()? {
        match number {
            2 => sample(field.message(&fields)?, series, labels, sink)?,
            4 => histogram(field.message(&fields)?, series, labels, sink)?,
            _ => {}
        }
    }
    Ok(())
}

fn label(mut message: Message<'_>) -> Result<Label<'_>, WireError> {
    let (mut name, mut value) = (Cow::Borrowed(""), Cow::Borrowed(""));
    while let Some((number, field)) = message.next()? {
        match number {
            1 => name = field.text(&message)?,
            2 => value = field.text(&message)?,
            _ => {}
        }
    }
    Ok((name, value))
}

/// What is wrong with labels sorted by name.
fn broken_rule(labels: &[Label<'_>]) -> Option<&'static str> {
    if labels.iter().any(|(name, _)| name.is_empty()) {
        return Some("a label without a name");
    }
    if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Some("a label that comes twice");
    }
    let has_name = labels.iter().any(|(name, value)| name == NAME_LABEL && !value.is_empty());
    (!has_name).then_some("no label __name__")
}

fn sample(
    mut message: Message<'_>,
    series: i32,
    labels: &[Label<'_>],
    sink: &mut SampleSink<'_>,
) -> Result<(), WireError> {
    let (mut value, mut time_unix_ms) = (0.0, 0);
    while let Some((number, field)) = message.next()? {
        match number {
            1 => value = field.double(&message)?,
            2 => time_unix_ms = field.varint(&message)? as i64,
            _ => {}
        }
    }
    match sink.check_time(time_unix_ms) {
        Ok(()) if sink.append(series, time_unix_ms, value) => sink.accepted += 1,
        Ok(()) => sink.refuse_series(|| format!("series {}", shown(labels))),
        Err(why) => {
            sink.refuse_time(why, time_unix_ms, || format!("series {}", shown(labels)));
        }
    }
    Ok(())
}

fn histogram(
    message: Message<'_>,
    series: i32,
    labels: &[Label<'_>],
    sink: &mut SampleSink<'_>,
) -> Result<(), WireError> {
    let time_unix_ms = match check(message)? {
        Ok(time_unix_ms) => time_unix_ms,
        Err(rule) => {
            sink.refusals.add("histogramInvalid", 1, || {
                format!("histogram of series {}: {rule}", shown(labels))
            });
            return Ok(());
        }
    };
    match sink.check_time(time_unix_ms) {
        Ok(()) if sink.append_histogram(series, time_unix_ms, message.bytes()) => {
            sink.accepted += 1;
        }
        Ok(()) => sink.refuse_series(|| format!("series {}", shown(labels))),
        Err(why) => {
            sink.refuse_time(why, time_unix_ms, || format!("series {}", shown(labels)));
        }
    }
    Ok(())
}

fn metadata(mut message: Message<'_>, sink: &mut SampleSink<'_>) -> Result<(), WireError> {
    /// By `MetricMetadata.MetricType`.
    const TYPES: [&str; 8] = [
        "unknown",
        "counter",
        "gauge",
        "histogram",
        "gaugehistogram",
        "summary",
        "info",
        "stateset",
    ];
    let (mut kind, mut name) = (0, Cow::Borrowed(""));
    let (mut help, mut unit) = (Cow::Borrowed(""), Cow::Borrowed(""));
    while let Some((number, field)) = message.next()? {
        match number {
            1 => kind = field.varint(&message)? as usize,
            2 => name = field.text(&message)?,
            4 => help = field.text(&message)?,
            5 => unit = field.text(&message)?,
            _ => {}
        }
    }
    sink.note_metadata(&name, TYPES.get(kind).copied().unwrap_or(TYPES[0]), &help, &unit);
    Ok(())
}

/// A series as Prometheus shows it.
fn shown(labels: &[Label<'_>]) -> String {
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests;
