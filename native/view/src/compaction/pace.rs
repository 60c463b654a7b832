//! How compaction makes room for appends and queries.

use std::time::{Duration, Instant};

use super::error::CompactError;
use crate::state::Shared;

/// The longest pause at once: a stop is noticed after it.
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// Pauses between pieces of work.
pub(crate) struct Pace<'a> {
    shared: &'a Shared,
    since: Instant,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared, since: Instant::now() }
    }

    /// To be called after each piece: waits while appends are under way, so that compaction keeps to
    /// its share of a core. The error says that it is to stop.
    pub(crate) fn breathe(&mut self) -> Result<(), CompactError> {
        if self.shared.signal.lock().stop {
            return Err(CompactError::Stopped);
        }
        if self.shared.is_busy() {
            let share = f64::from(self.shared.settings.upkeep.cpu_percent_max.clamp(1, 100));
            let pause = self.since.elapsed().mul_f64(100.0 / share - 1.0).min(PAUSE_MAX);
            let mut signal = self.shared.signal.lock();
            let until = Instant::now() + pause;
            while !signal.stop && !self.shared.stopping.wait_until(&mut signal, until).timed_out() {
            }
        }
        self.since = Instant::now();
        Ok(())
    }
}
