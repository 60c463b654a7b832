//! Rows for this crate's own tests.

use varve_columnar::{attributes::AttributeType, builders::LogRow};

/// A line of text of a stream, and nothing else that a line can have.
pub(crate) const fn log_row(stream: i32, time_unix_nano: i64, body: &str) -> LogRow<'_> {
    LogRow {
        time_unix_nano,
        observed_time_unix_nano: 0,
        stream,
        severity_number: 9,
        severity_text: "INFO",
        detected_level: None,
        body,
        body_type: AttributeType::String,
        trace_id: None,
        span_id: None,
        flags: 0,
        event_name: "",
        dropped_attributes_count: 0,
        resource: None,
        scope: None,
    }
}
