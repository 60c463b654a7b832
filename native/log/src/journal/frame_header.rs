//! A frame: 128 bytes of header, then the payload, then zeros up to the next 64-byte boundary.
//! `docs/format.md`, "Journal", has the layout byte by byte.

use super::FrameKind;
use crate::fields::Fields;

/// Length of a frame's header; the payload follows at once.
pub(super) const FRAME_HEADER_BYTES: usize = 128;
/// Frames start at multiples of this.
pub(super) const FRAME_ALIGN_BYTES: u64 = 64;
const FRAME_MAGIC: [u8; 4] = *b"VRVf";
/// The header's bytes that its checksum is over: all but the checksum.
const CHECKED_BYTES: usize = FRAME_HEADER_BYTES - size_of::<u32>();

const _: () = assert!(
    (FRAME_HEADER_BYTES as u64).is_multiple_of(FRAME_ALIGN_BYTES),
    "a frame without payload must end on the boundary"
);

/// The flag of a frame that a recovery copied here, rather than the leader of its epoch.
const FLAG_REPAIR: u8 = 1;

/// A frame's header. Fields that the kind has no use for are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: FrameKind,
    pub(super) is_repair: bool,
    pub(super) payload_bytes: u32,
    /// CRC-32C of the payload.
    pub(super) payload_crc: u32,
    /// `PartitionId::to_u64`.
    pub(super) partition: u64,
    pub(super) epoch: u32,
    pub(super) copyset_version: u32,
    /// See [`super::Frame::offset`]. Of a group end: where in the file its group starts; everything
    /// before was synced when the group was written.
    pub(super) offset: u64,
    pub(super) committed_tail: u64,
    pub(super) append_time_ms: i64,
    /// 0 for none, as ids are not.
    pub(super) session: u64,
    pub(super) seq: u64,
    pub(super) transaction: u64,
    pub(super) schema_id: u32,
    /// Of a record: rows in the payload. Of a group end: frames in the group, itself not counted.
    pub(super) rows: u32,
    pub(super) group: u64,
    pub(super) idempotency_key: u128,
    /// Number of the tenant among the file's tenant frames, from 1; 0 for none.
    pub(super) tenant: u32,
    /// 0 for none.
    pub(super) leader: u64,
}

/// Why bytes are not a frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("no frame starts here")]
    Magic,
    #[error("the frame header's checksum does not match")]
    Checksum,
    #[error("frame headers of {0} bytes are of a version that is not known")]
    HeaderLength(u16),
    #[error("frame kind {0} is of a version that is not known")]
    Kind(u8),
    #[error("frame flags {0:#x} are of a version that is not known")]
    Flags(u8),
}

impl FrameHeader {
    /// A header of this kind in this group, all else 0.
    pub(super) fn new(kind: FrameKind, group: u64) -> Self {
        Self {
            kind,
            is_repair: false,
            payload_bytes: 0,
            payload_crc: 0,
            partition: 0,
            epoch: 0,
            copyset_version: 0,
            offset: 0,
            committed_tail: 0,
            append_time_ms: 0,
            session: 0,
            seq: 0,
            transaction: 0,
            schema_id: 0,
            rows: 0,
            group,
            idempotency_key: 0,
            tenant: 0,
            leader: 0,
        }
    }

    /// From the start of this frame to the start of the next, in bytes.
    pub(super) fn frame_bytes(&self) -> u64 {
        frame_bytes(u64::from(self.payload_bytes))
    }

    /// Appends the header to `out`. `salt` is the file's: with it, what a sender puts into a payload
    /// never passes for a frame, nor does a frame of another file.
    pub(super) fn encode(&self, salt: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&FRAME_MAGIC);
        out.extend_from_slice(&(FRAME_HEADER_BYTES as u16).to_le_bytes());
        out.extend_from_slice(&[self.kind as u8, if self.is_repair { FLAG_REPAIR } else { 0 }]);
        out.extend_from_slice(&self.payload_bytes.to_le_bytes());
        out.extend_from_slice(&self.payload_crc.to_le_bytes());
        out.extend_from_slice(&self.partition.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.copyset_version.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.committed_tail.to_le_bytes());
        out.extend_from_slice(&self.append_time_ms.to_le_bytes());
        out.extend_from_slice(&self.session.to_le_bytes());
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.transaction.to_le_bytes());
        out.extend_from_slice(&self.schema_id.to_le_bytes());
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.group.to_le_bytes());
        out.extend_from_slice(&self.idempotency_key.to_le_bytes());
        out.extend_from_slice(&self.tenant.to_le_bytes());
        out.extend_from_slice(&self.leader.to_le_bytes());
        let header = out.get(start..).unwrap_or_default();
        debug_assert_eq!(header.len(), CHECKED_BYTES, "the layout is 128 bytes with its checksum");
        let crc = crc32c::crc32c_append(salt, header);
        out.extend_from_slice(&crc.to_le_bytes());
    }

    /// Reads the header that `encode` made with the same salt.
    pub(super) fn decode(bytes: &[u8; FRAME_HEADER_BYTES], salt: u32) -> Result<Self, FrameError> {
        let (checked, crc) = bytes.split_at(CHECKED_BYTES);
        let mut fields = Fields(checked);
        if fields.take() != Some(FRAME_MAGIC) {
            return Err(FrameError::Magic);
        }
        if crc != crc32c::crc32c_append(salt, checked).to_le_bytes() {
            return Err(FrameError::Checksum);
        }
        let header_bytes = fields.u16();
        if usize::from(header_bytes) != FRAME_HEADER_BYTES {
            return Err(FrameError::HeaderLength(header_bytes));
        }
        let [kind, flags] = fields.u16().to_le_bytes();
        let kind = FrameKind::from_number(kind).ok_or(FrameError::Kind(kind))?;
        if flags & !FLAG_REPAIR != 0 {
            return Err(FrameError::Flags(flags));
        }
        // Fields are read in the order of this list, which is that of the layout.
        Ok(Self {
            kind,
            is_repair: flags & FLAG_REPAIR != 0,
            payload_bytes: fields.u32(),
            payload_crc: fields.u32(),
            partition: fields.u64(),
            epoch: fields.u32(),
            copyset_version: fields.u32(),
            offset: fields.u64(),
            committed_tail: fields.u64(),
            append_time_ms: fields.u64().cast_signed(),
            session: fields.u64(),
            seq: fields.u64(),
            transaction: fields.u64(),
            schema_id: fields.u32(),
            rows: fields.u32(),
            group: fields.u64(),
            idempotency_key: fields.u128(),
            tenant: fields.u32(),
            leader: fields.u64(),
        })
    }
}

/// What a frame with such a payload takes in the file.
pub(super) fn frame_bytes(payload_bytes: u64) -> u64 {
    (FRAME_HEADER_BYTES as u64 + payload_bytes).next_multiple_of(FRAME_ALIGN_BYTES)
}

#[cfg(test)]
mod tests;
