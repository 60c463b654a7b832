//! Prometheus' remote write 2.0: `io.prometheus.write.v2.Request`, from the wire to columns.
//!
//! Labels, help and units are numbers of texts that stand before them in a table of symbols. Start
//! times of counters are kept with histograms, whose messages hold them; Prometheus, too, keeps them
//! of floats only where it is told to.

use std::borrow::Cow;

use super::{
    DecodeError, Decoded, Gate,
    protobuf::{Field, Message, WireError},
    remote_write_points::{
        Label, exemplar, histogram, labels_rule, metric_type, pairs, sample, shown, sort,
    },
    sample_sink::{EXEMPLAR_LABELS_MAX_CHARS, NAME_LABEL, SampleSink},
};

const MESSAGE: &str = "io.prometheus.write.v2.Request";

/// More than the longest body has of texts that are worth a table, each of which costs memory.
const SYMBOLS_MAX: usize = 1 << 22;

/// Endings that the series of one histogram or summary have after the name of their metric.
const PART_ENDINGS: [&str; 3] = ["_bucket", "_sum", "_count"];

pub(super) fn decode(body: &[u8], gate: Gate<'_>) -> Result<Decoded, DecodeError> {
    let mut sink = SampleSink::new(gate);
    request(Message::new(body), &mut sink)
        .map_err(|source| DecodeError::Protobuf { message: MESSAGE, source })?;
    sink.finish()
}

fn request(message: Message<'_>, sink: &mut SampleSink<'_>) -> Result<(), WireError> {
    let mut symbols = Symbols::default();
    let mut fields = message;
    while let Some((number, field)) = fields.next_field()? {
        if number == 4 {
            if symbols.0.len() == SYMBOLS_MAX {
                return Err(fields.error("a table of more symbols than a body may have"));
            }
            symbols.0.push(field.text(&fields)?);
        }
    }
    if symbols.0.first().is_some_and(|first| !first.is_empty()) {
        return Err(message.error("a table of symbols that does not begin with an empty one"));
    }
    let mut series = TimeSeries::default();
    let mut fields = message;
    while let Some((number, field)) = fields.next_field()? {
        if number == 5 {
            series.take(field.message(&fields)?, &symbols, sink)?;
        }
    }
    Ok(())
}

/// Texts by number.
#[derive(Default)]
struct Symbols<'a>(Vec<Cow<'a, str>>);

impl Symbols<'_> {
    fn get(&self, number: u64) -> Option<&str> {
        usize::try_from(number).ok().and_then(|number| self.0.get(number)).map(|text| &**text)
    }

    /// Numbers of names and values, one after the other, as labels sorted by name.
    fn labels<'s>(&'s self, refs: &[u64], labels: &mut Vec<Label<'s>>) -> Result<(), &'static str> {
        labels.clear();
        for pair in refs.chunks(2) {
            let &[name, value] = pair else { return Err("a label without a value") };
            let (Some(name), Some(value)) = (self.get(name), self.get(value)) else {
                return Err("a label that is not in the table of symbols");
            };
            labels.push((name.into(), value.into()));
        }
        sort(labels);
        Ok(())
    }
}

/// What is kept for its memory from one series to the next.
#[derive(Default)]
struct TimeSeries {
    refs: Vec<u64>,
}

/// `Metadata`.
#[derive(Default)]
struct Metadata {
    kind: u64,
    help: u64,
    unit: u64,
}

impl TimeSeries {
    fn take(
        &mut self,
        message: Message<'_>,
        symbols: &Symbols<'_>,
        sink: &mut SampleSink<'_>,
    ) -> Result<(), WireError> {
        self.refs.clear();
        let (mut points, mut metadata, mut created_ms) = (0, None, 0);
        let mut fields = message;
        while let Some((number, field)) = fields.next_field()? {
            match number {
                1 => field.each_varint(&fields, |symbol| self.refs.push(symbol))?,
                2 | 3 => points += 1,
                5 => metadata = Some(read_metadata(field.message(&fields)?)?),
                // Where senders of 2024 and 2025 tell it.
                6 => created_ms = field.varint(&fields)? as i64,
                _ => {}
            }
        }
        let mut labels = Vec::new();
        let too_many = sink.labels_rule(self.refs.len() / 2, 0);
        let rule = match too_many {
            Some((reason, rule)) => Some((reason, rule.into())),
            None => match symbols.labels(&self.refs, &mut labels) {
                Ok(()) => labels_rule(&labels, sink),
                Err(rule) => Some(("labelsInvalid", Cow::Borrowed(rule))),
            },
        };
        if let Some((reason, rule)) = rule {
            // A series without points is refused too, and counts.
            sink.refusals
                .add(reason, points.max(1), || format!("series {}: {rule}", shown(&labels)));
            return Ok(());
        }
        labels.retain(|(_, value)| !value.is_empty());
        if points == 0 {
            sink.refusals.add("seriesEmpty", 1, || {
                format!("series {} has neither a sample nor a histogram", shown(&labels))
            });
            return Ok(());
        }
        if let Some(metadata) = metadata {
            metadata.note(&labels, symbols, sink);
        }
        let series = sink.series(pairs(&labels));
        let mut fields = message;
        while let Some((number, field)) = fields.next_field()? {
            match number {
                2 => sample(field.message(&fields)?, series, &labels, sink)?,
                3 => histogram(field.message(&fields)?, (series, created_ms), &labels, sink)?,
                4 => self.exemplar(field, &fields, symbols, sink)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn exemplar(
        &mut self,
        field: Field<'_>,
        within: &Message<'_>,
        symbols: &Symbols<'_>,
        sink: &mut SampleSink<'_>,
    ) -> Result<(), WireError> {
        let mut message = field.message(within)?;
        self.refs.clear();
        let (mut value, mut time_unix_ms) = (0.0, 0);
        while let Some((number, field)) = message.next_field()? {
            match number {
                1 => field.each_varint(&message, |symbol| self.refs.push(symbol))?,
                2 => value = field.double(&message)?,
                3 => time_unix_ms = field.varint(&message)? as i64,
                _ => {}
            }
        }
        let mut labels = Vec::new();
        self.refs.truncate(4 * EXEMPLAR_LABELS_MAX_CHARS);
        match symbols.labels(&self.refs, &mut labels) {
            Ok(()) => exemplar(&mut labels, value, time_unix_ms, sink),
            Err(rule) => sink.refuse_exemplar(|| format!("an exemplar has {rule}")),
        }
        Ok(())
    }
}

fn read_metadata(mut message: Message<'_>) -> Result<Metadata, WireError> {
    let mut metadata = Metadata::default();
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => metadata.kind = field.varint(&message)?,
            3 => metadata.help = field.varint(&message)?,
            4 => metadata.unit = field.varint(&message)?,
            _ => {}
        }
    }
    Ok(metadata)
}

impl Metadata {
    /// It comes with every series, and is of the metric that the series is a part of.
    fn note(&self, labels: &[Label<'_>], symbols: &Symbols<'_>, sink: &mut SampleSink<'_>) {
        let kind = metric_type(self.kind);
        let text = |number| symbols.get(number).unwrap_or_default();
        let (help, unit) = (text(self.help), text(self.unit));
        if self.kind == 0 && help.is_empty() && unit.is_empty() {
            return;
        }
        let name = labels.iter().find(|(name, _)| name == NAME_LABEL);
        let name = name.map_or("", |(_, value)| &**value);
        let has_parts = matches!(kind, "histogram" | "gaugehistogram" | "summary");
        let family = PART_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
        let family = family.filter(|_| has_parts).unwrap_or(name);
        sink.note_metadata(family, kind, help, unit);
    }
}

#[cfg(test)]
mod tests;
