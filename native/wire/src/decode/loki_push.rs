//! Loki's push: `logproto.PushRequest`, and what its two forms have in common.

use std::borrow::Cow;

use varve_columnar::{attributes::AttributeType, labels::LabelSet};

use super::{
    DecodeError, Decoded, Gate, Limits,
    log_sink::{LogSink, Record, Stream, Surroundings},
    loki_labels::{self, Label},
    protobuf::{Message, WireError},
    resource::each_message,
};

const MESSAGE: &str = "logproto.PushRequest";

pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut sink = PushSink::new(gate);
    each_message(Message::new(body), 1, |message| stream(message, &mut sink))?;
    sink.finish()
}

impl From<WireError> for DecodeError {
    fn from(source: WireError) -> Self {
        Self::Protobuf { message: MESSAGE, source }
    }
}

fn stream(message: Message<'_>, sink: &mut PushSink<'_>) -> Result<(), DecodeError> {
    let (mut labels, mut entries) = (Cow::Borrowed(""), 0);
    let mut fields = message;
    while let Some((number, field)) = fields.next_field()? {
        match number {
            1 => labels = field.text(&fields)?,
            2 => entries += 1,
            _ => {}
        }
    }
    let Some(stream) = sink.stream_of_text(&labels, entries)? else { return Ok(()) };
    each_message(message, 2, |message| Ok(entry(message, &stream, sink)?))
}

fn entry(
    mut message: Message<'_>,
    stream: &Stream,
    sink: &mut PushSink<'_>,
) -> Result<(), WireError> {
    let (mut time_ns, mut line) = (0, Cow::Borrowed(""));
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => time_ns = timestamp(field.message(&message)?)?,
            2 => line = field.text(&message)?,
            3 => {
                let (name, value) = label_pair(field.message(&message)?)?;
                sink.push_metadata(&name, &value);
            }
            _ => {}
        }
    }
    sink.accept(stream, time_ns, line);
    Ok(())
}

/// `google.protobuf.Timestamp` in nanoseconds since the epoch, held within what 64 bits say.
fn timestamp(mut message: Message<'_>) -> Result<i64, WireError> {
    let (mut seconds, mut nanos) = (0, 0);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => seconds = field.varint(&message)? as i64,
            2 => nanos = field.varint(&message)? as i64,
            _ => {}
        }
    }
    Ok(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

fn label_pair(mut message: Message<'_>) -> Result<(Cow<'_, str>, Cow<'_, str>), WireError> {
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

/// Takes streams and entries under Loki's rules for them.
#[derive(Debug)]
pub(super) struct PushSink<'l> {
    pub(super) logs: LogSink<'l>,
    around: Surroundings,
    streams: u64,
    /// Of the entry at hand.
    metadata_entries: usize,
    metadata_bytes: usize,
}

impl<'l> PushSink<'l> {
    pub(super) fn new(gate: Gate<'l>) -> Self {
        Self {
            logs: LogSink::new(gate),
            around: Surroundings::default(),
            streams: 0,
            metadata_entries: 0,
            metadata_bytes: 0,
        }
    }

    /// What became of the body. Of one whose streams have no entries its sender is told so: to Loki that is
    /// something else than having no streams.
    pub(super) fn finish(self) -> Result<Decoded, DecodeError> {
        let mut decoded = self.logs.finish()?;
        if decoded.accepted == 0 && decoded.refused.is_empty() && self.streams > 0 {
            decoded.answer = b"no entries".to_vec();
        }
        Ok(decoded)
    }

    /// The stream of labels as JSON has them; `None` if it is refused with its entries.
    pub(super) fn stream_of_pairs(&mut self, labels: &[Label<'_>], entries: u64) -> Option<Stream> {
        if let Some((name, _)) = labels.iter().find(|(name, _)| !is_name(name)) {
            self.logs.refusals.add("labelNameInvalid", entries.max(1), || {
                format!("couldn't parse labels: '{name}' is no name of a label: letters, digits and '_', no digit first")
            });
            return None;
        }
        self.stream(labels, entries)
    }

    /// The stream of labels written as a selector; `None` if it is refused with its entries.
    pub(super) fn stream_of_text(
        &mut self,
        text: &str,
        entries: u64,
    ) -> Result<Option<Stream>, DecodeError> {
        let labels = loki_labels::parse(text).map_err(|error| DecodeError::Labels {
            labels: text.chars().take(200).collect(),
            reason: error.reason,
            at: error.at,
        })?;
        Ok(self.stream(&labels, entries))
    }

    /// The stream of these labels; `None` if it is refused with its entries.
    pub(super) fn stream(&mut self, labels: &[Label<'_>], entries: u64) -> Option<Stream> {
        self.streams += 1;
        let labels: Vec<(&str, &str)> = labels
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        match broken_rule(&labels, self.logs.gate.limits) {
            None => Some(self.logs.stream(LabelSet::new(labels))),
            Some((reason, message)) => {
                self.logs.refusals.add(reason, entries, || message);
                None
            }
        }
    }

    /// Adds structured metadata to the entry at hand.
    pub(super) fn push_metadata(&mut self, name: &str, value: &str) {
        self.metadata_entries += 1;
        self.metadata_bytes += name.len() + value.len();
        self.logs.builder.attributes.push(name, AttributeType::String, value);
    }

    /// Takes the entry with the metadata that was pushed for it, or refuses it.
    pub(super) fn accept(&mut self, stream: &Stream, time_ns: i64, line: Cow<'_, str>) {
        let entries = std::mem::take(&mut self.metadata_entries);
        let bytes = std::mem::take(&mut self.metadata_bytes);
        let Limits { metadata_max_entries, metadata_max_bytes, .. } = *self.logs.gate.limits;
        if bytes > metadata_max_bytes {
            self.logs.refuse("metadataTooLarge", || {
                format!(
                    "structured metadata of {bytes} bytes is over limits.metadata_max_bytes = \
                     {metadata_max_bytes}"
                )
            });
            return;
        }
        if entries > metadata_max_entries {
            self.logs.refuse("metadataTooMany", || {
                format!(
                    "structured metadata of {entries} entries is over \
                     limits.metadata_max_entries = {metadata_max_entries}"
                )
            });
            return;
        }
        let body = Some((AttributeType::String, line));
        let record = Record { time_unix_nano: time_ns, body, ..Record::default() };
        self.logs.accept(stream, &self.around, &record);
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The rule that a stream's labels break, and the sentence about it.
fn broken_rule(labels: &[(&str, &str)], limits: &Limits) -> Option<(&'static str, String)> {
    let Limits { labels_max, label_name_max_bytes, label_value_max_bytes, .. } = *limits;
    let count = labels.iter().filter(|(name, _)| *name != "service_name").count();
    if count > labels_max {
        let message = format!("a stream has {count} labels, over limits.labels_max = {labels_max}");
        return Some(("labelsTooMany", message));
    }
    for (at, (name, value)) in labels.iter().enumerate() {
        if name.len() > label_name_max_bytes {
            let message = format!(
                "a label's name has {} bytes, over limits.label_name_max_bytes = \
                 {label_name_max_bytes}",
                name.len()
            );
            return Some(("labelNameTooLong", message));
        }
        if value.len() > label_value_max_bytes {
            let message = format!(
                "the value of label '{name}' has {} bytes, over limits.label_value_max_bytes = \
                 {label_value_max_bytes}",
                value.len()
            );
            return Some(("labelValueTooLong", message));
        }
        if labels[..at].iter().any(|(other, _)| other == name) {
            return Some(("labelDuplicate", format!("a stream has label '{name}' twice")));
        }
    }
    None
}

#[cfg(test)]
mod tests;
