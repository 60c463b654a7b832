//! Syslog messages: RFC 5424, and what RFC 3164 describes, in the forms that are met.
//!
//! The parser is our own. `syslog_loose` 0.23 was measured first: quick enough (0.5 to 1.3 µs a
//! message), but it keeps nothing of a message that it cannot read to the end, not even its priority,
//! takes the first word of a text without a tag for the program, the tag of a message without a host
//! for the host, and does not know Cisco's forms. Its features of `chrono` would also change Arrow's.

mod legacy;
mod message;
mod structured_data;
mod zone;

use std::{borrow::Cow, collections::HashMap, rc::Rc};

use varve_columnar::{attributes::AttributeType, labels::LabelSet};

use super::{
    DecodeError, Decoded, Gate,
    log_sink::{LogSink, Record, Stream, Surroundings},
    text, time,
};
use crate::syslog::{Arrived, Sections};
use message::{Message, When};
use zone::Receipt;

/// Names of severities 0 to 7 (RFC 5424, table 2, as `syslog(3)` abbreviates them), and the level
/// that each is for Loki.
const SEVERITIES: [(&str, &str); 8] = [
    ("emerg", "critical"),
    ("alert", "critical"),
    ("crit", "critical"),
    ("err", "error"),
    ("warning", "warn"),
    ("notice", "info"),
    ("info", "info"),
    ("debug", "debug"),
];

/// Names of facilities 0 to 23 (RFC 5424, table 1, as `syslog(3)` abbreviates them).
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// Decodes a packed body ([`crate::syslog`]). No message is refused for its time: one that is outside
/// what is taken has that of its receipt, and its own as metadata, since no sender sends it again. Nor
/// for its length or its structured data: what is over a limit is left out, and a mark tells it.
pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut sink =
        SyslogSink { logs: LogSink::new(gate), streams: HashMap::new(), key: String::new() };
    for section in Sections::new(body) {
        let section = section.map_err(|_| DecodeError::NotPacked)?;
        let (address, name, received_ns) = (section.address, section.name, section.received_ns);
        let receipt = Receipt::new(received_ns, gate.syslog_zone);
        let from = From { address, name, received_ns, receipt };
        for arrived in section {
            sink.take(arrived.map_err(|_| DecodeError::NotPacked)?, &from);
        }
    }
    sink.logs.finish()
}

/// Whence and when a message came.
struct From<'a> {
    address: &'a str,
    name: &'a str,
    received_ns: i64,
    receipt: Receipt<'a>,
}

struct SyslogSink<'l> {
    logs: LogSink<'l>,
    /// By the labels' values: most messages share theirs with another.
    streams: HashMap<String, Rc<Stream>>,
    /// Where the key of the message at hand is written.
    key: String,
}

impl SyslogSink<'_> {
    fn take(&mut self, arrived: Arrived<'_>, from: &From<'_>) {
        let whole = text(arrived.bytes);
        let whole = whole.trim_end_matches(['\n', '\r', '\0']);
        if whole.is_empty() {
            return;
        }
        let message = Message::read(whole);
        if arrived.is_partial && !message.is_parsed {
            self.logs.refuse("partial", || {
                "the connection ended within a message, and what came of it cannot be read".into()
            });
            return;
        }
        let sent_ns = match message.when {
            When::Missing => None,
            When::At(time_ns) => Some(time_ns),
            When::Local(local) => from.receipt.instant_ns(local),
        };
        let timely = sent_ns.filter(|&time_ns| self.logs.gate.check_time(time_ns).is_ok());
        let line = start_of(message.text, self.logs.gate.limits.line_max_bytes);
        let is_truncated = arrived.is_truncated || line.len() < message.text.len();
        let untimely = if timely.is_none() { sent_ns.map(time::rfc3339) } else { None };
        let metadata = [
            ("procid", message.procid),
            ("msgid", message.msgid),
            ("peer_address", from.address),
            ("peer_name", from.name),
            ("truncated", if is_truncated { "true" } else { "" }),
            ("sent_at", untimely.as_deref().unwrap_or_default()),
        ];
        self.push_metadata(&metadata);
        self.push_structured_data(message.structured_data);
        if self.logs.attributes_rule().is_some() {
            self.logs.builder.attributes.drop_row();
            self.push_metadata(&metadata);
            self.push_metadata(&[("structured_data", "omitted")]);
        }
        let stream = self.stream(&message, from.address);
        let time_unix_nano = timely.unwrap_or(from.received_ns);
        let body = Some((AttributeType::String, Cow::Borrowed(line)));
        let record = Record { time_unix_nano, body, ..Record::default() };
        self.logs.accept(&stream, &Surroundings::default(), &record);
    }

    fn push_metadata(&mut self, pairs: &[(&str, &str)]) {
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            self.logs.builder.attributes.push(name, AttributeType::String, value);
        }
    }

    fn push_structured_data(&mut self, data: &str) {
        let attributes = &mut self.logs.builder.attributes;
        structured_data::visit(data, &mut |name, value| {
            attributes.push(name, AttributeType::String, value);
        });
    }

    /// The stream of a message. A host that is not told is the address that the message came from.
    fn stream(&mut self, message: &Message<'_>, address: &str) -> Rc<Stream> {
        let max_bytes = self.logs.gate.limits.label_value_max_bytes;
        let host = if message.host.is_empty() { address } else { message.host };
        let (host, app) = (start_of(host, max_bytes), start_of(message.app, max_bytes));
        let severity = SEVERITIES.get(usize::from(message.severity));
        let (severity, level) = severity.copied().unwrap_or_default();
        let facility = FACILITIES.get(usize::from(message.facility)).copied().unwrap_or_default();
        let failed = if message.is_parsed { "" } else { "failed" };
        let key = &mut self.key;
        key.clear();
        for part in [failed, facility, severity, app, host] {
            key.push_str(part);
            // No part but the last can hold it, so that keys are as different as their parts.
            key.push(' ');
        }
        if let Some(stream) = self.streams.get(key.as_str()) {
            return stream.clone();
        }
        let labels = [
            ("job", "syslog"),
            ("host", host),
            ("app", app),
            ("facility", facility),
            ("severity", severity),
            ("syslog_parse", failed),
        ];
        let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
        // The level of what was read from no priority is looked for in its text.
        let level = Some(level).filter(|_| message.has_priority);
        let stream = Rc::new(self.logs.stream_of_level(LabelSet::new(labels), level));
        self.streams.insert(key.clone(), stream.clone());
        stream
    }
}

/// As much of a text as a limit allows, in whole characters.
fn start_of(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
