use proptest::prelude::*;
use varve_columnar::builders::{LogRow, LogsBuilder, SpanRow, SpansBuilder};

use super::*;

const NAMES: [&str; 4] = ["user.id", "order", "span_id", "http.route"];

fn value() -> impl Strategy<Value = Value> {
    let text = || "[a-c]{0,2}".prop_map(Value::String);
    prop_oneof![
        4 => text(),
        1 => any::<i64>().prop_map(Value::Int),
        1 => prop::collection::vec(text(), 0..3).prop_map(Value::Array),
        1 => text().prop_map(|value| Value::KeyValueList(vec![("id".to_owned(), value)])),
    ]
}

/// The attributes of some rows.
fn rows() -> impl Strategy<Value = Vec<Vec<(&'static str, Value)>>> {
    let attribute = (prop::sample::select(NAMES.as_slice()), value());
    prop::collection::vec(prop::collection::vec(attribute, 0..4), 1..20)
}

fn logs(rows: &[Vec<(&'static str, Value)>]) -> RecordBatch {
    let mut builder = LogsBuilder::default();
    for (at, attributes) in rows.iter().enumerate() {
        for (name, value) in attributes {
            builder.attributes.push_value(name, value);
        }
        let stream = builder.intern_stream("{}");
        builder.append(&LogRow {
            time_unix_nano: at as i64,
            stream,
            body_type: AttributeType::String,
            span_id: (at % 2 == 0).then_some([at as u8; 8]),
            ..LogRow::default()
        });
    }
    builder.finish().unwrap()
}

fn spans(rows: &[Vec<(&'static str, Value)>]) -> RecordBatch {
    let mut builder = SpansBuilder::default();
    let scope = builder.intern_scope("{}");
    for (at, attributes) in rows.iter().enumerate() {
        let resource = ("order".to_owned(), 1, format!("of-{at}"));
        let resource = Resource { attributes: vec![resource], ..Resource::default() };
        let resource = builder.intern_resource(&serde_json::to_string(&resource).unwrap());
        for (name, value) in attributes {
            builder.attributes.push_value(name, value);
        }
        builder.append(&SpanRow {
            trace_id: [1; 16],
            span_id: [at as u8; 8],
            kind: 1,
            end_unix_nano: 1,
            resource,
            scope,
            ..SpanRow::default()
        });
    }
    builder.finish().unwrap()
}

fn filter(table: Table, rows: &RecordBatch) -> ValueFilter {
    let mut values = Values::new(table, &NAMES.into_iter().collect());
    values.add(rows);
    values.into_filter()
}

fn has(filter: &ValueFilter, name: &str, value: &str) -> bool {
    FilterKey::of_value(name, value).may_be_in(filter.filter.blocks())
}

/// The texts that a comparison with a text can find.
fn texts_in(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts_in).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_logs_show_as_structured_metadata_is_never_missed(rows in rows()) {
        let batch = logs(&rows);
        let filter = filter(Table::Logs, &batch);
        let metadata = LogMetadata::new(&batch);
        for (at, attributes) in rows.iter().enumerate() {
            metadata.visit(at, &mut |name, value| {
                let is_id = name == "span_id" && value.len() == 16;
                let is_asked = filter.attributes.contains(name) && !is_id;
                assert!(!is_asked || has(&filter, name, value), "{name}={value}");
            });
            for (name, value) in attributes {
                for text in texts_in(value).iter().filter(|_| matches!(value, Value::String(_))) {
                    prop_assert!(has(&filter, &loki_label_name(name).unwrap(), text));
                }
            }
            if at % 2 == 0 {
                prop_assert!(FilterKey::of(&[at as u8; 8]).may_be_in(filter.filter.blocks()));
            }
        }
    }

    #[test]
    fn what_spans_and_their_resources_have_is_never_missed(rows in rows()) {
        let filter = filter(Table::Spans, &spans(&rows));
        for (at, attributes) in rows.iter().enumerate() {
            prop_assert!(FilterKey::of(&[at as u8; 8]).may_be_in(filter.filter.blocks()));
            let order = format!("of-{at}");
            prop_assert!(has(&filter, "order", &order));
            for (name, value) in attributes {
                prop_assert!(texts_in(value).iter().all(|text| has(&filter, name, text)));
            }
        }
    }
}

#[test]
fn logs_are_asked_for_labels_and_spans_for_names_as_they_were_sent() {
    let rows = [vec![("user.id", Value::String("ada".into())), ("other", Value::Int(1))]];
    let (logs, spans) = (logs(&rows), spans(&rows));
    let (of_logs, of_spans) = (filter(Table::Logs, &logs), filter(Table::Spans, &spans));
    let names =
        |filter: &ValueFilter| filter.attributes.iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names(&of_logs), ["http_route", "order", "span_id", "trace_id", "user_id"]);
    assert_eq!(names(&of_spans), ["http.route", "order", "span_id", "user.id"]);
    assert!(has(&of_logs, "user_id", "ada") && has(&of_spans, "user.id", "ada"));
    assert!(!has(&of_logs, "user_id", "eve") && !has(&of_logs, "other", "1"));
}

#[test]
fn of_values_that_are_not_there_one_in_a_hundred_is_told_at_most() {
    let number = |at: u64| FilterKey::of(&at.to_be_bytes());
    let filter = BloomFilter::with_bits((0..100_000).map(number), BITS_PER_VALUE);
    let wrong = (100_000..300_000).filter(|&at| number(at).may_be_in(filter.blocks())).count();
    println!("{} of 100", wrong as f64 / 2_000.0);
    assert!(wrong < 2_000, "{wrong} of 200,000");
}
