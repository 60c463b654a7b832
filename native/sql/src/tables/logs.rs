//! The table `logs`: one row is a log record.

use arrow::datatypes::DataType;
use varve_columnar::schema::dictionary;

use super::{
    BODY, Column, LabelSetPart, Origin, TIME, TRACE_ID, convert, nested, text_map, timestamp,
};

pub(super) fn columns() -> Vec<Column> {
    use LabelSetPart::{Label, Labels, Text};
    use Origin::{LabelSet, Stored};
    vec![
        Column::required(TIME, timestamp(), Stored(&["time_unix_nano"], convert::time_of_ns)),
        Column::tenant(),
        Column::new("service", dictionary(), LabelSet(Label("service_name"))),
        Column::new("level", dictionary(), Stored(&["detected_level"], convert::same)),
        Column::required(BODY, DataType::Utf8, Stored(&["body"], convert::same)),
        Column::new(TRACE_ID, DataType::Utf8, Stored(&["trace_id"], convert::hex)),
        Column::new("span_id", DataType::Utf8, Stored(&["span_id"], convert::hex)),
        Column::required("labels", text_map(), LabelSet(Labels)),
        Column::new("attributes", text_map(), Stored(&["attributes"], nested::attributes)),
        Column::new("resource", text_map(), Stored(&["resource"], nested::shared_attributes)),
        Column::new("severity", dictionary(), Stored(&["severity_text"], convert::same)),
        Column::stored(&["severity_number"], DataType::Int32),
        Column::new(
            "observed_time",
            timestamp(),
            Stored(&["observed_time_unix_nano"], convert::time_of_ns_or_null),
        ),
        Column::stored(&["event_name"], dictionary()),
        Column::stored(&["flags"], DataType::UInt32),
        Column::new("scope_name", dictionary(), Stored(&["scope"], nested::scope_name)),
        Column::new("scope_version", dictionary(), Stored(&["scope"], nested::scope_version)),
        Column::required("stream", DataType::Utf8, LabelSet(Text)),
    ]
}
