use varve_columnar::protobuf_write::{write_bytes, write_fixed64, write_varint};
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

/// Field `number` with the bytes of a message.
fn within(number: u32, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (mut inner, mut out) = (Vec::new(), Vec::new());
    write(&mut inner);
    write_bytes(&mut out, number, &inner);
    out
}

/// `SPAN` in protobuf.
fn span_in_protobuf() -> Vec<u8> {
    within(1, |out| {
        write_bytes(out, 1, &0x463a_c35c_9f64_13ad_u64.to_be_bytes());
        write_bytes(out, 2, &0x0020_0000_0000_0001_u64.to_be_bytes());
        write_bytes(out, 3, &0xa2fb_4a1d_1a96_d312_u64.to_be_bytes());
        write_varint(out, 4, 2);
        write_bytes(out, 5, b"get /cart");
        write_fixed64(out, 6, 1_700_000_000_000_001);
        write_varint(out, 7, 250);
        out.extend(within(8, |out| {
            write_bytes(out, 1, b"shop");
            write_bytes(out, 2, &[10, 0, 0, 1]);
            write_varint(out, 4, 8_080);
        }));
        out.extend(within(9, |out| {
            write_bytes(out, 1, b"web");
            write_bytes(out, 3, &1_u128.to_be_bytes());
        }));
        out.extend(within(10, |out| {
            write_fixed64(out, 1, 1_700_000_000_000_101);
            write_bytes(out, 2, b"cache miss");
        }));
        for (key, value) in [("http.path", "/cart"), ("error", "out of stock")] {
            out.extend(within(11, |out| {
                write_bytes(out, 1, key.as_bytes());
                write_bytes(out, 2, value.as_bytes());
            }));
        }
        write_varint(out, 13, 1);
    })
}

#[test]
fn a_span_in_protobuf_is_what_it_is_in_json() {
    let body = span_in_protobuf();
    let in_protobuf = decode_plain(Format::ZipkinProtobuf, &body).unwrap();
    let in_json = decode_plain(Format::ZipkinJson, format!("[{SPAN}]").as_bytes()).unwrap();
    assert_eq!(in_protobuf.accepted, 1);
    assert_eq!(batch(&in_protobuf, Table::Spans), batch(&in_json, Table::Spans));
    damage_everywhere(Format::ZipkinProtobuf, &body);
}

#[test]
fn a_span_in_protobuf_with_too_long_an_id_is_refused_and_the_rest_kept() {
    let mut body = span_in_protobuf();
    for length in [17, 1_000] {
        body.extend(within(1, |out| {
            write_bytes(out, 1, &vec![1; length]);
            write_bytes(out, 3, &[1]);
        }));
    }
    body.extend(within(1, |out| write_bytes(out, 1, &[1])));
    let decoded = decode_plain(Format::ZipkinProtobuf, &body).unwrap();
    assert_eq!(decoded.accepted, 1);
    assert_eq!(refusals(&decoded), [("traceIdInvalid", 2), ("spanIdInvalid", 1)]);
}

#[test]
fn a_span_in_protobuf_of_too_many_parts_is_refused() {
    let parts = within(1, |out| {
        for _ in 0..=1 << 16 {
            write_bytes(out, 10, b"");
        }
    });
    let error = decode_plain(Format::ZipkinProtobuf, &parts).unwrap_err();
    assert!(error.to_string().starts_with("body is not zipkin.proto3.ListOfSpans: "), "{error}");
}
