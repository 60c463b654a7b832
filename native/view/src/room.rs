//! Whether memtables take more. While one is sealed another may fill; where that fills too, who sends waits
//! a little for the sealing, and is refused where waiting does not help.

use std::time::{Duration, Instant};

use crate::{error::AppendError, state::Shared};

/// How long memtables may stay full before appends are refused: less than senders wait for an answer (OTLP's
/// exporters 10 s), longer than a memtable takes to be sealed beside full load.
const PATIENCE: Duration = Duration::from_secs(5);

/// When an append finds room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// At once.
    Now,
    /// Once a sealing has made some: until then an append is better held back.
    Soon,
}

/// Since when memtables have been full; `None` while they are not.
#[derive(Default)]
pub(crate) struct FullSince(Option<Instant>);

impl FullSince {
    /// Whether it has been for too long, as of now.
    fn is_stuck(&mut self, is_full: bool, now: Instant) -> bool {
        self.0 = is_full.then(|| self.0.unwrap_or(now));
        self.0.is_some_and(|since| now.saturating_duration_since(since) >= PATIENCE)
    }
}

impl Shared {
    /// Whether an append finds room now, or after some waiting; refuses where waiting is in vain: sealing
    /// fails, or has not made any for a while.
    pub(crate) fn room(&self) -> Result<Room, AppendError> {
        let max_bytes = self.settings.memtable_max_bytes;
        let (bytes, reason) = {
            let state = self.state.read();
            (state.memtables.bytes(), state.seal_error.clone())
        };
        let is_full = bytes > 2 * max_bytes;
        let is_stuck = self.full_since.lock().is_stuck(is_full, Instant::now());
        if is_stuck || (is_full && reason.is_some()) {
            return Err(AppendError::MemtablesFull { bytes, max_bytes, reason });
        }
        Ok(if is_full { Room::Soon } else { Room::Now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memtables_are_stuck_once_they_were_full_for_five_seconds_without_a_break() {
        let begin = Instant::now();
        let mut full = FullSince::default();
        let mut is_stuck =
            |is_full, after_ms| full.is_stuck(is_full, begin + Duration::from_millis(after_ms));
        assert!(!is_stuck(false, 0));
        assert!(!is_stuck(true, 10));
        assert!(!is_stuck(true, 5_009));
        assert!(is_stuck(true, 5_010));
        assert!(!is_stuck(false, 5_020), "there was room");
        assert!(!is_stuck(true, 5_030));
        assert!(!is_stuck(true, 10_000));
        assert!(is_stuck(true, 10_030));
    }
}
