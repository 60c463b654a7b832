//! What subscriptions read from a log in memory.

use std::sync::Arc;
use varve_types::{Lsn, PartitionId};

use super::Shared;
use crate::{
    ReadError,
    followers::Followers,
    protocol::{self, EpochList},
    runtime::Clock,
    subscription::{News, Source, Wanted},
};

impl Source for Shared {
    fn news(&self) -> &News {
        &self.news
    }

    fn followers(&self) -> &Arc<Followers> {
        &self.followers
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn tails(&self, wanted: Wanted) -> Vec<(PartitionId, Lsn)> {
        self.state.lock().tails(wanted).collect()
    }

    fn epochs(&self, partition: PartitionId) -> Option<(Arc<EpochList>, Lsn)> {
        let state = self.state.lock();
        Some((Arc::clone(state.control.list(partition)?), state.tail(partition)))
    }

    fn fetch(
        &self,
        partition: PartitionId,
        from: Lsn,
        up_to: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<protocol::Record>, ReadError> {
        let read = self.state.lock().read(partition, from, up_to, max_bytes)?;
        Ok(read.into_iter().map(|(_, record)| record).collect())
    }
}
