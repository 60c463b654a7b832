//! Loki's answers: streams, matrices, vectors, names and series in its JSON envelope.

mod found;
mod legacy;
mod overview;
mod stats;

use std::{borrow::Cow, collections::HashMap, io::Write as _, sync::Arc};

use varve_columnar::{
    answer::{Answer, LogEntry, Outcome, StreamRows},
    labels::LabelSet,
};

pub use self::legacy::encode_legacy;
use self::stats::stats;
use super::{
    json::{self, ARRAY, OBJECT},
    samples,
};

/// How the labels of an entry are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryLabels {
    /// All labels in the stream's object; entries are `[time, line]`.
    Merged,
    /// The stream's own labels alone; entries are `[time, line]`.
    Stream,
    /// `encodingFlags: ["categorize-labels"]`: entries are `[time, line, {structuredMetadata, parsed}]`.
    Categorized,
}

/// A whole response body.
#[must_use]
pub fn encode(outcome: &Outcome, labels: EntryLabels) -> Vec<u8> {
    let mut out = Vec::with_capacity(size_hint_bytes(&outcome.answer));
    if bare(&mut out, outcome, labels) {
        return out;
    }
    out.extend_from_slice(br#"{"status":"success","data":"#);
    data(&mut out, outcome, labels);
    if !outcome.warnings.is_empty() {
        out.extend_from_slice(br#","warnings":"#);
        json::list(&mut out, ARRAY, &outcome.warnings, |out, text| json::string(out, text));
    }
    out.push(b'}');
    out
}

/// The answers that stand without Loki's envelope.
fn bare(out: &mut Vec<u8>, outcome: &Outcome, labels: EntryLabels) -> bool {
    match &outcome.answer {
        Answer::LogTotals(totals) => overview::totals(out, totals),
        Answer::DetectedLabels(counted) => overview::detected_labels(out, counted),
        Answer::DetectedFields { fields, limit } => overview::detected_fields(out, fields, *limit),
        Answer::DetectedValues { values, limit } => overview::detected_values(out, values, *limit),
        Answer::FoundLines { lines, total } => found::lines(out, lines, *total, outcome),
        Answer::Tail(tailed) => overview::tail(out, tailed, labels),
        _ => return false,
    }
    true
}

fn data(out: &mut Vec<u8>, outcome: &Outcome, entry_labels: EntryLabels) {
    let result = |out: &mut Vec<u8>, kind: &str, write: &dyn Fn(&mut Vec<u8>)| {
        // The kind comes first: Grafana's parser holds back the whole result otherwise.
        out.extend_from_slice(br#"{"resultType":""#);
        out.extend_from_slice(kind.as_bytes());
        out.push(b'"');
        if entry_labels == EntryLabels::Categorized {
            out.extend_from_slice(br#","encodingFlags":["categorize-labels"]"#);
        }
        out.extend_from_slice(br#","result":"#);
        write(out);
        out.extend_from_slice(br#","stats":"#);
        stats(out, outcome);
        out.push(b'}');
    };
    match &outcome.answer {
        Answer::Streams(rows) => result(out, "streams", &|out| streams(out, rows, entry_labels)),
        Answer::Matrix(set) => result(out, "matrix", &|out| samples::matrix(out, set, float)),
        Answer::Vector(set) => result(out, "vector", &|out| samples::vector(out, set, float)),
        Answer::Scalar { time_ns, value } => {
            result(out, "scalar", &|out| {
                samples::sample(out, &samples::seconds(*time_ns), *value, float);
            });
        }
        Answer::Names(names) => json::list(out, ARRAY, names, |out, name| json::string(out, name)),
        Answer::LabelSets(sets) => {
            json::list(out, ARRAY, sets, |out, set| samples::labels(out, set.iter()));
        }
        Answer::Patterns(patterns) => overview::patterns(out, patterns),
        // Loki has no form for these, or one without an envelope.
        Answer::LogTotals(_)
        | Answer::DetectedLabels(_)
        | Answer::DetectedFields { .. }
        | Answer::DetectedValues { .. }
        | Answer::FoundLines { .. }
        | Answer::Tail(_)
        | Answer::Text { .. }
        | Answer::Traces(_)
        | Answer::SpanSeries(_)
        | Answer::Trace(_)
        | Answer::Tags(_)
        | Answer::TagValues(_)
        | Answer::Metadata(_)
        | Answer::Cardinality(_)
        | Answer::Samples(_)
        | Answer::Exemplars(_) => {
            result(out, "vector", &|out| out.extend_from_slice(b"[]"));
        }
    }
}

fn streams(out: &mut Vec<u8>, streams: &[StreamRows], entry_labels: EntryLabels) {
    let groups: Vec<Vec<&StreamRows>> = match entry_labels {
        EntryLabels::Merged => streams.iter().map(|rows| vec![rows]).collect(),
        EntryLabels::Stream | EntryLabels::Categorized => by_index(streams),
    };
    json::list(out, ARRAY, &groups, |out, group| {
        let Some(first) = group.first() else { return };
        out.extend_from_slice(br#"{"stream":"#);
        match entry_labels {
            EntryLabels::Merged => samples::labels(out, all_labels(first).iter()),
            EntryLabels::Stream | EntryLabels::Categorized => {
                samples::labels(out, first.index.iter());
            }
        }
        let mut entries = Vec::new();
        for rows in group {
            let behind: Arc<[u8]> = behind(rows, entry_labels).into();
            entries.extend(rows.entries.iter().map(|entry| (entry, Arc::clone(&behind))));
        }
        if group.len() > 1 {
            entries.sort_by_key(|(entry, _)| entry.at);
        }
        out.extend_from_slice(br#","values":"#);
        json::list(out, ARRAY, &entries, |out, (LogEntry { time_ns, line, .. }, behind)| {
            out.extend_from_slice(b"[\"");
            json::integer(out, time_ns);
            out.extend_from_slice(b"\",");
            json::string(out, line);
            out.extend_from_slice(behind);
            out.push(b']');
        });
        out.push(b'}');
    });
}

/// Rows of one stream together, whatever other labels they have; in the order of their first lines.
fn by_index(streams: &[StreamRows]) -> Vec<Vec<&StreamRows>> {
    let mut groups: Vec<Vec<&StreamRows>> = Vec::new();
    let mut numbers: HashMap<&LabelSet, usize> = HashMap::new();
    for rows in streams {
        let number = *numbers.entry(&rows.index).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.push(rows),
            None => groups.push(vec![rows]),
        }
    }
    groups
}

/// What stands behind the line; the same for all lines of a group.
fn behind(StreamRows { metadata, parsed, .. }: &StreamRows, entry_labels: EntryLabels) -> Vec<u8> {
    let mut behind = Vec::new();
    if entry_labels == EntryLabels::Categorized {
        behind.push(b',');
        let categories = [("structuredMetadata", metadata), ("parsed", parsed)];
        let present = categories.into_iter().filter(|(_, set)| !set.is_empty());
        json::list(&mut behind, OBJECT, present, |out, (name, set)| {
            json::string(out, name);
            out.push(b':');
            samples::labels(out, set.iter());
        });
    }
    behind
}

/// All labels of a group in one set.
fn all_labels(StreamRows { index, metadata, parsed, .. }: &StreamRows) -> Cow<'_, LabelSet> {
    if metadata.is_empty() && parsed.is_empty() {
        return Cow::Borrowed(index);
    }
    let mut all = LabelSet::clone(index);
    for (name, value) in metadata.iter().chain(parsed.iter()) {
        all.put(name, value);
    }
    Cow::Owned(all)
}

/// The shortest form that reads back, never with an exponent.
fn float(out: &mut Vec<u8>, value: f64) {
    let written = if value.is_nan() {
        out.write_all(b"NaN")
    } else if value.is_infinite() {
        out.write_all(if value > 0.0 { b"+Inf" } else { b"-Inf" })
    } else {
        write!(out, "{value}")
    };
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}

/// About as many bytes as the answer takes.
fn size_hint_bytes(answer: &Answer) -> usize {
    const ENVELOPE: usize = 1_536;
    const SERIES: usize = 256;
    const POINT: usize = 32;
    ENVELOPE
        + match answer {
            Answer::Streams(streams) => {
                let lines = streams.iter().flat_map(|rows| &rows.entries);
                streams.len() * SERIES + lines.map(|one| POINT + one.line.len()).sum::<usize>()
            }
            Answer::Matrix(set) => set.series.len() * (SERIES + set.steps_ns.len() * POINT),
            Answer::Vector(set) => set.series.len() * (SERIES + POINT),
            Answer::LabelSets(sets) => sets.len() * SERIES,
            Answer::Names(names) => names.len() * POINT,
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use varve_columnar::{
        answer::{ABSENT, QueryStats, Series, SeriesSet},
        labels::LabelSet,
    };

    use super::*;

    fn body_of(answer: Answer, labels: EntryLabels) -> String {
        let (elapsed_ns, queued_ns) = (500_000_000, 250_000_000);
        let stats = QueryStats { rows_read: 7, elapsed_ns, queued_ns, ..QueryStats::default() };
        let outcome = Outcome { answer, warnings: Vec::new(), infos: Vec::new(), stats };
        String::from_utf8(encode(&outcome, labels)).unwrap()
    }

    /// The body up to the statistics.
    fn head(answer: Answer, labels: EntryLabels) -> String {
        let body = body_of(answer, labels);
        let (head, stats) = body.split_once(r#","stats":"#).unwrap();
        let stats = stats.strip_suffix("}}").unwrap();
        let stats: serde_json::Value = serde_json::from_str(stats).unwrap();
        assert_eq!(stats["summary"]["linesProcessedPerSecond"], 14);
        assert_eq!(stats["summary"]["execTime"], 0.5);
        assert_eq!(stats["summary"]["queueTime"], 0.25);
        head.to_owned()
    }

    fn stream() -> Answer {
        Answer::Streams(vec![StreamRows {
            index: LabelSet::new([("app", "shop")]),
            metadata: LabelSet::new([("aa_user", "ada")]),
            parsed: LabelSet::new([("status", "500")]),
            entries: vec![
                LogEntry {
                    at: 0,
                    time_ns: 1_700_000_000_500_000_001,
                    line: "payment \"failed\"".into(),
                },
                LogEntry { at: 2, time_ns: 1, line: "b".into() },
            ],
        }])
    }

    #[test]
    fn merged_labels_are_all_the_streams() {
        assert_eq!(
            head(stream(), EntryLabels::Merged),
            r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"aa_user":"ada","app":"shop","status":"500"},"values":[["1700000000500000001","payment \"failed\""],["1","b"]]}]"#
        );
    }

    #[test]
    fn categorized_labels_stand_behind_each_line() {
        assert_eq!(
            head(stream(), EntryLabels::Categorized),
            r#"{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],"result":[{"stream":{"app":"shop"},"values":[["1700000000500000001","payment \"failed\"",{"structuredMetadata":{"aa_user":"ada"},"parsed":{"status":"500"}}],["1","b",{"structuredMetadata":{"aa_user":"ada"},"parsed":{"status":"500"}}]]}]"#
        );
        let plain = Answer::Streams(vec![StreamRows {
            index: LabelSet::new([("app", "shop")]),
            metadata: LabelSet::default(),
            parsed: LabelSet::default(),
            entries: vec![LogEntry { at: 0, time_ns: 1, line: "b".into() }],
        }]);
        assert!(head(plain, EntryLabels::Categorized).ends_with(r#"["1","b",{}]]}]"#));
    }

    #[test]
    fn categorized_lines_of_one_stream_stand_together_in_the_answers_order() {
        let rows = |status: &str, at, line: &str| StreamRows {
            index: LabelSet::new([("app", "shop")]),
            metadata: LabelSet::default(),
            parsed: LabelSet::new([("status", status)]),
            entries: vec![LogEntry { at, time_ns: 7, line: line.into() }],
        };
        let answer = Answer::Streams(vec![rows("200", 1, "b"), rows("500", 0, "a")]);
        assert!(head(answer, EntryLabels::Categorized).ends_with(
            r#"[{"stream":{"app":"shop"},"values":[["7","a",{"parsed":{"status":"500"}}],["7","b",{"parsed":{"status":"200"}}]]}]"#
        ));
    }

    #[test]
    fn a_vector_is_that_of_grafanas_health_check() {
        let series =
            vec![Series { labels: LabelSet::default(), values: vec![2.0], histograms: Vec::new() }];
        let set = SeriesSet { steps_ns: vec![4_000_000_000_000_000_000], series };
        assert_eq!(
            head(Answer::Vector(set), EntryLabels::Merged),
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[4000000000,"2"]}]"#
        );
    }

    #[test]
    fn a_matrix_leaves_out_steps_without_a_value() {
        let labels = LabelSet::new([("app", "shop")]);
        let series = vec![Series { labels, values: vec![ABSENT, 1e21], histograms: Vec::new() }];
        let set = SeriesSet { steps_ns: vec![0, 1_250_000_000], series };
        assert_eq!(
            head(Answer::Matrix(set), EntryLabels::Merged),
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"app":"shop"},"values":[[1.25,"1000000000000000000000"]]}]"#
        );
    }

    #[test]
    fn numbers_have_no_exponent() {
        let text = |value| {
            let mut out = Vec::new();
            float(&mut out, value);
            String::from_utf8(out).unwrap()
        };
        assert_eq!([1e-7, -0.5, f64::NEG_INFINITY].map(text), ["0.0000001", "-0.5", "-Inf"]);
    }

    #[test]
    fn names_and_label_sets_have_no_statistics() {
        let names = Answer::Names(vec!["app".into()]);
        assert_eq!(body_of(names, EntryLabels::Merged), r#"{"status":"success","data":["app"]}"#);
        let sets = Answer::LabelSets(vec![LabelSet::new([("app", "shop")])]);
        assert_eq!(
            body_of(sets, EntryLabels::Categorized),
            r#"{"status":"success","data":[{"app":"shop"}]}"#
        );
    }

    #[test]
    fn warnings_stand_beside_the_data() {
        let outcome = Outcome {
            answer: Answer::Names(Vec::new()),
            warnings: vec!["cut".into()],
            infos: Vec::new(),
            stats: QueryStats::default(),
        };
        assert_eq!(
            String::from_utf8(encode(&outcome, EntryLabels::Merged)).unwrap(),
            r#"{"status":"success","data":[],"warnings":["cut"]}"#
        );
    }
}
