//! Who follows a log, and how far each has got.

use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};
use varve_types::{Lsn, PartitionId};

use crate::{Wanted, journal::Lag, protocol::EpochList};

/// Somebody who follows a log, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowerStatus {
    /// As it calls itself. Of several of one name this is the one that is furthest behind.
    pub name: Arc<str>,
    /// How it follows.
    pub kind: FollowerKind,
    /// What is stored and it has not dealt with.
    pub lag: Lag,
}

/// How somebody follows a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FollowerKind {
    /// By snapshots, as views do: behind the last one are the records that a start reads again.
    Snapshot,
    /// By an open [`crate::Subscription`].
    Subscription,
}

/// From where on somebody needs each partition.
pub(crate) type Needs = Vec<(PartitionId, Lsn)>;

/// The subscriptions that are open.
#[derive(Default)]
pub(crate) struct Followers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    open: BTreeMap<u64, Open>,
}

struct Open {
    name: Arc<str>,
    wanted: Wanted,
    /// The first place that was not given, by partition.
    places: BTreeMap<PartitionId, Lsn>,
}

impl Followers {
    /// Takes one in, until the answer is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        name: Arc<str>,
        wanted: Wanted,
        places: BTreeMap<PartitionId, Lsn>,
    ) -> Follower {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, Open { name, wanted, places });
        Follower { followers: Arc::clone(self), number }
    }

    /// Each of them, with what it needs of these partitions, which begin at these places.
    pub(crate) fn needs(&self, partitions: &[(PartitionId, Lsn)]) -> Vec<(Arc<str>, Needs)> {
        let state = self.state.lock();
        let needs = |open: &Open| {
            let wanted =
                partitions.iter().filter(|(partition, _)| open.wanted.contains(*partition));
            let place = |&(partition, begin): &(PartitionId, Lsn)| {
                (partition, open.places.get(&partition).map_or(begin, |place| begin.max(*place)))
            };
            (Arc::clone(&open.name), wanted.map(place).collect())
        };
        state.open.values().map(needs).collect()
    }
}

/// One open subscription among the followers.
pub(crate) struct Follower {
    followers: Arc<Followers>,
    number: u64,
}

impl Follower {
    /// It was given all before this place.
    pub(crate) fn moved(&self, partition: PartitionId, place: Lsn) {
        if let Some(open) = self.followers.state.lock().open.get_mut(&self.number) {
            open.places.insert(partition, place);
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.followers.state.lock().open.remove(&self.number);
    }
}

/// Those who follow by snapshots. Of a partition in which one has none yet it needs all.
pub(crate) fn by_snapshots(lists: &[(PartitionId, Arc<EpochList>)]) -> Vec<(Arc<str>, Needs)> {
    let mut needs: BTreeMap<Arc<str>, Needs> = BTreeMap::new();
    for (_, list) in lists {
        for (name, _) in list.holders().iter().filter(|(_, holder)| holder.snapshot.is_some()) {
            needs.entry(Arc::clone(name)).or_default();
        }
    }
    for (name, needs) in &mut needs {
        needs.extend(lists.iter().map(|(partition, list)| {
            let place = list.holders().get(name).map(|holder| holder.place);
            (*partition, place.unwrap_or_default().max(list.trim_point()))
        }));
    }
    needs.into_iter().collect()
}

/// All of them as an operator sees them, one for each name.
pub(crate) fn statuses(
    found: impl IntoIterator<Item = (FollowerKind, Arc<str>, Needs)>,
    lag: impl Fn(Needs) -> Lag,
) -> Vec<FollowerStatus> {
    let mut furthest: BTreeMap<(FollowerKind, Arc<str>), Lag> = BTreeMap::new();
    for (kind, name, needs) in found {
        let lag = lag(needs);
        let known = furthest.entry((kind, name)).or_insert(lag);
        if lag.bytes > known.bytes {
            *known = lag;
        }
    }
    let status = |((kind, name), lag)| FollowerStatus { name, kind, lag };
    furthest.into_iter().map(status).collect()
}
