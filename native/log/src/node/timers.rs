//! When machines want to be woken.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
    time::Duration,
};
use varve_types::PartitionId;

use crate::{protocol::Timer, runtime::Clock};

/// A timer that ran out.
pub(super) struct Due {
    pub(super) partition: PartitionId,
    pub(super) timer: Timer,
}

/// Timers by when they run out, in the order in which they were set.
pub(super) struct Timers {
    clock: Arc<dyn Clock>,
    order: BinaryHeap<Reverse<(Duration, u64)>>,
    set: BTreeMap<u64, Due>,
    numbers: u64,
}

impl Timers {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, order: BinaryHeap::new(), set: BTreeMap::new(), numbers: 0 }
    }

    pub(super) fn set(&mut self, in_ms: u64, partition: PartitionId, timer: Timer) {
        let at = self.clock.elapsed() + Duration::from_millis(in_ms);
        self.numbers += 1;
        self.order.push(Reverse((at, self.numbers)));
        self.set.insert(self.numbers, Due { partition, timer });
    }

    /// How long until the next one runs out; `None` if none is set.
    pub(super) fn wait(&self) -> Option<Duration> {
        let Reverse((at, _)) = self.order.peek()?;
        Some(at.saturating_sub(self.clock.elapsed()))
    }

    /// Takes out one that has run out.
    pub(super) fn next_due(&mut self) -> Option<Due> {
        let Reverse((at, _)) = self.order.peek()?;
        if *at > self.clock.elapsed() {
            return None;
        }
        let Reverse((_, number)) = self.order.pop()?;
        self.set.remove(&number)
    }
}
