use super::*;
use crate::answer::Value;
use crate::builders::{LogRow, LogsBuilder};

const TIME: i64 = 1_700_000_000_000_000_000;

fn row(stream: i32) -> LogRow<'static> {
    LogRow {
        time_unix_nano: TIME,
        stream,
        detected_level: Some("info"),
        body: "line",
        body_type: AttributeType::String,
        ..LogRow::default()
    }
}

fn only_row(build: impl FnOnce(&mut LogsBuilder) -> LogRow<'static>) -> String {
    let mut logs = LogsBuilder::default();
    let row = build(&mut logs);
    logs.append(&row);
    LogMetadata::new(&logs.finish().unwrap()).labels(0).to_json()
}

#[test]
fn a_pushed_entry_has_its_own_metadata_and_its_level() {
    let labels = only_row(|logs| {
        logs.attributes.push("user.id", AttributeType::String, "u1");
        logs.attributes.push("empty", AttributeType::String, "");
        row(logs.intern_stream("{}"))
    });
    assert_eq!(labels, r#"{"detected_level":"info","user_id":"u1"}"#);
}

#[test]
fn a_record_shows_its_fields_its_resource_and_its_scope() {
    let labels = only_row(|logs| {
        let resource = Resource {
            attributes: vec![
                ("service.name".into(), 1, "shop".into()),
                ("host.name".into(), 1, "node-1".into()),
            ],
            ..Resource::default()
        };
        let scope = Scope { name: "orders".into(), version: "1.2".into(), ..Scope::default() };
        let resource = logs.intern_resource(&serde_json::to_string(&resource).unwrap());
        let scope = logs.intern_scope(&serde_json::to_string(&scope).unwrap());
        LogRow {
            observed_time_unix_nano: TIME + 1,
            severity_number: 17,
            severity_text: "ERROR",
            detected_level: Some("error"),
            trace_id: Some([0xab; 16]),
            span_id: Some([1; 8]),
            flags: 1,
            event_name: "paid",
            dropped_attributes_count: 2,
            resource: Some(resource),
            scope: Some(scope),
            ..row(logs.intern_stream("{}"))
        }
    });
    assert_eq!(
        labels,
        concat!(
            r#"{"detected_level":"error","dropped_attributes_count":"2","event_name":"paid","#,
            r#""flags":"1","host_name":"node-1","observed_timestamp":"1700000000000000001","#,
            r#""scope_name":"orders","scope_version":"1.2","severity_number":"17","#,
            r#""severity_text":"ERROR","span_id":"0101010101010101","#,
            r#""trace_id":"abababababababababababababababab"}"#
        )
    );
}

#[test]
fn nested_values_are_flattened_and_lists_shown_as_json() {
    let labels = only_row(|logs| {
        let inner = Value::KeyValueList(vec![("inner.key".into(), Value::String("v".into()))]);
        logs.attributes.push_value("nested", &inner);
        let list = Value::Array(vec![Value::String("a".into()), Value::Int(1), Value::Double(2.0)]);
        logs.attributes.push_value("list", &list);
        LogRow { detected_level: None, ..row(logs.intern_stream("{}")) }
    });
    assert_eq!(labels, r#"{"list":"[\"a\",1,2]","nested_inner_key":"v"}"#);
}

#[test]
fn of_a_name_that_comes_twice_the_records_own_value_counts() {
    let mut logs = LogsBuilder::default();
    let attributes = vec![("k".into(), 1, "resource".into())];
    let resource = Resource { attributes, ..Resource::default() };
    let resource = logs.intern_resource(&serde_json::to_string(&resource).unwrap());
    logs.attributes.push("k", AttributeType::String, "own");
    let stream = logs.intern_stream("{}");
    logs.append(&LogRow { resource: Some(resource), ..row(stream) });
    let metadata = LogMetadata::new(&logs.finish().unwrap());
    assert_eq!(metadata.get(0, "k").as_deref(), Some("own"));
    assert_eq!(metadata.get(0, "absent"), None);
}

#[test]
fn a_long_name_above_many_values_is_not_repeated_for_all_of_them() {
    let values = (0..10_000).map(|at| (format!("k{at}"), Value::Int(at))).collect();
    let above = vec![("a".repeat(10_000), Value::KeyValueList(values))];
    let (kind, text) = crate::attributes::encode(&Value::KeyValueList(above));
    let (mut labels, mut bytes) = (0, 0);
    attribute_labels("nested", kind, &text, &mut |name, _| {
        labels += 1;
        bytes += name.len();
    });
    assert!((100..1_000).contains(&labels) && bytes <= 20 * text.len(), "{labels} {bytes}");
}
