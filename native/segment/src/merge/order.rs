//! What rows are merged by.

use varve_types::Table;

/// Which table's rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Logs,
    Spans,
    Exemplars,
}

impl Rows {
    pub(super) const fn table(self) -> Table {
        match self {
            Self::Logs => Table::Logs,
            Self::Spans => Table::Spans,
            Self::Exemplars => Table::Exemplars,
        }
    }

    pub(super) const fn time_column(self) -> &'static str {
        match self {
            Self::Logs => "time_unix_nano",
            Self::Spans => "start_unix_nano",
            Self::Exemplars => "time_unix_ms",
        }
    }

    /// The column of label sets; the directory knows which row has which.
    pub(super) const fn label_column(self) -> Option<&'static str> {
        match self {
            Self::Logs => Some("stream"),
            Self::Spans => None,
            Self::Exemplars => Some("series"),
        }
    }
}

/// A row's place among all. The fields' order is the segments' order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Rank of its stream, or its trace id.
    pub(super) group: u128,
    pub(super) time: i64,
    pub(super) partition: u32,
    pub(super) epoch: u32,
    pub(super) offset: u64,
    pub(super) row: u32,
}
