use varve_types::{ErrorCode, Table};

use super::super::{
    Format,
    test_support::{batch, damage_everywhere, decode_plain, texts},
};
use super::*;

const BODY: &str = r#"{"streams":[{"stream":{"app":"shop","n":1,"none":""},"values":[
    ["1700000000000000000","GET /cart 200"],
    ["1700000000500000000","payment failed\n",{"trace_id":"0af7","n":"7"}]]}]}"#;

fn decoded(body: &str) -> Decoded {
    decode_plain(Format::LokiPushJson, body.as_bytes()).unwrap()
}

fn column(decoded: &Decoded, name: &str) -> Vec<String> {
    texts(batch(decoded, Table::Logs), name)
}

#[test]
fn entries_have_two_items_or_three() {
    let decoded = decoded(BODY);
    let stream = r#"{"app":"shop","n":"1","service_name":"shop"}"#;
    assert_eq!(column(&decoded, "stream"), [stream, stream]);
    assert_eq!(column(&decoded, "time_unix_nano"), ["1700000000000000000", "1700000000500000000"]);
    assert_eq!(column(&decoded, "body"), ["GET /cart 200", "payment failed\n"]);
    let metadata = "[{key: trace_id, type: 1, value: 0af7}, {key: n, type: 1, value: 7}]";
    assert_eq!(column(&decoded, "attributes"), ["-", metadata]);
}

#[test]
fn the_labels_may_stand_behind_the_entries() {
    let body = r#"{"streams":[{"values":[["1700000000000000000","x"]],"stream":{"app":"a"}}]}"#;
    assert_eq!(column(&decoded(body), "stream"), [r#"{"app":"a","service_name":"a"}"#]);
}

#[test]
fn the_older_form_is_taken() {
    let body = r#"{"streams":[{"labels":"{app=\"a\"}",
        "entries":[{"ts":"2023-11-14T22:13:20.5Z","line":"x"}]}]}"#;
    let decoded = decoded(body);
    assert_eq!(column(&decoded, "time_unix_nano"), ["1700000000500000000"]);
    assert_eq!(column(&decoded, "body"), ["x"]);
}

#[test]
fn a_stream_without_labels_is_one_of_an_unknown_service() {
    let body = r#"{"streams":[{"values":[["1700000000000000000","x"]]}]}"#;
    assert_eq!(column(&decoded(body), "stream"), [r#"{"service_name":"unknown_service"}"#]);
}

#[test]
fn no_streams_are_no_error() {
    for body in [r#"{"streams":[]}"#, r#"{"streams":null}"#, "{}"] {
        let decoded = decoded(body);
        assert_eq!((decoded.accepted, decoded.refused.len()), (0, 0), "{body}");
        assert!(decoded.answer.is_empty());
    }
}

#[test]
fn streams_without_entries_are_told_apart_from_no_streams() {
    for body in [
        r#"{"streams":[{"stream":{"app":"a"},"values":[]}]}"#,
        r#"{"streams":[{"stream":{"app":"a"}}]}"#,
        r#"{"streams":[{"labels":"{app=\"a\"}","entries":null}]}"#,
    ] {
        let decoded = decoded(body);
        assert_eq!((decoded.accepted, decoded.refused.len()), (0, 0), "{body}");
        assert!(!decoded.answer.is_empty());
    }
}

#[test]
fn a_stream_whose_labels_have_bad_names_is_refused_and_the_others_kept() {
    for name in ["a-b", "1a", "a.b", "ü", ""] {
        let body = format!(
            r#"{{"streams":[{{"stream":{{"app":"a","{name}":"x"}},"values":[["1700000000000000000","x"],["1700000000000000000","y"]]}},
                {{"stream":{{"app":"b"}},"values":[["1700000000000000000","z"]]}}]}}"#
        );
        let decoded = decoded(&body);
        let refused: Vec<_> = decoded.refused.iter().map(|one| (one.reason, one.count)).collect();
        assert_eq!(refused, [("labelNameInvalid", 2)], "{name}");
        assert_eq!(column(&decoded, "body"), ["z"]);
    }
}

#[test]
fn what_is_not_of_the_form_is_refused_with_its_place() {
    let cases = [
        ("[]", "expected an object at byte 1"),
        (r#"{"streams":[{"stream":{},"values":[7]}]}"#, ""),
        (r#"{"streams":[{"stream":{"a":"b"},"values":[["1"]]}]}"#, "an entry is"),
        (r#"{"streams":[{"stream":{"a":"b"},"values":[[1,"x"]]}]}"#, "a string of nanoseconds"),
        (r#"{"streams":[{"stream":{"a":"b"},"values":[["1","x",{},4]]}]}"#, "an entry is"),
        (r#"{"streams":[{"stream":{"a":{}}}]}"#, "expected a string"),
        (
            r#"{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"n":{"a":1}}]]}]}"#,
            "a string of structured metadata",
        ),
        (
            r#"{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"n":7}]]}]}"#,
            "a string of structured metadata",
        ),
        (
            r#"{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"structuredMetadata":{"n":null}}]]}]}"#,
            "a string of structured metadata",
        ),
        ("{\"streams\":[]} x", "expected the end at byte 15"),
    ];
    for (body, message) in cases {
        match decode_plain(Format::LokiPushJson, body.as_bytes()) {
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::BodyInvalid);
                assert!(error.to_string().contains(message), "{body}: {error}");
            }
            Ok(decoded) => assert_eq!(decoded.accepted, 0, "{body}"),
        }
    }
}

#[test]
fn a_damaged_body_is_refused_or_read_in_part_but_never_panics() {
    damage_everywhere(Format::LokiPushJson, BODY.as_bytes());
}
