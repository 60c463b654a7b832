//! Time, as the log may ask for it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::protocol::Now;

/// Tells the time. Nothing that safety depends on is ordered by it.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64;

    /// Time since some fixed instant; never goes back. For measuring only.
    fn elapsed(&self) -> Duration;
}

impl From<&dyn Clock> for Now {
    fn from(clock: &dyn Clock) -> Self {
        Self { wall_ms: clock.now_ms(), elapsed_ms: clock.elapsed().as_millis() as u64 }
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct RealClock {
    started: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the real clock")]
impl Default for RealClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the real clock")]
impl Clock for RealClock {
    fn now_ms(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
    }

    fn elapsed(&self) -> Duration {
        Instant::now().duration_since(self.started)
    }
}
