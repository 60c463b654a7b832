//! What is written into the journal and read from it.

use bytes::Bytes;
use varve_types::{Epoch, Lsn, Offset, PartitionId, TenantId};

use super::frame_header::FrameHeader;
use crate::producers::{CommittedRecord, SessionId};

/// What a frame is. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// A record of rows.
    Data = 1,
    /// A record that ends a transaction's part in the partition: it counts.
    Commit = 2,
    /// The same: it does not count.
    Abort = 3,
    /// A record of log `tx`: what became of a transaction.
    Decision = 4,
    /// A record of log `tx`: every part of the transaction knows.
    Done = 5,
    /// The store takes no more of the epoch from its leader.
    Seal = 6,
    /// Control decided where the epoch ends: records at or above are none.
    Close = 7,
    /// What is below is not needed any more.
    Trim = 8,
    /// A schema's bytes, before the first record of the file that has its id. The journal's own.
    Schema = 9,
    /// The last frame of a group. The journal's own.
    GroupEnd = 10,
    /// A tenant's name, before the first record of the file that has its number. The journal's own.
    Tenant = 11,
}

impl FrameKind {
    pub(super) const ALL: [Self; 11] = [
        Self::Data,
        Self::Commit,
        Self::Abort,
        Self::Decision,
        Self::Done,
        Self::Seal,
        Self::Close,
        Self::Trim,
        Self::Schema,
        Self::GroupEnd,
        Self::Tenant,
    ];

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Whether the frame has a place in its partition's log. Others say something of the epoch.
    #[must_use]
    pub const fn is_record(self) -> bool {
        match self {
            Self::Data | Self::Commit | Self::Abort | Self::Decision | Self::Done => true,
            Self::Seal
            | Self::Close
            | Self::Trim
            | Self::Schema
            | Self::GroupEnd
            | Self::Tenant => false,
        }
    }

    /// Whether the journal writes such frames by itself.
    #[must_use]
    pub const fn is_journals_own(self) -> bool {
        matches!(self, Self::Schema | Self::GroupEnd | Self::Tenant)
    }
}

/// A frame, as who writes it gives it and who reads gets it back. All places and numbers are the
/// writer's business: the journal stores them and finds records by partition, epoch and offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is; none of the journal's own kinds.
    pub kind: FrameKind,
    /// Whether a recovery copied it here, rather than the leader of its epoch.
    pub is_repair: bool,
    /// Of which partition.
    pub partition: PartitionId,
    /// Of which epoch.
    pub epoch: Epoch,
    /// Which incarnation appended it, as who drives the journal numbers them; 0 where that is not said.
    pub leader: u64,
    /// Which copyset the epoch's leader had.
    pub copyset_version: u32,
    /// Of a record: its place. Of a close: the first offset that is none. Of a trim: the first that
    /// is still needed. Of a seal: 0.
    pub offset: Offset,
    /// The partition's committed tail in this epoch, as who wrote the frame knew it.
    pub committed_tail: Offset,
    /// By the clock of the leader that appended it, in milliseconds since 1970.
    pub append_time_ms: i64,
    /// Whose session and which number in it, where it has one.
    pub session: Option<(SessionId, u64)>,
    /// Of which transaction; 0 for none.
    pub transaction: u64,
    /// Which schema the payload has.
    pub schema_id: u32,
    /// Rows in the payload.
    pub rows: u32,
    /// 128-bit key of the request's part; 0 for none.
    pub idempotency_key: u128,
    /// Whose; `None` where it is of no tenant.
    pub tenant: Option<TenantId>,
    /// CRC-32C of the payload. Whoever makes the frame computes it, as the writer's thread is one.
    pub payload_crc: u32,
    /// The bytes.
    pub payload: Bytes,
}

impl Frame {
    /// A frame of this kind with nothing else in it.
    #[must_use]
    pub fn new(kind: FrameKind, partition: PartitionId, at: Lsn) -> Self {
        Self {
            kind,
            is_repair: false,
            partition,
            epoch: at.epoch,
            leader: 0,
            copyset_version: 0,
            offset: at.offset,
            committed_tail: Offset(0),
            append_time_ms: 0,
            session: None,
            transaction: 0,
            schema_id: 0,
            rows: 0,
            idempotency_key: 0,
            tenant: None,
            payload_crc: 0,
            payload: Bytes::new(),
        }
    }

    /// Its place.
    #[must_use]
    pub const fn lsn(&self) -> Lsn {
        Lsn { epoch: self.epoch, offset: self.offset }
    }

    /// The header that says the same. `tenant`: the tenant's number in the file.
    pub(super) fn header(&self, group: u64, tenant: u32) -> FrameHeader {
        let (session, seq) = self.session.map_or((0, 0), |(SessionId(id), seq)| (id, seq));
        FrameHeader {
            kind: self.kind,
            is_repair: self.is_repair,
            payload_bytes: self.payload.len() as u32,
            payload_crc: self.payload_crc,
            partition: self.partition.to_u64(),
            epoch: self.epoch.0,
            copyset_version: self.copyset_version,
            offset: self.offset.0,
            committed_tail: self.committed_tail.0,
            append_time_ms: self.append_time_ms,
            session,
            seq,
            transaction: self.transaction,
            schema_id: self.schema_id,
            rows: self.rows,
            group,
            idempotency_key: self.idempotency_key,
            tenant,
            leader: self.leader,
        }
    }

    /// What a header and its payload say.
    pub(super) fn of(
        header: &FrameHeader,
        partition: PartitionId,
        tenant: Option<TenantId>,
        payload: Bytes,
    ) -> Self {
        Self {
            kind: header.kind,
            is_repair: header.is_repair,
            partition,
            epoch: Epoch(header.epoch),
            leader: header.leader,
            copyset_version: header.copyset_version,
            offset: Offset(header.offset),
            committed_tail: Offset(header.committed_tail),
            append_time_ms: header.append_time_ms,
            session: header.session(),
            transaction: header.transaction,
            schema_id: header.schema_id,
            rows: header.rows,
            idempotency_key: header.idempotency_key,
            tenant,
            payload_crc: header.payload_crc,
            payload,
        }
    }
}

impl FrameHeader {
    fn session(&self) -> Option<(SessionId, u64)> {
        (self.session != 0).then_some((SessionId(self.session), self.seq))
    }

    /// What the producers' table wants to know of it, if anything.
    pub(super) fn committed_record(&self) -> Option<CommittedRecord> {
        let session = self.session();
        if !self.kind.is_record() || (session.is_none() && self.idempotency_key == 0) {
            return None;
        }
        Some(CommittedRecord {
            lsn: Lsn::new(self.epoch, self.offset),
            session,
            idempotency_key: self.idempotency_key,
            append_time_ms: self.append_time_ms,
        })
    }
}
