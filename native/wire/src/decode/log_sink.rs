//! Where log records of every format end: checked, given their level, appended.

use std::{borrow::Cow, rc::Rc};

use varve_columnar::{
    attributes::AttributeType,
    builders::{LogRow, LogsBuilder},
    label_names::loki_label_name,
    labels::LabelSet,
    levels::normal_level,
    resource::AttributeText,
    structured_metadata::DETECTED_LEVEL,
};
use varve_types::Table;

use super::{DecodeError, Decoded, Gate, Refusals, level};

/// Labels of which the first that has a value names the service of a stream; Loki's defaults.
const SERVICE_NAME_LABELS: [&str; 13] = [
    "service",
    "app",
    "application",
    "app_name",
    "name",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "k8s_container_name",
    "component",
    "workload",
    "job",
    "k8s_job_name",
];

/// A stream, known to the sink.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    index: i32,
    /// Its labels as its senders write them, for messages.
    name: String,
    /// The value of the label that tells the level.
    level: Option<String>,
    /// Too many others are active.
    is_refused: bool,
}

/// A record, but for its attributes, which are pushed to [`LogSink::builder`] before.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    /// The sender's, or what stands for it.
    pub(super) time_unix_nano: i64,
    /// 0 = not set.
    pub(super) observed_time_unix_nano: i64,
    pub(super) severity_number: i32,
    pub(super) severity_text: Cow<'a, str>,
    pub(super) body: Option<(AttributeType, Cow<'a, str>)>,
    pub(super) trace_id: Option<[u8; 16]>,
    pub(super) span_id: Option<[u8; 8]>,
    pub(super) flags: u32,
    pub(super) event_name: Cow<'a, str>,
    pub(super) dropped_attributes_count: u32,
}

/// What a record shares with others: indexes of the builder, and the level that they tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) resource: Option<i32>,
    pub(super) scope: Option<i32>,
    /// The most telling level field among their labels: its rank and its value.
    pub(super) level: Option<(usize, Rc<str>)>,
    /// `detected_level` is among their labels.
    pub(super) has_detected_level: bool,
}

impl Surroundings {
    /// Takes note of the labels of a resource or scope.
    pub(super) fn note<'a>(&mut self, labels: impl Iterator<Item = (&'a str, &'a str)>) {
        for (name, value) in labels.filter(|(_, value)| !value.is_empty()) {
            self.has_detected_level |= name == DETECTED_LEVEL;
            if let Some(rank) = level::rank(name)
                && self.level.as_ref().is_none_or(|(best, _)| rank < *best)
            {
                self.level = Some((rank, value.into()));
            }
        }
    }
}

/// What an attribute's name means for the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyRole {
    None,
    DetectedLevel,
    Level { rank: usize },
}

/// Collects the records of one body.
#[derive(Debug)]
pub(super) struct LogSink<'l> {
    pub(super) builder: LogsBuilder,
    pub(super) refusals: Refusals,
    pub(super) gate: Gate<'l>,
    /// By key index of the builder's attributes.
    key_roles: Vec<KeyRole>,
    /// No key has a role: most senders' attributes need no second look.
    no_roles: bool,
    is_timed: bool,
}

impl<'l> LogSink<'l> {
    pub(super) fn new(gate: Gate<'l>) -> Self {
        Self {
            builder: LogsBuilder::default(),
            refusals: Refusals::default(),
            gate,
            key_roles: Vec::new(),
            no_roles: true,
            is_timed: true,
        }
    }

    /// Makes a stream of these labels known, with the service name that Loki adds.
    pub(super) fn stream(&mut self, mut labels: LabelSet) -> Stream {
        add_service_name(&mut labels);
        let fields = level::LEVEL_FIELDS.iter();
        let level = fields.map(|field| labels.get(field)).find(|value| !value.is_empty());
        let text = labels.to_json();
        Stream {
            index: self.builder.intern_stream(&text),
            name: selector(&labels),
            level: level.map(str::to_owned),
            is_refused: !self.gate.admits_stream(&text),
        }
    }

    /// The same, where the sender's protocol tells the level; without one it is looked for in the line.
    pub(super) fn stream_of_level(&mut self, labels: LabelSet, level: Option<&str>) -> Stream {
        Stream { level: level.map(str::to_owned), ..self.stream(labels) }
    }

    /// Takes the record with the attributes that were pushed for it, or refuses it without them.
    pub(super) fn accept(&mut self, stream: &Stream, around: &Surroundings, record: &Record<'_>) {
        if self.gate.check_rows(self.builder.rows()).is_err() {
            self.builder.attributes.drop_row();
            return;
        }
        let time_ns = record.time_unix_nano;
        if let Some((reason, message)) = self.broken_rule(stream) {
            self.refuse(reason, || message);
            return;
        }
        let (body_type, body) =
            record.body.as_ref().map_or((AttributeType::Empty, ""), |(kind, text)| (*kind, text));
        if let Err(untimely) = self.gate.check_time(time_ns) {
            let gate = self.gate;
            self.refuse(untimely.reason(), || {
                gate.time_message(untimely, &format!("stream '{}'", stream.name), time_ns)
            });
            return;
        }
        let line_max_bytes = self.gate.limits.line_max_bytes;
        if body.len() > line_max_bytes {
            self.refuse("lineTooLong", || {
                format!(
                    "max entry size {line_max_bytes} bytes exceeded for stream '{}' while adding \
                     an entry with length {} bytes; raise limits.line_max_bytes",
                    stream.name,
                    body.len()
                )
            });
            return;
        }
        let level = self.level(stream, around, record, body);
        self.builder.append(&LogRow {
            time_unix_nano: time_ns,
            observed_time_unix_nano: record.observed_time_unix_nano,
            stream: stream.index,
            severity_number: record.severity_number,
            severity_text: &record.severity_text,
            detected_level: level.as_deref(),
            body,
            body_type,
            trace_id: record.trace_id,
            span_id: record.span_id,
            flags: record.flags,
            event_name: &record.event_name,
            dropped_attributes_count: record.dropped_attributes_count,
            resource: around.resource,
            scope: around.scope,
        });
    }

    /// The rule that the record at hand breaks by its stream or its attributes.
    fn broken_rule(&self, stream: &Stream) -> Option<(&'static str, String)> {
        if stream.is_refused {
            let message = format!(
                "maximum active stream limit of {} exceeded when trying to create stream '{}'; \
                 send fewer label sets or raise limits.streams_max",
                self.gate.limits.streams_max, stream.name
            );
            return Some(("streamsTooMany", message));
        }
        self.attributes_rule()
    }

    /// The rule that the attributes of the record at hand break.
    pub(super) fn attributes_rule(&self) -> Option<(&'static str, String)> {
        let (count, bytes) = self.builder.attributes.row_at_hand_size();
        self.gate.attributes_rule("record", count, bytes)
    }

    /// Refuses the record at hand.
    pub(super) fn refuse(&mut self, reason: &'static str, message: impl FnOnce() -> String) {
        self.builder.attributes.drop_row();
        self.refusals.add(reason, 1, message);
    }

    /// Refuses all records below a resource or scope, as its attributes break a rule.
    pub(super) fn refuse_below(&mut self, (reason, message): (&'static str, String), count: u64) {
        self.refusals.add(reason, count, || message);
    }

    /// The rule that the attributes of a resource or scope break.
    pub(super) fn subject_rule(
        &self,
        whose: &str,
        attributes: &[AttributeText],
    ) -> Option<(&'static str, String)> {
        self.gate.subject_rule(whose, attributes)
    }

    /// The time of a record that has none: that of its receipt.
    pub(super) fn received_ns(&mut self) -> i64 {
        self.is_timed = false;
        self.gate.received_ns
    }

    pub(super) fn finish(self) -> Result<Decoded, DecodeError> {
        self.gate.check_rows(self.builder.rows())?;
        let decoded = Decoded::rows(Table::Logs, self.builder.finish()?, self.refusals.0);
        Ok(Decoded { is_timed: self.is_timed, ..decoded })
    }

    /// The level in Loki's order of sources. `None` where the sender's own stands, or where what
    /// tells it is empty.
    fn level<'a>(
        &mut self,
        stream: &'a Stream,
        around: &'a Surroundings,
        record: &'a Record<'_>,
        body: &str,
    ) -> Option<Cow<'a, str>> {
        let own = self.attribute_level();
        if around.has_detected_level || own == Some(OwnLevel::Detected) {
            return None;
        }
        if let Some(level) = &stream.level {
            return Some(normal_level(level).into());
        }
        let mut best: Option<(usize, Cow<'a, str>)> = None;
        if let Some(OwnLevel::Field { rank, text }) = own {
            best = Some((rank, text.into()));
        }
        let severity_text_rank = level::rank(level::SEVERITY_TEXT);
        let others = [
            severity_text_rank
                .filter(|_| !record.severity_text.is_empty())
                .map(|rank| (rank, record.severity_text.as_ref())),
            around.level.as_ref().map(|(rank, text)| (*rank, &**text)),
        ];
        for (rank, text) in others.into_iter().flatten() {
            if best.as_ref().is_none_or(|(best, _)| rank < *best) {
                best = Some((rank, text.into()));
            }
        }
        match best {
            Some((_, Cow::Borrowed(text))) => Some(normal_level(text).into()),
            Some((_, Cow::Owned(text))) => Some(normal_level(&text).to_owned().into()),
            None if record.severity_number != 0 => {
                Some(level::of_severity(record.severity_number).into())
            }
            None => Some(level::of_line(body).into()),
        }
    }

    /// What the attributes of the record at hand tell of its level.
    fn attribute_level(&mut self) -> Option<OwnLevel> {
        let attributes = &self.builder.attributes;
        for index in self.key_roles.len()..attributes.key_count() {
            let role = key_role(attributes.key(index as i32));
            self.no_roles &= role == KeyRole::None;
            self.key_roles.push(role);
        }
        if self.no_roles {
            return None;
        }
        let mut best = None;
        for (key, _, text) in attributes.row_at_hand() {
            match self.key_roles[key as usize] {
                KeyRole::DetectedLevel if !text.is_empty() => return Some(OwnLevel::Detected),
                KeyRole::Level { rank }
                    if !text.is_empty() && best.is_none_or(|(best, _)| rank < best) =>
                {
                    best = Some((rank, text));
                }
                _ => {}
            }
        }
        best.map(|(rank, text)| OwnLevel::Field { rank, text: text.to_owned() })
    }
}

/// A level among a record's attributes.
#[derive(Debug, PartialEq, Eq)]
enum OwnLevel {
    Detected,
    Field { rank: usize, text: String },
}

fn key_role(key: &str) -> KeyRole {
    match loki_label_name(key).as_deref() {
        Some(DETECTED_LEVEL) => KeyRole::DetectedLevel,
        Some(name) => level::rank(name).map_or(KeyRole::None, |rank| KeyRole::Level { rank }),
        None => KeyRole::None,
    }
}

fn add_service_name(labels: &mut LabelSet) {
    if !labels.contains("service_name") {
        let names = SERVICE_NAME_LABELS.iter().map(|name| labels.get(name));
        let name = names.into_iter().find(|value| !value.is_empty());
        let name = name.unwrap_or("unknown_service").to_owned();
        labels.set("service_name", name);
    }
}

/// A stream's labels as a selector.
fn selector(labels: &LabelSet) -> String {
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
