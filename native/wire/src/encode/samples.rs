//! Series of samples in the JSON that Prometheus made and Loki took over. Only how a number is spelled
//! differs between the two, so each brings its own.

use varve_columnar::answer::{Series, SeriesSet, is_absent};

use super::json::{self, ARRAY, OBJECT};

/// Spells a number.
pub(super) type Float = fn(&mut Vec<u8>, f64);

/// Each series with the samples that it has; those without any are left out.
pub(super) fn matrix(out: &mut Vec<u8>, set: &SeriesSet, float: Float) {
    // Each time is written once, then copied for every series.
    let times: Vec<String> = set.steps_ns.iter().map(|&time_ns| seconds(time_ns)).collect();
    let shown = set.series.iter().filter(|series| series.values.iter().any(|&v| !is_absent(v)));
    json::list(out, ARRAY, shown, |out, Series { labels: metric, values }| {
        out.extend_from_slice(br#"{"metric":"#);
        labels(out, metric.iter());
        out.extend_from_slice(br#","values":"#);
        let points = times.iter().zip(values).filter(|(_, value)| !is_absent(**value));
        json::list(out, ARRAY, points, |out, (time, &value)| sample(out, time, value, float));
        out.push(b'}');
    });
}

/// Each series with its sample at the only step.
pub(super) fn vector(out: &mut Vec<u8>, set: &SeriesSet, float: Float) {
    let time = set.steps_ns.first().map_or_else(String::new, |&time_ns| seconds(time_ns));
    let shown = set
        .series
        .iter()
        .filter_map(|series| series.values.first().map(|&value| (&series.labels, value)))
        .filter(|(_, value)| !is_absent(*value));
    json::list(out, ARRAY, shown, |out, (metric, value)| {
        out.extend_from_slice(br#"{"metric":"#);
        labels(out, metric.iter());
        out.extend_from_slice(br#","value":"#);
        sample(out, &time, value, float);
        out.push(b'}');
    });
}

/// An object of labels.
pub(super) fn labels<'l>(out: &mut Vec<u8>, labels: impl Iterator<Item = (&'l str, &'l str)>) {
    json::list(out, OBJECT, labels, |out, (name, value)| {
        json::string(out, name);
        out.push(b':');
        json::string(out, value);
    });
}

/// `[<seconds>,"<value>"]`.
pub(super) fn sample(out: &mut Vec<u8>, time: &str, value: f64, float: Float) {
    out.push(b'[');
    out.extend_from_slice(time.as_bytes());
    out.extend_from_slice(b",\"");
    float(out, value);
    out.extend_from_slice(b"\"]");
}

/// Seconds with as many decimals of the millisecond as it needs.
pub(super) fn seconds(time_ns: i64) -> String {
    let milliseconds = time_ns.div_euclid(1_000_000);
    let sign = if milliseconds < 0 { "-" } else { "" };
    let (whole, thousandths) =
        (milliseconds.unsigned_abs() / 1_000, milliseconds.unsigned_abs() % 1_000);
    if thousandths == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{thousandths:03}").trim_end_matches('0').to_owned()
}
