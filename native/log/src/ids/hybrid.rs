//! Hybrid time: the clock's milliseconds, merged with the highest time that was seen, and a number that
//! tells events of one millisecond apart (Kulkarni and others, *Logical Physical Clocks*, 2014).
//!
//! Of two events of which one can have known of the other, the later has the higher time. Two that
//! cannot may have the same one. Nothing that safety depends on is ordered by it (log-core, section 9).

use std::{fmt, sync::Arc};

use super::{
    counter::Counter,
    fenced::{Bounds, FencedError, FencedPairs, Pair, SNOWFLAKE_EPOCH_UNIX_MS},
};
use crate::runtime::Clock;

const NUMBER_BITS: u32 = 16;
const EPOCH_MS: u64 = SNOWFLAKE_EPOCH_UNIX_MS.unsigned_abs();
const BOUNDS: Bounds = Bounds {
    numbers_per_ms: 1 << NUMBER_BITS,
    // 48 bits of milliseconds since 1970 last until the year 10889.
    end_ms: (1 << (u64::BITS - NUMBER_BITS)) - EPOCH_MS,
};

/// `[48 milliseconds since 1970 | 16 number]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HybridTime(pub u64);

impl HybridTime {
    /// Milliseconds since 1970.
    #[must_use]
    pub const fn unix_ms(self) -> u64 {
        self.0 >> NUMBER_BITS
    }

    /// Which of its millisecond.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0 & ((1 << NUMBER_BITS) - 1)
    }

    /// `None` for a time before those that are given.
    fn pair(self) -> Option<Pair> {
        Some(Pair { ms: self.unix_ms().checked_sub(EPOCH_MS)?, number: self.number() })
    }
}

impl fmt::Display for HybridTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.unix_ms(), self.number())
    }
}

/// Times of one coordinator, each above all before, over all restarts. Several threads may ask at once.
pub struct HybridTimes {
    pairs: FencedPairs,
}

impl HybridTimes {
    /// Nobody else uses the `fence`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, fence: Counter) -> Self {
        Self { pairs: FencedPairs::new(BOUNDS, clock, fence) }
    }

    /// The time of an event that knows of everything up to `seen`.
    pub fn next(&self, seen: Option<HybridTime>) -> Result<HybridTime, FencedError> {
        let Pair { ms, number } = self.pairs.next(seen.and_then(HybridTime::pair))?;
        Ok(HybridTime(((ms + EPOCH_MS) << NUMBER_BITS) | number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::CounterSettings, runtime::crash_disk::CrashDisk};
    use std::{
        path::Path,
        sync::atomic::{AtomicI64, Ordering},
        time::Duration,
    };

    const NOW_MS: i64 = 1_800_000_000_000;

    struct SetClock(AtomicI64);

    impl Clock for SetClock {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn times(disk: &Arc<CrashDisk>, now_ms: i64) -> (HybridTimes, Arc<SetClock>) {
        let settings = CounterSettings { block: 1, file_bytes_max: 1 << 30 };
        let fence = Counter::open(disk.clone(), Path::new("/ids"), "time", settings).unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(now_ms)));
        (HybridTimes::new(clock.clone(), fence), clock)
    }

    #[test]
    fn a_time_is_the_clocks_and_grows_while_that_stands_or_goes_back() {
        let (times, clock) = times(&Arc::default(), NOW_MS);
        let first = times.next(None).unwrap();
        assert_eq!((first.unix_ms(), first.number()), (NOW_MS.cast_unsigned(), 0));
        clock.0.store(NOW_MS - 5_000, Ordering::Relaxed);
        assert_eq!(times.next(None).unwrap().to_string(), format!("{NOW_MS}.1"));
        clock.0.store(NOW_MS + 1, Ordering::Relaxed);
        assert_eq!(times.next(None).unwrap().to_string(), format!("{}.0", NOW_MS + 1));
    }

    #[test]
    fn what_is_seen_of_others_is_exceeded() {
        let (one, _) = times(&Arc::default(), NOW_MS);
        let (other, _) = times(&Arc::default(), NOW_MS + 4_000);
        let seen = other.next(None).unwrap();
        assert!(one.next(None).unwrap() < seen);
        let answer = one.next(Some(seen)).unwrap();
        assert_eq!(answer.to_string(), format!("{}.1", NOW_MS + 4_000));
        assert!(other.next(Some(answer)).unwrap() > answer);
        let old = HybridTime(7);
        assert!(one.next(Some(old)).unwrap() > answer);
    }

    #[test]
    fn a_time_of_a_clock_far_ahead_is_not_taken_in() {
        let (one, _) = times(&Arc::default(), NOW_MS);
        let (other, _) = times(&Arc::default(), NOW_MS + 10_001);
        let refused = one.next(other.next(None).ok()).unwrap_err();
        assert!(matches!(refused, FencedError::SeenAhead { ahead_ms: 10_001 }), "{refused}");
        assert_eq!(one.next(None).unwrap().unix_ms(), NOW_MS.cast_unsigned());
    }

    #[test]
    fn after_a_restart_times_go_on_above_those_before() {
        let disk = Arc::default();
        let (before, _) = times(&disk, NOW_MS);
        let last = before.next(None).unwrap();
        let (after, _) = times(&Arc::new(disk.after_crash(1)), NOW_MS - 900);
        assert!(after.next(None).unwrap() > last);
    }
}
