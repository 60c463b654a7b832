//! Where a record is in the log (log-core, section 1).

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::LogId;

/// The reign of one leader over one partition. Starts at 1; only grows; every start of a node opens a new one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u32);

/// A record's place within its epoch: 0, 1, 2, … without holes below the committed tail.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Offset(pub u64);

/// A place in one partition's log. Epochs order first, offsets within an epoch second, which is
/// what the derive gives: keep the fields in this order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Lsn {
    /// The leader's reign.
    pub epoch: Epoch,
    /// The place within it.
    pub offset: Offset,
}

impl Lsn {
    /// The place of `offset` in `epoch`.
    #[must_use]
    pub const fn new(epoch: u32, offset: u64) -> Self {
        Self { epoch: Epoch(epoch), offset: Offset(offset) }
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.epoch.0, self.offset.0)
    }
}

/// One partition of one log. On disk it is a `u64`: the log's number in the upper 32 bits, the
/// partition's in the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionId {
    /// The log it belongs to.
    pub log: LogId,
    /// 0 … `partitions` - 1.
    pub number: u32,
}

impl PartitionId {
    /// The frame header's form of it.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        ((self.log as u64) << 32) | self.number as u64
    }

    /// Reads the frame header's form; `None` for a log this version does not know.
    #[must_use]
    pub fn from_u64(value: u64) -> Option<Self> {
        let log = LogId::from_number(u32::try_from(value >> 32).ok()?)?;
        Some(Self { log, number: value as u32 })
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.log.name(), self.number)
    }
}
