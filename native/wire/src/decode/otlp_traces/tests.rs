use super::super::{
    Format,
    test_support::{batch, damage_everywhere, decode_plain, refusals, texts},
};
use super::*;

const SPAN: &str = r#"{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174",
    "parentSpanId":"EEE19B7EC3C1B173","name":"GET /","kind":"SPAN_KIND_SERVER",
    "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000500000000",
    "attributes":[{"key":"http.method","value":{"stringValue":"GET"}}],
    "events":[{"timeUnixNano":"1700000000000000001","name":"retry",
        "attributes":[{"key":"n","value":{"intValue":"1"}}]}],
    "links":[{"traceId":"5B8EFFF798038103D269B633813FC60D","spanId":"EEE19B7EC3C1B175"},
        {"traceId":"12"}],
    "status":{"code":2,"message":"boom"},"traceState":"a=b","flags":1}"#;

fn request(spans: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[
        {{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeSpans":[{{"scope":{{"name":"lib"}},"spans":[{spans}]}}]}}]}}"#
    )
}

fn decoded(spans: &str) -> Decoded {
    decode_plain(Format::OtlpTracesJson, request(spans).as_bytes()).unwrap()
}

#[test]
fn a_span_keeps_all_that_was_sent() {
    let decoded = decoded(SPAN);
    let batch = batch(&decoded, Table::Spans);
    let expected = [
        ("trace_id", "5b8efff798038103d269b633813fc60c"),
        ("span_id", "eee19b7ec3c1b174"),
        ("parent_span_id", "eee19b7ec3c1b173"),
        ("trace_state", "a=b"),
        ("name", "GET /"),
        ("kind", "2"),
        ("start_unix_nano", "1700000000000000000"),
        ("end_unix_nano", "1700000000500000000"),
        ("status_code", "2"),
        ("status_message", "boom"),
        ("flags", "1"),
        ("attributes", "[{key: http.method, type: 1, value: GET}]"),
        (
            "events",
            "[{time_unix_nano: 1700000000000000001, name: retry, \
             attributes: [{key: n, type: 3, value: 1}], dropped_attributes_count: 0}]",
        ),
        (
            "links",
            "[{trace_id: 5b8efff798038103d269b633813fc60d, span_id: eee19b7ec3c1b175, \
             trace_state: , attributes: -, dropped_attributes_count: 0, flags: 0}]",
        ),
        ("service_name", "shop"),
        ("scope", r#"{"name":"lib"}"#),
    ];
    for (column, text) in expected {
        assert_eq!(texts(batch, column), [text], "{column}");
    }
}

#[test]
fn spans_without_proper_ids_are_refused_one_by_one() {
    let spans = [
        SPAN,
        r#"{"traceId":"00000000000000000000000000000000","spanId":"EEE19B7EC3C1B174"}"#,
        r#"{"traceId":"5B8E","spanId":"EEE19B7EC3C1B174","events":[{"name":"lost"}]}"#,
        r#"{"traceId":"5B8EFFF798038103D269B633813FC60C"}"#,
        r#"{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174",
            "parentSpanId":"EE"}"#,
    ];
    let decoded = decoded(&spans.join(","));
    assert_eq!(decoded.accepted, 1);
    assert_eq!(refusals(&decoded), [("traceIdInvalid", 2), ("spanIdInvalid", 2)]);
    assert_eq!(decoded.refused[0].message, "trace id must not be all zeros");
    assert_eq!(decoded.refused[1].message, "span id must be 8 bytes, not 0");
}

#[test]
fn a_span_from_the_future_is_refused_with_its_name() {
    let decoded = decoded(&SPAN.replace("1700000000000000000", "1800000000000000000"));
    assert_eq!(refusals(&decoded), [("tooNew", 1)]);
    assert_eq!(
        decoded.refused[0].message,
        "entry for span 'GET /' of service 'shop' has timestamp too new: \
         2027-01-15T08:00:00Z (limits.record_max_ahead_ms = 600000)"
    );
}

#[test]
fn a_damaged_body_is_refused_or_read_in_part_but_never_panics() {
    damage_everywhere(Format::OtlpTracesJson, request(SPAN).as_bytes());
    let body = super::super::from_json(request(SPAN).as_bytes(), &super::super::TRACES).unwrap();
    damage_everywhere(Format::OtlpTracesProtobuf, &body);
}
