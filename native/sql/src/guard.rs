//! Whether a statement may go on, and what it has read so far.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use datafusion::common::DataFusionError;
use varve_columnar::answer::{QueryStats, SegmentsLeftOut};
use varve_query::{CancelToken, QueryError};

use crate::scan::Pruned;

/// Of one statement.
#[derive(Debug)]
pub(crate) struct Guard {
    cancel: CancelToken,
    started: Instant,
    deadline_ms: u32,
    read: Counters,
    /// Why a read failed: DataFusion passes only texts on in some places.
    failure: Mutex<Option<QueryError>>,
}

#[derive(Debug, Default)]
struct Counters {
    segments_total: AtomicU64,
    segments: AtomicU64,
    left_out_by_time: AtomicU64,
    left_out_by_labels: AtomicU64,
    left_out_by_trace_filter: AtomicU64,
    left_out_by_text: AtomicU64,
    rows: AtomicU64,
    memtable_rows: AtomicU64,
    bytes: AtomicU64,
}

impl Guard {
    pub(crate) fn new(cancel: CancelToken, started: Instant, deadline_ms: u32) -> Self {
        let (read, failure) = (Counters::default(), Mutex::new(None));
        Self { cancel, started, deadline_ms, read, failure }
    }

    /// To be asked before each piece of work.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        if self.cancel.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        if self.started.elapsed() >= Duration::from_millis(u64::from(self.deadline_ms)) {
            return Err(QueryError::Timeout { deadline_ms: self.deadline_ms });
        }
        Ok(())
    }

    /// Counts the segments of one table, as one scan sees them.
    pub(crate) fn count_segments(&self, pruned: &Pruned) {
        for (counter, more) in [
            (&self.read.segments_total, pruned.segments),
            (&self.read.segments, pruned.read),
            (&self.read.left_out_by_time, pruned.by_time),
            (&self.read.left_out_by_labels, pruned.by_labels),
            (&self.read.left_out_by_trace_filter, pruned.by_trace_id + pruned.by_value),
            (&self.read.left_out_by_text, pruned.by_text),
        ] {
            counter.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// Counts what was read of a segment, or of memtables.
    pub(crate) fn count_rows(&self, rows: u64, bytes: u64, is_memtable: bool) {
        self.read.rows.fetch_add(rows, Ordering::Relaxed);
        self.read.bytes.fetch_add(bytes, Ordering::Relaxed);
        if is_memtable {
            self.read.memtable_rows.fetch_add(rows, Ordering::Relaxed);
        }
    }

    /// What was read, for an answer of that many rows.
    pub(crate) fn stats(&self, rows_matched: u64) -> QueryStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueryStats {
            segments_total: of(&self.read.segments_total),
            segments_read: of(&self.read.segments),
            left_out: SegmentsLeftOut {
                by_time: of(&self.read.left_out_by_time),
                by_labels: of(&self.read.left_out_by_labels),
                by_trace_filter: of(&self.read.left_out_by_trace_filter),
                by_text: of(&self.read.left_out_by_text),
                by_kept: 0,
                by_limit: 0,
            },
            rows_read: of(&self.read.rows),
            memtable_rows_read: of(&self.read.memtable_rows),
            bytes_read: of(&self.read.bytes),
            rows_matched,
            elapsed_ns: u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX),
            ..QueryStats::default()
        }
    }

    /// Keeps an error of ours, which DataFusion would pass on as a text in some places; the first stays.
    pub(crate) fn keep(&self, error: DataFusionError) -> DataFusionError {
        let DataFusionError::External(error) = error else { return error };
        match error.downcast::<QueryError>() {
            Ok(error) => {
                let text = error.to_string();
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(*error);
                DataFusionError::Execution(text)
            }
            Err(other) => DataFusionError::External(other),
        }
    }

    /// Why reading failed, if it did.
    pub(crate) fn take_failure(&self) -> Option<QueryError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
