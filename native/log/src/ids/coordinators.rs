//! Coordinators: many small owners of numbers instead of one. What is asked is hashed to one of them,
//! and each opens its files when it is first asked.
//!
//! On one node all coordinators are here. In a cluster each node owns some of the numbers for good.

use parking_lot::Mutex;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    counter::{Counter, CounterError, CounterSettings},
    snowflake::{COORDINATORS_MAX, SnowflakeError, SnowflakeIds},
};
use crate::runtime::{Clock, Disk};

/// A fence counts milliseconds: this many are 12 days, then its next file begins.
const FENCE_FILE_BYTES_MAX: u64 = 1 << 30;

/// What coordinators do. The numbers are part of the routing: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum Service {
    /// Times that order what no log orders.
    Timestamp = 1,
    /// Producers' sessions.
    Session = 2,
    /// Ids of transactions.
    Transaction = 3,
    /// Ids of consumer groups.
    Group = 4,
    /// Ids of schemas.
    Schema = 5,
    /// Counters by name.
    Sequence = 6,
}

/// Why a coordinator gives no id.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoordinatorsError {
    /// The setting is out of its bounds.
    #[error("log.coordinator_count = {count} must be 1 to {COORDINATORS_MAX}")]
    Count {
        /// What it is.
        count: u32,
    },
    /// A coordinator's file cannot be used.
    #[error(transparent)]
    Counter(#[from] CounterError),
    /// The coordinator refuses.
    #[error(transparent)]
    Snowflake(#[from] SnowflakeError),
}

/// The coordinators of this node.
pub struct Coordinators {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    count: u32,
    open: Mutex<BTreeMap<u32, Arc<SnowflakeIds>>>,
}

impl Coordinators {
    /// `count` coordinators with their files in `dir`; opens none of them.
    pub fn new(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        dir: PathBuf,
        count: u32,
    ) -> Result<Self, CoordinatorsError> {
        if !(1..=COORDINATORS_MAX).contains(&count) {
            return Err(CoordinatorsError::Count { count });
        }
        Ok(Self { disk, clock, dir, count, open: Mutex::default() })
    }

    /// Who is asked for this service and key: the same at every node that has the same count.
    #[must_use]
    pub fn route(&self, service: Service, key: &[u8]) -> u32 {
        (xxh3_64_with_seed(key, service as u64) % u64::from(self.count)) as u32
    }

    /// An id that no coordinator ever gave, from the one that the key is routed to. Ids of one
    /// coordinator only grow.
    pub fn next_id(&self, service: Service, key: &[u8]) -> Result<u64, CoordinatorsError> {
        Ok(self.opened(self.route(service, key))?.next_id()?)
    }

    /// The id of a new session of this producer (log-core, section 8).
    pub fn open_session(&self, producer: &[u8]) -> Result<u64, CoordinatorsError> {
        self.next_id(Service::Session, producer)
    }

    fn opened(&self, coordinator: u32) -> Result<Arc<SnowflakeIds>, CounterError> {
        let mut open = self.open.lock();
        if let Some(ids) = open.get(&coordinator) {
            return Ok(Arc::clone(ids));
        }
        let settings = CounterSettings { block: 1, file_bytes_max: FENCE_FILE_BYTES_MAX };
        let name = format!("fence-{coordinator:04}");
        let fence = Counter::open(Arc::clone(&self.disk), &self.dir, &name, settings)?;
        let ids = Arc::new(SnowflakeIds::new(coordinator, Arc::clone(&self.clock), fence));
        open.insert(coordinator, Arc::clone(&ids));
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{RealClock, RealDisk};
    use std::{collections::BTreeSet, path::Path};

    fn coordinators(dir: &Path, count: u32) -> Coordinators {
        let clock = Arc::new(RealClock::default());
        Coordinators::new(Arc::new(RealDisk), clock, dir.to_owned(), count).unwrap()
    }

    #[test]
    fn sessions_are_never_given_twice_over_restarts() {
        let home = tempfile::tempdir().unwrap();
        let mut given = BTreeSet::new();
        for _restart in 0..3 {
            let coordinators = coordinators(home.path(), 16);
            for producer in 0..200_u32 {
                let session = coordinators.open_session(&producer.to_le_bytes()).unwrap();
                assert!(given.insert(session), "{session} was given before");
            }
        }
    }

    #[test]
    fn keys_are_spread_over_all_coordinators_and_differently_for_each_service() {
        let home = tempfile::tempdir().unwrap();
        let coordinators = coordinators(home.path(), 8);
        let route = |service| (0..200_u32).map(move |key| (service, key.to_le_bytes()));
        let of = |service| -> Vec<u32> {
            route(service).map(|(service, key)| coordinators.route(service, &key)).collect()
        };
        assert_eq!(of(Service::Session).into_iter().collect::<BTreeSet<_>>().len(), 8);
        assert_ne!(of(Service::Session), of(Service::Schema));
    }

    #[test]
    fn the_count_has_ten_bits() {
        let (disk, clock) = (Arc::new(RealDisk), Arc::new(RealClock::default()));
        let refused = Coordinators::new(disk, clock, PathBuf::new(), 1_025).err().unwrap();
        assert_eq!(refused.to_string(), "log.coordinator_count = 1025 must be 1 to 1024");
    }
}
