//! Who sent what: sequences of sessions and keys of requests, so that what is sent again is stored
//! once (log-core, section 8).
//!
//! One [`Producers`] per partition, in two halves. [`ProducerTable`] is a function of the log: every
//! leader that has applied the same records has the same one. [`InFlight`] is what this leader is
//! writing now, and dies with it. Takes no clock: time comes with the records.

mod in_flight;
mod keys;
mod partitions;
mod request_key;
mod sessions;
mod share;
mod snapshot;
mod table;

pub use in_flight::InFlight;
pub use partitions::PartitionProducers;
pub use request_key::{RequestIdentity, part_key, request_key};
pub use share::fair_share;
pub use snapshot::SnapshotError;
pub use table::ProducerTable;

use varve_types::Lsn;

/// A producer's session: a Snowflake id, drawn when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// How much is remembered of producers. Part of what makes the table: all stores of a partition must
/// have the same, and a change counts from the next record on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerSettings {
    /// Sessions of one partition; beyond, the one that was silent longest is forgotten.
    pub sessions_max: u32,
    /// How long a key is known after its record was appended; 0 remembers none.
    pub dedupe_window_ms: u64,
    /// Keys of one partition; beyond, the oldest is forgotten. 0 remembers none.
    pub dedupe_keys_max: u32,
    /// Keys of all partitions of a node together; beyond, those partitions that have most forget their
    /// oldest ([`fair_share`]). It bounds memory and is no part of what makes a table: another node may
    /// remember more.
    pub dedupe_keys_total_max: u32,
}

impl Default for ProducerSettings {
    fn default() -> Self {
        Self {
            sessions_max: 10_000,
            dedupe_window_ms: 600_000,
            dedupe_keys_max: 1_000_000,
            dedupe_keys_total_max: 4_000_000,
        }
    }
}

/// A committed record, as far as the table is concerned: what its frame header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedRecord {
    /// Its place.
    pub lsn: Lsn,
    /// Whose session and which number in it, where it has one.
    pub session: Option<(SessionId, u64)>,
    /// 128-bit key of the request's part; 0 for none.
    pub idempotency_key: u128,
    /// Written by the leader that appended it, in milliseconds since 1970.
    pub append_time_ms: i64,
}

/// What a record of a session is to the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionVerdict {
    /// Append it.
    New,
    /// Being written: the sender waits for the first one's fate.
    InFlight,
    /// Stored there.
    Duplicate(Lsn),
    /// Stored and acknowledged, too long ago to know where. Safe to drop.
    DuplicateTooOld,
    /// Records before it are missing.
    OutOfSequence {
        /// The number that comes next.
        expected: u64,
    },
    /// Forgotten, or never heard of, and not at its start. The client decides.
    UnknownSession,
}

/// What a record with a key is to the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVerdict {
    /// Append it.
    New,
    /// Being written: the sender waits for the first one's fate.
    InFlight,
    /// Stored there.
    Duplicate(Lsn),
}

/// A partition's producers at its leader. `W` is whoever waits for a record's fate.
#[derive(Debug)]
pub struct Producers<W> {
    /// What is committed.
    pub table: ProducerTable,
    /// What is being written.
    pub in_flight: InFlight<W>,
}

impl<W> Producers<W> {
    /// Producers of a leader that begins with `table` and writes nothing yet.
    pub fn new(table: ProducerTable) -> Self {
        Self { table, in_flight: InFlight::new() }
    }

    /// What record `seq` of a session is. Changes nothing.
    pub fn check(&self, session: SessionId, seq: u64) -> SessionVerdict {
        match self.in_flight.session_range(session) {
            Some((_, last)) if seq > last => match seq - last {
                1 => SessionVerdict::New,
                _ => SessionVerdict::OutOfSequence { expected: last + 1 },
            },
            Some((first, _)) if seq >= first => SessionVerdict::InFlight,
            _ => self.table.check(session, seq),
        }
    }

    /// What a record with this key is. A record without one (0) is always new. Changes nothing.
    pub fn check_key(&self, key: u128) -> KeyVerdict {
        if self.in_flight.has_key(key) { KeyVerdict::InFlight } else { self.table.check_key(key) }
    }

    /// Notes a record that was found new and is now handed to the log. Its own waiter is attached like
    /// those of its retries. Where keys are not remembered, this one is not either.
    pub fn begin(&mut self, session: Option<(SessionId, u64)>, key: u128) {
        let key = if self.table.remembers_keys() { key } else { 0 };
        self.in_flight.begin(session, key);
    }

    /// Notes a record as committed, and gives whoever waits for it.
    pub fn committed(&mut self, record: &CommittedRecord) -> Vec<W> {
        self.table.committed(record);
        self.in_flight.settle(record.session, record.idempotency_key)
    }
}
