use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use varve_columnar::answer::{
    Answer, Outcome, QueryStats, ServiceStats, SpanExemplar, SpanSeries, SpanSeriesSet, SpanSet,
    SpanSummary, TagScope, TraceSummary, TypedValue, Value,
};
use varve_types::Table;

use super::{Form, encode};
use crate::decode::{Encoding, Format, Limits, decode};

const LIMITS: Limits = Limits::for_tests(1_000, 0);

fn outcome(answer: Answer) -> Outcome {
    let stats = QueryStats { bytes_read: 4096, ..QueryStats::default() };
    Outcome { answer, warnings: Vec::new(), infos: Vec::new(), stats }
}

fn json_of(outcome: &Outcome, form: Form) -> Json {
    serde_json::from_slice(&encode(outcome, form)).unwrap()
}

/// What a sender's body becomes, as the answer to a look-up by id.
fn stored(format: Format, body: &[u8]) -> Answer {
    let mut decoded = decode(format, Encoding::Identity, body, &LIMITS, i64::MAX).unwrap();
    assert_eq!(decoded.refused, []);
    let (table, batch) = decoded.batches.remove(0);
    assert_eq!(table, Table::Spans);
    Answer::Trace(vec![batch])
}

fn sent() -> Json {
    json!([{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}], "droppedAttributesCount": 1},
        "scopeSpans": [{
            "scope": {"name": "checkout", "version": "1.2", "attributes": [{"key": "on", "value": {"boolValue": false}}]},
            "spans": [{
                "traceId": "CvdlGRbNQ92ESOshHIAxnA==", "spanId": "t60Gmv0Mdos=", "traceState": "a=1",
                "parentSpanId": "AAAAAAAAAAE=", "flags": 257, "name": "POST /pay",
                "kind": "SPAN_KIND_SERVER",
                "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000250000000",
                "attributes": [
                    {"key": "http.status_code", "value": {"intValue": "-500"}},
                    {"key": "ratio", "value": {"doubleValue": 0.5}},
                    {"key": "none", "value": {}},
                    {"key": "raw", "value": {"bytesValue": "AAE="}},
                    {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "0"}]}}},
                    {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": ""}}]}}},
                    {"key": "long", "value": {"stringValue": "l".repeat(300)}},
                ],
                "droppedAttributesCount": 2,
                "events": [{"timeUnixNano": "1700000000000000001", "name": "retry", "attributes": [{"key": "n", "value": {"intValue": "1"}}], "droppedAttributesCount": 3}],
                "droppedEventsCount": 4,
                "links": [{"traceId": "CvdlGRbNQ92ESOshHIAxnA==", "spanId": "t60Gmv0Mdos=", "traceState": "b=2", "attributes": [{"key": "m", "value": {"intValue": "2"}}], "droppedAttributesCount": 5, "flags": 6}],
                "droppedLinksCount": 7,
                "status": {"message": "card refused", "code": "STATUS_CODE_ERROR"},
            }],
            "schemaUrl": "https://scope",
        }],
        "schemaUrl": "https://resource",
    }])
}

/// OTLP's JSON has ids in hexadecimal, Tempo's in base64.
fn sent_as_otlp() -> Vec<u8> {
    let text = json!({ "resourceSpans": sent() }).to_string();
    text.replace("CvdlGRbNQ92ESOshHIAxnA==", "0af7651916cd43dd8448eb211c80319c")
        .replace("t60Gmv0Mdos=", "b7ad069afd0c768b")
        .replace("AAAAAAAAAAE=", "0000000000000001")
        .into_bytes()
}

#[test]
fn a_trace_comes_back_in_json_as_it_was_sent() {
    let answer = outcome(stored(Format::OtlpTracesJson, &sent_as_otlp()));
    assert_eq!(json_of(&answer, Form::V1Json), json!({ "batches": sent() }));
    assert_eq!(
        json_of(&answer, Form::V2Json),
        json!({ "trace": {"resourceSpans": sent()}, "metrics": {"inspectedBytes": "4096"} })
    );
}

#[test]
fn the_protobuf_form_is_what_a_receiver_of_otlp_reads() {
    let answer = outcome(stored(Format::OtlpTracesJson, &sent_as_otlp()));
    let body = encode(&answer, Form::V1Protobuf);
    let again = outcome(stored(Format::OtlpTracesProtobuf, &body));
    assert_eq!(json_of(&again, Form::V1Json), json!({ "batches": sent() }));
}

#[test]
fn a_trace_that_is_not_there_is_an_empty_one_that_is_present() {
    let mut empty = outcome(Answer::Trace(Vec::new()));
    empty.stats = QueryStats::default();
    assert_eq!(encode(&empty, Form::V2Protobuf), [0x0a, 0x00, 0x12, 0x00]);
    assert_eq!(encode(&empty, Form::V2Json), br#"{"trace":{},"metrics":{}}"#);
    assert_eq!(encode(&empty, Form::V1Protobuf), b"");
}

#[test]
fn a_trace_that_is_not_whole_says_why() {
    let mut partial = outcome(Answer::Trace(Vec::new()));
    partial.warnings.push("too large".to_owned());
    let body = json_of(&partial, Form::V2Json);
    assert_eq!((&body["status"], &body["message"]), (&json!("PARTIAL"), &json!("too large")));
    assert!(encode(&partial, Form::V2Protobuf).ends_with(b"\x18\x01\x22\x09too large"));
}

#[test]
fn spans_are_grouped_by_resource_and_scope_and_stand_by_their_start() {
    let span = |id: u8, start: u64| json!({"traceId": format!("{:032x}", 1), "spanId": format!("{id:016x}"), "name": "s", "startTimeUnixNano": start.to_string()});
    let group = |service: &str, spans: Json| json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}, "scopeSpans": [{"scope": {"name": "lib"}, "spans": spans}]});
    let body = json!({"resourceSpans": [
        group("a", json!([span(1, 30)])), group("b", json!([span(2, 5)])), group("a", json!([span(3, 10)])),
    ]});
    let answer = outcome(stored(Format::OtlpTracesJson, body.to_string().as_bytes()));
    let body = json_of(&answer, Form::V1Json);
    let starts = |group: usize| {
        let spans = body["batches"][group]["scopeSpans"][0]["spans"].as_array().unwrap();
        spans.iter().map(|span| span["startTimeUnixNano"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((starts(0), starts(1)), (vec!["10", "30"], vec!["5"]));
    assert_eq!(body["batches"].as_array().unwrap().len(), 2);
}

#[test]
fn a_found_trace_tells_its_first_span_set_twice_and_its_missing_root() {
    let mut trace_id = [0; 16];
    trace_id[1] = 0xa5;
    let span = SpanSummary {
        span_id: [0, 0, 0, 0, 0, 0, 0, 9],
        name: None,
        start_unix_nano: 7,
        duration_ns: 0,
        attributes: vec![("status".to_owned(), Value::String("error".to_owned()))],
    };
    let by = ("by(.n)".to_owned(), Value::Int(1));
    let set = SpanSet { spans: vec![span], matched: 3, attributes: vec![by] };
    let found = outcome(Answer::Traces(vec![TraceSummary {
        trace_id,
        root_service_name: None,
        root_trace_name: None,
        start_unix_nano: 7,
        duration_ms: 0,
        span_sets: vec![set],
        service_stats: BTreeMap::from([(
            "shop".to_owned(),
            ServiceStats { span_count: 4, error_count: 0 },
        )]),
    }]));
    let set = json!({
        "spans": [{"spanID": "0000000000000009", "startTimeUnixNano": "7", "attributes": [{"key": "status", "value": {"stringValue": "error"}}]}],
        "matched": 3,
        "attributes": [{"key": "by(.n)", "value": {"intValue": "1"}}],
    });
    assert_eq!(
        json_of(&found, Form::V2Json),
        json!({
            "traces": [{
                "traceID": "a50000000000000000000000000000", "rootServiceName": "<root span not yet received>",
                "startTimeUnixNano": "7", "spanSet": set, "spanSets": [set],
                "serviceStats": {"shop": {"spanCount": 4}},
            }],
            "metrics": {"inspectedBytes": "4096", "completedJobs": 1, "totalJobs": 1},
        })
    );
}

#[test]
fn a_search_that_finds_nothing_has_an_empty_list() {
    let body = json_of(&outcome(Answer::Traces(Vec::new())), Form::V1Json);
    assert_eq!(body["traces"], json!([]));
}

#[test]
fn series_over_spans_have_typed_labels_and_no_sample_where_there_is_no_value() {
    let exemplar =
        SpanExemplar { trace_id: [0xab; 16], span_id: [1; 8], value: 0.5, time_unix_ms: 4 };
    let set = SpanSeriesSet {
        times_ns: vec![5_000_000, 10_000_000, 15_000_000],
        instant: false,
        series: vec![SpanSeries {
            labels: vec![("p".to_owned(), Value::Double(0.5)), (".n".to_owned(), Value::Int(7))],
            values: vec![0.0, f64::NAN, 2.5],
            exemplars: vec![exemplar],
        }],
    };
    let labels = json!([
        {"key": "p", "value": {"doubleValue": 0.5}}, {"key": ".n", "value": {"intValue": "7"}},
    ]);
    let text = |key: &str, text: &str| json!({"key": key, "value": {"stringValue": text}});
    let ids = [text("trace:id", &"ab".repeat(16)), text("span:id", &"01".repeat(8))];
    let metrics = json!({"inspectedBytes": "4096", "completedJobs": 1, "totalJobs": 1});
    let instant = SpanSeriesSet { series: set.series.clone(), times_ns: vec![1], instant: true };
    assert_eq!(
        json_of(&outcome(Answer::SpanSeries(set)), Form::V1Json),
        json!({
            "series": [{
                "labels": labels,
                "samples": [{"timestampMs": "5", "value": 0}, {"timestampMs": "15", "value": 2.5}],
                "exemplars": [{"labels": ids, "value": 0.5, "timestampMs": "4"}],
            }],
            "metrics": metrics,
        })
    );
    let mut partial = outcome(Answer::SpanSeries(instant));
    partial.warnings.push("series limit of 1 exceeded".to_owned());
    assert_eq!(
        json_of(&partial, Form::V1Json),
        json!({
            "series": [{"labels": labels, "value": 0}], "metrics": metrics,
            "status": "PARTIAL", "message": "series limit of 1 exceeded",
        })
    );
}

#[test]
fn tags_are_scoped_in_version_2_and_one_list_in_version_1() {
    let scope = |scope, tags: &[&str]| TagScope {
        scope,
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
    };
    let (resource, span) = (scope("resource", &["b"]), scope("span", &["a", "b"]));
    let tags = outcome(Answer::Tags(vec![resource, span, scope("intrinsic", &["name"])]));
    let metrics = json!({"inspectedBytes": "4096"});
    assert_eq!(
        json_of(&tags, Form::V2Json),
        json!({"scopes": [{"name": "resource", "tags": ["b"]}, {"name": "span", "tags": ["a", "b"]}, {"name": "intrinsic", "tags": ["name"]}], "metrics": metrics})
    );
    assert_eq!(json_of(&tags, Form::V1Json), json!({"tagNames": ["a", "b"], "metrics": metrics}));
}

#[test]
fn values_are_typed_in_version_2_with_empty_texts_left_out_and_texts_in_version_1() {
    let value = |value: &str, kind| TypedValue { value: value.to_owned(), kind };
    let values = outcome(Answer::TagValues(vec![
        value("", "string"),
        value("7", "int"),
        value("7", "string"),
    ]));
    assert_eq!(
        json_of(&values, Form::V2Json)["tagValues"],
        json!([{"type": "string"}, {"type": "int", "value": "7"}, {"type": "string", "value": "7"}])
    );
    assert_eq!(json_of(&values, Form::V1Json)["tagValues"], json!(["", "7"]));
}
