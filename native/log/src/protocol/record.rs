//! A record without its place.

use bytes::Bytes;
use std::fmt;
use varve_types::{Lsn, TenantId};

use crate::producers::{CommittedRecord, SessionId};

/// What a record counts for in a window besides its payload, in bytes.
const OVERHEAD_BYTES: u64 = 128;

/// One record. Its clones share the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The producer's session and the record's number in it, where it has one. Then `idempotency_key`
    /// is not looked at.
    pub session: Option<(SessionId, u64)>,
    /// 128-bit key by which a retry is known again; 0 for none.
    pub idempotency_key: u128,
    /// When the leader gave it its place, in milliseconds since 1970. Never runs backwards within an
    /// epoch. Set by the leader.
    pub append_time_ms: i64,
    /// Whose.
    pub tenant: TenantId,
    /// Which schema the payload has.
    pub schema_id: u32,
    /// Rows in the payload.
    pub rows: u32,
    /// The record's bytes.
    pub payload: Bytes,
}

impl Record {
    /// What it counts for where bytes are bounded.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.payload.len() as u64 + OVERHEAD_BYTES
    }

    /// As the table of producers takes it.
    pub(super) fn committed_at(&self, lsn: Lsn) -> CommittedRecord {
        CommittedRecord {
            lsn,
            session: self.session,
            idempotency_key: self.idempotency_key,
            append_time_ms: self.append_time_ms,
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((session, seq)) = self.session {
            write!(formatter, "{}#{seq}", session.0)?;
        }
        if self.idempotency_key != 0 {
            write!(formatter, "key {:032x}", self.idempotency_key)?;
        }
        write!(formatter, " {} bytes", self.payload.len())
    }
}
