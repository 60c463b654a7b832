//! Coordinators: many small owners of numbers instead of one. What is asked is hashed to one of them,
//! and each opens its files when it is first asked.
//!
//! On one node all coordinators are here. In a cluster each node owns some of the numbers for good.

use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::PathBuf,
    sync::Arc,
};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    counter::{Counter, CounterError, CounterSettings},
    fenced::FencedError,
    hybrid::{HybridTime, HybridTimes},
    snowflake::{COORDINATORS_MAX, SnowflakeIds},
};
use crate::runtime::{Clock, Disk};

/// A fence counts milliseconds: this many are 12 days, then its next file begins.
const FENCE: CounterSettings = CounterSettings { block: 1, file_bytes_max: 1 << 30 };
/// A sync for so many values; a crash skips those of them that were not taken. Files of a TiB are
/// below what any file system in use takes.
const SEQUENCE: CounterSettings = CounterSettings { block: 1_000, file_bytes_max: 1 << 40 };
/// The most sequences that may be open at once. Each has a file open.
pub const SEQUENCES_MAX: usize = 1_000;
/// The longest name of a sequence, in bytes.
const SEQUENCE_NAME_MAX_BYTES: usize = 64;

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

/// Why a coordinator gives no number.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoordinatorsError {
    /// The setting is out of its bounds.
    #[error("log.coordinator_count = {count} must be 1 to {COORDINATORS_MAX}")]
    Count {
        /// What it is.
        count: u32,
    },
    /// Not a name.
    #[error(
        "'{name}' names no sequence: 1 to {SEQUENCE_NAME_MAX_BYTES} letters, digits, '_', '-' are allowed"
    )]
    Name {
        /// As it came.
        name: String,
    },
    /// There are too many.
    #[error("{SEQUENCES_MAX} sequences are open already; use fewer names")]
    TooManySequences,
    /// A coordinator's file cannot be used.
    #[error(transparent)]
    Counter(#[from] CounterError),
    /// The coordinator refuses.
    #[error(transparent)]
    Fenced(#[from] FencedError),
}

/// The coordinators of this node.
pub struct Coordinators {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    count: u32,
    ids: Opened<u32, SnowflakeIds>,
    times: Opened<u32, HybridTimes>,
    sequences: Opened<String, Counter>,
}

/// What has been asked for since the start.
type Opened<K, T> = Mutex<BTreeMap<K, Arc<T>>>;

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
        let (ids, times, sequences) = (Mutex::default(), Mutex::default(), Mutex::default());
        Ok(Self { disk, clock, dir, count, ids, times, sequences })
    }

    /// Who is asked for this service and key: the same at every node that has the same count.
    #[must_use]
    pub fn route(&self, service: Service, key: &[u8]) -> u32 {
        (xxh3_64_with_seed(key, service as u64) % u64::from(self.count)) as u32
    }

    /// The id of a new session of this producer (log-core, section 8).
    pub fn open_session(&self, producer: &[u8]) -> Result<u64, CoordinatorsError> {
        self.next_id(Service::Session, producer)
    }

    /// The id of a new transaction of this client. It says which coordinator gave it, and when.
    pub fn begin_transaction(&self, client: &[u8]) -> Result<u64, CoordinatorsError> {
        self.next_id(Service::Transaction, client)
    }

    /// The id of a new group of consumers with this name.
    pub fn new_group(&self, name: &[u8]) -> Result<u64, CoordinatorsError> {
        self.next_id(Service::Group, name)
    }

    /// The id of a new schema with this name.
    pub fn new_schema(&self, name: &[u8]) -> Result<u64, CoordinatorsError> {
        self.next_id(Service::Schema, name)
    }

    /// The time of an event that this key is about, and that knows of everything up to `seen`. Times of
    /// one key only grow.
    pub fn timestamp(
        &self,
        key: &[u8],
        seen: Option<HybridTime>,
    ) -> Result<HybridTime, CoordinatorsError> {
        let coordinator = self.route(Service::Timestamp, key);
        let times = opened(&self.times, coordinator, || {
            let fence = self.counter(&format!("time-{coordinator:04}"), FENCE)?;
            Ok(HybridTimes::new(Arc::clone(&self.clock), fence))
        })?;
        Ok(times.next(seen)?)
    }

    /// Takes `count` values of the sequence with this name, which begins at 0, and gives the first; the
    /// others follow it without a gap. No value is given twice; a crash skips up to a thousand.
    pub fn take(&self, sequence: &str, count: u64) -> Result<u64, CoordinatorsError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let length = 1..=SEQUENCE_NAME_MAX_BYTES;
        if !length.contains(&sequence.len()) || !sequence.bytes().all(is_allowed) {
            return Err(CoordinatorsError::Name { name: sequence.to_owned() });
        }
        {
            let open = self.sequences.lock();
            if open.len() >= SEQUENCES_MAX && !open.contains_key(sequence) {
                return Err(CoordinatorsError::TooManySequences);
            }
        }
        let coordinator = self.route(Service::Sequence, sequence.as_bytes());
        let counter = opened(&self.sequences, sequence.to_owned(), || {
            self.counter(&format!("sequence-{coordinator:04}-{sequence}"), SEQUENCE)
        })?;
        Ok(counter.take(count)?)
    }

    /// An id that no coordinator ever gave, from the one that the key is routed to. Ids of one
    /// coordinator only grow.
    fn next_id(&self, service: Service, key: &[u8]) -> Result<u64, CoordinatorsError> {
        let coordinator = self.route(service, key);
        let ids = opened(&self.ids, coordinator, || {
            let fence = self.counter(&format!("fence-{coordinator:04}"), FENCE)?;
            Ok(SnowflakeIds::new(coordinator, Arc::clone(&self.clock), fence))
        })?;
        Ok(ids.next_id()?)
    }

    fn counter(&self, name: &str, settings: CounterSettings) -> Result<Counter, CounterError> {
        Counter::open(Arc::clone(&self.disk), &self.dir, name, settings)
    }
}

/// What is open by this key; `open` is called by the first who asks, while the others wait.
fn opened<K: Ord, T>(
    all: &Opened<K, T>,
    key: K,
    open: impl FnOnce() -> Result<T, CounterError>,
) -> Result<Arc<T>, CounterError> {
    match all.lock().entry(key) {
        Entry::Occupied(entry) => Ok(Arc::clone(entry.get())),
        Entry::Vacant(entry) => Ok(Arc::clone(entry.insert(Arc::new(open()?)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{RealClock, RealDisk, crash_disk::CrashDisk};
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
    fn ids_of_different_services_are_never_the_same() {
        let home = tempfile::tempdir().unwrap();
        let coordinators = coordinators(home.path(), 2);
        let mut given = BTreeSet::new();
        for key in 0..50_u32 {
            let key = key.to_le_bytes();
            let ids = [
                coordinators.open_session(&key),
                coordinators.begin_transaction(&key),
                coordinators.new_group(&key),
                coordinators.new_schema(&key),
            ];
            assert!(ids.into_iter().all(|id| given.insert(id.unwrap())));
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
    fn sequences_count_by_name_and_go_on_over_restarts() {
        let home = tempfile::tempdir().unwrap();
        let before = coordinators(home.path(), 4);
        assert_eq!(before.take("orders", 3).unwrap(), 0);
        assert_eq!(before.take("orders", 1).unwrap(), 3);
        assert_eq!(before.take("refunds", 1).unwrap(), 0);
        drop(before);
        let after = coordinators(home.path(), 4);
        assert_eq!(
            (after.take("orders", 5).unwrap(), after.take("orders", 1).unwrap()),
            (1_000, 1_005)
        );
    }

    #[test]
    fn a_sequences_name_has_letters_and_digits() {
        let home = tempfile::tempdir().unwrap();
        for name in ["", "a.b", "../x", "a b", &"x".repeat(65)] {
            let refused = coordinators(home.path(), 4).take(name, 1).unwrap_err();
            assert!(refused.to_string().contains("names no sequence"), "{refused}");
        }
        assert_eq!(RealDisk.list(home.path()).unwrap().len(), 0);
    }

    #[test]
    fn no_more_sequences_are_open_than_may_be() {
        let (disk, clock) = (Arc::new(CrashDisk::default()), Arc::new(RealClock::default()));
        let coordinators = Coordinators::new(disk, clock, "/data".into(), 1).unwrap();
        for number in 0..SEQUENCES_MAX {
            coordinators.take(&format!("s-{number}"), 1).unwrap();
        }
        let refused = coordinators.take("another", 1).unwrap_err();
        assert!(matches!(refused, CoordinatorsError::TooManySequences), "{refused}");
        assert_eq!(coordinators.take("s-7", 1).unwrap(), 1);
    }

    #[test]
    fn times_of_a_key_only_grow_and_exceed_what_was_seen() {
        let home = tempfile::tempdir().unwrap();
        let mut last = None;
        for _restart in 0..3 {
            let coordinators = coordinators(home.path(), 16);
            for key in [&b"a"[..], b"b", b"a"] {
                let time = coordinators.timestamp(key, last).unwrap();
                assert!(Some(time) > last, "{time} after {last:?}");
                last = Some(time);
            }
        }
    }

    #[test]
    fn the_count_has_ten_bits() {
        let (disk, clock) = (Arc::new(RealDisk), Arc::new(RealClock::default()));
        let refused = Coordinators::new(disk, clock, PathBuf::new(), 1_025).err().unwrap();
        assert_eq!(refused.to_string(), "log.coordinator_count = 1025 must be 1 to 1024");
    }
}
