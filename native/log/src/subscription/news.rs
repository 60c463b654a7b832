//! Wakes those who wait for records.

use parking_lot::{Condvar, Mutex};
use std::time::Duration;

/// That something changed: tails, credits, or that the log is closed.
#[derive(Default)]
pub(crate) struct News {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default)]
struct State {
    version: u64,
    closed: bool,
}

impl News {
    /// Tells everybody who waits to look again.
    pub(crate) fn tell(&self) {
        self.state.lock().version += 1;
        self.changed.notify_all();
    }

    /// Whether there will be no more records; whoever waits looks again.
    pub(crate) fn set_closed(&self, closed: bool) {
        let mut state = self.state.lock();
        state.closed = closed;
        state.version += 1;
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Counts what was told. Asked before one looks, so that nothing is missed that is told meanwhile.
    pub(crate) fn version(&self) -> u64 {
        self.state.lock().version
    }

    /// Waits until something is told after `seen`, `wait` at the longest; it may return sooner.
    pub(crate) fn wait_past(&self, seen: u64, wait: Duration) {
        let mut state = self.state.lock();
        if state.version == seen {
            self.changed.wait_for(&mut state, wait);
        }
    }
}
