use super::*;
use crate::decode::otlp_messages::{LOGS, TRACES};

#[test]
fn keys_may_be_in_either_case_and_unknown_ones_are_ignored() {
    let camel = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"5"}]}]}]}"#;
    let snake = r#"{"x":[{}],"resource_logs":[{"scope_logs":[{"log_records":
        [{"time_unix_nano":5,"y":null}]}],"schemaUrl":null}]}"#;
    assert_eq!(to_protobuf(camel, &LOGS).unwrap(), to_protobuf(snake, &LOGS).unwrap());
}

#[test]
fn nothing_at_all_is_an_empty_message() {
    for body in ["", " \n", "{}", r#"{"resourceLogs":null}"#, r#"{"resourceLogs":[]}"#] {
        assert_eq!(to_protobuf(body, &LOGS).unwrap(), Vec::<u8>::new(), "{body:?}");
    }
}

#[test]
fn numbers_are_taken_as_numbers_and_as_strings() {
    let cases = [
        ("\"18446744073709551615\"", u64::MAX),
        ("1700000000000000000", 1_700_000_000_000_000_000),
        ("1.7e18", 1_700_000_000_000_000_000),
        ("\"-1\"", u64::MAX),
    ];
    for (text, expected) in cases {
        let mut reader = JsonReader::new(text);
        let token = reader.value().unwrap();
        assert_eq!(whole(&reader, &token).unwrap(), expected, "{text}");
    }
}

#[test]
fn enums_are_taken_by_name_and_by_number() {
    let body = |value: &str| {
        let span = format!(r#"{{"kind":{value}}}"#);
        let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
        to_protobuf(&body, &TRACES).unwrap()
    };
    assert_eq!(body("\"SPAN_KIND_SERVER\""), body("2"));
    assert_eq!(body("\"2\""), body("2"));
}

#[test]
fn an_error_names_the_byte() {
    let error = to_protobuf(r#"{"resourceLogs":[7]}"#, &LOGS).unwrap_err();
    assert_eq!(error.to_string(), "expected an object at byte 18");
}
