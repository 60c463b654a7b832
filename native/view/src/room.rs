//! Whether memtables take more. While one is sealed another may fill; where that fills too, who sends waits
//! a little for the sealing, and is refused where waiting does not help.

use std::time::{Duration, Instant};

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
    pub(crate) fn is_stuck(&mut self, is_full: bool, now: Instant) -> bool {
        self.0 = is_full.then(|| self.0.unwrap_or(now));
        self.0.is_some_and(|since| now.saturating_duration_since(since) >= PATIENCE)
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
