//! What a query may cost, and whether someone still waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{error::QueryError, plan};

/// Says from another thread that nobody waits for the answer any more. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Ends the query at its next batch.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts what one query holds, from all of its threads.
pub(crate) struct BudgetTracker {
    cancel: CancelToken,
    deadline: Instant,
    limits: plan::Budget,
    memory_bytes: AtomicU64,
    memory_peak_bytes: AtomicU64,
    series: AtomicU64,
    samples: AtomicU64,
}

impl BudgetTracker {
    /// A tracker of a query that started then.
    pub(crate) fn start(limits: &plan::Budget, cancel: &CancelToken, started: Instant) -> Self {
        Self {
            cancel: cancel.clone(),
            deadline: started + Duration::from_millis(u64::from(limits.deadline_ms)),
            limits: limits.clone(),
            memory_bytes: AtomicU64::new(0),
            memory_peak_bytes: AtomicU64::new(0),
            series: AtomicU64::new(0),
            samples: AtomicU64::new(0),
        }
    }

    /// To be asked once per batch: whether to go on.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        if self.cancel.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        if Instant::now() >= self.deadline {
            return Err(QueryError::Timeout { deadline_ms: self.limits.deadline_ms });
        }
        Ok(())
    }

    /// Says that the query holds `bytes` more.
    pub(crate) fn charge(&self, bytes: u64) -> Result<(), QueryError> {
        let limit = self.limits.memory_max_bytes;
        let held = self.memory_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.memory_peak_bytes.fetch_max(held, Ordering::Relaxed);
        within(held, limit, "bytes of memory", "query.memory_max_bytes")
    }

    /// The most that was held at once.
    pub(crate) fn memory_peak_bytes(&self) -> u64 {
        self.memory_peak_bytes.load(Ordering::Relaxed)
    }

    /// Says that the query let go of `bytes` that it had charged.
    pub(crate) fn release(&self, bytes: u64) {
        let before = self.memory_bytes.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "released {bytes} bytes of {before} charged");
    }

    /// Says that the query holds `count` more series (or streams, or traces under evaluation).
    pub(crate) fn add_series(&self, count: u64) -> Result<(), QueryError> {
        let limit = u64::from(self.limits.series_max);
        add(&self.series, count, limit, "series", "query.series_max")
    }

    /// Whether the query may hold `count` more series; they are not counted yet.
    pub(crate) fn allow_series(&self, count: u64) -> Result<(), QueryError> {
        let limit = u64::from(self.limits.series_max);
        let (what, setting) = ("series", "query.series_max");
        let held = self.series.load(Ordering::Relaxed).saturating_add(count);
        within(held, limit, what, setting)
    }

    /// Says that the query loaded `count` more samples.
    pub(crate) fn add_samples(&self, count: u64) -> Result<(), QueryError> {
        add(&self.samples, count, self.limits.samples_max, "samples", "query.samples_max")
    }
}

/// Memory that the query is charged for until this is dropped.
pub(crate) struct Held<'a> {
    budget: &'a BudgetTracker,
    bytes: u64,
}

impl<'a> Held<'a> {
    /// Charges the query.
    pub(crate) fn charge(budget: &'a BudgetTracker, bytes: u64) -> Result<Self, QueryError> {
        budget.charge(bytes)?;
        Ok(Self { budget, bytes })
    }

    /// Charges it for what there is now, if that is more.
    pub(crate) fn grow_to(&mut self, bytes: u64) -> Result<(), QueryError> {
        if bytes > self.bytes {
            self.budget.charge(bytes - self.bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}

fn add(
    counter: &AtomicU64,
    more: u64,
    limit: u64,
    what: &'static str,
    setting: &'static str,
) -> Result<(), QueryError> {
    let held = counter.fetch_add(more, Ordering::Relaxed).saturating_add(more);
    within(held, limit, what, setting)
}

fn within(
    held: u64,
    limit: u64,
    what: &'static str,
    setting: &'static str,
) -> Result<(), QueryError> {
    if held > limit { Err(QueryError::Budget { what, limit, setting }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker(cancel: &CancelToken) -> BudgetTracker {
        let limits = plan::Budget {
            deadline_ms: 60_000,
            memory_max_bytes: 100,
            series_max: 2,
            samples_max: 10,
        };
        BudgetTracker::start(&limits, cancel, Instant::now())
    }

    #[test]
    fn memory_that_was_released_can_be_charged_again() {
        let budget = tracker(&CancelToken::default());
        budget.charge(100).unwrap();
        budget.release(60);
        budget.charge(60).unwrap();
        budget.release(90);
        assert_eq!(budget.memory_peak_bytes(), 100);
    }

    #[test]
    fn the_error_names_the_limit_and_its_setting() {
        let error = tracker(&CancelToken::default()).add_series(3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "maximum of series (2) reached for a single query; narrow it or raise query.series_max"
        );
        assert_eq!(error.code(), varve_types::ErrorCode::QueryBudget);
    }

    #[test]
    fn a_cancelled_query_gives_up() {
        let cancel = CancelToken::default();
        let budget = tracker(&cancel);
        budget.check().unwrap();
        cancel.cancel();
        assert!(matches!(budget.check(), Err(QueryError::Cancelled)));
    }

    #[test]
    fn a_query_past_its_deadline_gives_up() {
        let limits =
            plan::Budget { deadline_ms: 0, memory_max_bytes: 0, series_max: 0, samples_max: 0 };
        let budget = BudgetTracker::start(&limits, &CancelToken::default(), Instant::now());
        assert!(matches!(budget.check(), Err(QueryError::Timeout { deadline_ms: 0 })));
    }
}
