use super::*;
use crate::{
    attributes::AttributeType,
    builders::{EventRow, SampleRow, SamplesBuilder, SpanRow, SpansBuilder},
};

fn spans() -> RecordBatch {
    let mut spans = SpansBuilder::default();
    let resource = spans.intern_resource("{}");
    let scope = spans.intern_scope("{}");
    for number in 0..10_u8 {
        spans.attributes.push("http.method", AttributeType::String, "GET");
        spans.event_attributes.push("k", AttributeType::Int, "7");
        let event = EventRow { time_unix_nano: 5, name: "retry", dropped_attributes_count: 0 };
        spans.push_event(&event);
        if number == 3 {
            spans.drop_row();
            continue;
        }
        spans.append(&SpanRow {
            trace_id: [number; 16],
            span_id: [number; 8],
            parent_span_id: (number > 5).then_some([1; 8]),
            name: "GET /",
            kind: 2,
            start_unix_nano: 1,
            end_unix_nano: 2,
            service_name: "shop",
            resource,
            scope,
            ..SpanRow::default()
        });
    }
    spans.finish().unwrap()
}

#[test]
fn a_batch_is_given_back_without_its_schema_in_the_payload() {
    let batch = spans();
    assert_eq!(batch.num_rows(), 9);
    let payload = encode(Table::Spans, &batch).unwrap();
    assert!(!payload.windows(12).any(|bytes| bytes == b"service_name"));
    assert_eq!(decode(Table::Spans, payload).unwrap(), batch);
}

#[test]
fn samples_keep_the_bits_of_their_values() {
    let mut samples = SamplesBuilder::default();
    let series = samples.intern_series(r#"{"__name__":"up"}"#);
    let value = f64::from_bits(0x7ff0_0000_0000_0002);
    samples.append(&SampleRow { series, time_unix_ms: 1, value, histogram: None });
    let payload = encode(Table::Samples, &samples.finish().unwrap()).unwrap();
    let batch = decode(Table::Samples, payload).unwrap();
    let column = batch.column_by_name("value").unwrap();
    let values = arrow::array::cast::as_primitive_array::<arrow::datatypes::Float64Type>(column);
    assert_eq!(values.value(0).to_bits(), 0x7ff0_0000_0000_0002);
}

#[test]
fn a_payload_that_was_cut_is_refused() {
    let payload = encode(Table::Spans, &spans()).unwrap();
    for length in [0, 8, payload.len() / 2, payload.len() - 16] {
        assert!(decode(Table::Spans, payload.slice(..length)).is_err(), "{length}");
    }
}
