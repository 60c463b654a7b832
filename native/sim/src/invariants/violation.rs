//! What can be broken, and how it is reported.

use std::fmt;

/// An invariant, by its name in log-core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// An offset below an announced committed tail is below its epoch's end.
    I1,
    /// One end and one leader per epoch; epochs only grow.
    I2,
    /// All copies of a place have equal bytes.
    I3,
    /// Committed and kept records are on W stores.
    I4,
    /// Nothing started after an epoch's close is acknowledged in it.
    I5,
    /// Every reader is given the same at a place.
    I6,
    /// An append that began after another was acknowledged gets a higher place.
    I7,
    /// The trim point stays behind what is still needed, and never moves back.
    I8,
    /// What a client sent several times is stored once.
    Once,
    /// Ids, times and values of a coordinator only grow.
    Numbers,
    /// Once faults stop, the cluster serves within bounded time.
    Liveness,
}

/// An invariant was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// By what: the records, nodes and times involved.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.invariant, self.what)
    }
}

/// Nodes, from bits.
pub(super) struct Nodes(pub(super) u64);

impl fmt::Display for Nodes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<u32> = (0..64).filter(|node| self.0 >> node & 1 == 1).collect();
        write!(formatter, "{nodes:?}")
    }
}
