//! The producers of all partitions of one store.

use std::collections::BTreeMap;
use varve_types::{Epoch, Lsn, PartitionId};

use super::{
    CommittedRecord, KeyVerdict, ProducerSettings, ProducerTable, SessionId, SessionVerdict,
    SnapshotError, fair_share,
};

/// A table for each partition that has producers.
#[derive(Debug)]
pub struct PartitionProducers {
    settings: ProducerSettings,
    tables: BTreeMap<PartitionId, ProducerTable>,
    keys_len: usize,
}

impl PartitionProducers {
    /// The tables of an empty log.
    #[must_use]
    pub fn new(settings: ProducerSettings) -> Self {
        Self { settings, tables: BTreeMap::new(), keys_len: 0 }
    }

    /// Where the record with this key is, if the partition stored one within the window before
    /// `append_time_ms`, when another is about to be appended in this epoch.
    #[must_use]
    pub fn find(
        &self,
        partition: PartitionId,
        key: u128,
        epoch: Epoch,
        append_time_ms: i64,
    ) -> Option<Lsn> {
        match self.tables.get(&partition)?.check_key_at(key, epoch, append_time_ms) {
            KeyVerdict::Duplicate(lsn) => Some(lsn),
            KeyVerdict::New | KeyVerdict::InFlight => None,
        }
    }

    /// What record `seq` of a session is to the partition, by what is committed.
    #[must_use]
    pub fn check(&self, partition: PartitionId, session: SessionId, seq: u64) -> SessionVerdict {
        match self.tables.get(&partition) {
            Some(table) => table.check(session, seq),
            None => ProducerTable::new(self.settings).check(session, seq),
        }
    }

    /// Applies committed records; those of one partition come in the order of the log.
    pub fn committed(&mut self, records: &[(PartitionId, CommittedRecord)]) {
        for (partition, record) in records {
            let new = || ProducerTable::new(self.settings);
            let table = self.tables.entry(*partition).or_insert_with(new);
            let before = table.keys_len();
            table.committed(record);
            self.keys_len = self.keys_len + table.keys_len() - before;
            if self.keys_len > self.settings.dedupe_keys_total_max as usize {
                self.share_keys();
            }
        }
    }

    /// Keys remembered, of all partitions.
    #[must_use]
    pub const fn keys_len(&self) -> usize {
        self.keys_len
    }

    /// Lets those that have most forget their oldest, where all have too many together.
    fn share_keys(&mut self) {
        let lens: Vec<_> = self.tables.values().map(ProducerTable::keys_len).collect();
        if let Some(share) = fair_share(&lens, self.settings.dedupe_keys_total_max) {
            self.tables.values_mut().for_each(|table| table.keep_newest_keys(share as u32));
        }
        self.keys_len = self.tables.values().map(ProducerTable::keys_len).sum();
    }

    /// The tables, by partition.
    #[must_use]
    pub fn into_tables(self) -> BTreeMap<PartitionId, ProducerTable> {
        self.tables
    }

    /// Takes a partition's table from its snapshot.
    pub fn restore(&mut self, partition: PartitionId, bytes: &[u8]) -> Result<(), SnapshotError> {
        let table = ProducerTable::decode_snapshot(bytes, self.settings)?;
        self.tables.insert(partition, table);
        self.share_keys();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varve_types::LogId;

    #[test]
    fn the_window_ends_also_where_nothing_else_is_appended() {
        let settings = ProducerSettings { dedupe_window_ms: 100, ..ProducerSettings::default() };
        let partition = PartitionId { log: LogId::Logs, number: 0 };
        let mut producers = PartitionProducers::new(settings);
        let record = |offset, append_time_ms| CommittedRecord {
            lsn: Lsn::new(1, offset),
            session: None,
            idempotency_key: 7,
            append_time_ms,
        };
        producers.committed(&[(partition, record(0, 1_000))]);
        assert_eq!(producers.find(partition, 7, Epoch(1), 1_099), Some(Lsn::new(1, 0)));
        assert_eq!(producers.find(partition, 7, Epoch(1), 1_100), None);
        producers.committed(&[(partition, record(1, 1_100))]);
        assert_eq!(producers.find(partition, 7, Epoch(1), 1_100), Some(Lsn::new(1, 1)));
    }
}
