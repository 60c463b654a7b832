//! What callers want of the log's thread besides appends.

use std::sync::{Arc, mpsc::SyncSender};
use varve_types::PartitionId;

use crate::protocol::{Command, Hold, HoldError};

/// An errand, with where its answer goes: told when it is carried out, durably. An answer that never
/// comes means that the thread has stopped.
pub(super) enum Errand {
    /// Tells control who needs records from where on, for all partitions together, and drops what
    /// nobody needs.
    Control(Vec<(PartitionId, Command)>, SyncSender<()>),
    /// Sets a hold.
    Hold(Hold, SyncSender<Result<(), HoldError>>),
    /// Lets a hold go; answered with whether there was one.
    Release(Arc<str>, SyncSender<Result<bool, HoldError>>),
}
