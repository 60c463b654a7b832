//! What nodes tell each other about one partition, and what a store writes.

use varve_types::{Epoch, Lsn, Offset};

use super::{quorum::Incarnation, ranges::OffsetRanges, record::Record};

/// A message between two nodes, about one partition. It may come late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Store this (log-core, section 3.5).
    Store {
        /// Where.
        lsn: Lsn,
        /// The epoch's leader.
        by: Incarnation,
        /// What.
        record: Record,
        /// Everything below is committed.
        tail: Offset,
    },
    /// Store this, though the epoch is sealed: a recovery keeps it.
    Repair {
        /// Where.
        lsn: Lsn,
        /// What.
        record: Record,
    },
    /// Appends of [from, to) are durable.
    Stored(Epoch, Offset, Offset),
    /// Repairs of [from, to) are durable. A leader must not count them: its own epoch may be sealed
    /// there.
    Repaired(Epoch, Offset, Offset),
    /// The epoch is sealed here, or belongs to another leader.
    Sealed(Epoch),
    /// The store takes no appends of this epoch: its disk is full, failed or was lost.
    Unable(Epoch),
    /// The committed tail alone.
    CommittedTail(Epoch, Offset),
    /// Is this epoch open at yours?
    Probe(Epoch, u64),
    /// It is.
    Open(Epoch, u64),
    /// Seal, then say what you hold.
    SealAndDigest(Epoch),
    /// Sealed, durably; this is here.
    Digest(Epoch, Digest),
    /// Give me the records from here on. A recovery is given also what is not released.
    Fetch {
        /// The first.
        from: Lsn,
        /// No more once so many bytes of payload are gathered.
        max_bytes: u64,
        /// Who asks, given back in the answer.
        asker: Asker,
    },
    /// The records from there on, as far as they are here and may be served.
    Fetched {
        /// Where the first is, or would be.
        from: Lsn,
        /// None: see `absence`.
        records: Vec<Record>,
        /// Why there are no more.
        absence: Absence,
        /// Who asked.
        asker: Asker,
    },
}

/// A subscription, named by whoever drives the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub u64);

/// Who fetches records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asker {
    /// A subscription.
    Reader(ReaderId),
    /// A new leader, to know the producers of what came before.
    CatchUp,
    /// A recovery, to copy what it keeps.
    Recovery,
}

/// Why a store gives no more records than it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Not released, as far as it knows; or there were records, and these were enough.
    NotReleased,
    /// Released, but not here, or not yet: another store may have it.
    Elsewhere,
    /// The epoch is closed, and nothing before this offset is there to be read: never stored here, or
    /// lost, or damaged.
    Never(Offset),
    /// It was dropped: everything before this place is trimmed.
    Trimmed(Lsn),
}

/// What a store says of an epoch it has sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Offsets that are durable here.
    pub held: OffsetRanges,
    /// Offsets whose frame cannot be read.
    pub damaged: OffsetRanges,
    /// The highest committed tail heard of, or trimmed up to.
    pub tail: Offset,
    /// *Absent* means nothing here: the disk was lost, or a frame cannot be told.
    pub unsure: bool,
}

/// What a store writes to its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A record at its place.
    Data {
        /// Where.
        lsn: Lsn,
        /// What.
        record: Record,
        /// The committed tail of its epoch that the sender knew.
        tail: Offset,
        /// Who sent it.
        origin: Origin,
    },
    /// No more appends of this epoch.
    Seal(Epoch),
    /// Everything before is dropped: it was committed, and nobody needs it.
    Trim(Lsn),
}

/// Who sent a record to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The epoch's leader.
    Append(Incarnation),
    /// A recovery.
    Repair,
}
