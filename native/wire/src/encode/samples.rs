//! Series of samples in the JSON that Prometheus made and Loki took over. Only how a number is spelled
//! differs between the two, so each brings its own.

use varve_columnar::{
    answer::{SampleSeries, Series, SeriesSet, is_absent},
    histogram::NativeHistogram,
    labels::LabelSet,
};

use super::json::{self, ARRAY, OBJECT};

/// Spells a number.
pub(super) type Float = fn(&mut Vec<u8>, f64);

/// Each series with the samples that it has; those without any are left out.
pub(super) fn matrix(out: &mut Vec<u8>, set: &SeriesSet, float: Float) {
    // Each time is written once, then copied for every series.
    let times: Vec<String> = set.steps_ns.iter().map(|&time_ns| seconds(time_ns)).collect();
    let shown = set.series.iter().filter(|series| series.has_points());
    json::list(out, ARRAY, shown, |out, Series { labels, values, histograms }| {
        let values = times.iter().zip(values.iter().copied());
        let histograms = times.iter().zip(histograms);
        one_series(
            out,
            labels,
            values.filter(|(_, value)| !is_absent(*value)),
            histograms.filter_map(|(time, at)| Some((time, at.as_deref()?))),
            float,
        );
    });
}

/// Each series with all its samples.
pub(super) fn stored(out: &mut Vec<u8>, series: &[SampleSeries], float: Float) {
    let time = |time_ms: i64| seconds(time_ms.saturating_mul(1_000_000));
    json::list(out, ARRAY, series, |out, SampleSeries { labels, times_ms, values, histograms }| {
        let values = times_ms.iter().zip(values);
        let values = values.map(|(&time_ms, &value)| (time(time_ms), value));
        let histograms = histograms.iter().map(|(time_ms, at)| (time(*time_ms), at.as_ref()));
        one_series(out, labels, values, histograms, float);
    });
}

fn one_series<'h, T: AsRef<str>>(
    out: &mut Vec<u8>,
    metric: &LabelSet,
    values: impl Iterator<Item = (T, f64)>,
    histograms: impl Iterator<Item = (T, &'h NativeHistogram)>,
    float: Float,
) {
    out.extend_from_slice(br#"{"metric":"#);
    labels(out, metric.iter());
    let mut values = values.peekable();
    if values.peek().is_some() {
        out.extend_from_slice(br#","values":"#);
        json::list(out, ARRAY, values, |out, (time, value)| {
            sample(out, time.as_ref(), value, float);
        });
    }
    let mut histograms = histograms.peekable();
    if histograms.peek().is_some() {
        out.extend_from_slice(br#","histograms":"#);
        json::list(out, ARRAY, histograms, |out, (time, at)| {
            histogram(out, time.as_ref(), at, float);
        });
    }
    out.push(b'}');
}

/// Each series with its sample at the only step.
pub(super) fn vector(out: &mut Vec<u8>, set: &SeriesSet, float: Float) {
    let time = set.steps_ns.first().map_or_else(String::new, |&time_ns| seconds(time_ns));
    let shown = set.series.iter().filter(|series| series.has_points());
    json::list(out, ARRAY, shown, |out, series| {
        out.extend_from_slice(br#"{"metric":"#);
        labels(out, series.labels.iter());
        if let Some(at) = series.histograms.first().and_then(Option::as_deref) {
            out.extend_from_slice(br#","histogram":"#);
            histogram(out, &time, at, float);
        } else {
            out.extend_from_slice(br#","value":"#);
            let value = series.values.first().copied().unwrap_or_default();
            sample(out, &time, value, float);
        }
        out.push(b'}');
    });
}

/// `[<seconds>,{"count":"<count>","sum":"<sum>","buckets":[[<bounds>,"<lower>","<upper>","<count>"]]}]`.
fn histogram(out: &mut Vec<u8>, time: &str, histogram: &NativeHistogram, float: Float) {
    let number = |out: &mut Vec<u8>, before: &[u8], value: f64| {
        out.extend_from_slice(before);
        out.push(b'"');
        float(out, value);
        out.push(b'"');
    };
    out.push(b'[');
    out.extend_from_slice(time.as_bytes());
    number(out, br#",{"count":"#, histogram.count);
    number(out, br#","sum":"#, histogram.sum);
    let buckets = histogram.buckets();
    let shown = || buckets.iter().filter(|bucket| bucket.count != 0.0);
    if shown().next().is_some() {
        out.extend_from_slice(br#","buckets":"#);
        json::list(out, ARRAY, shown(), |out, bucket| {
            let bounds = match (bucket.lower_inclusive, bucket.upper_inclusive) {
                (false, true) => b"[0",
                (true, false) => b"[1",
                (false, false) => b"[2",
                (true, true) => b"[3",
            };
            out.extend_from_slice(bounds);
            for value in [bucket.lower, bucket.upper, bucket.count] {
                number(out, b",", value);
            }
            out.push(b']');
        });
    }
    out.extend_from_slice(b"}]");
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
