//! Good bodies of every format, from which worse ones are made.

use varve_columnar::protobuf_write::{
    write_bytes, write_double, write_fixed32, write_fixed64, write_varint, write_zigzag,
};
use varve_wire::{
    decode::Format,
    syslog::{Arrived, Packer, Sender},
};

/// The time of most records.
pub(crate) const NOW_NS: i64 = 1_700_000_000_000_000_000;
const NOW_MS: u64 = NOW_NS as u64 / 1_000_000;

const TRACE: &[u8] = b"\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c";
const SPAN: &[u8] = b"\xb7\xad\x6b\x71\x69\x20\x33\x31";

/// How a format is written, so that it can be changed without being broken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Protobuf,
    Json,
    Other,
}

/// Each format with its name, its syntax and some bodies.
pub(crate) fn all() -> Vec<(&'static str, Format, Syntax, Vec<Vec<u8>>)> {
    use Syntax::{Json, Other, Protobuf};
    vec![
        ("OTLP logs", Format::OtlpLogsProtobuf, Protobuf, vec![otlp(&log_record())]),
        ("OTLP logs in JSON", Format::OtlpLogsJson, Json, vec![LOGS_JSON.into()]),
        ("OTLP traces", Format::OtlpTracesProtobuf, Protobuf, vec![otlp(&span())]),
        ("OTLP traces in JSON", Format::OtlpTracesJson, Json, vec![TRACES_JSON.into()]),
        ("OTLP metrics", Format::OtlpMetricsProtobuf, Protobuf, metrics()),
        ("OTLP metrics in JSON", Format::OtlpMetricsJson, Json, vec![METRICS_JSON.into()]),
        ("Loki push", Format::LokiPushProtobuf, Protobuf, vec![loki()]),
        ("Loki push in JSON", Format::LokiPushJson, Json, vec![LOKI_JSON.into(), LOKI_OLD.into()]),
        ("remote write 1.0", Format::RemoteWriteV1, Protobuf, vec![remote_write_v1()]),
        ("remote write 2.0", Format::RemoteWriteV2, Protobuf, vec![remote_write_v2()]),
        ("syslog", Format::Syslog, Other, vec![syslog()]),
        ("Zipkin", Format::ZipkinJson, Json, vec![ZIPKIN_JSON.into()]),
        ("Zipkin in protobuf", Format::ZipkinProtobuf, Protobuf, vec![zipkin()]),
        ("Jaeger in Thrift", Format::JaegerThrift, Other, vec![thrift()]),
        ("Jaeger", Format::JaegerProtobuf, Protobuf, vec![jaeger()]),
        ("Elasticsearch bulk", Format::ElasticBulk, Json, vec![BULK.into()]),
    ]
}

/// A field of a protobuf message.
enum P<'a> {
    V(u32, u64),
    Z(u32, i64),
    F(u32, u64),
    I(u32, u32),
    D(u32, f64),
    T(u32, &'a str),
    B(u32, &'a [u8]),
    M(u32, Vec<P<'a>>),
}

use P::{B, D, F, I, M, T, V, Z};

fn message(fields: &[P<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        match field {
            V(number, value) => write_varint(&mut out, *number, *value),
            Z(number, value) => write_zigzag(&mut out, *number, *value),
            F(number, value) => write_fixed64(&mut out, *number, *value),
            I(number, value) => write_fixed32(&mut out, *number, *value),
            D(number, value) => write_double(&mut out, *number, *value),
            T(number, text) => write_bytes(&mut out, *number, text.as_bytes()),
            B(number, bytes) => write_bytes(&mut out, *number, bytes),
            M(number, fields) => write_bytes(&mut out, *number, &message(fields)),
        }
    }
    out
}

fn zipkin() -> Vec<u8> {
    message(&[M(
        1,
        vec![
            B(1, TRACE),
            B(2, SPAN),
            B(3, SPAN),
            V(4, 2),
            T(5, "get /cart"),
            F(6, NOW_MS * 1_000),
            V(7, 250),
            M(8, vec![T(1, "shop"), B(2, &[10, 0, 0, 1]), V(4, 8_080)]),
            M(9, vec![T(1, "web"), B(3, &[1; 16])]),
            M(10, vec![F(1, NOW_MS * 1_000), T(2, "cache miss")]),
            M(11, vec![T(1, "http.path"), T(2, "/cart")]),
        ],
    )])
}

fn attribute<'a>(number: u32, key: &'a str, value: P<'a>) -> P<'a> {
    M(number, vec![T(1, key), M(2, vec![value])])
}

/// An attribute of each type.
fn attributes(number: u32) -> Vec<P<'static>> {
    vec![
        attribute(number, "http.method", T(1, "GET")),
        attribute(number, "ok", V(2, 1)),
        attribute(number, "n", V(3, u64::MAX)),
        attribute(number, "share", D(4, 0.25)),
        attribute(number, "list", M(5, vec![M(1, vec![T(1, "a")]), M(1, vec![V(3, 1)])])),
        attribute(
            number,
            "map",
            M(6, vec![attribute(1, "inner", M(6, vec![attribute(1, "k", D(4, f64::NAN))]))]),
        ),
        attribute(number, "bytes", B(7, &[0, 255])),
        attribute(number, "level", T(1, "WARN")),
        attribute(number, "empty", T(99, "")),
    ]
}

/// One record of any signal below a resource and a scope.
fn otlp(record: &[u8]) -> Vec<u8> {
    let resource = vec![
        attribute(1, "service.name", T(1, "shop")),
        attribute(1, "service.instance.id", M(6, vec![attribute(1, "a", T(1, "b"))])),
        attribute(1, "host.name", T(1, "h")),
        V(2, 1),
    ];
    let scope = vec![T(1, "lib"), T(2, "1.0"), attribute(3, "team", T(1, "a")), V(4, 2)];
    let scoped = vec![M(1, scope), B(2, record), T(3, "https://schema")];
    message(&[M(1, vec![M(1, resource), M(2, scoped), T(3, "https://schema")])])
}

fn log_record() -> Vec<u8> {
    let mut fields = vec![
        F(1, NOW_NS as u64),
        V(2, 13),
        T(3, "WARN"),
        M(5, vec![T(1, "level=error paid")]),
        V(7, 1),
        I(8, 1),
        B(9, TRACE),
        B(10, SPAN),
        F(11, NOW_NS as u64),
        T(12, "event"),
    ];
    fields.extend(attributes(6));
    message(&fields)
}

fn span() -> Vec<u8> {
    let mut fields = vec![
        B(1, TRACE),
        B(2, SPAN),
        T(3, "a=b"),
        B(4, SPAN),
        T(5, "get"),
        V(6, 2),
        F(7, NOW_NS as u64),
        F(8, NOW_NS as u64 + 5),
        M(11, vec![F(1, NOW_NS as u64), T(2, "miss"), attribute(3, "k", V(3, 1)), V(4, 1)]),
        M(
            13,
            vec![
                B(1, TRACE),
                B(2, SPAN),
                T(3, "a=b"),
                attribute(4, "k", V(3, 1)),
                V(5, 1),
                I(6, 1),
            ],
        ),
        V(10, 1),
        V(12, 1),
        V(14, 1),
        M(15, vec![T(2, "bad"), V(3, 2)]),
        I(16, 257),
    ];
    fields.extend(attributes(9));
    message(&fields)
}

fn metrics() -> Vec<Vec<u8>> {
    let exemplar = |number| {
        let own = vec![F(2, NOW_NS as u64), D(3, 0.5), B(4, SPAN), B(5, TRACE)];
        M(number, own.into_iter().chain([attribute(7, "user", T(1, "u"))]).collect())
    };
    let number = |value| {
        let own = vec![F(2, 1), F(3, NOW_NS as u64), value, V(8, 0), exemplar(5)];
        M(1, own.into_iter().chain(attributes(7)).collect())
    };
    let metric =
        |data: P<'static>| message(&[T(1, "http.server"), T(2, "Help"), T(3, "By/s"), data]);
    let counts: Vec<u8> = [1_u64, 0, 3].iter().flat_map(|count| count.to_le_bytes()).collect();
    let bounds: Vec<u8> = [0.1_f64, 1.0].iter().flat_map(|bound| bound.to_le_bytes()).collect();
    let histogram = vec![
        F(2, 1),
        F(3, NOW_NS as u64),
        F(4, 4),
        D(5, 2.5),
        B(6, counts.leak()),
        B(7, bounds.leak()),
        exemplar(8),
        attribute(9, "k", T(1, "v")),
    ];
    let side = || vec![Z(1, -3), B(2, &[1, 2, 0, 0, 0, 5])];
    let exponential = vec![
        attribute(1, "k", T(1, "v")),
        F(3, NOW_NS as u64),
        F(4, 4),
        D(5, 2.5),
        Z(6, 9),
        F(7, 1),
        M(8, side()),
        M(9, side()),
        exemplar(11),
    ];
    let summary = vec![F(3, NOW_NS as u64), F(4, 4), D(5, 2.5), M(6, vec![D(1, 0.99), D(2, 1.0)])];
    [
        metric(M(5, vec![number(D(4, 1.5))])),
        metric(M(7, vec![number(F(6, 7)), V(2, 2), V(3, 1)])),
        metric(M(9, vec![M(1, histogram), V(2, 2)])),
        metric(M(10, vec![M(1, exponential), V(2, 2)])),
        metric(M(11, vec![M(1, summary)])),
    ]
    .iter()
    .map(|metric| otlp(metric))
    .collect()
}

fn loki() -> Vec<u8> {
    let time = || M(1, vec![V(1, NOW_MS / 1_000), V(2, 5)]);
    let metadata = M(3, vec![T(1, "user"), T(2, "u1")]);
    let entry = M(2, vec![time(), T(2, "level=info paid"), metadata]);
    message(&[M(1, vec![T(1, r#"{app="shop", env="prod"}"#), entry, V(3, 9)])])
}

fn histogram_fields() -> Vec<P<'static>> {
    vec![
        V(1, 4),
        D(3, 2.5),
        Z(4, 1),
        D(5, 1e-128),
        V(6, 1),
        M(11, vec![Z(1, -2), V(2, 2)]),
        B(12, &[2, 4]),
        V(14, 0),
        V(15, NOW_MS),
    ]
}

fn remote_write_v1() -> Vec<u8> {
    let label = |name, value| M(1, vec![T(1, name), T(2, value)]);
    let series = vec![
        label("__name__", "up"),
        label("job", "shop"),
        M(2, vec![D(1, 1.5), V(2, NOW_MS)]),
        M(3, vec![label("trace_id", "0af7"), D(2, 1.0), V(3, NOW_MS)]),
        M(4, histogram_fields()),
    ];
    message(&[M(1, series), M(3, vec![V(1, 1), T(2, "up"), T(4, "Help"), T(5, "s")])])
}

fn remote_write_v2() -> Vec<u8> {
    let custom = vec![
        D(2, 4.0),
        D(3, 2.5),
        Z(4, -53),
        M(11, vec![Z(1, 0), V(2, 1)]),
        D(13, 4.0),
        V(15, NOW_MS),
        D(16, 0.5),
        V(17, 1),
    ];
    let series = vec![
        B(1, &[1, 2, 3, 4]),
        M(2, vec![D(1, 1.5), V(2, NOW_MS), V(3, 1)]),
        M(3, histogram_fields()),
        M(3, custom),
        M(4, vec![B(1, &[5, 6]), D(2, 1.0), V(3, NOW_MS)]),
        M(5, vec![V(1, 1), V(3, 7), V(4, 0)]),
        V(6, 1),
    ];
    let symbols = ["", "__name__", "up", "job", "shop", "trace_id", "0af7", "Help"];
    let symbols = symbols.into_iter().map(|symbol| T(4, symbol));
    message(&symbols.chain([M(5, series)]).collect::<Vec<_>>())
}

fn syslog() -> Vec<u8> {
    let mut packer = Packer::default();
    let sender = Sender { address: "192.0.2.1".into(), name: "router".into() };
    packer.start_section(&sender, NOW_NS);
    for text in [
        r#"<165>1 2023-11-14T22:13:20.5Z web shop 7 ID47 [ex@1 k="v\]" n="1"][z] paid"#,
        "<34>Nov 14 22:13:20 web su[77]: 'su root' failed",
        "<13>*Nov 14 2023 22:13:20.123 CET: %SYS-5-CONFIG: done",
        "no syslog at all",
    ] {
        packer.push(Arrived { bytes: text.as_bytes(), is_truncated: false, is_partial: false });
    }
    packer.take()
}

fn jaeger() -> Vec<u8> {
    let tag = |number, key, value: P<'static>, kind| M(number, vec![T(1, key), V(2, kind), value]);
    let time = || vec![V(1, NOW_MS / 1_000), V(2, 5)];
    let span = vec![
        B(1, TRACE),
        B(2, SPAN),
        T(3, "get"),
        M(4, vec![B(1, TRACE), B(2, &[5]), V(3, 1)]),
        V(5, 1),
        M(6, time()),
        M(7, time()),
        tag(8, "span.kind", T(3, "server"), 0),
        tag(8, "error", V(4, 1), 1),
        tag(8, "share", D(6, 0.5), 3),
        tag(8, "bytes", B(7, &[0, 255]), 4),
        M(9, vec![M(1, time()), tag(2, "event", T(3, "miss"), 0)]),
        M(10, vec![T(1, "other")]),
    ];
    message(&[M(1, vec![M(1, span), M(2, vec![T(1, "shop"), tag(2, "n", V(5, 7), 2)])])])
}

/// Thrift's binary protocol: the type of a field, its id, its value.
fn thrift() -> Vec<u8> {
    let text =
        |id: u8, text: &str| [&[11, 0, id, 0, 0, 0, text.len() as u8], text.as_bytes()].concat();
    let long = |id: u8, value: u64| [&[10, 0, id][..], &value.to_be_bytes()].concat();
    let int = |id: u8, value: u8| vec![8, 0, id, 0, 0, 0, value];
    let list = |id: u8, item: Vec<u8>| [&[15, 0, id, 12, 0, 0, 0, 1][..], &item, &[0]].concat();
    let tag = [text(1, "http.path"), int(2, 0), text(3, "/cart")].concat();
    let reference = [int(1, 1), long(2, 9), long(3, 8), long(4, 7)].concat();
    let event = [long(1, NOW_MS * 1_000), list(2, tag.clone())].concat();
    let span = [
        long(1, 2),
        long(2, 1),
        long(3, 3),
        long(4, 0),
        text(5, "get"),
        list(6, reference),
        int(7, 1),
        long(8, NOW_MS * 1_000),
        long(9, 5),
        list(10, tag.clone()),
        list(11, event),
    ];
    let process = [vec![12, 0, 1], text(1, "shop"), list(2, tag), vec![0]].concat();
    [process, list(2, span.concat()), vec![0]].concat()
}

const LOGS_JSON: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"scope":{"name":"lib"},"logRecords":[{"timeUnixNano":"1700000000000000000","severityNumber":"SEVERITY_NUMBER_WARN","body":{"kvlistValue":{"values":[{"key":"a","value":{"doubleValue":"NaN"}}]}},"traceId":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","attributes":[{"key":"bytes","value":{"bytesValue":"AP8="}},{"key":"list","value":{"arrayValue":{"values":[{"intValue":"1"},{"boolValue":true}]}}}]}]}]}]}"#;

const TRACES_JSON: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0AF7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"get","kind":2,"startTimeUnixNano":1700000000000000000,"endTimeUnixNano":"1700000000000000005","events":[{"name":"miss","timeUnixNano":"1700000000000000001"}],"links":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"}],"status":{"code":"STATUS_CODE_ERROR","message":"bad"}}]}]}]}"#;

const METRICS_JSON: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"host.name","value":{"stringValue":"h"}}]},"scopeMetrics":[{"metrics":[{"name":"n","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"7"}]}},{"name":"d","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1700000000000000000","count":"3","bucketCounts":["1","2"],"explicitBounds":[0.1],"exemplars":[{"asDouble":0.05,"timeUnixNano":"1700000000000000000"}]}]}},{"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1700000000000000000","scale":9,"positive":{"offset":-1,"bucketCounts":["1","1"]}}]}}]}]}]}"#;

const LOKI_JSON: &str = r#"{"streams":[{"stream":{"app":"shop","env":"prod"},"values":[["1700000000000000000","GET /cart 200"],["1700000000500000000","{\"level\":\"error\"}",{"trace_id":"0af7","n":"7"}]]}]}"#;

const LOKI_OLD: &str = r#"{"streams":[{"labels":"{app=\"a\"}","entries":[{"ts":"2023-11-14T22:13:20.5Z","line":"x"}]}]}"#;

const ZIPKIN_JSON: &str = r#"[{"traceId":"463ac35c9f6413ad","id":"a2fb4a1d1a96d312","parentId":"1","name":"get","kind":"SERVER","timestamp":1700000000000001,"duration":250,"localEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1","port":8080},"annotations":[{"timestamp":1700000000000101,"value":"miss"}],"tags":{"error":"out of stock"}}]"#;

const BULK: &str = r#"{"create":{"_index":"logs","_id":"1"}}
{"@timestamp":"2023-11-14T22:13:20Z","message":"paid","log":{"level":"warn"},"service":{"name":"shop"},"trace.id":"0af7651916cd43dd8448eb211c80319c","tags":["a",{"b":null}]}
{"delete":{"_index":"logs","_id":"2"}}
"#;
