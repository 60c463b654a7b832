use thrift::protocol::{
    TBinaryOutputProtocol, TFieldIdentifier, TListIdentifier, TOutputProtocol as _,
    TStructIdentifier, TType,
};
use varve_types::{ErrorCode, Table};

use super::super::{
    Decoded, Format,
    test_support::{Writer, batch, damage_everywhere, decode_plain, refusals, texts},
};

const START_US: i64 = 1_700_000_000_000_001;
const TRACE: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2];

/// A structure of Thrift, written field by field.
struct Structure(TBinaryOutputProtocol<Vec<u8>>);

impl Structure {
    fn new() -> Self {
        let mut protocol = TBinaryOutputProtocol::new(Vec::new(), true);
        protocol.write_struct_begin(&TStructIdentifier::new("")).unwrap();
        Self(protocol)
    }

    fn field(mut self, id: i16, kind: TType) -> Self {
        self.0.write_field_begin(&TFieldIdentifier::new("", kind, id)).unwrap();
        self
    }

    fn i64(self, id: i16, value: i64) -> Self {
        let mut it = self.field(id, TType::I64);
        it.0.write_i64(value).unwrap();
        it
    }

    fn i32(self, id: i16, value: i32) -> Self {
        let mut it = self.field(id, TType::I32);
        it.0.write_i32(value).unwrap();
        it
    }

    fn text(self, id: i16, value: &str) -> Self {
        let mut it = self.field(id, TType::String);
        it.0.write_string(value).unwrap();
        it
    }

    fn structure(self, id: i16, value: Self) -> Self {
        let mut it = self.field(id, TType::Struct);
        it.0.transport.extend(value.bytes());
        it
    }

    fn list(self, id: i16, items: impl IntoIterator<Item = Self>) -> Self {
        let items: Vec<_> = items.into_iter().collect();
        let mut it = self.field(id, TType::List);
        let size = i32::try_from(items.len()).unwrap();
        it.0.write_list_begin(&TListIdentifier::new(TType::Struct, size)).unwrap();
        for item in items {
            it.0.transport.extend(item.bytes());
        }
        it
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.write_field_stop().unwrap();
        self.0.transport
    }
}

fn text_tag(key: &str, value: &str) -> Structure {
    Structure::new().text(1, key).i32(2, 0).text(3, value)
}

fn span_of_thrift() -> Structure {
    let truth = |key| {
        let mut tag = Structure::new().text(1, key).i32(2, 2).field(5, TType::Bool);
        tag.0.write_bool(true).unwrap();
        tag
    };
    let mut share = Structure::new().text(1, "share").i32(2, 1).field(4, TType::Double);
    share.0.write_double(0.5).unwrap();
    let elsewhere = Structure::new().i32(1, 1).i64(2, 9).i64(3, 8).i64(4, 7);
    let parent = Structure::new().i32(1, 0).i64(2, 2).i64(3, 1).i64(4, 5);
    Structure::new()
        .i64(1, 2)
        .i64(2, 1)
        .i64(3, 3)
        .text(5, "get /cart")
        .list(6, [elsewhere, parent])
        .i32(7, 3)
        .i64(8, START_US)
        .i64(9, 250)
        .list(
            10,
            [
                text_tag("span.kind", "server"),
                truth("error"),
                text_tag("otel.status_description", "out of stock"),
                text_tag("otel.scope.name", "checkout"),
                text_tag("http.path", "/cart"),
                Structure::new().text(1, "attempt").i32(2, 3).i64(6, -3),
                share,
            ],
        )
        .list(
            11,
            [Structure::new()
                .i64(1, START_US + 100)
                .list(2, [text_tag("event", "cache miss"), text_tag("key", "k1")])],
        )
}

fn batch_of_thrift(spans: impl IntoIterator<Item = Structure>) -> Vec<u8> {
    let process = Structure::new().text(1, "shop").list(2, [text_tag("hostname", "web-1")]);
    Structure::new().structure(1, process).list(2, spans).i64(3, 1).bytes()
}

/// The same span as [`span_of_thrift`].
fn span_of_protobuf() -> Writer {
    let tag = |key: &str| Writer::default().text(1, key);
    let text = |key: &str, value: &str| tag(key).text(3, value);
    let time =
        |us: u64| Writer::default().varint(1, us / 1_000_000).varint(2, us % 1_000_000 * 1_000);
    let start_us = START_US as u64;
    let elsewhere = Writer::default()
        .bytes(1, &[0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9])
        .bytes(2, &[0, 0, 0, 0, 0, 0, 0, 7])
        .varint(3, 1);
    let parent = Writer::default().bytes(1, &TRACE).bytes(2, &[0, 0, 0, 0, 0, 0, 0, 5]);
    let log = Writer::default()
        .message(1, &time(start_us + 100))
        .message(2, &text("event", "cache miss"))
        .message(2, &text("key", "k1"));
    Writer::default()
        .bytes(1, &TRACE)
        .bytes(2, &[0, 0, 0, 0, 0, 0, 0, 3])
        .text(3, "get /cart")
        .message(4, &elsewhere)
        .message(4, &parent)
        .varint(5, 3)
        .message(6, &time(start_us))
        .message(7, &time(250))
        .message(8, &text("span.kind", "server"))
        .message(8, &tag("error").varint(2, 1).varint(4, 1))
        .message(8, &text("otel.status_description", "out of stock"))
        .message(8, &text("otel.scope.name", "checkout"))
        .message(8, &text("http.path", "/cart"))
        .message(8, &tag("attempt").varint(2, 2).varint(5, -3_i64 as u64))
        .message(8, &tag("share").varint(2, 3).double(6, 0.5))
        .message(9, &log)
}

fn batch_of_protobuf(spans: &[Writer]) -> Vec<u8> {
    let tag = Writer::default().text(1, "hostname").text(3, "web-1");
    let process = Writer::default().text(1, "shop").message(2, &tag);
    let batch = Writer::default().message(2, &process);
    let batch = spans.iter().fold(batch, |batch, span| batch.message(1, span));
    Writer::default().message(1, &batch).0
}

fn both() -> [(Format, Vec<u8>); 2] {
    [
        (Format::JaegerThrift, batch_of_thrift([span_of_thrift()])),
        (Format::JaegerProtobuf, batch_of_protobuf(&[span_of_protobuf()])),
    ]
}

#[test]
fn a_span_keeps_every_field_in_either_encoding() {
    for (format, body) in both() {
        let decoded = decode_plain(format, &body).unwrap();
        let batch = batch(&decoded, Table::Spans);
        for (name, expected) in [
            ("trace_id", "00000000000000010000000000000002"),
            ("span_id", "0000000000000003"),
            ("parent_span_id", "0000000000000005"),
            ("name", "get /cart"),
            ("kind", "2"),
            ("service_name", "shop"),
            ("start_unix_nano", "1700000000000001000"),
            ("end_unix_nano", "1700000000000251000"),
            ("status_code", "2"),
            ("status_message", "out of stock"),
            ("flags", "1"),
        ] {
            assert_eq!(texts(batch, name), [expected], "{format:?} {name}");
        }
        let told = |name| texts(batch, name).concat();
        for (name, expected) in [
            ("attributes", "key: http.path, type: 1, value: /cart"),
            ("attributes", "key: attempt, type: 3, value: -3"),
            ("attributes", "key: share, type: 4, value: 0.5"),
            ("events", "cache miss"),
            ("events", "k1"),
            ("links", "00000000000000080000000000000009"),
            ("links", "follows_from"),
            ("resource", r#"["hostname",1,"web-1"]"#),
            ("scope", "checkout"),
        ] {
            assert!(told(name).contains(expected), "{format:?} {expected} in {}", told(name));
        }
        for name in ["span.kind", "error", "otel."] {
            assert!(!told("attributes").contains(name), "{format:?} {}", told("attributes"));
        }
        assert!(!told("links").contains("0000000000000005"), "the parent is no link");
    }
}

#[test]
fn a_span_of_another_process_than_its_batch_keeps_its_own() {
    let other = Writer::default().text(1, "other");
    let body = batch_of_protobuf(&[span_of_protobuf().message(10, &other), span_of_protobuf()]);
    let decoded = decode_plain(Format::JaegerProtobuf, &body).unwrap();
    let mut services = texts(batch(&decoded, Table::Spans), "service_name");
    services.sort_unstable();
    assert_eq!(services, ["other", "shop"]);
}

#[test]
fn ids_of_64_bits_are_padded() {
    let span = Writer::default()
        .bytes(1, &[9])
        .bytes(2, &[8])
        .message(6, &Writer::default().varint(1, 1_700_000_000));
    let decoded = decode_plain(Format::JaegerProtobuf, &batch_of_protobuf(&[span])).unwrap();
    let spans = batch(&decoded, Table::Spans);
    assert_eq!(texts(spans, "trace_id"), ["00000000000000000000000000000009"]);
    assert_eq!(texts(spans, "parent_span_id"), ["-"]);
}

#[test]
fn a_span_without_ids_is_refused_and_the_rest_kept() {
    let nobody = Structure::new().i64(1, 0).i64(2, 0).i64(3, 3).i64(8, START_US);
    let body = batch_of_thrift([nobody, span_of_thrift()]);
    let decoded: Decoded = decode_plain(Format::JaegerThrift, &body).unwrap();
    assert_eq!((decoded.accepted, refusals(&decoded)), (1, vec![("traceIdInvalid", 1)]));
}

#[test]
fn a_body_that_is_no_batch_is_refused() {
    for (format, body) in both() {
        let error = decode_plain(format, &body[..body.len() / 2]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BodyInvalid, "{error}");
    }
    // A text that says it is far longer than the body.
    let lie = [12, 0, 1, 11, 0, 1, 0x7f, 0xff, 0xff, 0xff];
    let error = decode_plain(Format::JaegerThrift, &lie).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
    // Structures without end inside each other.
    let deep = [12, 0, 9].repeat(100_000);
    let error = decode_plain(Format::JaegerThrift, &deep).unwrap_err();
    assert_eq!(error.code(), ErrorCode::BodyInvalid, "{error}");
}

#[test]
fn damage_is_no_panic() {
    for (format, body) in both() {
        damage_everywhere(format, &body);
    }
}
