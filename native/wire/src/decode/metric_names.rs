//! Names of metrics, labels and units as Prometheus makes them of OTLP's: its translation strategy
//! `UnderscoreEscapingWithSuffixes`, with the defaults of its OTLP endpoint.

/// What the name of a metric depends on, apart from its own name and unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricKind {
    Gauge,
    /// A sum that only grows.
    Counter,
    /// A sum that may fall.
    UpDownCounter,
    Histogram,
    ExponentialHistogram,
    Summary,
}

impl MetricKind {
    /// As Prometheus' metadata names it.
    pub(super) fn prometheus_type(self) -> &'static str {
        match self {
            Self::Gauge | Self::UpDownCounter => "gauge",
            Self::Counter => "counter",
            Self::Histogram | Self::ExponentialHistogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// Prometheus' words for UCUM units.
const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// The same after "per".
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The metric's name in Prometheus, without `_bucket` and its like. `None` if no letter or digit is
/// left of it.
pub(super) fn metric_name(name: &str, unit: &str, kind: MetricKind) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == ':';
    let mut words: Vec<&str> =
        name.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect();
    let (main, per) = unit_words(unit);
    if !main.is_empty() && !words.contains(&main.as_str()) {
        words.push(&main);
    }
    if !per.is_empty() && !words.contains(&per.as_str()) {
        words.push(&per);
    }
    let suffix = match kind {
        MetricKind::Counter => Some("total"),
        MetricKind::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(suffix) = suffix {
        words.retain(|word| *word != suffix);
        words.push(suffix);
    }
    let joined = words.join("_");
    match joined.chars().next() {
        None => None,
        Some(first) if first.is_ascii_digit() => Some(format!("_{joined}")),
        Some(_) => Some(joined),
    }
}

/// The unit as Prometheus' metadata names it: `By/s` is `bytes_per_second`.
pub(super) fn unit_name(unit: &str) -> String {
    let (main, per) = unit_words(unit);
    let words: Vec<&str> =
        [main.as_str(), per.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// The label's name in Prometheus; `None` if it is empty or only underscores are left of it.
pub(super) fn label_name(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len() + 4);
    out.extend(name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
    if out.starts_with(|first: char| first.is_ascii_digit()) {
        out.insert_str(0, "key_");
    } else if out.starts_with('_') && !out.starts_with("__") {
        out.insert_str(0, "key");
    }
    out.contains(|c| c != '_').then_some(out)
}

/// The words of a unit before and after its `/`, the latter with `per_` before it. Remarks in braces
/// are no units.
fn unit_words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let per = word(per, &PER_UNITS);
    (word(main, &UNITS), if per.is_empty() { per } else { format!("per_{per}") })
}

fn word(unit: &str, words: &[(&str, &str)]) -> String {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return String::new();
    }
    let known = words.iter().find(|(short, _)| *short == unit);
    let parts = known.map_or(unit, |(_, word)| word);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == ':';
    let parts: Vec<&str> = parts.split(|c| !is_part(c)).filter(|part| !part.is_empty()).collect();
    parts.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_get_their_unit_and_their_type_as_suffixes() {
        use MetricKind::{Counter, Gauge, Histogram, Summary, UpDownCounter};
        let cases = [
            ("http.server.duration", "s", Histogram, "http_server_duration_seconds"),
            ("requests", "1", Counter, "requests_total"),
            ("requests.total", "{req}", Counter, "requests_total"),
            ("total.requests", "", Counter, "requests_total"),
            ("cpu.utilization", "1", Gauge, "cpu_utilization_ratio"),
            ("memory.usage_bytes", "By", Gauge, "memory_usage_bytes"),
            ("net.io", "By/s", UpDownCounter, "net_io_bytes_per_second"),
            ("load", "{x}/s", Gauge, "load_per_second"),
            ("2xx", "", Gauge, "_2xx"),
            ("a:b__c", "furlong", Summary, "a:b_c_furlong"),
        ];
        for (name, unit, kind, expected) in cases {
            assert_eq!(metric_name(name, unit, kind).as_deref(), Some(expected));
        }
        assert_eq!(metric_name("__.", "", Gauge), None);
    }

    #[test]
    fn labels_lose_what_prometheus_does_not_take() {
        let cases = [
            ("http.method", Some("http_method")),
            ("a..b", Some("a__b")),
            ("1st", Some("key_1st")),
            ("_private", Some("key_private")),
            ("__x__", Some("__x__")),
            ("é", Some("key_")),
            ("..", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(label_name(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn units_are_written_out() {
        let units = ["s", "By/s", "1", "{packets}", "", "m/h"].map(unit_name);
        assert_eq!(units, ["seconds", "bytes_per_second", "", "", "", "meters_per_hour"]);
    }
}
