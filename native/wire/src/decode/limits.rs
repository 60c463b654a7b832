//! What one tenant's bodies and records are held against.

use serde::Deserialize;

/// What is taken; the names are the settings' below `limits`, where their defaults are too.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Of a whole body after decompression.
    pub body_decompressed_max_bytes: usize,
    /// Log records, spans or samples that one body makes.
    pub body_records_max: usize,
    /// Of one log line.
    pub line_max_bytes: usize,
    /// How old a record may be; 0 = any age.
    pub record_max_age_ms: u64,
    /// How far in the future a record may be.
    pub record_max_ahead_ms: u64,
    /// Labels of one stream.
    pub labels_max: usize,
    /// Of a label's name.
    pub label_name_max_bytes: usize,
    /// Of a label's value.
    pub label_value_max_bytes: usize,
    /// Entries of the structured metadata that a Loki push gives one line.
    pub metadata_max_entries: usize,
    /// Of their names and values together.
    pub metadata_max_bytes: usize,
    /// Attributes of one log record or span, labels of one series.
    pub attributes_max: usize,
    /// Of their names and values together.
    pub attributes_max_bytes: usize,
    /// Streams that had a record within `active_window_ms`.
    pub streams_max: usize,
    /// Series that had a sample within `active_window_ms`.
    pub series_max: usize,
    /// How long after its last record a stream or series still counts.
    pub active_window_ms: u64,
    /// Of `streams_max` and `series_max`, the part past which their owner is warned.
    pub soft_percent: usize,
}

impl Limits {
    /// For tests and benches: bounds that nothing which they send reaches, but for lines and times.
    #[must_use]
    pub const fn for_tests(line_max_bytes: usize, record_max_age_ms: u64) -> Self {
        Self {
            body_decompressed_max_bytes: 256 << 20,
            body_records_max: 10_000_000,
            line_max_bytes,
            record_max_age_ms,
            record_max_ahead_ms: 600_000,
            labels_max: 15,
            label_name_max_bytes: 1_024,
            label_value_max_bytes: 2_048,
            metadata_max_entries: 128,
            metadata_max_bytes: 64 << 10,
            attributes_max: 1_000,
            attributes_max_bytes: 1 << 20,
            streams_max: 1_000_000,
            series_max: 1_000_000,
            active_window_ms: 600_000,
            soft_percent: 80,
        }
    }
}
