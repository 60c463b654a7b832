//! Milliseconds with numbers in them, as pairs that only grow: over restarts, and whatever the clock does.
//!
//! A counter on disk is the fence in time: its value is the millisecond through which pairs may have
//! been given. A restart begins above it, whatever the clock says.

use parking_lot::Mutex;
use std::sync::Arc;

use super::counter::{Counter, CounterError};
use crate::runtime::Clock;

/// 2026-01-01T00:00:00Z, from where milliseconds count.
pub const SNOWFLAKE_EPOCH_UNIX_MS: i64 = 1_767_225_600_000;
/// How far pairs may run ahead of the clock.
const AHEAD_MS_MAX: u64 = 10_000;
/// How far the fence is set ahead: one sync a second.
const FENCE_AHEAD_MS: u64 = 1_000;

/// Why no pair is given.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FencedError {
    /// The clock went back a lot, or more was asked for than milliseconds hold.
    #[error(
        "ids are {ahead_ms} ms ahead of the clock, over {AHEAD_MS_MAX}; check this machine's clock, it may have gone back"
    )]
    Ahead {
        /// How far.
        ahead_ms: u64,
    },
    /// What is to be exceeded is of another clock, or this one is behind.
    #[error(
        "the time that came is {ahead_ms} ms ahead of the clock, over {AHEAD_MS_MAX}; check the clocks of this machine and of the one it came from"
    )]
    SeenAhead {
        /// How far.
        ahead_ms: u64,
    },
    /// The bits of the millisecond are used up.
    #[error("the clock is past the year in which these ids end; check this machine's clock")]
    PastTheEnd,
    /// The fence could not be made durable.
    #[error("the fence of ids could not be moved: {0}")]
    Fence(#[from] CounterError),
}

/// A millisecond since [`SNOWFLAKE_EPOCH_UNIX_MS`], and a number in it from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) ms: u64,
    pub(super) number: u64,
}

/// What there is of both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) numbers_per_ms: u64,
    /// The first millisecond that there is not.
    pub(super) end_ms: u64,
}

/// What the generator wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Give(Pair),
    /// Make the fence durable at this millisecond, then ask again.
    MoveFence(u64),
    Ahead(u64),
    PastTheEnd,
}

/// Pairs without clock and disk.
#[derive(Debug)]
struct Generator {
    bounds: Bounds,
    /// What is given next while the clock stands.
    next: Pair,
    /// The first millisecond of which none may be given yet.
    fence_ms: u64,
}

impl Generator {
    /// Begins at the fence that is on disk: before it, pairs may have been given.
    const fn behind(bounds: Bounds, fence_ms: u64) -> Self {
        Self { bounds, next: Pair { ms: fence_ms, number: 0 }, fence_ms }
    }

    /// What is given from now on is above this pair.
    fn exceed(&mut self, seen: Pair) {
        if seen >= self.next {
            self.next = Pair { number: seen.number + 1, ..seen };
        }
    }

    fn step(&mut self, now_ms: u64) -> Step {
        let pair = if now_ms > self.next.ms {
            Pair { ms: now_ms, number: 0 }
        } else if self.next.number < self.bounds.numbers_per_ms {
            // The clock stands or went back: stay, and count on.
            self.next
        } else {
            Pair { ms: self.next.ms.saturating_add(1), number: 0 }
        };
        if pair.ms >= self.bounds.end_ms {
            return Step::PastTheEnd;
        }
        let ahead_ms = pair.ms.saturating_sub(now_ms);
        if ahead_ms > AHEAD_MS_MAX {
            return Step::Ahead(ahead_ms);
        }
        if pair.ms >= self.fence_ms {
            return Step::MoveFence(pair.ms + FENCE_AHEAD_MS);
        }
        self.next = Pair { number: pair.number + 1, ..pair };
        Step::Give(pair)
    }
}

/// See the module. Several threads may ask at once.
pub(super) struct FencedPairs {
    clock: Arc<dyn Clock>,
    fence: Counter,
    generator: Mutex<Generator>,
}

impl FencedPairs {
    /// Nobody else uses the `fence`.
    pub(super) fn new(bounds: Bounds, clock: Arc<dyn Clock>, fence: Counter) -> Self {
        let generator = Mutex::new(Generator::behind(bounds, fence.durable()));
        Self { clock, fence, generator }
    }

    /// A pair above all that were given before, over all restarts, and above `seen`.
    pub(super) fn next(&self, seen: Option<Pair>) -> Result<Pair, FencedError> {
        let mut generator = self.generator.lock();
        if let Some(seen) = seen {
            let ahead_ms = seen.ms.saturating_sub(self.now_ms());
            if ahead_ms > AHEAD_MS_MAX {
                return Err(FencedError::SeenAhead { ahead_ms });
            }
            generator.exceed(seen);
        }
        loop {
            match generator.step(self.now_ms()) {
                Step::Give(pair) => return Ok(pair),
                Step::MoveFence(to_ms) => {
                    self.fence.advance_to(to_ms)?;
                    generator.fence_ms = to_ms;
                }
                Step::Ahead(ahead_ms) => return Err(FencedError::Ahead { ahead_ms }),
                Step::PastTheEnd => return Err(FencedError::PastTheEnd),
            }
        }
    }

    fn now_ms(&self) -> u64 {
        let now_ms = self.clock.now_ms().saturating_sub(SNOWFLAKE_EPOCH_UNIX_MS);
        u64::try_from(now_ms).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds { numbers_per_ms: 8, end_ms: 1 << 41 };

    /// Steps, moving the fence as asked; what is durable of it is in `fence_ms`.
    fn next(pairs: &mut Generator, fence_ms: &mut u64, now_ms: u64) -> Option<Pair> {
        loop {
            match pairs.step(now_ms) {
                Step::Give(pair) => return Some(pair),
                Step::MoveFence(to_ms) => (*fence_ms, pairs.fence_ms) = (to_ms, to_ms),
                Step::Ahead(_) | Step::PastTheEnd => return None,
            }
        }
    }

    proptest! {
        #[test]
        fn pairs_only_grow_over_kills_jumps_of_the_clock_and_what_is_seen(
            runs in prop::collection::vec(
                (0_u64..40_000, 1_u64..3, 1_usize..90, prop::option::of((0_u64..40_000, 0_u64..9))),
                1..12,
            ),
        ) {
            let (mut fence_ms, mut last) = (0, None);
            for (now_ms, readings, asked, seen) in runs {
                let mut pairs = Generator::behind(BOUNDS, fence_ms);
                for reading in 0..readings {
                    let seen = seen.map(|(ms, number)| Pair { ms, number });
                    if let Some(seen) = seen {
                        pairs.exceed(seen);
                    }
                    for _ in 0..asked {
                        let now_ms = now_ms.saturating_sub(reading * 700);
                        let Some(pair) = next(&mut pairs, &mut fence_ms, now_ms) else { break };
                        prop_assert!(last.is_none_or(|last| pair > last), "{pair:?}: {last:?}");
                        prop_assert!(seen.is_none_or(|seen| pair > seen), "{pair:?}: {seen:?}");
                        last = Some(pair);
                    }
                }
            }
        }
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_is_counted_on_in_its_last_millisecond() {
        let (mut pairs, mut fence_ms) = (Generator::behind(BOUNDS, 0), 0);
        let given = [7, 7, 6].map(|now_ms| next(&mut pairs, &mut fence_ms, now_ms));
        assert_eq!(given, [0, 1, 2].map(|number| Some(Pair { ms: 7, number })));
    }

    #[test]
    fn a_full_millisecond_is_followed_by_the_next() {
        let (mut pairs, mut fence_ms) = (Generator::behind(BOUNDS, 0), 0);
        let last = (0..=8).filter_map(|_| next(&mut pairs, &mut fence_ms, 7)).last();
        assert_eq!(last, Some(Pair { ms: 8, number: 0 }));
    }

    #[test]
    fn pairs_over_ten_seconds_ahead_of_the_clock_are_refused() {
        let mut pairs = Generator::behind(BOUNDS, 20_000);
        assert_eq!(pairs.step(9_999), Step::Ahead(10_001));
        assert_eq!(pairs.step(10_000), Step::MoveFence(21_000));
        assert_eq!(Generator::behind(BOUNDS, 0).step(1 << 41), Step::PastTheEnd);
    }
}
