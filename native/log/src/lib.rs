//! DLog, the log core: partitions, epochs, a journal (design: docs, log-core).
//!
//! Moves opaque bytes: no Arrow, no napi; clock and disk only through the `runtime` traits.

#![deny(clippy::indexing_slicing)]

mod fields;
mod followers;
mod holds;
pub mod ids;
pub mod journal;
pub mod memory;
mod meta;
pub mod node;
pub mod producers;
pub mod protocol;
pub mod runtime;
mod subscription;

pub use followers::{FollowerKind, FollowerStatus};
pub use holds::HoldStatus;
pub use ids::CoordinatorsError;
pub use journal::{
    CutTail, Damage, DiskReserve, DiskShortage, DiskStatus, Lag, LostRange, OpenError,
    SYNC_BOUNDS_US,
};
pub use memory::{MemoryLimits, MemoryLog};
pub use node::{Journal, JournalSettings, JournalStatus, PartitionStatus};
pub use producers::{ProducerSettings, RequestIdentity, SessionId, part_key, request_key};
pub use protocol::{Hold, HoldError, Snapshot};
pub use runtime::{DataDirLock, DataDirLockError, Runtime};
pub use subscription::{
    Delivery, Next, Over, Subscribe, SubscribeError, Subscription, SubscriptionHandle, Wanted,
};

use bytes::Bytes;
use std::{io, path::PathBuf, sync::Arc};
use varve_types::{ErrorCode, Lsn, PartitionId, TenantId};

/// One record to append. Its place is given by the log.
pub struct Append {
    /// Where to.
    pub partition: PartitionId,
    /// Whose. Interned per journal file; see `docs/format.md`.
    pub tenant: TenantId,
    /// Which schema the payload has; registered once by [`Log::register_schema`].
    pub schema_id: u32,
    /// Rows in the payload, for counters.
    pub rows: u32,
    /// The producer's session and the record's number in it, from 0 without gaps in each partition
    /// ([`Log::open_session`]); then the key is not looked at. `None`: the key alone tells.
    pub session: Option<(SessionId, u64)>,
    /// 128-bit key by which a retry is known again ([`part_key`]); 0 for none. Of the records of one
    /// partition with the same key only the first is stored within [`ProducerSettings::dedupe_window_ms`].
    pub idempotency_key: u128,
    /// The record's bytes.
    pub payload: Bytes,
    /// Called once: with the record's place after it is durable, or with why it is not stored.
    /// Within a partition the calls come in the order of the offsets, so what one call publishes
    /// never has holes before it. The calls for the records of one append come one after another,
    /// with none for another append between: a view may show them all at the last one. Runs on the
    /// writer's thread: it must be short and must not block.
    pub done: Done,
}

/// See [`Append::done`].
pub type Done = Box<dyn FnOnce(Result<Stored, AppendError>) + Send>;

/// Where an append's record is, durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was stored now.
    New(Lsn),
    /// It was there already, with the same key, or number in its session.
    Duplicate(Lsn),
    /// Its session stored it, too long ago to know where.
    Before,
}

impl Stored {
    /// The record's place, where that is known.
    #[must_use]
    pub const fn lsn(self) -> Option<Lsn> {
        match self {
            Self::New(lsn) | Self::Duplicate(lsn) => Some(lsn),
            Self::Before => None,
        }
    }
}

/// Why an append was refused. Nothing of the request was stored, but for the doubt that
/// [`AppendError::ReadOnly`] names.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The bound on bytes that wait for the disk is reached.
    #[error(
        "{waiting_bytes} bytes wait for the journal, over log.write_buffer_size = {max_bytes}; send again later"
    )]
    Overloaded {
        /// Waiting now.
        waiting_bytes: u64,
        /// The bound.
        max_bytes: u64,
    },
    /// Larger than a journal file can take.
    #[error(
        "request of {size_bytes} bytes is over the {max_bytes} that the journal takes at once; send less"
    )]
    TooLarge {
        /// Its size.
        size_bytes: u64,
        /// The most it may have.
        max_bytes: u64,
    },
    /// Never retried: after a failed write or fsync the page cache no longer tells what is on disk.
    /// What was being written then may turn out to be stored, whole, at the next start; the sender's
    /// retry is known again by its idempotency key.
    #[error("the journal is read-only: {reason}")]
    ReadOnly {
        /// What failed, on which file.
        reason: Arc<str>,
    },
    /// The disk has too little space left. Accepted again by itself once there is room.
    #[error(transparent)]
    DiskFull(#[from] DiskShortage),
    /// Records of the session before it are missing.
    #[error(
        "a record is missing before this one: number {expected} comes next in its session; send that first"
    )]
    OutOfSequence {
        /// The number that comes next.
        expected: u64,
    },
    /// The session is not known, and this is not its first record.
    #[error("the session is not known any more; open a new one")]
    UnknownSession,
    /// The log is shutting down.
    #[error("the log is closed")]
    Closed,
}

impl AppendError {
    /// What crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Overloaded { .. } => ErrorCode::Overloaded,
            Self::TooLarge { .. } => ErrorCode::BodyTooLarge,
            Self::ReadOnly { .. } => ErrorCode::ReadOnly,
            Self::DiskFull(_) => ErrorCode::DiskFull,
            Self::OutOfSequence { .. } | Self::UnknownSession => ErrorCode::Internal,
            Self::Closed => ErrorCode::Closed,
        }
    }
}

/// One record read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where from.
    pub partition: PartitionId,
    /// Its place.
    pub lsn: Lsn,
    /// Whose.
    pub tenant: TenantId,
    /// Which schema the payload has.
    pub schema_id: u32,
    /// Rows in the payload.
    pub rows: u32,
    /// When it was appended, in milliseconds since the epoch.
    pub append_time_ms: i64,
    /// See [`Append::session`].
    pub session: Option<(SessionId, u64)>,
    /// See [`Append::idempotency_key`].
    pub idempotency_key: u128,
    /// The record's bytes.
    pub payload: Bytes,
}

impl Record {
    /// A record at its place.
    pub(crate) fn placed(partition: PartitionId, lsn: Lsn, record: protocol::Record) -> Self {
        let protocol::Record {
            session,
            idempotency_key,
            append_time_ms,
            tenant,
            schema_id,
            rows,
            payload,
        } = record;
        Self {
            partition,
            lsn,
            tenant,
            schema_id,
            rows,
            append_time_ms,
            session,
            idempotency_key,
            payload,
        }
    }
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The records are gone from the log; a view's snapshot has them.
    #[error("{partition} is trimmed up to {trim_point}; {}", boot(snapshot.as_ref()))]
    Trimmed {
        /// Which partition.
        partition: PartitionId,
        /// The first place that may still be read.
        trim_point: Lsn,
        /// What has all before: boot from it, and read on from its place.
        snapshot: Option<Snapshot>,
    },
    /// Records that were stored and cannot be read any more: rot, not a torn tail. What is before and
    /// behind them can.
    #[error("{partition}: the records from {from} to before {next} are lost: {reason}")]
    Lost {
        /// Which partition.
        partition: PartitionId,
        /// The first of them.
        from: Lsn,
        /// The place behind them: read on from there.
        next: Lsn,
        /// What is damaged: which file, and where in it.
        reason: Arc<str>,
    },
    /// The file could not be read.
    #[error("reading {path} failed: {source}")]
    Io {
        /// The journal file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What is said to whoever asks for records that are trimmed.
fn boot(snapshot: Option<&Snapshot>) -> String {
    match snapshot {
        Some(Snapshot { holder, location }) => {
            format!("boot from the snapshot of {holder}, {location}, and read on from its place")
        }
        None => "no snapshot of what is before is known".to_owned(),
    }
}

/// What every log promises; `tests/contract.rs` holds each implementation to it.
pub trait Log: Send + Sync {
    /// Makes a schema known. It is written once into each journal file that uses it.
    fn register_schema(&self, schema_id: u32, bytes: Bytes);

    /// Opens a session for a producer that numbers its records ([`Append::session`]). Its id was never
    /// given before, also not before a crash.
    fn open_session(&self, producer: &[u8]) -> Result<SessionId, CoordinatorsError>;

    /// Appends the records of one request: all of them become durable in one group, or none. Answers
    /// at once; each record's `done` tells its fate. On `Err` no `done` is called with a place (they
    /// are dropped) and nothing is stored.
    fn append(&self, records: Vec<Append>) -> Result<(), AppendError>;

    /// The first place that is not yet committed: everything below it is durable.
    fn tail(&self, partition: PartitionId) -> Lsn;

    /// Committed records from `from` on, in order, across epochs: at least one if there is one, and
    /// no more once `max_bytes` of payload are gathered.
    fn read(
        &self,
        partition: PartitionId,
        from: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<Record>, ReadError>;

    /// Follows partitions from any place on: first what is stored, then what is appended, each record
    /// once. What it gives is bounded in bytes, and goes on as it is granted.
    fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError>;

    /// Says that a snapshot has all records of partitions below a place; all of it becomes durable
    /// together. What every snapshot has and nobody holds is trimmed: never back, nor past the tail.
    /// Space is freed in whole journal files.
    fn trim(&self, snapshot: &Snapshot, up_to: &[(PartitionId, Lsn)]);

    /// Keeps records from being trimmed, for a while: sets a hold, moves it on, or begins its age
    /// anew. Durable when it answers; on an error everything is as it was.
    fn hold(&self, hold: Hold) -> Result<(), HoldError>;

    /// Lets a hold go; false if there is none of the name.
    fn release(&self, name: &str) -> Result<bool, HoldError>;

    /// All holds, also those that grew too old and hold nothing any more.
    fn holds(&self) -> Vec<HoldStatus>;

    /// Partitions that hold records, or held some.
    fn partitions(&self) -> Vec<PartitionId>;

    /// Stops accepting, writes and syncs what was accepted, and returns when it is on disk.
    fn close(&self);
}
