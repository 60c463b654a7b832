//! What a partition is run with.

use super::copyset::Copysets;

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
