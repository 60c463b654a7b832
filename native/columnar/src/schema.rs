//! Arrow schemas of the tables, as appended to the log and held in memtables.
//!
//! Texts that many rows share (label sets, resources, scopes, names) are `Dictionary(Int32, Utf8)`
//! columns; one batch holds each distinct text once. Times are `Int64`: nanoseconds since the epoch
//! for logs and spans, milliseconds for samples (Prometheus' resolution).
//!
//! - A *label set* is canonical JSON: one flat object, keys sorted by bytes, no blanks
//!   (`labels::LabelSet`). Its text is the identity of a stream or series, so two sets are the same
//!   exactly if their texts are; nothing can collide.
//! - An *attribute list* is `List<Struct<key: Dictionary(Int32, Utf8), type: UInt8, value: Utf8>>` in
//!   the sender's order; `type` is an [`attributes::AttributeType`] and says how `value` is read back.
//! - *Resource* and *scope* are canonical JSON texts of [`resource::Resource`] and [`resource::Scope`].

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use varve_types::Table;

/// A column of texts that many rows share.
#[must_use]
pub fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The fields of one attribute.
#[must_use]
pub fn attribute_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", dictionary(), false),
        Field::new("type", DataType::UInt8, false),
        Field::new("value", DataType::Utf8, false),
    ])
}

/// A column of attribute lists; null means none.
#[must_use]
pub fn attributes() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(attribute_fields()), false)))
}

/// The fields of one span event (OTLP `Span.Event`).
#[must_use]
pub fn event_fields() -> Fields {
    Fields::from(vec![
        Field::new("time_unix_nano", DataType::Int64, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("attributes", attributes(), true),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
    ])
}

/// The fields of one span link (OTLP `Span.Link`).
#[must_use]
pub fn link_fields() -> Fields {
    Fields::from(vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), false),
        Field::new("span_id", DataType::FixedSizeBinary(8), false),
        Field::new("trace_state", DataType::Utf8, false),
        Field::new("attributes", attributes(), true),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
        Field::new("flags", DataType::UInt32, false),
    ])
}

static LOGS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("time_unix_nano", DataType::Int64, false),
        // 0 = not set.
        Field::new("observed_time_unix_nano", DataType::Int64, false),
        // The stream's label set.
        Field::new("stream", dictionary(), false),
        // OTLP's SeverityNumber; 0 = not set.
        Field::new("severity_number", DataType::Int32, false),
        Field::new("severity_text", dictionary(), true),
        // As Loki would name it (`error`, `warn`, …); null where the sender's own `detected_level`
        // is among the attributes, or level detection is off.
        Field::new("detected_level", dictionary(), true),
        Field::new("body", DataType::Utf8, false),
        // An `attributes::AttributeType`: what the body was before it became text; 0 = no body.
        Field::new("body_type", DataType::UInt8, false),
        Field::new("trace_id", DataType::FixedSizeBinary(16), true),
        Field::new("span_id", DataType::FixedSizeBinary(8), true),
        Field::new("flags", DataType::UInt32, false),
        Field::new("event_name", dictionary(), true),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
        // OTLP: the record's attributes. Loki push: the entry's structured metadata.
        Field::new("attributes", attributes(), true),
        // Null for senders that have none (Loki push, syslog).
        Field::new("resource", dictionary(), true),
        Field::new("scope", dictionary(), true),
    ]))
});

static SPANS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let list_of =
        |fields| DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), false)));
    Arc::new(Schema::new(vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), false),
        Field::new("span_id", DataType::FixedSizeBinary(8), false),
        // Null for a root span.
        Field::new("parent_span_id", DataType::FixedSizeBinary(8), true),
        Field::new("trace_state", DataType::Utf8, true),
        Field::new("name", dictionary(), false),
        // OTLP's SpanKind, 0..=5.
        Field::new("kind", DataType::Int32, false),
        Field::new("start_unix_nano", DataType::Int64, false),
        Field::new("end_unix_nano", DataType::Int64, false),
        // OTLP's StatusCode: 0 unset, 1 ok, 2 error.
        Field::new("status_code", DataType::Int32, false),
        Field::new("status_message", dictionary(), true),
        Field::new("flags", DataType::UInt32, false),
        Field::new("attributes", attributes(), true),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
        Field::new("events", list_of(event_fields()), true),
        Field::new("dropped_events_count", DataType::UInt32, false),
        Field::new("links", list_of(link_fields()), true),
        Field::new("dropped_links_count", DataType::UInt32, false),
        // The resource's `service.name`, for pruning and summaries.
        Field::new("service_name", dictionary(), true),
        Field::new("resource", dictionary(), false),
        Field::new("scope", dictionary(), false),
    ]))
});

static SAMPLES: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        // The series' label set, with `__name__`.
        Field::new("series", dictionary(), false),
        Field::new("time_unix_ms", DataType::Int64, false),
        // Bit-exact; a stale marker is the NaN 0x7ff0000000000002. 0 where `histogram` is set.
        Field::new("value", DataType::Float64, false),
        // A native histogram as `prometheus.Histogram` in protobuf; null for a float sample.
        Field::new("histogram", DataType::Binary, true),
    ]))
});

static METADATA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, false),
        // As Prometheus names types: counter, gauge, histogram, summary, …, unknown.
        Field::new("type", dictionary(), false),
        Field::new("help", DataType::Utf8, false),
        Field::new("unit", DataType::Utf8, false),
    ]))
});

static EXEMPLARS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        // The label set of the series that it is an example of, with `__name__`.
        Field::new("series", dictionary(), false),
        Field::new("time_unix_ms", DataType::Int64, false),
        Field::new("value", DataType::Float64, false),
        // Its own label set: `trace_id` and its like.
        Field::new("labels", DataType::Utf8, false),
    ]))
});

/// The schema of a table's batches.
#[must_use]
pub fn schema_of(table: Table) -> SchemaRef {
    match table {
        Table::Logs => LOGS.clone(),
        Table::Spans => SPANS.clone(),
        Table::Samples => SAMPLES.clone(),
        Table::Metadata => METADATA.clone(),
        Table::Exemplars => EXEMPLARS.clone(),
    }
}
