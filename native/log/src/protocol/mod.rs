//! The protocol of the log (log-core, sections 3 to 5): who leads, what is stored where, what is
//! committed, and how a leader is replaced.
//!
//! Plain state machines: events in, effects out, no clock, disk, socket or chance. One [`Partition`]
//! composes them for one partition on one node; whoever drives it does what its effects say. One node
//! is the same protocol with a nodeset of one.

mod append_times;
mod catch_up;
mod control;
mod copyset;
mod effect;
mod holds;
mod known_producers;
mod message;
mod partition;
mod partition_settings;
mod quorum;
mod ranges;
mod reader;
mod record;
mod recovery;
mod sequencer;
mod store;

pub(crate) use append_times::AppendTimes;
pub use append_times::Now;
pub use control::{
    Advance, Command, CommandRefused, EpochEntry, EpochList, Holder, HolderName, Snapshot,
};
pub use copyset::Copysets;
pub use effect::{Effect, Event, Outcome, ReadToken, RequestId, Timer, TooMuch, WriteToken};
pub use holds::{Control, HOLD_NAME_MAX_BYTES, HOLDS_MAX, Hold, HoldError, HoldTerms};
pub use known_producers::KnownProducers;
pub use message::{Absence, Asker, Digest, Frame, Message, Origin, ReaderId};
pub use partition::{Partition, PartitionStart};
pub use partition_settings::PartitionSettings;
pub use quorum::{Incarnation, NodeId, Nodeset, NodesetError, StoreSet};
pub use ranges::OffsetRanges;
pub use reader::{Progress, Reader};
pub use record::Record;
pub use store::{Condition, Found};
