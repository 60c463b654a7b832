//! What a partition is run with, and begun with.

use super::super::{
    copyset::Copysets, known_producers::KnownProducers, quorum::Incarnation, store::Condition,
};

/// What a partition is run with. The same on all its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSettings {
    /// Which stores get a record.
    pub copysets: Copysets,
    /// The partition's number for the order of stores.
    pub copyset_seed: u64,
    /// Bytes a leader may have in flight, and as many that wait for it to open. One record that is
    /// larger goes alone.
    pub window_max_bytes: u64,
    /// How long a leader waits for W acknowledgements before it gives up its epoch.
    pub epoch_timeout_ms: u64,
}

/// What a node knows of a partition when it comes up.
#[derive(Debug)]
pub struct PartitionStart<F> {
    /// The node, in this life.
    pub me: Incarnation,
    /// The partition's.
    pub settings: PartitionSettings,
    /// Whether the disk is the one that was registered.
    pub condition: Condition,
    /// What the journal holds of the partition, in the order of the writes.
    pub found: F,
    /// Producers of the log up to a place that can never be taken back: a snapshot, or those of an
    /// empty log.
    pub producers: KnownProducers,
}
