//! Snowflake ids: `[41 ms | 10 coordinator | 13 sequence]`, unsigned. The pair of milliseconds and
//! sequence only grows.
//!
//! A counter on disk is the fence in time: its value is the millisecond through which ids may have
//! been given. A restart begins above it, whatever the clock says.

use parking_lot::Mutex;
use std::sync::Arc;

use super::counter::{Counter, CounterError};
use crate::runtime::Clock;

/// 2026-01-01T00:00:00Z, where the 41 bits begin. They last until 2095.
pub const SNOWFLAKE_EPOCH_UNIX_MS: i64 = 1_767_225_600_000;
/// Ids that one coordinator gives in one millisecond, at most.
pub const IDS_PER_MS: u64 = 1 << SEQUENCE_BITS;
/// Coordinators that an id tells apart.
pub const COORDINATORS_MAX: u32 = 1 << COORDINATOR_BITS;

const SEQUENCE_BITS: u32 = 13;
const COORDINATOR_BITS: u32 = 10;
const MS_BITS: u32 = 41;
/// How far ids may run ahead of the clock.
const AHEAD_MS_MAX: u64 = 10_000;
/// How far the fence is set ahead: one sync a second.
const FENCE_AHEAD_MS: u64 = 1_000;

/// Why no id is given.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnowflakeError {
    /// The clock went back a lot, or more ids were asked for than milliseconds hold.
    #[error(
        "ids are {ahead_ms} ms ahead of the clock, over {AHEAD_MS_MAX}; check this machine's clock, it may have gone back"
    )]
    Ahead {
        /// How far.
        ahead_ms: u64,
    },
    /// The 41 bits are used up.
    #[error("the clock is past the year 2095, where these ids end; check this machine's clock")]
    PastTheEnd,
    /// The fence could not be made durable.
    #[error("the fence of ids could not be moved: {0}")]
    Fence(#[from] CounterError),
}

/// What the generator wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Give this id.
    Give(u64),
    /// Make the fence durable at this millisecond, then ask again.
    MoveFence(u64),
    Ahead(u64),
    PastTheEnd,
}

/// One coordinator's generator, without clock and disk. Milliseconds count from
/// [`SNOWFLAKE_EPOCH_UNIX_MS`].
#[derive(Debug)]
struct Generator {
    coordinator: u64,
    last_ms: u64,
    /// Ids given in `last_ms`.
    used: u64,
    /// The first millisecond of which none may be given yet.
    fence_ms: u64,
}

impl Generator {
    /// Begins at the fence that is on disk: before it, ids may have been given.
    fn behind(coordinator: u32, fence_ms: u64) -> Self {
        let coordinator = u64::from(coordinator % COORDINATORS_MAX);
        Self { coordinator, last_ms: fence_ms, used: 0, fence_ms }
    }

    fn step(&mut self, now_ms: u64) -> Step {
        let (ms, used) = if now_ms > self.last_ms {
            (now_ms, 0)
        } else if self.used < IDS_PER_MS {
            // The clock stands or went back: stay, and count on.
            (self.last_ms, self.used)
        } else {
            (self.last_ms.saturating_add(1), 0)
        };
        if ms >= 1 << MS_BITS {
            return Step::PastTheEnd;
        }
        let ahead_ms = ms.saturating_sub(now_ms);
        if ahead_ms > AHEAD_MS_MAX {
            return Step::Ahead(ahead_ms);
        }
        if ms >= self.fence_ms {
            return Step::MoveFence(ms + FENCE_AHEAD_MS);
        }
        (self.last_ms, self.used) = (ms, used + 1);
        let high = (ms << (COORDINATOR_BITS + SEQUENCE_BITS)) | (self.coordinator << SEQUENCE_BITS);
        Step::Give(high | used)
    }
}

/// Ids of one coordinator. Several threads may ask at once.
pub struct SnowflakeIds {
    clock: Arc<dyn Clock>,
    fence: Counter,
    generator: Mutex<Generator>,
}

impl SnowflakeIds {
    /// Ids of the coordinator with this number, below [`COORDINATORS_MAX`]. Nobody else uses its
    /// `fence`.
    #[must_use]
    pub fn new(coordinator: u32, clock: Arc<dyn Clock>, fence: Counter) -> Self {
        let generator = Mutex::new(Generator::behind(coordinator, fence.durable()));
        Self { clock, fence, generator }
    }

    /// An id that is higher than all that this coordinator gave before, over all restarts.
    pub fn next_id(&self) -> Result<u64, SnowflakeError> {
        let mut generator = self.generator.lock();
        loop {
            let now_ms = self.clock.now_ms().saturating_sub(SNOWFLAKE_EPOCH_UNIX_MS);
            match generator.step(u64::try_from(now_ms).unwrap_or(0)) {
                Step::Give(id) => return Ok(id),
                Step::MoveFence(to_ms) => {
                    self.fence.advance_to(to_ms)?;
                    generator.fence_ms = to_ms;
                }
                Step::Ahead(ahead_ms) => return Err(SnowflakeError::Ahead { ahead_ms }),
                Step::PastTheEnd => return Err(SnowflakeError::PastTheEnd),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Steps, moving the fence as asked; what is durable of it is in `fence_ms`.
    fn next(ids: &mut Generator, fence_ms: &mut u64, now_ms: u64) -> Option<u64> {
        loop {
            match ids.step(now_ms) {
                Step::Give(id) => return Some(id),
                Step::MoveFence(to_ms) => (*fence_ms, ids.fence_ms) = (to_ms, to_ms),
                Step::Ahead(_) | Step::PastTheEnd => return None,
            }
        }
    }

    proptest! {
        #[test]
        fn ids_only_grow_over_kills_and_jumps_of_the_clock(
            runs in prop::collection::vec((0u64..40_000, 1usize..3, 1usize..9_000), 1..12),
        ) {
            let (mut fence_ms, mut last) = (0, None);
            for (now_ms, readings, ids_asked) in runs {
                let mut ids = Generator::behind(3, fence_ms);
                for reading in 0..readings as u64 {
                    for _ in 0..ids_asked {
                        let now_ms = now_ms.saturating_sub(reading * 700);
                        let Some(id) = next(&mut ids, &mut fence_ms, now_ms) else { break };
                        prop_assert!(last.is_none_or(|last| id > last), "{id} after {last:?}");
                        last = Some(id);
                    }
                }
            }
        }

        #[test]
        fn coordinators_never_give_the_same_id(
            a in 0u32..COORDINATORS_MAX, b in 0u32..COORDINATORS_MAX, now_ms in 0u64..1 << 40,
        ) {
            prop_assume!(a != b);
            let first = |coordinator| next(&mut Generator::behind(coordinator, 0), &mut 0, now_ms);
            prop_assert_ne!(first(a), first(b));
        }
    }

    #[test]
    fn an_id_has_its_time_its_coordinator_and_its_place() {
        let (mut ids, mut fence_ms) = (Generator::behind(5, 0), 0);
        assert_eq!(next(&mut ids, &mut fence_ms, 7), Some((7 << 23) | (5 << 13)));
        assert_eq!(next(&mut ids, &mut fence_ms, 7), Some((7 << 23) | (5 << 13) | 1));
        assert_eq!(next(&mut ids, &mut fence_ms, 6), Some((7 << 23) | (5 << 13) | 2));
    }

    #[test]
    fn a_full_millisecond_is_followed_by_the_next() {
        let (mut ids, mut fence_ms) = (Generator::behind(0, 0), 0);
        let last = (0..=IDS_PER_MS).filter_map(|_| next(&mut ids, &mut fence_ms, 7)).last();
        assert_eq!(last, Some(8 << 23));
    }

    #[test]
    fn ids_over_ten_seconds_ahead_of_the_clock_are_refused() {
        let mut ids = Generator::behind(0, 20_000);
        assert_eq!(ids.step(9_999), Step::Ahead(10_001));
        assert_eq!(ids.step(10_000), Step::MoveFence(21_000));
        assert_eq!(Generator::behind(0, 0).step(1 << 41), Step::PastTheEnd);
    }
}
