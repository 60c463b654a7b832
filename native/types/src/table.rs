//! The logs, and the tables whose batches they carry.

use serde::{Deserialize, Serialize};

/// A log that all tenants share. The numbers are on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u32)]
pub enum LogId {
    /// Log records, routed by tenant and stream.
    Logs = 1,
    /// Spans, routed by tenant and trace id.
    Spans = 2,
    /// Samples, exemplars and metric metadata, routed by tenant and series.
    Samples = 3,
}

impl LogId {
    /// Every log, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Spans, Self::Samples];

    /// The name in settings, paths and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Spans => "spans",
            Self::Samples => "samples",
        }
    }

    /// The log with this number on disk.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|log| *log as u32 == number)
    }
}

/// What one row of a batch is. The numbers are on disk, as the frame header's schema id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u32)]
pub enum Table {
    /// A log record.
    Logs = 1,
    /// A span.
    Spans = 2,
    /// One sample of one series.
    Samples = 3,
    /// Type, help and unit of one metric name; the newest row of a name counts.
    Metadata = 4,
    /// One exemplar of one series.
    Exemplars = 5,
}

impl Table {
    /// Every table, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Logs, Self::Spans, Self::Samples, Self::Metadata, Self::Exemplars];

    /// The name in paths, SQL and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Spans => "spans",
            Self::Samples => "samples",
            Self::Metadata => "metadata",
            Self::Exemplars => "exemplars",
        }
    }

    /// How many units of the table's times a millisecond has: logs and spans have nanoseconds.
    #[must_use]
    pub const fn times_per_ms(self) -> i64 {
        match self {
            Self::Logs | Self::Spans => 1_000_000,
            Self::Samples | Self::Metadata | Self::Exemplars => 1,
        }
    }

    /// The log that carries this table's batches.
    #[must_use]
    pub const fn log(self) -> LogId {
        match self {
            Self::Logs => LogId::Logs,
            Self::Spans => LogId::Spans,
            Self::Samples | Self::Metadata | Self::Exemplars => LogId::Samples,
        }
    }

    /// The table with this schema id.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|table| *table as u32 == number)
    }
}
