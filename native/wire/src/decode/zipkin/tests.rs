use varve_types::Table;

use crate::decode::{
    Format,
    test_support::{batch, damage_everywhere, decode_plain, hex, refusals, texts},
};

const SPAN: &str = r#"{
  "traceId": "463ac35c9f6413ad", "id": "a2fb4a1d1a96d312", "parentId": "0020000000000001",
  "name": "get /cart", "kind": "SERVER", "timestamp": 1700000000000001, "duration": 250,
  "localEndpoint": {"serviceName": "shop", "ipv4": "10.0.0.1", "port": 8080},
  "remoteEndpoint": {"serviceName": "web", "ipv6": "::1"},
  "annotations": [{"timestamp": 1700000000000101, "value": "cache miss"}],
  "tags": {"http.path": "/cart", "error": "out of stock"}, "shared": true, "debug": false
}"#;

fn column(body: &str, name: &str) -> Vec<String> {
    let decoded = decode_plain(Format::ZipkinJson, body.as_bytes()).unwrap();
    texts(batch(&decoded, Table::Spans), name)
}

#[test]
fn a_span_keeps_every_field() {
    let body = format!("[{SPAN}]");
    for (name, expected) in [
        (
            "trace_id",
            hex(&[0, 0, 0, 0, 0, 0, 0, 0, 0x46, 0x3a, 0xc3, 0x5c, 0x9f, 0x64, 0x13, 0xad]),
        ),
        ("span_id", "a2fb4a1d1a96d312".to_owned()),
        ("parent_span_id", "0020000000000001".to_owned()),
        ("name", "get /cart".to_owned()),
        ("kind", "2".to_owned()),
        ("service_name", "shop".to_owned()),
        ("start_unix_nano", "1700000000000001000".to_owned()),
        ("end_unix_nano", "1700000000000251000".to_owned()),
        ("status_code", "2".to_owned()),
        ("status_message", "out of stock".to_owned()),
    ] {
        assert_eq!(column(&body, name), [expected], "{name}");
    }
    let attributes = column(&body, "attributes").concat();
    for expected in
        ["key: http.path", "key: net.host.port", "value: 8080", "key: peer.service", "value: ::1"]
    {
        assert!(attributes.contains(expected), "{expected} in {attributes}");
    }
    assert!(column(&body, "events").concat().contains("cache miss"));
}

#[test]
fn a_span_of_its_ids_alone_is_kept() {
    assert_eq!(column(r#"[{"traceId":"1","id":"2"}]"#, "start_unix_nano"), ["1700000030000000000"]);
    assert!(decode_plain(Format::ZipkinJson, b"[]").unwrap().batches.is_empty());
}

#[test]
fn a_span_without_valid_ids_is_refused_and_the_rest_kept() {
    let long = "1".repeat(33);
    let body = format!(r#"[{SPAN},{{"traceId":"{long}","id":"2"}},{{"traceId":"1","id":"x"}}]"#);
    let decoded = decode_plain(Format::ZipkinJson, body.as_bytes()).unwrap();
    assert_eq!(decoded.accepted, 1);
    assert_eq!(refusals(&decoded), [("traceIdInvalid", 1), ("spanIdInvalid", 1)]);
}

#[test]
fn what_is_no_list_of_spans_is_refused_with_its_place() {
    for (body, message) in [
        (
            "{}",
            "body is not Zipkin's list of spans: invalid type: map, expected a list of spans at line 1 column 0",
        ),
        (
            r#"[{"id":"1"}]"#,
            "body is not Zipkin's list of spans: missing field `traceId` at line 1 column 11",
        ),
        ("[] x", "body is not Zipkin's list of spans: trailing characters at line 1 column 4"),
    ] {
        let error = decode_plain(Format::ZipkinJson, body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_damaged_body_is_refused_or_read() {
    damage_everywhere(Format::ZipkinJson, format!("[{SPAN}]").as_bytes());
}
