use varve_columnar::{
    attributes::AttributeType,
    builders::{SpanRow, SpansBuilder},
};

use super::*;

fn batch() -> RecordBatch {
    let mut spans = SpansBuilder::default();
    let scope = spans.intern_scope("{}");
    for (at, (service, status)) in [("shop", 500), ("pay", 200)].into_iter().enumerate() {
        let resource = format!(r#"{{"attributes":[["service.name",1,"{service}"]]}}"#);
        let resource = spans.intern_resource(&resource);
        spans.attributes.push("http.status_code", AttributeType::Int, &status.to_string());
        if at == 0 {
            spans.attributes.push("user", AttributeType::String, "ada");
        }
        spans.append(&SpanRow {
            trace_id: [at as u8 + 1; 16],
            span_id: [1; 8],
            name: if at == 0 { "GET /cart" } else { "charge" },
            kind: 2,
            end_unix_nano: 5,
            status_code: if at == 0 { 2 } else { 0 },
            service_name: service,
            resource,
            scope,
            ..SpanRow::default()
        });
    }
    spans.finish().unwrap()
}

fn found(field: SpanField, kind: MatchKind, value: &str, value_type: ValueType) -> Vec<bool> {
    let spans = [SpanMatch { field, kind, value: value.into(), value_type }];
    let told = SpanSelector::compile(&spans).unwrap().matches(&batch()).unwrap();
    told.iter().map(Option::unwrap).collect()
}

#[test]
fn every_field_is_compared_with_its_own_text() {
    let text = ValueType::String;
    let service = || SpanField::Resource { key: "service.name".into() };
    let code = || SpanField::Span { key: "http.status_code".into() };
    let first = [true, false];
    assert_eq!(found(SpanField::TraceId, MatchKind::Equal, &"01".repeat(16), text), first);
    assert_eq!(found(SpanField::Name, MatchKind::Regex, "GET .*", text), first);
    assert_eq!(found(SpanField::Status, MatchKind::Equal, "2", text), first);
    assert_eq!(found(SpanField::Kind, MatchKind::Equal, "2", text), [true, true]);
    assert_eq!(found(service(), MatchKind::Equal, "shop", text), first);
    assert_eq!(found(code(), MatchKind::Equal, "500", ValueType::Int), first);
    assert_eq!(found(code(), MatchKind::Equal, "500", text), [false, false]);
}

#[test]
fn a_span_without_the_attribute_is_not_meant_whatever_is_asked_of_it() {
    let user = || SpanField::Span { key: "user".into() };
    assert_eq!(found(user(), MatchKind::NotEqual, "bob", ValueType::String), [true, false]);
    assert_eq!(found(user(), MatchKind::NotRegex, "a.*", ValueType::String), [false, false]);
}
