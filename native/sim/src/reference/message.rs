//! What the reference's parts tell each other, and what its stores write.

use crate::client::fingerprint;
use bytes::Bytes;
use std::fmt;
use varve_types::{Epoch, Lsn, Offset};

/// A record without its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The session it came in.
    pub session: u64,
    /// Its number there.
    pub seq: u64,
    /// Its bytes.
    pub payload: Bytes,
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}", self.session, self.seq)
    }
}

impl Record {
    /// See [`fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fingerprint(self.session, self.seq, &self.payload)
    }
}

/// A message between two nodes.
#[derive(Clone, Debug)]
pub enum Message {
    /// Store this (log-core, section 3.5). With the repair flag also in a sealed epoch.
    Store {
        /// Where.
        lsn: Lsn,
        /// Of which leader, or by which recoverer.
        by: (usize, u64),
        /// What.
        record: Record,
        /// The committed tail the sender knows.
        tail: Offset,
        /// Whether a recovery sends it.
        repair: bool,
    },
    /// It is durable.
    Stored(Lsn),
    /// It is durable, by a repair. A leader must not count it: its own epoch may be sealed there.
    Repaired(Lsn),
    /// The epoch is sealed here, or belongs to another leader.
    Refused(Epoch),
    /// The committed tail alone.
    CommittedTail(Epoch, Offset),
    /// Is this epoch open at yours?
    Probe(Epoch, u64),
    /// It is.
    Open(Epoch, u64),
    /// Seal, then say what you hold.
    SealAndDigest(Epoch),
    /// Sealed; this is here.
    Digest(Epoch, Digest),
    /// Give me the records from here on. `true`: for a repair, so also what is not released.
    Fetch(Lsn, bool),
    /// The records from there on, as far as they are here and may be served.
    Fetched(Lsn, Vec<Record>, bool),
}

/// What a store says of an epoch it has sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Offsets that are durable here.
    pub held: Vec<Offset>,
    /// Offsets whose frame cannot be read.
    pub damaged: Vec<Offset>,
    /// The highest committed tail heard of, or trimmed up to.
    pub tail: Offset,
    /// The disk was lost: *absent* means nothing here.
    pub lost: bool,
}

/// What a store writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A record at its place, from this leader.
    Data(Lsn, (usize, u64), Record, Offset),
    /// No more of this epoch.
    Seal(Epoch),
    /// Everything before is dropped: it was committed, and nobody needs it.
    Trim(Lsn),
}

impl crate::node::Frame for Frame {
    fn record(&self) -> Option<(Lsn, u64)> {
        match self {
            Self::Data(lsn, _, record, _) => Some((*lsn, record.fingerprint())),
            Self::Seal(_) | Self::Trim(_) => None,
        }
    }
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The leader sends again what was not acknowledged, and its committed tail.
    Leader(Epoch),
    /// The recovery asks again.
    Recovery(Epoch),
    /// The reader asks for more.
    Reader,
}
