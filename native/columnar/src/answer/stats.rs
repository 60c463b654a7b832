//! What a query took.

/// What a query took; the counters follow the pruning order.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueryStats {
    /// Segments that the manifest lists for the tenant and table.
    pub segments_total: u64,
    /// Segments that were opened: those that nothing below left out.
    pub segments_read: u64,
    /// The others.
    pub left_out: SegmentsLeftOut,
    /// Rows looked at.
    pub rows_read: u64,
    /// Bytes of the columns looked at; for log queries, of lines.
    pub bytes_read: u64,
    /// Rows, samples or spans that were in the answer's computation after all filters.
    pub rows_matched: u64,
    /// Rows looked at that were still in memtables.
    pub memtable_rows_read: u64,
    /// Traces evaluated.
    pub traces_read: u64,
    /// Wall time, without the wait.
    pub elapsed_ns: u64,
    /// What the query waited for its turn.
    pub queued_ns: u64,
    /// The most that it held at once of what is counted against its budget of memory; 0 where nobody counts.
    pub memory_peak_bytes: u64,
}

/// Segments that were not opened, by what told that they need not be, in the order in which it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentsLeftOut {
    /// All of their rows are of another time.
    pub by_time: u64,
    /// They have no stream or series that matches.
    pub by_labels: u64,
    /// Their filters of trace ids know none that is looked for.
    pub by_trace_filter: u64,
    /// Their text indexes know of no row.
    pub by_text: u64,
    /// What counts of their rows was still known from an earlier query.
    pub by_kept: u64,
    /// They may have rows, but the answer was whole before it was their turn.
    pub by_limit: u64,
}

impl SegmentsLeftOut {
    /// All of them.
    #[must_use]
    pub fn sum(&self) -> u64 {
        let Self { by_time, by_labels, by_trace_filter, by_text, by_kept, by_limit } = *self;
        by_time + by_labels + by_trace_filter + by_text + by_kept + by_limit
    }
}
