//! Names of metrics, labels and units as Prometheus makes them of OTLP's, by its translation strategies.

use super::metric_translation::{MetricTranslation, TranslationStrategy};

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

/// The metric's name in Prometheus, without `_bucket` and its like. `None` if nothing is left of it
/// that can be a name.
pub(super) fn metric_name(
    name: &str,
    unit: &str,
    kind: MetricKind,
    strategy: TranslationStrategy,
) -> Option<String> {
    let name = match strategy {
        TranslationStrategy::UnderscoreEscapingWithSuffixes => {
            words_with_suffixes(name, unit, kind)
        }
        TranslationStrategy::UnderscoreEscapingWithoutSuffixes => {
            parts(name, |c| c.is_ascii_alphanumeric() || matches!(c, ':' | '_')).join("_")
        }
        TranslationStrategy::NoUTF8EscapingWithSuffixes => {
            return Some(name_with_suffixes(name, unit, kind)).filter(|_| !name.is_empty());
        }
        TranslationStrategy::NoTranslation => {
            return Some(name.to_owned()).filter(|name| !name.is_empty());
        }
    };
    let first = name.chars().next().filter(|_| name.contains(|c| c != '_'))?;
    Some(if first.is_ascii_digit() { format!("_{name}") } else { name })
}

/// The words of a name, its unit and its type, joined by underscores.
fn words_with_suffixes(name: &str, unit: &str, kind: MetricKind) -> String {
    let mut words = parts(name, is_of_word);
    let (main, per) = unit_words(unit);
    if !main.is_empty() && !words.contains(&main.as_str()) {
        words.push(&main);
    }
    if !per.is_empty() && !words.contains(&per.as_str()) {
        words.push(&per);
    }
    if let Some(suffix) = type_suffix(unit, kind) {
        words.retain(|word| *word != suffix);
        words.push(suffix);
    }
    words.join("_")
}

/// A name as it is, with those suffixes that it does not end with.
fn name_with_suffixes(name: &str, unit: &str, kind: MetricKind) -> String {
    let (main, per) = unit_words(unit);
    let suffix = type_suffix(unit, kind).unwrap_or_default();
    let mut name = without_ending(without_ending(name, suffix), &per).to_owned();
    if !name.ends_with(&main) {
        name.push('_');
        name.push_str(&main);
    }
    for ending in [per.as_str(), suffix].into_iter().filter(|ending| !ending.is_empty()) {
        name.push('_');
        name.push_str(ending);
    }
    name
}

/// A name without an ending and the character before it, whatever that is.
fn without_ending<'n>(name: &'n str, ending: &str) -> &'n str {
    let rest = name.strip_suffix(ending).filter(|_| !ending.is_empty());
    let before = rest.and_then(|rest| rest.char_indices().next_back());
    before.filter(|(at, _)| *at > 0).and_then(|(at, _)| name.get(..at)).unwrap_or(name)
}

/// The ending that tells the type.
fn type_suffix(unit: &str, kind: MetricKind) -> Option<&'static str> {
    match kind {
        MetricKind::Counter => Some("total"),
        MetricKind::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    }
}

/// The unit as Prometheus' metadata names it: `By/s` is `bytes_per_second`.
pub(super) fn unit_name(unit: &str) -> String {
    let (main, per) = unit_words(unit);
    if main.is_empty() || per.is_empty() { main + &per } else { format!("{main}_{per}") }
}

/// The label's name in Prometheus; `None` if it is empty or only underscores are left of it.
pub(super) fn label_name(name: &str, translation: &MetricTranslation) -> Option<String> {
    if !translation.translation_strategy.escapes() {
        return Some(name.to_owned()).filter(|name| !name.is_empty());
    }
    let mut out = String::with_capacity(name.len() + 4);
    let is_reserved = name.len() > 4 && name.starts_with("__") && name.ends_with("__");
    let keeps_all = translation.label_name_preserve_multiple_underscores || is_reserved;
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if keeps_all || c != '_' || !out.ends_with('_') {
            out.push(c);
        }
    }
    if out.starts_with(|first: char| first.is_ascii_digit()) {
        out.insert_str(0, "key_");
    } else if translation.label_name_underscore_sanitization
        && out.starts_with('_')
        && !out.starts_with("__")
    {
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
    parts(known.map_or(unit, |(_, word)| word), is_of_word).join("_")
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// The runs of such characters.
fn parts(text: &str, is_part: impl Fn(char) -> bool) -> Vec<&str> {
    text.split(|c| !is_part(c)).filter(|part| !part.is_empty()).collect()
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
        let strategy = TranslationStrategy::UnderscoreEscapingWithSuffixes;
        for (name, unit, kind, expected) in cases {
            assert_eq!(metric_name(name, unit, kind, strategy).as_deref(), Some(expected));
        }
        assert_eq!(metric_name("__.", "", Gauge, strategy), None);
    }

    #[test]
    fn suffixes_may_be_left_out() {
        let strategy = TranslationStrategy::UnderscoreEscapingWithoutSuffixes;
        let name = |name| metric_name(name, "By/s", MetricKind::Counter, strategy);
        assert_eq!(name("http.server..rx__bytes").as_deref(), Some("http_server_rx__bytes"));
        assert_eq!(name("2xx").as_deref(), Some("_2xx"));
        assert_eq!(name(".._"), None);
    }

    #[test]
    fn names_may_stay_as_they_are() {
        use MetricKind::{Counter, Gauge, Histogram};
        let strategy = TranslationStrategy::NoUTF8EscapingWithSuffixes;
        let cases = [
            ("http.server.duration", "s", Histogram, "http.server.duration_seconds"),
            ("http.server.seconds", "s", Histogram, "http.server.seconds"),
            ("requests.total", "{req}", Counter, "requests_total"),
            ("rx", "By/s", Counter, "rx_bytes_per_second_total"),
            ("rx.bytes_per_second.total", "By/s", Counter, "rx.bytes_per_second_total"),
            ("cpu.ratio", "1", Gauge, "cpu_ratio"),
            ("ratio", "1", Gauge, "ratio_ratio"),
            ("größe", "", Gauge, "größe"),
        ];
        for (name, unit, kind, expected) in cases {
            assert_eq!(metric_name(name, unit, kind, strategy).as_deref(), Some(expected));
        }
        let untouched = metric_name("a.b/c", "s", Counter, TranslationStrategy::NoTranslation);
        assert_eq!(untouched.as_deref(), Some("a.b/c"));
        assert_eq!(metric_name("", "s", Counter, strategy), None);
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
            let found = label_name(name, &MetricTranslation::DEFAULT);
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn labels_are_treated_as_configured() {
        let lenient = MetricTranslation {
            label_name_underscore_sanitization: false,
            label_name_preserve_multiple_underscores: false,
            ..MetricTranslation::DEFAULT
        };
        for (name, expected) in [("_a..b", "_a_b"), ("__x__", "__x__"), ("1__a", "key_1_a")] {
            assert_eq!(label_name(name, &lenient).as_deref(), Some(expected));
        }
        let translation_strategy = TranslationStrategy::NoUTF8EscapingWithSuffixes;
        let kept = MetricTranslation { translation_strategy, ..MetricTranslation::DEFAULT };
        assert_eq!(label_name("_http.mété", &kept).as_deref(), Some("_http.mété"));
        assert_eq!(label_name("", &kept), None);
    }

    #[test]
    fn units_are_written_out() {
        let units = ["s", "By/s", "1", "{packets}", "", "m/h"].map(unit_name);
        assert_eq!(units, ["seconds", "bytes_per_second", "", "", "", "meters_per_hour"]);
    }
}
