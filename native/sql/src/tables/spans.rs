//! The table `spans`: one row is a span.

use arrow::datatypes::DataType;
use varve_columnar::schema::dictionary;

use super::{Column, Origin, TIME, TRACE_ID, convert, nested, text_map, timestamp};

pub(super) fn columns() -> Vec<Column> {
    use Origin::Stored;
    const START: &[&str] = &["start_unix_nano"];
    const END: &[&str] = &["end_unix_nano"];
    const START_END: &[&str] = &["start_unix_nano", "end_unix_nano"];
    vec![
        Column::required(TIME, timestamp(), Stored(START, convert::time_of_ns)),
        Column::tenant(),
        Column::new("service", dictionary(), Stored(&["service_name"], convert::same)),
        Column::required("name", dictionary(), Stored(&["name"], convert::same)),
        Column::required("duration_ns", DataType::Int64, Stored(START_END, convert::difference)),
        Column::required("kind", dictionary(), Stored(&["kind"], convert::span_kind)),
        Column::required("status", dictionary(), Stored(&["status_code"], convert::span_status)),
        Column::new("status_message", dictionary(), Stored(&["status_message"], convert::same)),
        Column::required(TRACE_ID, DataType::Utf8, Stored(&["trace_id"], convert::hex)),
        Column::required("span_id", DataType::Utf8, Stored(&["span_id"], convert::hex)),
        Column::new("parent_span_id", DataType::Utf8, Stored(&["parent_span_id"], convert::hex)),
        Column::required("end_time", timestamp(), Stored(END, convert::time_of_ns)),
        Column::new("attributes", text_map(), Stored(&["attributes"], nested::attributes)),
        Column::new("resource", text_map(), Stored(&["resource"], nested::shared_attributes)),
        Column::new("events", nested::events_type(), Stored(&["events"], nested::events)),
        Column::new("links", nested::links_type(), Stored(&["links"], nested::links)),
        Column::new("scope_name", dictionary(), Stored(&["scope"], nested::scope_name)),
        Column::new("scope_version", dictionary(), Stored(&["scope"], nested::scope_version)),
        Column::stored(&["trace_state"], DataType::Utf8),
        Column::stored(&["flags"], DataType::UInt32),
    ]
}
