use proptest::prelude::*;
use serde_json::Value as Json;
use varve_types::{ErrorCode, Table};

use super::super::{
    Encoding, Format, Limits,
    tenant::Tenant,
    test_support::{LIMITS, RECEIVED_NS, batch, damage_everywhere, decode_plain, refusals, texts},
};
use super::*;

const DOCUMENT: &str = r#"{"@timestamp":"2023-11-14T22:13:20.5Z","message":"paid","log":{"level":"WARN"},"service":{"name":"shop","version":"1"},"host.name":"web-1","trace":{"id":"0AF7651916cd43dd8448eb211c80319c"},"span.id":"b7ad6b7169203331","http":{"status":503,"ok":false},"tags":["a",1.5],"none":null}"#;

fn decoded(body: &str) -> Decoded {
    decode_plain(Format::ElasticBulk, body.as_bytes()).unwrap()
}

/// Status and kind of error of each item.
fn told(decoded: &Decoded) -> Vec<(u64, String)> {
    let answer = format!("{{{}}}", String::from_utf8_lossy(&decoded.answer));
    let answer: Json = serde_json::from_str(&answer).unwrap();
    let items = answer["items"].as_array().unwrap().iter();
    let items = items.map(|item| item.as_object().unwrap().values().next().unwrap());
    let told: Vec<_> = items
        .map(|item| {
            let kind = item["error"]["type"].as_str().unwrap_or_default().to_owned();
            (item["status"].as_u64().unwrap(), kind)
        })
        .collect();
    assert_eq!(answer["errors"].as_bool(), Some(told.iter().any(|(status, _)| *status != 201)));
    told
}

#[test]
fn a_document_is_taken_apart_whichever_way_its_names_are_split() {
    let decoded =
        decoded(&format!("{{\"create\":{{\"_index\":\"logs\",\"_id\":7}}}}\n{DOCUMENT}\n"));
    let batch = batch(&decoded, Table::Logs);
    for (column, expected) in [
        ("time_unix_nano", "1700000000500000000"),
        ("body", "paid"),
        (
            "stream",
            r#"{"host":"web-1","index":"logs","job":"elasticsearch","service_name":"shop"}"#,
        ),
        ("severity_text", "WARN"),
        ("detected_level", "warn"),
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ("span_id", "b7ad6b7169203331"),
    ] {
        assert_eq!(texts(batch, column), [expected], "{column}");
    }
    let attributes = texts(batch, "attributes").concat();
    for expected in [
        "{key: _id, type: 1, value: 7}",
        r#"{key: service, type: 7, value: {"version":"1"}}"#,
        r#"{key: http, type: 7, value: {"status":503,"ok":false}}"#,
        r#"{key: tags, type: 6, value: ["a",1.5]}"#,
    ] {
        assert!(attributes.contains(expected), "{expected} in {attributes}");
    }
    assert!(!attributes.contains("none") && !attributes.contains("host"), "{attributes}");
}

#[test]
fn a_document_without_a_time_has_that_of_its_receipt_and_is_another_one_each_time() {
    let action = r#"{"index":{"_index":"logs"}}"#;
    let whole = decoded(&format!("{action}\n{DOCUMENT}\n"));
    assert!(whole.is_timed);
    let second = decoded(&format!("{action}\n{DOCUMENT}\n{action}\n{{\"message\":\"x\"}}\n"));
    let times = texts(batch(&second, Table::Logs), "time_unix_nano");
    assert_eq!(times, ["1700000000500000000", &RECEIVED_NS.to_string()]);
    assert!(!second.is_timed);
}

#[test]
fn what_the_collectors_exporter_writes_is_taken_apart_too() {
    let body = "{\"create\":{\"_index\":\"logs-generic.otel-default\",\"dynamic_templates\":{}}}\n\
        {\"@timestamp\":\"1700000000000.000123\",\"body\":{\"text\":\"x\"},\"severity_text\":\"error\",\
         \"trace_id\":\"zz\",\"resource\":{\"attributes\":{\"service.name\":\"shop\",\"os\":\"linux\"}}}\n";
    let decoded = decoded(body);
    let batch = batch(&decoded, Table::Logs);
    assert_eq!(texts(batch, "time_unix_nano"), ["1700000000000000123"]);
    assert_eq!(texts(batch, "body"), ["x"]);
    assert_eq!(texts(batch, "detected_level"), ["error"]);
    assert!(texts(batch, "stream").concat().contains(r#""service_name":"shop""#));
    let attributes = texts(batch, "attributes").concat();
    assert!(attributes.contains(r#"{"attributes":{"os":"linux"}}"#), "{attributes}");
    assert!(attributes.contains("{key: trace_id, type: 1, value: zz}"), "{attributes}");
}

#[test]
fn a_document_without_a_message_is_a_line_as_a_whole() {
    let decoded = decoded("{\"index\":{\"_index\":\"a\"}}\n{\"answer\": 42}\r\n");
    let batch = batch(&decoded, Table::Logs);
    assert_eq!(texts(batch, "body"), [r#"{"answer": 42}"#]);
    assert_eq!(texts(batch, "attributes"), ["-"]);
    assert_eq!(texts(batch, "time_unix_nano"), [RECEIVED_NS.to_string()]);
}

#[test]
fn each_action_is_answered_for() {
    let long = "x".repeat(LIMITS.line_max_bytes + 1);
    let index = "i".repeat(256);
    let body = [
        r#"{"index":{"_index":"a"}}"#,
        r#"{"message":"good"}"#,
        r#"{"index":{"_index":"a"}}"#,
        &format!(r#"{{"message":"{long}"}}"#),
        r#"{"delete":{"_index":"a","_id":"3"}}"#,
        r#"{"update":{"_index":"a","_id":"4"}}"#,
        r#"{"doc":{}}"#,
        r#"{"create":{"_index":"a"}}"#,
        r#"{"@timestamp":"yesterday"}"#,
        r#"{"create":{"_index":"a"}}"#,
        r#"{"@timestamp":"#,
        r#"{"create":{"_index":"a"}}"#,
        r#"{"@timestamp":"1999-01-01T00:00:00Z"}"#,
        &format!(r#"{{"create":{{"_index":"{index}"}}}}"#),
        "{}",
        "",
    ];
    let decoded = decoded(&body.join("\n"));
    let (argument, document) = ("illegal_argument_exception", "document_parsing_exception");
    let expected = [
        (201, ""),
        (400, argument),
        (400, argument),
        (400, argument),
        (400, document),
        (400, document),
        (400, argument),
        (400, "invalid_index_name_exception"),
    ];
    assert_eq!(told(&decoded), expected.map(|(status, kind)| (status, kind.to_owned())));
    assert_eq!(decoded.accepted, 1);
    assert_eq!(
        refusals(&decoded),
        [
            ("lineTooLong", 1),
            ("actionNotOffered", 2),
            ("timeInvalid", 1),
            ("documentInvalid", 1),
            ("tooOld", 1),
            ("indexInvalid", 1)
        ]
    );
}

#[test]
fn documents_of_streams_too_many_are_to_be_sent_again() {
    let tenant = Tenant::new(Limits { streams_max: 1, ..LIMITS });
    let body = "{\"create\":{}}\n{\"message\":\"a\"}\n{\"create\":{\"_index\":\"b\"}}\n{\"message\":\"b\"}\n";
    let (format, encoding) = (Format::ElasticBulk, Encoding::Identity);
    let (decoded, _) =
        tenant.decode_for(format, encoding, "a", body.as_bytes(), RECEIVED_NS).unwrap();
    let later = "es_rejected_execution_exception".to_owned();
    assert_eq!(told(&decoded), [(201, String::new()), (429, later)]);
}

#[test]
fn a_body_that_is_no_bulk_is_refused_with_the_line() {
    for (body, expected) in [
        ("{\"create\":{\"_index\":\"a\"}}\n{}", "must be terminated by a newline"),
        ("{\"create\":{\"_index\":\"a\"}}\n", "line 1 of the bulk body: expected a document"),
        ("{\"make\":{}}\n", "line 1 of the bulk body: expected an action"),
        ("\n{\"create\":{}}\n{}\n", "line 2 of the bulk body: expected _index"),
        ("{\"create\":{\"_index\":\"a\"},\"index\":{}}\n{}\n", "expected one action in its line"),
        ("[]\n", "expected an action"),
        ("", "request body is required"),
    ] {
        let error = decode_plain(Format::ElasticBulk, body.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.code(), ErrorCode::BodyInvalid);
    }
}

#[test]
fn an_answer_much_longer_than_the_body_is_not_written() {
    let body = format!("{{\"delete\":{{\"_index\":\"{}\"}}}}\n", "a".repeat(200)).repeat(4_000);
    let error = decode_plain(Format::ElasticBulk, body.as_bytes()).unwrap_err();
    assert!(matches!(error, DecodeError::AnswerTooLarge { .. }), "{error}");
    assert_eq!(error.code(), ErrorCode::BodyTooLarge);
}

#[test]
fn damage_is_no_panic() {
    let body = format!("{{\"create\":{{\"_index\":\"a\"}}}}\n{DOCUMENT}\n");
    damage_everywhere(Format::ElasticBulk, body.as_bytes());
}

proptest! {
    #[test]
    fn every_document_has_one_item(messages in prop::collection::vec(".{0,20}", 1..8)) {
        let lines = messages.iter().map(|message| {
            format!("{{\"create\":{{\"_index\":\"a\"}}}}\n{}\n", serde_json::json!({ "message": message }))
        });
        let decoded = decoded(&lines.collect::<String>());
        prop_assert_eq!(told(&decoded).len(), messages.len());
        let stored = texts(batch(&decoded, Table::Logs), "body");
        prop_assert_eq!(stored, messages);
    }
}
