//! What whoever takes records says to whoever gives them: go on, or stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use super::Source;

/// Credit and cancellation of one subscription.
pub(super) struct Flow {
    /// Below 0 by what the last record went over it.
    credit_bytes: AtomicI64,
    cancelled: AtomicBool,
}

impl Flow {
    pub(super) fn new(credit_bytes: u64) -> Self {
        let flow = Self { credit_bytes: AtomicI64::new(0), cancelled: AtomicBool::new(false) };
        flow.grant(credit_bytes);
        flow
    }

    pub(super) fn has_credit(&self) -> bool {
        self.credit_bytes.load(Ordering::Acquire) > 0
    }

    /// Takes all credit there is, to be given back as far as it was not used.
    pub(super) fn take(&self) -> u64 {
        self.credit_bytes.swap(0, Ordering::AcqRel).max(0).cast_unsigned()
    }

    pub(super) fn grant(&self, bytes: u64) {
        self.give_back(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Gives back what was not used of what was taken, or notes what was used beyond.
    pub(super) fn give_back(&self, bytes: i64) {
        let add = |credit: i64| Some(credit.saturating_add(bytes));
        // Never refused: the new value is always some.
        let _before = self.credit_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }
}

/// Lets other threads grant and cancel while one waits in [`super::Subscription::next`].
#[derive(Clone)]
pub struct SubscriptionHandle {
    pub(super) flow: Arc<Flow>,
    pub(super) source: Arc<dyn Source>,
}

impl SubscriptionHandle {
    /// Lets so many bytes more be given; mostly [`super::Delivery::credit_bytes`] of what has been
    /// dealt with.
    pub fn grant(&self, bytes: u64) {
        self.flow.grant(bytes);
        self.source.news().tell();
    }

    /// Ends the subscription: from now on nothing is given.
    pub fn cancel(&self) {
        self.flow.cancelled.store(true, Ordering::Release);
        self.source.news().tell();
    }
}
