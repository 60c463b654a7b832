//! The producers of all partitions of one store.

use bytes::Bytes;
use std::collections::BTreeMap;
use varve_types::{Lsn, PartitionId};

use super::{CommittedRecord, KeyVerdict, ProducerSettings, ProducerTable, SnapshotError};

/// A table for each partition that has producers.
#[derive(Debug)]
pub struct PartitionProducers {
    settings: ProducerSettings,
    tables: BTreeMap<PartitionId, ProducerTable>,
}

impl PartitionProducers {
    /// The tables of an empty log.
    #[must_use]
    pub fn new(settings: ProducerSettings) -> Self {
        Self { settings, tables: BTreeMap::new() }
    }

    /// Where the record with this key is, if the partition stored one within the window.
    #[must_use]
    pub fn find(&self, partition: PartitionId, key: u128) -> Option<Lsn> {
        match self.tables.get(&partition)?.check_key(key) {
            KeyVerdict::Duplicate(lsn) => Some(lsn),
            KeyVerdict::New | KeyVerdict::InFlight => None,
        }
    }

    /// Applies committed records; those of one partition come in the order of the log.
    pub fn committed(&mut self, records: &[(PartitionId, CommittedRecord)]) {
        for (partition, record) in records {
            let new = || ProducerTable::new(self.settings);
            self.tables.entry(*partition).or_insert_with(new).committed(record);
        }
    }

    /// Keys remembered, of all partitions.
    #[must_use]
    pub fn keys_len(&self) -> usize {
        self.tables.values().map(ProducerTable::keys_len).sum()
    }

    /// A snapshot of each table.
    #[must_use]
    pub fn encode_snapshots(&self) -> Vec<(PartitionId, Bytes)> {
        self.tables.iter().map(|(at, table)| (*at, table.encode_snapshot())).collect()
    }

    /// Takes a partition's table from its snapshot.
    pub fn restore(&mut self, partition: PartitionId, bytes: &[u8]) -> Result<(), SnapshotError> {
        let table = ProducerTable::decode_snapshot(bytes, self.settings)?;
        self.tables.insert(partition, table);
        Ok(())
    }
}
