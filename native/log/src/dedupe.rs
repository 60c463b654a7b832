//! Which idempotency keys were stored lately, so that a retried request is stored once (log-core,
//! section 8).
//!
//! The table is a function of the log: it changes when a record is committed, and forgets by the
//! append times in the records and by count, never by a clock of its own. So a snapshot and the
//! records behind it give the same table as all records do.

use std::collections::{HashMap, VecDeque};
use varve_types::{Lsn, PartitionId, TenantId};
use xxhash_rust::xxh3::Xxh3Default;

/// How long and how many keys are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DedupeSettings {
    /// Milliseconds between a record and a retry that is still known again; 0 remembers nothing.
    pub window_ms: u64,
    /// Most keys of one partition; the oldest are forgotten first.
    pub keys_max: usize,
}

/// A committed record that has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// Its partition.
    pub partition: PartitionId,
    /// Its place.
    pub lsn: Lsn,
    /// Its key; never 0.
    pub key: u128,
    /// Milliseconds since the epoch, as the record says.
    pub append_time_ms: i64,
}

/// The keys of all partitions.
#[derive(Debug)]
pub struct DedupeTable {
    settings: DedupeSettings,
    partitions: HashMap<PartitionId, Keys>,
}

/// The keys of one partition.
#[derive(Debug, Default)]
struct Keys {
    places: HashMap<u128, Lsn>,
    /// In the order of the log.
    in_order: VecDeque<(Lsn, i64, u128)>,
}

impl DedupeTable {
    /// A table that remembers nothing yet.
    #[must_use]
    pub fn new(settings: DedupeSettings) -> Self {
        Self { settings, partitions: HashMap::new() }
    }

    /// Where the record with this key is, if the partition stored one within the window.
    #[must_use]
    pub fn find(&self, partition: PartitionId, key: u128) -> Option<Lsn> {
        self.partitions.get(&partition)?.places.get(&key).copied()
    }

    /// Takes a record that was committed. Those of one partition come in the order of the log; one
    /// that is known already changes nothing.
    pub fn committed(&mut self, Keyed { partition, lsn, key, append_time_ms }: Keyed) {
        let DedupeSettings { window_ms, keys_max } = self.settings;
        if window_ms == 0 {
            return;
        }
        let keys = self.partitions.entry(partition).or_default();
        if keys.in_order.back().is_some_and(|(last, ..)| *last >= lsn) {
            return;
        }
        keys.places.insert(key, lsn);
        keys.in_order.push_back((lsn, append_time_ms, key));
        let window_ms = i64::try_from(window_ms).unwrap_or(i64::MAX);
        let oldest_ms = append_time_ms.saturating_sub(window_ms);
        while let Some(&(place, time_ms, key)) = keys.in_order.front()
            && (time_ms < oldest_ms || keys.in_order.len() > keys_max)
        {
            keys.in_order.pop_front();
            // It stays if the key came again since.
            if keys.places.get(&key) == Some(&place) {
                keys.places.remove(&key);
            }
        }
    }

    /// The same for several records.
    pub fn all_committed(&mut self, records: &[Keyed]) {
        for record in records {
            self.committed(*record);
        }
    }

    /// All that is remembered, by partition and in the order of the log: what a snapshot holds.
    #[must_use]
    pub fn entries(&self) -> Vec<Keyed> {
        let mut partitions: Vec<_> = self.partitions.iter().collect();
        partitions.sort_unstable_by_key(|(partition, _)| **partition);
        partitions
            .into_iter()
            .flat_map(|(&partition, keys)| {
                keys.in_order.iter().map(move |&(lsn, append_time_ms, key)| Keyed {
                    partition,
                    lsn,
                    key,
                    append_time_ms,
                })
            })
            .collect()
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.partitions.values().map(|keys| keys.places.len()).sum()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// By what a retry of a request is known again: the key that its sender gave, or else what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestIdentity<'a> {
    /// The value of the `Idempotency-Key` header.
    Named(&'a str),
    /// The body as it came, and what it was said to be.
    Sent {
        /// The endpoint or format.
        format: &'a str,
        /// Still compressed.
        body: &'a [u8],
    },
}

/// The key of a request; never 0. Its records' keys are made of it by [`part_key`].
#[must_use]
pub fn request_key(tenant: &TenantId, identity: RequestIdentity<'_>) -> u128 {
    let mut hash = Xxh3Default::new();
    let mut add = |bytes: &[u8]| {
        // With its length, so that no two lists of parts are the same bytes.
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(tenant.as_str().as_bytes());
    match identity {
        RequestIdentity::Named(key) => {
            add(b"named");
            add(key.as_bytes());
        }
        RequestIdentity::Sent { format, body } => {
            add(format.as_bytes());
            add(body);
        }
    }
    hash.digest128().max(1)
}

/// The key of a part of a request; 0, which is none, for a request without a key.
#[must_use]
pub fn part_key(request_key: u128, part: u32) -> u128 {
    if request_key == 0 {
        return 0;
    }
    request_key.wrapping_add(u128::from(part)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use varve_types::LogId;

    const LOGS_0: PartitionId = PartitionId { log: LogId::Logs, number: 0 };
    const SETTINGS: DedupeSettings = DedupeSettings { window_ms: 100, keys_max: 8 };

    fn keyed(offset: u64, key: u128, append_time_ms: i64) -> Keyed {
        Keyed { partition: LOGS_0, lsn: Lsn::new(1, offset), key, append_time_ms }
    }

    fn table_of(records: &[Keyed]) -> DedupeTable {
        let mut table = DedupeTable::new(SETTINGS);
        table.all_committed(records);
        table
    }

    proptest! {
        #[test]
        fn a_snapshot_and_the_records_behind_it_give_what_all_records_give(
            steps in prop::collection::vec((1u128..12, 0i64..60), 0..60),
            cut in 0usize..60,
        ) {
            let mut now_ms = 0;
            let records: Vec<Keyed> = steps.iter().zip(0..).map(|(&(key, passed_ms), offset)| {
                now_ms += passed_ms;
                keyed(offset, key, now_ms)
            }).collect();
            let (before, after) = records.split_at(cut.min(records.len()));
            let mut restored = table_of(&table_of(before).entries());
            restored.all_committed(after);
            prop_assert_eq!(restored.entries(), table_of(&records).entries());
            prop_assert_eq!(restored.places_of(LOGS_0), table_of(&records).places_of(LOGS_0));
        }

        #[test]
        fn records_that_a_snapshot_holds_already_change_nothing(
            keys in prop::collection::vec(1u128..12, 0..40),
            from in 0usize..40,
        ) {
            let records: Vec<Keyed> =
                keys.iter().zip(0..).map(|(&key, offset)| keyed(offset, key, offset as i64)).collect();
            let mut table = table_of(&records);
            table.all_committed(records.get(from..).unwrap_or_default());
            prop_assert_eq!(table.entries(), table_of(&records).entries());
        }
    }

    impl DedupeTable {
        fn places_of(&self, partition: PartitionId) -> Vec<(u128, Lsn)> {
            let keys = self.partitions.get(&partition);
            let mut places: Vec<_> =
                keys.into_iter().flat_map(|keys| &keys.places).map(|(&k, &p)| (k, p)).collect();
            places.sort_unstable();
            places
        }
    }

    #[test]
    fn a_key_is_known_within_the_window_of_append_times() {
        let mut table = table_of(&[keyed(0, 7, 1_000)]);
        assert_eq!(table.find(LOGS_0, 7), Some(Lsn::new(1, 0)));
        table.committed(keyed(1, 8, 1_100));
        assert_eq!(table.find(LOGS_0, 7), Some(Lsn::new(1, 0)));
        table.committed(keyed(2, 9, 1_101));
        assert_eq!((table.find(LOGS_0, 7), table.len()), (None, 2));
    }

    #[test]
    fn the_oldest_keys_go_when_there_are_too_many() {
        let records: Vec<Keyed> = (0..9).map(|at| keyed(at, u128::from(at) + 1, 0)).collect();
        let table = table_of(&records);
        assert_eq!((table.find(LOGS_0, 1), table.find(LOGS_0, 2)), (None, Some(Lsn::new(1, 1))));
    }

    #[test]
    fn partitions_do_not_share_keys() {
        let table = table_of(&[keyed(0, 7, 0)]);
        assert_eq!(table.find(PartitionId { log: LogId::Logs, number: 1 }, 7), None);
    }

    #[test]
    fn without_a_window_nothing_is_remembered() {
        let mut table = DedupeTable::new(DedupeSettings { window_ms: 0, keys_max: 8 });
        table.committed(keyed(0, 7, 0));
        assert!(table.is_empty());
    }

    #[test]
    fn requests_are_told_apart_by_tenant_format_body_and_name() {
        let (a, b) = (TenantId::parse("a").unwrap(), TenantId::parse("b").unwrap());
        let sent = |format, body: &'static [u8]| RequestIdentity::Sent { format, body };
        let keys = [
            request_key(&a, sent("json", b"x")),
            request_key(&b, sent("json", b"x")),
            request_key(&a, sent("proto", b"x")),
            request_key(&a, sent("json", b"y")),
            request_key(&a, RequestIdentity::Named("x")),
            part_key(request_key(&a, sent("json", b"x")), 4),
        ];
        let distinct: std::collections::BTreeSet<u128> = keys.into_iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert_eq!(keys[0], request_key(&a, sent("json", b"x")));
    }
}
