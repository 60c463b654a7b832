//! Lines as Loki answered them before its version 1.0 (`/api/prom/query`).

use std::io::Write as _;

use jiff::Timestamp;
use varve_columnar::{
    answer::{Answer, LogEntry, Outcome, StreamRows},
    labels::LabelSet,
};

use super::{all_labels, stats};
use crate::encode::json::{self, ARRAY};

/// `{"streams":[{"labels":"{app=\"shop\"}","entries":[{"ts":"2026-11-23T12:00:00.25Z","line":"…"}]}],"stats":{…}}`.
/// Answers without lines have no streams.
#[must_use]
pub fn encode_legacy(outcome: &Outcome) -> Vec<u8> {
    let mut out = br#"{"streams":"#.to_vec();
    let streams: &[StreamRows] =
        if let Answer::Streams(streams) = &outcome.answer { streams } else { &[] };
    json::list(&mut out, ARRAY, streams, |out, rows| {
        out.extend_from_slice(br#"{"labels":"#);
        json::string(out, &selector(&all_labels(rows)));
        out.extend_from_slice(br#","entries":"#);
        json::list(out, ARRAY, &rows.entries, |out, LogEntry { time_ns, line, .. }| {
            let written = write!(out, r#"{{"ts":"{}","line":"#, instant(*time_ns));
            debug_assert!(written.is_ok(), "writing to memory cannot fail");
            json::string(out, line);
            out.push(b'}');
        });
        out.push(b'}');
    });
    out.extend_from_slice(br#","stats":"#);
    stats(&mut out, outcome);
    out.push(b'}');
    out
}

/// RFC 3339, to the nanosecond, without zeros at the end.
fn instant(time_ns: i64) -> Timestamp {
    // All nanoseconds of 64 bits are within the years that it knows.
    Timestamp::from_nanosecond(time_ns.into()).unwrap_or_default()
}

/// `{app="shop", env="prod"}`.
fn selector(labels: &LabelSet) -> String {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", serde_json::Value::from(value)))
        .collect();
    format!("{{{}}}", labels.join(", "))
}

#[cfg(test)]
mod tests {
    use varve_columnar::answer::QueryStats;

    use super::*;

    fn body(answer: Answer) -> String {
        let stats = QueryStats::default();
        let outcome = Outcome { answer, warnings: Vec::new(), infos: Vec::new(), stats };
        let body = String::from_utf8(encode_legacy(&outcome)).unwrap();
        let told: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(told["stats"]["summary"].is_object());
        body.split_once(r#","stats":"#).unwrap().0.to_owned()
    }

    #[test]
    fn labels_are_one_text_and_times_can_be_read() {
        let entry = |time_ns, line: &str| LogEntry { at: 0, time_ns, line: line.into() };
        let streams = vec![StreamRows {
            index: LabelSet::new([("app", "shop")]),
            metadata: LabelSet::new([("quote", "a\"b")]),
            parsed: LabelSet::default(),
            entries: vec![
                entry(1_795_434_300_250_000_001, "say \"hi\""),
                entry(1_795_434_300_250_000_000, "b"),
                entry(1_795_434_300_000_000_000, "c"),
                entry(-1, "d"),
            ],
        }];
        assert_eq!(
            body(Answer::Streams(streams)),
            r#"{"streams":[{"labels":"{app=\"shop\", quote=\"a\\\"b\"}","entries":[{"ts":"2026-11-23T11:45:00.250000001Z","line":"say \"hi\""},{"ts":"2026-11-23T11:45:00.25Z","line":"b"},{"ts":"2026-11-23T11:45:00Z","line":"c"},{"ts":"1969-12-31T23:59:59.999999999Z","line":"d"}]}]"#
        );
    }

    #[test]
    fn without_lines_there_are_no_streams() {
        assert_eq!(body(Answer::Streams(Vec::new())), r#"{"streams":[]"#);
    }
}
