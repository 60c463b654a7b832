//! Snowflake ids: `[41 ms | 10 coordinator | 13 sequence]`, unsigned. The pair of milliseconds and
//! sequence only grows.

use std::sync::Arc;

use super::{
    counter::Counter,
    fenced::{Bounds, FencedError, FencedPairs},
};
use crate::runtime::Clock;

/// Ids that one coordinator gives in one millisecond, at most.
pub const IDS_PER_MS: u64 = 1 << SEQUENCE_BITS;
/// Coordinators that an id tells apart.
pub const COORDINATORS_MAX: u32 = 1 << COORDINATOR_BITS;

const SEQUENCE_BITS: u32 = 13;
const COORDINATOR_BITS: u32 = 10;
/// They last until 2095.
const MS_BITS: u32 = 41;
const BOUNDS: Bounds = Bounds { numbers_per_ms: IDS_PER_MS, end_ms: 1 << MS_BITS };

/// Ids of one coordinator. Several threads may ask at once.
pub struct SnowflakeIds {
    coordinator: u64,
    pairs: FencedPairs,
}

impl SnowflakeIds {
    /// Ids of the coordinator with this number, below [`COORDINATORS_MAX`]. Nobody else uses its
    /// `fence`.
    #[must_use]
    pub fn new(coordinator: u32, clock: Arc<dyn Clock>, fence: Counter) -> Self {
        let coordinator = u64::from(coordinator % COORDINATORS_MAX);
        Self { coordinator, pairs: FencedPairs::new(BOUNDS, clock, fence) }
    }

    /// An id that is higher than all that this coordinator gave before, over all restarts.
    pub fn next_id(&self) -> Result<u64, FencedError> {
        let pair = self.pairs.next(None)?;
        let high = (pair.ms << COORDINATOR_BITS) | self.coordinator;
        Ok((high << SEQUENCE_BITS) | pair.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{CounterSettings, SNOWFLAKE_EPOCH_UNIX_MS},
        runtime::crash_disk::CrashDisk,
    };
    use proptest::prelude::*;
    use std::{path::Path, time::Duration};

    /// So many milliseconds after the ids' beginning.
    struct Standing(u64);

    impl Clock for Standing {
        fn now_ms(&self) -> i64 {
            SNOWFLAKE_EPOCH_UNIX_MS + self.0.cast_signed()
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn ids(coordinator: u32, now_ms: u64) -> SnowflakeIds {
        let settings = CounterSettings { block: 1, file_bytes_max: 1 << 30 };
        let disk = Arc::new(CrashDisk::default());
        let fence = Counter::open(disk, Path::new("/ids"), "fence", settings).unwrap();
        SnowflakeIds::new(coordinator, Arc::new(Standing(now_ms)), fence)
    }

    #[test]
    fn an_id_has_its_time_its_coordinator_and_its_place() {
        let ids = ids(5, 7);
        let given = [(); 2].map(|()| ids.next_id().unwrap());
        assert_eq!(given, [(7 << 23) | (5 << 13), (7 << 23) | (5 << 13) | 1]);
    }

    #[test]
    fn a_millisecond_has_8192_of_them() {
        let ids = ids(0, 7);
        let last = (0..=IDS_PER_MS).map(|_| ids.next_id().unwrap()).last();
        assert_eq!(last, Some(8 << 23));
    }

    #[test]
    fn past_the_41_bits_there_are_none() {
        let refused = ids(0, 1 << 41).next_id().unwrap_err();
        assert!(matches!(refused, FencedError::PastTheEnd), "{refused}");
    }

    proptest! {
        #[test]
        fn coordinators_never_give_the_same_id(
            a in 0_u32..COORDINATORS_MAX, b in 0_u32..COORDINATORS_MAX, now_ms in 0_u64..1 << 40,
        ) {
            prop_assume!(a != b);
            prop_assert_ne!(ids(a, now_ms).next_id().unwrap(), ids(b, now_ms).next_id().unwrap());
        }
    }
}
