//! Who counts: nodes, the stores of an epoch, and how many of them are enough.

use std::{fmt, sync::Arc};

/// A node of the cluster; each has one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// One life of a node, from start to stop. A leader is bound to it, so a node that restarted is never
/// leader of its old epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation {
    /// The node.
    pub node: NodeId,
    /// Higher at each start.
    pub number: u64,
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "n{}", self.0)
    }
}

/// Stores of one nodeset, by their index in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSet(u64);

impl StoreSet {
    /// No store.
    pub const EMPTY: Self = Self(0);

    /// Adds a store. True if it was not in.
    pub const fn insert(&mut self, index: usize) -> bool {
        let bit = 1 << index;
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }

    /// Whether the store is in.
    #[must_use]
    pub const fn contains(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    /// How many there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their indices, in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..Nodeset::STORES_MAX).filter(move |&index| self.contains(index))
    }
}

/// Why stores cannot make an epoch's nodeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodesetError {
    /// They do not keep 1 ≤ W ≤ N ≤ n.
    #[error(
        "write_quorum {write_quorum}, replication_factor {replication_factor} and {stores} stores do not go together; 1 <= write_quorum <= replication_factor <= stores is needed"
    )]
    Sizes {
        /// W.
        write_quorum: u32,
        /// N.
        replication_factor: u32,
        /// n.
        stores: usize,
    },
    /// More than a set of stores can tell apart.
    #[error("a nodeset has {0} stores; at most 64 may hold records of one epoch")]
    TooMany(usize),
    /// A store would count twice.
    #[error("{0} is in a nodeset twice")]
    Twice(NodeId),
}

/// The stores that may hold records of one epoch, and how many make a record safe (log-core,
/// section 1). Clones share the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodeset {
    stores: Arc<[NodeId]>,
    write_quorum: u32,
    replication_factor: u32,
}

impl Nodeset {
    /// The most stores of one epoch.
    pub const STORES_MAX: usize = 64;

    /// Stores with W and N.
    pub fn new(
        stores: &[NodeId],
        write_quorum: u32,
        replication_factor: u32,
    ) -> Result<Self, NodesetError> {
        if stores.len() > Self::STORES_MAX {
            return Err(NodesetError::TooMany(stores.len()));
        }
        let sizes = 1 <= write_quorum
            && write_quorum <= replication_factor
            && replication_factor as usize <= stores.len();
        if !sizes {
            let stores = stores.len();
            return Err(NodesetError::Sizes { write_quorum, replication_factor, stores });
        }
        let mut sorted = stores.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() < stores.len() {
            let seen_before = |at: usize| stores.iter().take(at).any(|s| Some(s) == stores.get(at));
            let twice = (0..stores.len()).find(|&at| seen_before(at));
            let twice = twice.and_then(|at| stores.get(at)).copied().unwrap_or(NodeId(0));
            return Err(NodesetError::Twice(twice));
        }
        Ok(Self { stores: sorted.into(), write_quorum, replication_factor })
    }

    /// A nodeset of one: N = W = 1.
    #[must_use]
    pub fn of_one(store: NodeId) -> Self {
        Self { stores: Arc::new([store]), write_quorum: 1, replication_factor: 1 }
    }

    /// Its stores, in order of their ids.
    #[must_use]
    pub fn stores(&self) -> &[NodeId] {
        &self.stores
    }

    /// How many stores it has.
    #[must_use]
    pub fn n(&self) -> usize {
        self.stores.len()
    }

    /// W: durable copies before a record counts as stored.
    #[must_use]
    pub const fn write_quorum(&self) -> usize {
        self.write_quorum as usize
    }

    /// N: copies aimed at.
    #[must_use]
    pub const fn replication_factor(&self) -> usize {
        self.replication_factor as usize
    }

    /// F: so many stores have at least one copy of every record that W stores hold.
    #[must_use]
    pub fn fence_quorum(&self) -> usize {
        self.n() - self.write_quorum() + 1
    }

    /// A store's index.
    #[must_use]
    pub fn index(&self, store: NodeId) -> Option<usize> {
        self.stores.binary_search(&store).ok()
    }

    /// The store with this index.
    #[must_use]
    pub fn store(&self, index: usize) -> Option<NodeId> {
        self.stores.get(index).copied()
    }

    /// Indices and stores.
    pub fn iter(&self) -> impl Iterator<Item = (usize, NodeId)> + '_ {
        self.stores.iter().copied().enumerate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u32) -> Vec<NodeId> {
        (0..count).map(NodeId).collect()
    }

    #[test]
    fn every_fence_quorum_meets_every_write_quorum() {
        for n in 1..=7 {
            for write_quorum in 1..=n {
                let nodeset = Nodeset::new(&nodes(n), write_quorum, write_quorum).unwrap();
                assert_eq!(nodeset.fence_quorum() + nodeset.write_quorum(), n as usize + 1);
            }
        }
    }

    #[test]
    fn sizes_that_do_not_go_together_are_refused_with_all_of_them() {
        let refused = Nodeset::new(&nodes(2), 2, 3).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "write_quorum 2, replication_factor 3 and 2 stores do not go together; 1 <= write_quorum <= replication_factor <= stores is needed"
        );
        assert!(Nodeset::new(&nodes(2), 0, 1).is_err());
        assert_eq!(Nodeset::new(&nodes(65), 1, 1), Err(NodesetError::TooMany(65)));
        let twice = [NodeId(3), NodeId(1), NodeId(3)];
        assert_eq!(Nodeset::new(&twice, 1, 1), Err(NodesetError::Twice(NodeId(3))));
    }

    #[test]
    fn a_set_of_stores_counts_each_once() {
        let mut set = StoreSet::EMPTY;
        assert!(set.insert(5) && set.insert(0) && !set.insert(5));
        assert_eq!((set.len(), set.iter().collect::<Vec<_>>()), (2, vec![0, 5]));
        assert!(set.contains(5) && !set.contains(1));
    }
}
