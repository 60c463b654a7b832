//! The one way to follow a log: what is stored, then what is appended, each record once and in the
//! order of its partition.
//!
//! A subscription drives one [`Reader`] of the protocol for each partition, in its caller's thread: a
//! reader that is far behind does not delay appends. The readers share one credit in bytes.

mod flow;
mod news;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use varve_types::{LogId, Lsn, PartitionId};

use crate::{
    ReadError, Record,
    followers::{Follower, Followers},
    protocol::{
        self, Absence, Asker, Effect, EpochList, Message, NodeId, Progress, Reader, ReaderId,
        Snapshot,
    },
    runtime::Clock,
};
use flow::Flow;

pub use flow::SubscriptionHandle;
pub(crate) use news::News;

/// The only node there is, as its readers know it.
pub(crate) const ALONE: NodeId = NodeId(1);
/// Where each partition's log begins.
pub(crate) const BEGIN: Lsn = Lsn::new(1, 0);

/// What to follow, and from where.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Who follows, for operators.
    pub name: Arc<str>,
    /// Which partitions.
    pub partitions: Wanted,
    /// The first place wanted, by partition. One that is missing here begins at its first record ever;
    /// so does one that comes to be later.
    pub from: BTreeMap<PartitionId, Lsn>,
    /// Bytes of payload that may be given before [`SubscriptionHandle::grant`] allows more. One record
    /// may go over it, so that a large one is given at all.
    pub credit_bytes: u64,
}

/// Partitions to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One.
    Partition(PartitionId),
    /// All of a log, also those to come.
    Log(LogId),
    /// All there are, also those to come.
    All,
}

impl Wanted {
    /// Whether a partition is among them.
    #[must_use]
    pub fn contains(self, partition: PartitionId) -> bool {
        match self {
            Self::Partition(wanted) => wanted == partition,
            Self::Log(log) => log == partition.log,
            Self::All => true,
        }
    }
}

/// Why a subscription did not come about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// This log never gave the place: it is another one's, or this one lost its end.
    #[error(
        "{partition} was asked for from {from} on, but its log ends at {tail}: the place is another log's, or this one was replaced by an older copy"
    )]
    Ahead {
        /// Of which partition.
        partition: PartitionId,
        /// What was asked for.
        from: Lsn,
        /// The first place that is not committed.
        tail: Lsn,
    },
}

/// What a subscription gives.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Records of one partition and epoch, without a gap between them or to those before. At least one.
    Records(Vec<Record>),
    /// Records that were stored and cannot be read any more. What is behind them comes next.
    Lost {
        /// Of which partition.
        partition: PartitionId,
        /// The first of them.
        from: Lsn,
        /// The place behind them.
        next: Lsn,
        /// What is damaged.
        reason: Arc<str>,
    },
    /// What comes next in the partition is trimmed. Nothing more of it is given: boot from a snapshot,
    /// and subscribe from its place.
    Trimmed {
        /// Which partition.
        partition: PartitionId,
        /// The first place that may still be read.
        trim_point: Lsn,
        /// What has all before.
        snapshot: Option<Snapshot>,
    },
}

impl Delivery {
    /// What it took of the credit: to be granted again once it is dealt with.
    #[must_use]
    pub fn credit_bytes(&self) -> u64 {
        match self {
            Self::Records(records) => {
                records.iter().map(|record| record.payload.len() as u64).sum::<u64>().max(1)
            }
            Self::Lost { .. } | Self::Trimmed { .. } => 0,
        }
    }
}

/// What [`Subscription::next`] came to.
#[derive(Clone, Debug)]
pub enum Next {
    /// Something to deal with.
    Delivery(Delivery),
    /// Nothing came in time, or there is no credit.
    Nothing,
    /// Nothing will come.
    Over(Over),
}

/// Why a subscription gives nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// By [`SubscriptionHandle::cancel`].
    Cancelled,
    /// The log is closed, and all that it holds was given.
    Closed,
}

/// What subscriptions read from.
pub(crate) trait Source: Send + Sync {
    /// Told whenever tails move.
    fn news(&self) -> &News;

    /// Those who follow it.
    fn followers(&self) -> &Arc<Followers>;

    fn clock(&self) -> &dyn Clock;

    /// Partitions and their committed tails.
    fn tails(&self, wanted: Wanted) -> Vec<(PartitionId, Lsn)>;

    /// A partition's epochs, and its committed tail by the same list.
    fn epochs(&self, partition: PartitionId) -> Option<(Arc<EpochList>, Lsn)>;

    /// Records of one epoch from `from` on and below `up_to`, which is not above the committed tail: at
    /// least one, and no more once `max_bytes` are gathered.
    fn fetch(
        &self,
        partition: PartitionId,
        from: Lsn,
        up_to: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<protocol::Record>, ReadError>;
}

/// A reader of partitions. See the module.
pub struct Subscription {
    source: Arc<dyn Source>,
    wanted: Wanted,
    from: BTreeMap<PartitionId, Lsn>,
    readers: BTreeMap<PartitionId, Followed>,
    /// Partitions that may have more, in turn.
    ready: VecDeque<PartitionId>,
    flow: Arc<Flow>,
    follower: Follower,
}

/// A partition that is followed, or was.
enum Followed {
    Reading(Box<Reader>),
    /// What comes next is trimmed.
    Ended(Lsn),
}

impl Subscription {
    pub(crate) fn open(
        source: Arc<dyn Source>,
        subscribe: Subscribe,
    ) -> Result<Self, SubscribeError> {
        let Subscribe { name, partitions: wanted, from, credit_bytes } = subscribe;
        let wanted_from = from.iter().filter(|(partition, _)| wanted.contains(**partition));
        for (&partition, &from) in wanted_from {
            // Behind the end of an epoch that is over comes the next one: a disk that forgot what it
            // had synced took what was there.
            let tail = source.epochs(partition).map_or(BEGIN, |(_, tail)| tail);
            if from > tail {
                return Err(SubscribeError::Ahead { partition, from, tail });
            }
        }
        let flow = Arc::new(Flow::new(credit_bytes));
        let (readers, ready) = (BTreeMap::new(), VecDeque::new());
        let follower = source.followers().enter(name, wanted, from.clone());
        Ok(Self { source, wanted, from, readers, ready, flow, follower })
    }

    /// For other threads.
    #[must_use]
    pub fn handle(&self) -> SubscriptionHandle {
        SubscriptionHandle { flow: Arc::clone(&self.flow), source: Arc::clone(&self.source) }
    }

    /// The first place that was not given, by partition: from there another subscription goes on.
    #[must_use]
    pub fn positions(&self) -> BTreeMap<PartitionId, Lsn> {
        let mut positions = self.from.clone();
        positions.retain(|partition, _| self.wanted.contains(*partition));
        let place = |followed: &Followed| match followed {
            Followed::Reading(reader) => reader.next(),
            Followed::Ended(place) => *place,
        };
        positions.extend(self.readers.iter().map(|(partition, it)| (*partition, place(it))));
        positions
    }

    /// What comes next, waited for `wait` at the longest. On an error nothing is passed over: the next
    /// call reads the same place again.
    pub fn next(&mut self, wait: Duration) -> Result<Next, ReadError> {
        let source = Arc::clone(&self.source);
        let (clock, news) = (source.clock(), source.news());
        let deadline = clock.elapsed().saturating_add(wait);
        loop {
            if self.flow.is_cancelled() {
                return Ok(Next::Over(Over::Cancelled));
            }
            // Both before the tails are looked at, so that nothing is missed.
            let (seen, closed) = (news.version(), news.is_closed());
            if self.flow.has_credit() {
                if let Some(delivery) = self.deliver()? {
                    return Ok(Next::Delivery(delivery));
                }
                if closed {
                    return Ok(Next::Over(Over::Closed));
                }
            }
            let left = deadline.saturating_sub(clock.elapsed());
            if left.is_zero() {
                return Ok(Next::Nothing);
            }
            news.wait_past(seen, left);
        }
    }

    fn deliver(&mut self) -> Result<Option<Delivery>, ReadError> {
        let mut has_looked = false;
        loop {
            while let Some(partition) = self.ready.pop_front() {
                let read = self.read(partition);
                if !matches!(read, Ok(None)) {
                    // In turn, so that a partition with much to read does not keep the others waiting.
                    self.ready.push_back(partition);
                    return read;
                }
            }
            if has_looked {
                return Ok(None);
            }
            has_looked = true;
            self.look_for_ready();
        }
    }

    fn look_for_ready(&mut self) {
        let Self { readers, from, .. } = self;
        for (partition, tail) in self.source.tails(self.wanted) {
            let followed = readers.entry(partition).or_insert_with(|| {
                let from = from.get(&partition).copied().unwrap_or(BEGIN).max(BEGIN);
                let asker = Asker::Reader(ReaderId(partition.to_u64()));
                Followed::Reading(Box::new(Reader::new(asker, ALONE, from, 0)))
            });
            if matches!(followed, Followed::Reading(reader) if reader.next() < tail) {
                self.ready.push_back(partition);
            }
        }
    }

    /// Lets a partition's reader go on, as far as one answer.
    fn read(&mut self, partition: PartitionId) -> Result<Option<Delivery>, ReadError> {
        let Some(Followed::Reading(reader)) = self.readers.get_mut(&partition) else {
            return Ok(None);
        };
        let Some((list, tail)) = self.source.epochs(partition) else { return Ok(None) };
        reader.grant(self.flow.take());
        let mut effects = Vec::new();
        let mut progress = reader.ask(&list, &mut effects);
        let mut outcome = Ok(None);
        if let Some((from, max_bytes)) = asked(&effects) {
            let up_to = end_of(&list, from).unwrap_or(tail);
            let fetched = self.source.fetch(partition, from, up_to, max_bytes);
            let (records, absence) = match fetched {
                Ok(records) => (records, Absence::NotReleased),
                Err(ReadError::Trimmed { trim_point, .. }) => {
                    (Vec::new(), Absence::Trimmed(trim_point))
                }
                Err(ReadError::Lost { next, reason, .. }) => {
                    outcome = Ok(Some(reason));
                    (Vec::new(), Absence::Never(next.offset))
                }
                Err(error) => {
                    outcome = Err(error);
                    (Vec::new(), Absence::Elsewhere)
                }
            };
            progress = reader.fetched(ALONE, (from, records, absence), &list, &mut effects);
        }
        self.flow.give_back(reader.take_credit());
        self.follower.moved(partition, reader.next());
        let reason = outcome?;
        Ok(match progress {
            Progress::Waits | Progress::Done => None,
            Progress::Given(from, records) => Some(records_from(partition, from, records)),
            Progress::Lost(from, next) => {
                let reason = reason.unwrap_or_default();
                Some(Delivery::Lost { partition, from, next, reason })
            }
            Progress::Trimmed(trim_point) => {
                let place = reader.next();
                self.readers.insert(partition, Followed::Ended(place));
                let snapshot = list.newest_snapshot().map(|(snapshot, _)| snapshot);
                Some(Delivery::Trimmed { partition, trim_point, snapshot })
            }
        })
    }
}

/// What a reader asks the only store for.
fn asked(effects: &[Effect]) -> Option<(Lsn, u64)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(_, Message::Fetch { from, max_bytes, .. }) => Some((*from, *max_bytes)),
        _ => None,
    })
}

/// Where the place's epoch ends; `None` of one that is open, or not there any more.
fn end_of(list: &EpochList, place: Lsn) -> Option<Lsn> {
    let end = list.get(place.epoch)?.end?;
    Some(Lsn { epoch: place.epoch, offset: end })
}

fn records_from(partition: PartitionId, from: Lsn, records: Vec<protocol::Record>) -> Delivery {
    let placed = records.into_iter().zip(from.offset.0..);
    let record = |(record, offset): (protocol::Record, u64)| {
        Record::placed(partition, Lsn::new(from.epoch.0, offset), record)
    };
    Delivery::Records(placed.map(record).collect())
}
