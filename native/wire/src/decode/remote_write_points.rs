//! What remote write 1.0 and 2.0 have in common: labels and their rules, samples, histograms.

use std::borrow::Cow;

use varve_columnar::histogram::{NativeHistogram, TimedHistogram};

use super::{
    protobuf::{Message, WireError},
    protobuf_write::write_varint,
    sample_sink::{NAME_LABEL, SampleSink},
};

/// A label's name and value.
pub(super) type Label<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Types of metrics, by their number in both versions.
const METRIC_TYPES: [&str; 8] =
    ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

/// The longest histogram: a bucket takes two bytes or more, and those of senders have 160 of them.
pub(super) const HISTOGRAM_MAX_BYTES: usize = 1 << 20;

/// `Histogram.start_timestamp`.
const START_FIELD: u32 = 17;

/// The type with this number.
pub(super) fn metric_type(number: u64) -> &'static str {
    let known = usize::try_from(number).ok().and_then(|number| METRIC_TYPES.get(number));
    known.copied().unwrap_or("unknown")
}

/// Sorts labels. The protocol asks for sorted ones; some senders do not sort them.
pub(super) fn sort(labels: &mut [Label<'_>]) {
    if !labels.is_sorted_by(|a, b| a.0 <= b.0) {
        labels.sort_by(|a, b| a.0.cmp(&b.0));
    }
}

/// What is wrong with the labels of a series, sorted by name.
pub(super) fn broken_rule(labels: &[Label<'_>]) -> Option<&'static str> {
    let has_name = labels.iter().any(|(name, value)| name == NAME_LABEL && !value.is_empty());
    broken_name(labels).or_else(|| (!has_name).then_some("no label __name__"))
}

/// What is wrong with the names of labels, sorted.
pub(super) fn broken_name(labels: &[Label<'_>]) -> Option<&'static str> {
    if labels.iter().any(|(name, _)| name.is_empty()) {
        return Some("a label without a name");
    }
    let twice = labels.iter().zip(labels.iter().skip(1)).any(|(a, b)| a.0 == b.0);
    twice.then_some("a label that comes twice")
}

/// Labels as pairs of texts.
pub(super) fn pairs<'l>(
    labels: &'l [Label<'_>],
) -> impl Iterator<Item = (&'l str, &'l str)> + Clone {
    labels.iter().map(|(name, value)| (&**name, &**value))
}

/// A `Sample` of a series, of which the labels are for its refusal.
pub(super) fn sample(
    mut message: Message<'_>,
    series: i32,
    labels: &[Label<'_>],
    sink: &mut SampleSink<'_>,
) -> Result<(), WireError> {
    let (mut value, mut time_unix_ms) = (0.0, 0);
    while let Some((number, field)) = message.next_field()? {
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

/// A `Histogram` of a series, whose start is `created_ms` if it does not tell its own; 0 = not told.
pub(super) fn histogram(
    message: Message<'_>,
    (series, created_ms): (i32, i64),
    labels: &[Label<'_>],
    sink: &mut SampleSink<'_>,
) -> Result<(), WireError> {
    if message.bytes().len() > HISTOGRAM_MAX_BYTES {
        sink.refusals.add("histogramInvalid", 1, || {
            format!(
                "histogram of series {}: it has over {HISTOGRAM_MAX_BYTES} bytes",
                shown(labels)
            )
        });
        return Ok(());
    }
    let read = match NativeHistogram::from_protobuf(message)? {
        Ok(read) => read,
        Err(rule) => {
            sink.refusals.add("histogramInvalid", 1, || {
                format!("histogram of series {}: {rule}", shown(labels))
            });
            return Ok(());
        }
    };
    let TimedHistogram { time_unix_ms, histogram, reduced } = read;
    match sink.check_time(time_unix_ms) {
        Ok(()) => {
            let mut bytes = Cow::Borrowed(message.bytes());
            if reduced {
                bytes = histogram.to_protobuf(time_unix_ms).into();
            }
            if histogram.start_ms == 0 && created_ms != 0 {
                write_varint(bytes.to_mut(), START_FIELD, created_ms as u64);
            }
            if sink.append_histogram(series, time_unix_ms, &bytes) {
                sink.accepted += 1;
            } else {
                sink.refuse_series(|| format!("series {}", shown(labels)));
            }
        }
        Err(why) => {
            sink.refuse_time(why, time_unix_ms, || format!("series {}", shown(labels)));
        }
    }
    Ok(())
}

/// An exemplar of the series at hand, whatever the order of its labels.
pub(super) fn exemplar(
    labels: &mut Vec<Label<'_>>,
    value: f64,
    time_unix_ms: i64,
    sink: &mut SampleSink<'_>,
) {
    sort(labels);
    if let Some(rule) = broken_name(labels) {
        sink.refuse_exemplar(|| format!("an exemplar {} has {rule}", shown(labels)));
        return;
    }
    labels.retain(|(_, value)| !value.is_empty());
    sink.append_exemplar(time_unix_ms, value, pairs(labels));
}

/// The rule that the labels of a series, sorted by name, break, and the word for it.
pub(super) fn labels_rule(
    labels: &[Label<'_>],
    sink: &SampleSink<'_>,
) -> Option<(&'static str, Cow<'static, str>)> {
    let bytes = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    let too_large = sink.labels_rule(labels.len(), bytes);
    let too_large = too_large.map(|(reason, rule)| (reason, rule.into()));
    too_large.or_else(|| broken_rule(labels).map(|rule| ("labelsInvalid", rule.into())))
}

/// A series as Prometheus shows it.
pub(super) fn shown(labels: &[Label<'_>]) -> String {
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
