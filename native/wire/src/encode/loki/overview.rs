//! What Loki tells of logs besides lines and series: statistics, detected labels and fields, patterns,
//! and the frames of a tail.

use varve_columnar::answer::{
    DetectedField, DroppedLine, FieldType, LogPattern, LogTotals, TailedLines,
};

use super::{
    super::{
        json::{self, ARRAY},
        samples,
    },
    EntryLabels, streams,
};

/// `{"streams":1,"chunks":4,"bytes":524288,"entries":4096}`
pub(super) fn totals(out: &mut Vec<u8>, totals: &LogTotals) {
    let LogTotals { streams, pieces, lines, bytes } = *totals;
    let text =
        format!(r#"{{"streams":{streams},"chunks":{pieces},"bytes":{bytes},"entries":{lines}}}"#);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn detected_labels(out: &mut Vec<u8>, counted: &[(String, u64)]) {
    out.extend_from_slice(br#"{"detectedLabels":"#);
    json::list(out, ARRAY, counted, |out, (label, cardinality)| {
        out.extend_from_slice(br#"{"label":"#);
        json::string(out, label);
        out.extend_from_slice(br#","cardinality":"#);
        json::integer(out, cardinality);
        out.push(b'}');
    });
    out.push(b'}');
}

pub(super) fn detected_fields(out: &mut Vec<u8>, fields: &[DetectedField], limit: u32) {
    out.extend_from_slice(br#"{"fields":"#);
    json::list(out, ARRAY, fields, |out, field| {
        out.extend_from_slice(br#"{"label":"#);
        json::string(out, &field.name);
        out.extend_from_slice(br#","type":"#);
        json::string(out, type_name(field.kind));
        out.extend_from_slice(br#","cardinality":"#);
        json::integer(out, field.cardinality);
        out.extend_from_slice(br#","parsers":"#);
        // Logs Drilldown takes a field without parsers, told as null, for structured metadata.
        if field.parsers.is_empty() {
            out.extend_from_slice(b"null");
        } else {
            json::list(out, ARRAY, &field.parsers, |out, parser| json::string(out, parser));
        }
        if !field.json_path.is_empty() {
            out.extend_from_slice(br#","jsonPath":"#);
            json::list(out, ARRAY, &field.json_path, |out, key| json::string(out, key));
        }
        out.push(b'}');
    });
    limited(out, limit);
}

fn type_name(kind: FieldType) -> &'static str {
    match kind {
        FieldType::String => "string",
        FieldType::Int => "int",
        FieldType::Float => "float",
        FieldType::Boolean => "boolean",
        FieldType::Duration => "duration",
        FieldType::Bytes => "bytes",
    }
}

pub(super) fn detected_values(out: &mut Vec<u8>, values: &[String], limit: u32) {
    out.extend_from_slice(br#"{"values":"#);
    json::list(out, ARRAY, values, |out, value| json::string(out, value));
    limited(out, limit);
}

fn limited(out: &mut Vec<u8>, limit: u32) {
    out.extend_from_slice(br#","limit":"#);
    json::integer(out, limit);
    out.push(b'}');
}

pub(super) fn patterns(out: &mut Vec<u8>, patterns: &[LogPattern]) {
    json::list(out, ARRAY, patterns, |out, LogPattern { pattern, level, samples }| {
        out.extend_from_slice(br#"{"pattern":"#);
        json::string(out, pattern);
        out.extend_from_slice(br#","level":"#);
        json::string(out, level);
        out.extend_from_slice(br#","samples":"#);
        json::list(out, ARRAY, samples, |out, (seconds, count)| {
            out.extend_from_slice(format!("[{seconds},{count}]").as_bytes());
        });
        out.push(b'}');
    });
}

/// A frame of a tail.
pub(super) fn tail(out: &mut Vec<u8>, tailed: &TailedLines, labels: EntryLabels) {
    out.extend_from_slice(br#"{"streams":"#);
    let shown = match labels {
        EntryLabels::Merged if tailed.by_stream => EntryLabels::Stream,
        _ => labels,
    };
    streams(out, &tailed.streams, shown);
    if labels == EntryLabels::Categorized {
        out.extend_from_slice(br#","encodingFlags":["categorize-labels"]"#);
    }
    if !tailed.dropped.is_empty() {
        out.extend_from_slice(br#","dropped_entries":"#);
        json::list(out, ARRAY, &tailed.dropped, |out, DroppedLine { time_ns, labels }| {
            out.extend_from_slice(format!(r#"{{"timestamp":"{time_ns}","labels":"#).as_bytes());
            samples::labels(out, labels.iter());
            out.push(b'}');
        });
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use varve_columnar::{
        answer::{LogEntry, StreamRows},
        labels::LabelSet,
    };

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_of_structured_metadata_have_no_parsers() {
        let field = |name: &str, parsers: &[&'static str], path: &[&str]| DetectedField {
            name: name.to_owned(),
            kind: FieldType::Int,
            cardinality: 2,
            parsers: parsers.to_vec(),
            json_path: path.iter().map(|&key| key.to_owned()).collect(),
        };
        let fields = [field("a_b", &["json"], &["a", "b"]), field("trace", &[], &[])];
        assert_eq!(
            written(|out| detected_fields(out, &fields, 10)),
            r#"{"fields":[{"label":"a_b","type":"int","cardinality":2,"parsers":["json"],"jsonPath":["a","b"]},{"label":"trace","type":"int","cardinality":2,"parsers":null}],"limit":10}"#
        );
    }

    #[test]
    fn patterns_have_their_counts_by_second() {
        let pattern =
            LogPattern { pattern: "a <_>".into(), level: "info".into(), samples: vec![(10, 3)] };
        assert_eq!(
            written(|out| patterns(out, &[pattern])),
            r#"[{"pattern":"a <_>","level":"info","samples":[[10,3]]}]"#
        );
    }

    #[test]
    fn a_frame_tells_of_dropped_lines_only_where_there_are_some() {
        let rows = StreamRows {
            index: LabelSet::new([("app", "shop")]),
            metadata: LabelSet::new([("level", "info")]),
            parsed: LabelSet::default(),
            entries: vec![LogEntry { at: 0, time_ns: 7, line: "x".into() }],
        };
        let mut tailed = TailedLines {
            streams: vec![rows],
            by_stream: false,
            dropped: Vec::new(),
            position: String::new(),
        };
        assert_eq!(
            written(|out| tail(out, &tailed, EntryLabels::Merged)),
            r#"{"streams":[{"stream":{"app":"shop","level":"info"},"values":[["7","x"]]}]}"#
        );
        tailed.by_stream = true;
        assert_eq!(
            written(|out| tail(out, &tailed, EntryLabels::Merged)),
            r#"{"streams":[{"stream":{"app":"shop"},"values":[["7","x"]]}]}"#
        );
        let labels = LabelSet::new([("app", "shop")]);
        tailed.dropped.push(DroppedLine { time_ns: 5, labels });
        assert_eq!(
            written(|out| tail(out, &tailed, EntryLabels::Categorized)),
            r#"{"streams":[{"stream":{"app":"shop"},"values":[["7","x",{"structuredMetadata":{"level":"info"}}]]}],"encodingFlags":["categorize-labels"],"dropped_entries":[{"timestamp":"5","labels":{"app":"shop"}}]}"#
        );
    }
}
