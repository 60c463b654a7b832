//! Prometheus' answers: matrices, vectors, scalars, names, series and metadata in its JSON envelope.

use std::{collections::BTreeMap, io::Write as _};

use varve_columnar::answer::{Answer, Cardinality, MetricMetadata, Outcome, SeriesExemplars};

use super::{
    json::{self, ARRAY, OBJECT},
    samples,
};

/// How many warnings, and how many infos, an answer shows.
const NOTES_MAX: usize = 10;

/// A whole response body.
#[must_use]
pub fn encode(outcome: &Outcome) -> Vec<u8> {
    let mut out = Vec::with_capacity(size_hint_bytes(&outcome.answer));
    out.extend_from_slice(br#"{"status":"success","data":"#);
    data(&mut out, &outcome.answer);
    notes(&mut out, "warnings", &outcome.warnings);
    notes(&mut out, "infos", &outcome.infos);
    out.push(b'}');
    out
}

fn data(out: &mut Vec<u8>, answer: &Answer) {
    match answer {
        Answer::Matrix(set) => result(out, "matrix", |out| samples::matrix(out, set, float)),
        Answer::Vector(set) => result(out, "vector", |out| samples::vector(out, set, float)),
        Answer::Samples(series) => {
            result(out, "matrix", |out| samples::stored(out, series, float));
        }
        Answer::Scalar { time_ns, value } => {
            result(out, "scalar", |out| {
                samples::sample(out, &samples::seconds(*time_ns), *value, float);
            });
        }
        Answer::Text { time_ns, value } => result(out, "string", |out| {
            out.push(b'[');
            out.extend_from_slice(samples::seconds(*time_ns).as_bytes());
            out.push(b',');
            json::string(out, value);
            out.push(b']');
        }),
        Answer::Names(names) => json::list(out, ARRAY, names, |out, name| json::string(out, name)),
        Answer::LabelSets(sets) => {
            json::list(out, ARRAY, sets, |out, set| samples::labels(out, set.iter()));
        }
        Answer::Metadata(metrics) => metadata(out, metrics),
        Answer::Exemplars(series) => json::list(out, ARRAY, series, exemplars),
        Answer::Cardinality(counts) => cardinality(out, counts),
        // Prometheus has no form for lines and traces.
        Answer::Streams(_)
        | Answer::LogTotals(_)
        | Answer::DetectedLabels(_)
        | Answer::DetectedFields { .. }
        | Answer::DetectedValues { .. }
        | Answer::Patterns(_)
        | Answer::FoundLines { .. }
        | Answer::Tail(_)
        | Answer::Traces(_)
        | Answer::SpanSeries(_)
        | Answer::Trace(_)
        | Answer::Tags(_)
        | Answer::TagValues(_) => result(out, "vector", |out| out.extend_from_slice(b"[]")),
    }
}

fn result(out: &mut Vec<u8>, kind: &str, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(br#"{"resultType":""#);
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(br#"","result":"#);
    write(out);
    out.push(b'}');
}

fn metadata(out: &mut Vec<u8>, metrics: &BTreeMap<String, Vec<MetricMetadata>>) {
    json::list(out, OBJECT, metrics, |out, (name, entries)| {
        json::string(out, name);
        out.push(b':');
        json::list(out, ARRAY, entries, |out, MetricMetadata { kind, help, unit }| {
            let fields = [("type", kind), ("help", help), ("unit", unit)];
            json::list(out, OBJECT, fields, |out, (name, text)| {
                json::string(out, name);
                out.push(b':');
                json::string(out, text);
            });
        });
    });
}

/// As `status/tsdb` has it. There are no chunks that could be counted, and times are not of a head's.
fn cardinality(out: &mut Vec<u8>, counts: &Cardinality) {
    let (series, pairs) = (counts.series, counts.label_pairs);
    out.extend_from_slice(
        format!(
            r#"{{"headStats":{{"numSeries":{series},"numLabelPairs":{pairs},"chunkCount":0,"minTime":0,"maxTime":0}}"#
        )
        .as_bytes(),
    );
    for (name, entries) in [
        ("seriesCountByMetricName", &counts.series_by_metric),
        ("labelValueCountByLabelName", &counts.values_by_label),
        ("memoryInBytesByLabelName", &counts.value_bytes_by_label),
        ("seriesCountByLabelValuePair", &counts.series_by_pair),
    ] {
        out.push(b',');
        json::string(out, name);
        out.push(b':');
        json::list(out, ARRAY, entries, |out, (name, count)| {
            out.extend_from_slice(br#"{"name":"#);
            json::string(out, name);
            out.extend_from_slice(format!(r#","value":{count}}}"#).as_bytes());
        });
    }
    out.push(b'}');
}

fn exemplars(out: &mut Vec<u8>, series: &SeriesExemplars) {
    out.extend_from_slice(br#"{"seriesLabels":"#);
    samples::labels(out, series.labels.iter());
    out.extend_from_slice(br#","exemplars":"#);
    json::list(out, ARRAY, &series.exemplars, |out, exemplar| {
        out.extend_from_slice(br#"{"labels":"#);
        samples::labels(out, exemplar.labels.iter());
        out.extend_from_slice(br#","value":""#);
        float(out, exemplar.value);
        out.extend_from_slice(br#"","timestamp":"#);
        let time_ns = exemplar.time_unix_ms.saturating_mul(1_000_000);
        out.extend_from_slice(samples::seconds(time_ns).as_bytes());
        out.push(b'}');
    });
    out.push(b'}');
}

fn notes(out: &mut Vec<u8>, name: &str, texts: &[String]) {
    if texts.is_empty() {
        return;
    }
    out.push(b',');
    json::string(out, name);
    out.push(b':');
    json::list(out, ARRAY, texts.iter().take(NOTES_MAX), |out, text| json::string(out, text));
}

/// The shortest form that reads back: plain decimal, or with an exponent of two digits at least
/// where the number is very small or large, as Prometheus' JSON has it.
fn float(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    let written = if value.is_nan() {
        out.write_all(b"NaN")
    } else if value.is_infinite() {
        out.write_all(if value > 0.0 { b"+Inf" } else { b"-Inf" })
    } else if size == 0.0 || (1e-6..1e21).contains(&size) {
        write!(out, "{value}")
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) =
            exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        write!(out, "{digits}e{sign}{exponent:0>2}")
    };
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}

/// About as many bytes as the answer takes.
fn size_hint_bytes(answer: &Answer) -> usize {
    const ENVELOPE: usize = 128;
    const SERIES: usize = 256;
    const POINT: usize = 32;
    ENVELOPE
        + match answer {
            Answer::Matrix(set) => set.series.len() * (SERIES + set.steps_ns.len() * POINT),
            Answer::Vector(set) => set.series.len() * (SERIES + POINT),
            Answer::Samples(series) => {
                series.iter().map(|one| SERIES + one.times_ms.len() * POINT).sum()
            }
            Answer::LabelSets(sets) => sets.len() * SERIES,
            Answer::Names(names) => names.len() * POINT,
            Answer::Metadata(metrics) => metrics.len() * SERIES,
            Answer::Exemplars(series) => {
                series.iter().map(|one| (1 + one.exemplars.len()) * SERIES).sum()
            }
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use varve_columnar::{
        answer::{ABSENT, Exemplar, QueryStats, SampleSeries, Series, SeriesSet},
        labels::LabelSet,
    };

    use super::*;

    fn body(answer: Answer) -> String {
        let outcome = Outcome {
            answer,
            warnings: Vec::new(),
            infos: Vec::new(),
            stats: QueryStats::default(),
        };
        String::from_utf8(encode(&outcome)).unwrap()
    }

    fn series(job: &str, values: &[f64]) -> Series {
        let labels = LabelSet::new([("__name__", "up"), ("job", job)]);
        Series { labels, values: values.to_vec(), histograms: Vec::new() }
    }

    #[test]
    fn a_matrix_has_the_points_that_are_there_and_no_series_without_any() {
        let steps_ns = vec![1_700_000_000_000_000_000, 1_700_000_015_500_000_000];
        let series = vec![series("a", &[1.0, ABSENT]), series("b", &[ABSENT, ABSENT])];
        assert_eq!(
            body(Answer::Matrix(SeriesSet { steps_ns, series })),
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[1700000000,"1"]]}]}}"#
        );
    }

    #[test]
    fn stored_samples_are_a_matrix_in_which_each_series_has_its_own_times() {
        let stored = |job: &str, times_ms: &[i64]| SampleSeries {
            labels: LabelSet::new([("job", job)]),
            times_ms: times_ms.to_vec(),
            values: vec![0.5; times_ms.len()],
            histograms: Vec::new(),
        };
        let series = vec![stored("a", &[1_000, 2_500]), stored("b", &[1_001])];
        assert_eq!(
            body(Answer::Samples(series)),
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"a"},"values":[[1,"0.5"],[2.5,"0.5"]]},{"metric":{"job":"b"},"values":[[1.001,"0.5"]]}]}}"#
        );
    }

    #[test]
    fn a_vector_has_one_value_per_series_in_the_answers_order() {
        let set = SeriesSet {
            steps_ns: vec![1_700_000_000_120_000_000],
            series: vec![series("b", &[0.5]), series("a", &[-1.0])],
        };
        assert_eq!(
            body(Answer::Vector(set)),
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"b"},"value":[1700000000.12,"0.5"]},{"metric":{"__name__":"up","job":"a"},"value":[1700000000.12,"-1"]}]}}"#
        );
    }

    #[test]
    fn scalars_and_strings_are_pairs() {
        assert_eq!(
            body(Answer::Scalar { time_ns: 4_000_000_000, value: 2.0 }),
            r#"{"status":"success","data":{"resultType":"scalar","result":[4,"2"]}}"#
        );
        assert_eq!(
            body(Answer::Text { time_ns: -1_500_000_000, value: "a\"b".into() }),
            r#"{"status":"success","data":{"resultType":"string","result":[-1.5,"a\"b"]}}"#
        );
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        let text = |value| {
            let mut out = Vec::new();
            float(&mut out, value);
            String::from_utf8(out).unwrap()
        };
        let written = [
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (1e-7, "1e-07"),
            (1e-6, "0.000001"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (-0.0, "-0"),
            (0.1 + 0.2, "0.30000000000000004"),
        ];
        for (value, want) in written {
            assert_eq!(text(value), want);
        }
    }

    #[test]
    fn nothing_found_is_an_empty_list() {
        assert_eq!(body(Answer::Names(Vec::new())), r#"{"status":"success","data":[]}"#);
        assert_eq!(
            body(Answer::Vector(SeriesSet { steps_ns: Vec::new(), series: Vec::new() })),
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#
        );
    }

    #[test]
    fn exemplars_have_their_value_as_text_and_their_time_as_a_number() {
        let exemplar = Exemplar {
            labels: LabelSet::new([("trace_id", "0af7")]),
            value: 0.7,
            time_unix_ms: 1_700_000_003_500,
        };
        let labels = LabelSet::new([("__name__", "lat_bucket")]);
        let series = SeriesExemplars { labels, exemplars: vec![exemplar] };
        assert_eq!(
            body(Answer::Exemplars(vec![series])),
            r#"{"status":"success","data":[{"seriesLabels":{"__name__":"lat_bucket"},"exemplars":[{"labels":{"trace_id":"0af7"},"value":"0.7","timestamp":1700000003.5}]}]}"#
        );
    }

    #[test]
    fn metadata_is_listed_by_name() {
        let entry =
            MetricMetadata { kind: "gauge".into(), help: "Is up.".into(), unit: String::new() };
        assert_eq!(
            body(Answer::Metadata(BTreeMap::from([("up".to_owned(), vec![entry])]))),
            r#"{"status":"success","data":{"up":[{"type":"gauge","help":"Is up.","unit":""}]}}"#
        );
    }

    #[test]
    fn counts_of_series_are_told_in_the_words_of_a_head() {
        let counts = Cardinality {
            series: 3,
            label_pairs: 4,
            series_by_metric: vec![("up".into(), 2)],
            ..Cardinality::default()
        };
        assert_eq!(
            body(Answer::Cardinality(counts)),
            r#"{"status":"success","data":{"headStats":{"numSeries":3,"numLabelPairs":4,"chunkCount":0,"minTime":0,"maxTime":0},"seriesCountByMetricName":[{"name":"up","value":2}],"labelValueCountByLabelName":[],"memoryInBytesByLabelName":[],"seriesCountByLabelValuePair":[]}}"#
        );
    }

    #[test]
    fn ten_warnings_are_shown_and_infos_come_after_them() {
        let outcome = Outcome {
            answer: Answer::LabelSets(vec![LabelSet::new([("a", "1")])]),
            warnings: (0..12).map(|number| number.to_string()).collect(),
            infos: vec!["i".into()],
            stats: QueryStats::default(),
        };
        assert_eq!(
            String::from_utf8(encode(&outcome)).unwrap(),
            r#"{"status":"success","data":[{"a":"1"}],"warnings":["0","1","2","3","4","5","6","7","8","9"],"infos":["i"]}"#
        );
    }
}
