//! The time of day, in the units that rows and requests have.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const NS_PER_MS: i64 = 1_000_000;

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
