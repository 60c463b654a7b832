//! Rows for this crate's own tests.

use varve_columnar::{attributes::AttributeType, builders::LogRow};

/// A line of text of a stream, and nothing else that a line can have.
pub(crate) fn log_row(stream: i32, time_unix_nano: i64, body: &str) -> LogRow<'_> {
    LogRow {
        time_unix_nano,
        stream,
        severity_number: 9,
        severity_text: "INFO",
        body,
        body_type: AttributeType::String,
        ..LogRow::default()
    }
}
