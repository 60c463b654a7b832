use varve_columnar::structured_metadata::LogMetadata;
use varve_types::{ErrorCode, Table};

use super::super::{
    Format,
    test_support::{
        LIMITS, RECEIVED_NS, Writer, batch, damage_everywhere, decode_plain, refusals, texts,
    },
};
use super::*;

/// A request of one resource, one scope and these records, in JSON.
fn request(resource: &str, records: &str) -> String {
    format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{resource}]}},
        "scopeLogs":[{{"scope":{{"name":"s"}},"logRecords":[{records}]}}]}}]}}"#
    )
}

const SHOP: &str = r#"{"key":"service.name","value":{"stringValue":"shop"}},
    {"key":"k8s.pod.name","value":{"stringValue":"p-1"}},
    {"key":"host.name","value":{"stringValue":"h"}}"#;

fn decoded(resource: &str, records: &str) -> Decoded {
    decode_plain(Format::OtlpLogsJson, request(resource, records).as_bytes()).unwrap()
}

fn column(decoded: &Decoded, name: &str) -> Vec<String> {
    texts(batch(decoded, Table::Logs), name)
}

#[test]
fn certain_attributes_of_the_resource_name_the_stream() {
    let decoded = decoded(SHOP, r#"{"timeUnixNano":"1700000000000000000"}"#);
    assert_eq!(column(&decoded, "stream"), [r#"{"k8s_pod_name":"p-1","service_name":"shop"}"#]);
}

#[test]
fn a_resource_without_a_service_name_gets_one_from_another_label_or_unknown() {
    let record = r#"{"timeUnixNano":"1700000000000000000"}"#;
    let container = r#"{"key":"k8s.container.name","value":{"stringValue":"c"}}"#;
    let stream = column(&decoded(container, record), "stream");
    assert_eq!(stream, [r#"{"k8s_container_name":"c","service_name":"c"}"#]);
    assert!(decoded(container, record).is_timed);
    assert_eq!(column(&decoded("", record), "stream"), [r#"{"service_name":"unknown_service"}"#]);
}

#[test]
fn a_record_without_a_time_has_that_of_its_observation_or_of_its_receipt() {
    let records = r#"{"timeUnixNano":1700000000000000000,"observedTimeUnixNano":"1700000000000000005"},
        {"observedTimeUnixNano":"1700000000000000005"},{}"#;
    let decoded = decoded(SHOP, records);
    let times = ["1700000000000000000", "1700000000000000005", "1700000030000000000"];
    assert_eq!(column(&decoded, "time_unix_nano"), times);
    assert_eq!(column(&decoded, "observed_time_unix_nano"), ["1700000000000000005", "0", "0"]);
    assert!(!decoded.is_timed, "the third would be another record an hour later");
}

#[test]
fn a_body_that_is_no_text_is_a_line_of_json_with_sorted_keys() {
    let records = r#"{"body":{"kvlistValue":{"values":[
        {"key":"b","value":{"intValue":"1"}},{"key":"a","value":{"doubleValue":2.5}}]}}},
        {"body":{"boolValue":true}},{"body":{}},{}"#;
    let decoded = decoded(SHOP, records);
    assert_eq!(column(&decoded, "body"), [r#"{"a":2.5,"b":1}"#, "true", "", ""]);
    assert_eq!(column(&decoded, "body_type"), ["7", "2", "0", "0"]);
}

#[test]
fn the_level_comes_from_a_field_then_the_severity_then_the_line() {
    let attribute = |key: &str, value: &str| {
        format!(r#""attributes":[{{"key":"{key}","value":{{"stringValue":"{value}"}}}}]"#)
    };
    let records = [
        format!(r#"{{"severityNumber":9,{}}}"#, attribute("level", "ERR")),
        r#"{"severityNumber":9,"severityText":"Warning"}"#.to_owned(),
        r#"{"severityNumber":"SEVERITY_NUMBER_FATAL2"}"#.to_owned(),
        r#"{"body":{"stringValue":"level=debug"}}"#.to_owned(),
        format!(r#"{{"severityNumber":9,{}}}"#, attribute("detected_level", "WRN")),
    ];
    let decoded = decoded(SHOP, &records.join(","));
    assert_eq!(column(&decoded, "detected_level"), ["error", "warn", "fatal", "debug", "-"]);
    let metadata = LogMetadata::new(batch(&decoded, Table::Logs));
    assert_eq!(metadata.get(4, "detected_level").as_deref(), Some("warn"));
    assert_eq!(metadata.get(0, "host_name").as_deref(), Some("h"));
}

#[test]
fn ids_of_a_wrong_length_cost_their_record_only() {
    let records = r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"B7AD6B7169203331"},
        {"traceId":"0af7"},{"spanId":"zz"},{"traceId":"","spanId":"0000000000000000"}"#;
    let decoded = decoded(SHOP, records);
    let trace_ids = column(&decoded, "trace_id");
    assert_eq!(trace_ids, ["0af7651916cd43dd8448eb211c80319c", "-"]);
    assert_eq!(column(&decoded, "span_id"), ["b7ad6b7169203331", "-"]);
    assert_eq!(refusals(&decoded), [("traceIdInvalid", 1), ("spanIdInvalid", 1)]);
    assert_eq!(decoded.refused[0].message, "trace id must be 16 bytes, not 2");
    assert_eq!(decoded.accepted, 2);
}

#[test]
fn records_outside_the_limits_are_counted_and_their_attributes_forgotten() {
    let attributes = r#""attributes":[{"key":"k","value":{"intValue":"7"}}]"#;
    let long = "x".repeat(LIMITS.line_max_bytes + 1);
    let records = format!(
        r#"{{"timeUnixNano":"1699990000000000000",{attributes}}},
        {{"timeUnixNano":"1700009999000000000",{attributes}}},
        {{"body":{{"stringValue":"{long}"}},{attributes}}},
        {{"body":{{"stringValue":"kept"}},{attributes}}}"#
    );
    let decoded = decoded(SHOP, &records);
    assert_eq!(refusals(&decoded), [("tooOld", 1), ("tooNew", 1), ("lineTooLong", 1)]);
    assert_eq!(column(&decoded, "attributes"), ["[{key: k, type: 3, value: 7}]"]);
    assert_eq!(
        decoded.refused[0].message,
        concat!(
            r#"entry for stream '{k8s_pod_name="p-1", service_name="shop"}' has timestamp too old: "#,
            "2023-11-14T19:26:40Z, oldest acceptable timestamp is: 2023-11-14T21:13:50Z ",
            "(limits.record_max_age_ms = 3600000)"
        )
    );
}

#[test]
fn an_empty_request_is_taken() {
    for body in ["", "{}"] {
        let decoded = decode_plain(Format::OtlpLogsJson, body.as_bytes()).unwrap();
        assert_eq!((decoded.accepted, decoded.batches.len()), (0, 0));
    }
    assert_eq!(decode_plain(Format::OtlpLogsProtobuf, b"").unwrap().accepted, 0);
}

fn protobuf() -> Vec<u8> {
    let text = |text| Writer::default().text(1, text);
    let attribute = |key, value: &Writer| Writer::default().text(1, key).message(2, value);
    let record = Writer::default()
        .fixed64(1, RECEIVED_NS as u64)
        .varint(2, 17)
        .text(3, "ERROR")
        .message(5, &text("a line"))
        .message(6, &attribute("s", &text("v")))
        .message(6, &attribute("d", &Writer::default().double(4, 0.5)))
        .message(6, &attribute("b", &Writer::default().bytes(7, &[1, 2])))
        .message(6, &attribute("n", &Writer::default().varint(3, -3_i64 as u64)))
        .bytes(9, &[7; 16])
        .text(12, "paid");
    let scope = Writer::default().text(1, "lib").text(2, "1");
    let scope_logs = Writer::default().message(2, &record).message(1, &scope).text(3, "url");
    let resource = Writer::default().message(1, &attribute("service.name", &text("shop")));
    let resource_logs = Writer::default().message(2, &scope_logs).message(1, &resource);
    Writer::default().message(1, &resource_logs).0
}

#[test]
fn fields_may_come_in_any_order() {
    let decoded = decode_plain(Format::OtlpLogsProtobuf, &protobuf()).unwrap();
    assert_eq!(column(&decoded, "stream"), [r#"{"service_name":"shop"}"#]);
    assert_eq!(column(&decoded, "scope"), [r#"{"name":"lib","version":"1","schemaUrl":"url"}"#]);
    let attributes = "[{key: s, type: 1, value: v}, {key: d, type: 4, value: 0.5}, \
                      {key: b, type: 5, value: AQI=}, {key: n, type: 3, value: -3}]";
    assert_eq!(column(&decoded, "attributes"), [attributes]);
}

#[test]
fn a_damaged_body_is_refused_or_read_in_part_but_never_panics() {
    damage_everywhere(Format::OtlpLogsProtobuf, &protobuf());
    let record = r#"{"traceId":"0af7","body":{"stringValue":"aé\n"},"severityNumber":"x"}"#;
    damage_everywhere(Format::OtlpLogsJson, request(SHOP, record).as_bytes());
}

#[test]
fn an_error_names_the_message_and_the_byte() {
    let body = &protobuf()[..40];
    let error = decode_plain(Format::OtlpLogsProtobuf, body).unwrap_err();
    assert_eq!(error.code(), ErrorCode::BodyInvalid);
    assert_eq!(
        error.to_string(),
        format!("body is not {MESSAGE}: a field that is longer than what holds it at byte 3")
    );
}

#[test]
fn values_nested_without_end_are_refused() {
    let mut value = Writer::default().text(1, "deep");
    for _ in 0..1_000 {
        value = Writer::default().message(5, &Writer::default().message(1, &value));
    }
    let record = Writer::default().message(5, &value);
    let scope_logs = Writer::default().message(2, &record);
    let body = Writer::default().message(1, &Writer::default().message(2, &scope_logs)).0;
    let error = decode_plain(Format::OtlpLogsProtobuf, &body).unwrap_err();
    assert!(error.to_string().contains("values nested too deeply"), "{error}");
}
