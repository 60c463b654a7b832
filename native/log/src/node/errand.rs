//! What callers want of the log's thread besides appends.

use std::sync::mpsc;
use varve_types::PartitionId;

use crate::protocol::Command;

/// An errand, with where its answer goes. An answer that never comes means that the thread has stopped.
pub(super) enum Errand {
    /// Tells control who needs records from where on, for all partitions together, and drops what
    /// nobody needs. Answered when that is done.
    Control(Vec<(PartitionId, Command)>, mpsc::SyncSender<()>),
}
