//! What a partition is begun with.

use super::super::{
    known_producers::KnownProducers, partition_settings::PartitionSettings, quorum::Incarnation,
    store::Condition,
};

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
