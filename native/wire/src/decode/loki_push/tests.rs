use varve_types::{ErrorCode, Table};

use super::super::{
    Format,
    test_support::{Writer, batch, damage_everywhere, decode_plain, refusals, texts},
};
use super::*;

const SECONDS: u64 = 1_700_000_000;

fn entry_of(seconds: u64, line: &str, metadata: &[(&str, &str)]) -> Writer {
    let time = Writer::default().varint(1, seconds).varint(2, 5);
    let entry = Writer::default().message(1, &time).text(2, line);
    metadata.iter().fold(entry, |entry, (name, value)| {
        entry.message(3, &Writer::default().text(1, name).text(2, value))
    })
}

fn stream_of(labels: &str, entries: &[Writer]) -> Writer {
    let stream = Writer::default().text(1, labels);
    entries.iter().fold(stream, |stream, entry| stream.message(2, entry))
}

fn body(streams: &[Writer]) -> Vec<u8> {
    streams.iter().fold(Writer::default(), |body, stream| body.message(1, stream)).0
}

fn decoded(streams: &[Writer]) -> Decoded {
    decode_plain(Format::LokiPushProtobuf, &body(streams)).unwrap()
}

fn column(decoded: &Decoded, name: &str) -> Vec<String> {
    texts(batch(decoded, Table::Logs), name)
}

#[test]
fn an_entry_keeps_its_time_its_line_and_its_metadata() {
    let entry = entry_of(SECONDS, "paid", &[("trace_id", "0af7"), ("user", "u1")]);
    let decoded = decoded(&[stream_of(r#"{app="shop", env="prod"}"#, &[entry])]);
    let stream = r#"{"app":"shop","env":"prod","service_name":"shop"}"#;
    assert_eq!(column(&decoded, "stream"), [stream]);
    assert_eq!(column(&decoded, "time_unix_nano"), ["1700000000000000005"]);
    assert_eq!(column(&decoded, "body"), ["paid"]);
    let attributes = "[{key: trace_id, type: 1, value: 0af7}, {key: user, type: 1, value: u1}]";
    assert_eq!(column(&decoded, "attributes"), [attributes]);
    assert_eq!(column(&decoded, "resource"), ["-"]);
}

#[test]
fn a_service_name_is_taken_from_the_first_label_that_names_it() {
    let streams = [
        (r#"{job="j", container="c"}"#, "c"),
        (r#"{service_name="own", app="a"}"#, "own"),
        (r#"{env="prod"}"#, "unknown_service"),
    ];
    for (labels, service_name) in streams {
        let decoded = decoded(&[stream_of(labels, &[entry_of(SECONDS, "x", &[])])]);
        let stream = column(&decoded, "stream").remove(0);
        assert!(stream.contains(&format!(r#""service_name":"{service_name}""#)), "{stream}");
    }
}

#[test]
fn the_level_comes_from_a_label_then_from_metadata_then_from_the_line() {
    let entries = [
        entry_of(SECONDS, "error", &[("level", "Warn")]),
        entry_of(SECONDS, "error", &[("lvl", "INF"), ("level", "notice")]),
        entry_of(SECONDS, "error", &[]),
        entry_of(SECONDS, "error", &[("detected_level", "x")]),
    ];
    let plain = decoded(&[stream_of(r#"{app="a"}"#, &entries)]);
    assert_eq!(column(&plain, "detected_level"), ["warn", "notice", "error", "-"]);
    let labelled = decoded(&[stream_of(r#"{app="a", level="WARN"}"#, &entries)]);
    assert_eq!(column(&labelled, "detected_level"), ["warn", "warn", "warn", "-"]);
}

#[test]
fn labels_that_cannot_be_read_cost_the_whole_body() {
    let good = stream_of(r#"{app="a"}"#, &[entry_of(SECONDS, "x", &[])]);
    let body = body(&[good, stream_of("{app=}", &[entry_of(SECONDS, "x", &[])])]);
    let error = decode_plain(Format::LokiPushProtobuf, &body).unwrap_err();
    assert_eq!(error.code(), ErrorCode::BodyInvalid);
    let message = "couldn't parse labels '{app=}': expected a value in quotes at byte 5";
    assert_eq!(error.to_string(), message);
}

#[test]
fn streams_and_entries_that_break_a_rule_are_counted_and_the_rest_taken() {
    let entry = entry_of(SECONDS, "x", &[]);
    let many: Vec<String> = (0..16).map(|label| format!(r#"l{label}="v""#)).collect();
    let wide: Vec<(String, &str)> = (0..129).map(|entry| (format!("m{entry}"), "v")).collect();
    let wide: Vec<(&str, &str)> =
        wide.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let large = "v".repeat(65_536);
    let decoded = decoded(&[
        stream_of(&format!("{{{}}}", many.join(",")), std::slice::from_ref(&entry)),
        stream_of(&format!(r#"{{a="{}"}}"#, "v".repeat(2_049)), std::slice::from_ref(&entry)),
        stream_of(r#"{a="1", a="2"}"#, std::slice::from_ref(&entry)),
        stream_of(
            r#"{a="1"}"#,
            &[
                entry,
                entry_of(SECONDS, "x", &wide),
                entry_of(SECONDS, "x", &[("large", &large)]),
                entry_of(SECONDS - 100_000, "x", &[]),
            ],
        ),
    ]);
    assert_eq!(decoded.accepted, 1);
    assert_eq!(
        refusals(&decoded),
        [
            ("labelsTooMany", 1),
            ("labelValueTooLong", 1),
            ("labelDuplicate", 1),
            ("metadataTooMany", 1),
            ("metadataTooLarge", 1),
            ("tooOld", 1)
        ]
    );
}

#[test]
fn a_damaged_body_is_refused_or_read_in_part_but_never_panics() {
    let entry = entry_of(SECONDS, "level=x é", &[("a", "b")]);
    damage_everywhere(Format::LokiPushProtobuf, &body(&[stream_of(r#"{a="\u00e9"}"#, &[entry])]));
}
