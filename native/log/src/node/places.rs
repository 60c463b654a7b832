//! What the log's thread shows to all who read: epochs, tails, and that they moved.

use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};
use varve_types::{Lsn, PartitionId};

use super::{Shared, frames};
use crate::{
    ReadError,
    followers::Followers,
    protocol::{EpochList, Record, Snapshot},
    runtime::Clock,
    subscription::{News, Source, Wanted},
};

/// See the module.
#[derive(Default)]
pub(super) struct Places {
    partitions: RwLock<BTreeMap<PartitionId, Place>>,
    pub(super) news: News,
    pub(super) followers: Arc<Followers>,
}

struct Place {
    /// Committed, in the epoch that this node leads.
    tail: Lsn,
    epochs: Arc<EpochList>,
}

impl Places {
    /// Shows what has changed: a tail and the list with its epoch together.
    pub(super) fn show(
        &self,
        tails: BTreeMap<PartitionId, Lsn>,
        lists: BTreeMap<PartitionId, Arc<EpochList>>,
    ) {
        if tails.is_empty() && lists.is_empty() {
            return;
        }
        {
            let mut partitions = self.partitions.write();
            for (partition, epochs) in lists {
                let tail = Lsn::new(epochs.open().epoch.0, 0);
                match partitions.get_mut(&partition) {
                    Some(place) => {
                        place.tail = place.tail.max(tail);
                        place.epochs = epochs;
                    }
                    None => drop(partitions.insert(partition, Place { tail, epochs })),
                }
            }
            for (partition, tail) in tails {
                if let Some(place) = partitions.get_mut(&partition) {
                    place.tail = tail;
                }
            }
        }
        self.news.tell();
    }

    pub(super) fn tail(&self, partition: PartitionId) -> Option<Lsn> {
        self.partitions.read().get(&partition).map(|place| place.tail)
    }

    /// What has the records that the partition does not.
    pub(super) fn newest_snapshot(&self, partition: PartitionId) -> Option<Snapshot> {
        let partitions = self.partitions.read();
        let (snapshot, _) = partitions.get(&partition)?.epochs.newest_snapshot()?;
        Some(snapshot)
    }

    /// All partitions and their epochs.
    pub(super) fn lists(&self) -> Vec<(PartitionId, Arc<EpochList>)> {
        let partitions = self.partitions.read();
        let lists = partitions.iter().map(|(at, place)| (*at, Arc::clone(&place.epochs)));
        lists.collect()
    }

    pub(super) fn partitions(&self) -> Vec<PartitionId> {
        self.partitions.read().keys().copied().collect()
    }
}

impl Source for Shared {
    fn news(&self) -> &News {
        &self.places.news
    }

    fn followers(&self) -> &Arc<Followers> {
        &self.places.followers
    }

    fn clock(&self) -> &dyn Clock {
        &*self.runtime.clock
    }

    fn tails(&self, wanted: Wanted) -> Vec<(PartitionId, Lsn)> {
        let partitions = self.places.partitions.read();
        let tails = partitions.iter().map(|(partition, place)| (*partition, place.tail));
        tails.filter(|(partition, _)| wanted.contains(*partition)).collect()
    }

    fn epochs(&self, partition: PartitionId) -> Option<(Arc<EpochList>, Lsn)> {
        let partitions = self.places.partitions.read();
        let place = partitions.get(&partition)?;
        Some((Arc::clone(&place.epochs), place.tail))
    }

    fn fetch(
        &self,
        partition: PartitionId,
        from: Lsn,
        up_to: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<Record>, ReadError> {
        let read = self.read(partition, from..up_to, max_bytes)?;
        Ok(read.into_iter().filter_map(frames::record_of).collect())
    }
}
