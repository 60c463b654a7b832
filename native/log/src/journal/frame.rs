//! A frame: 128 bytes of header, then the payload, then zeros up to the next 64-byte boundary.
//! `docs/format.md`, "Journal", has the layout byte by byte.

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

/// What a frame is. The numbers are on disk; those that are missing are reserved (log-core,
/// section 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum FrameKind {
    /// A record.
    Data = 1,
    /// A schema's bytes, before the first record of the file that has its id.
    Schema = 9,
    /// The last frame of a group.
    GroupEnd = 10,
    /// A tenant's name, before the first record of the file that has its number.
    Tenant = 11,
}

impl FrameKind {
    fn from_number(number: u8) -> Option<Self> {
        [Self::Data, Self::Schema, Self::GroupEnd, Self::Tenant]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// A frame's header. Fields that the kind has no use for are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: FrameKind,
    pub(super) payload_bytes: u32,
    /// CRC-32C of the payload.
    pub(super) payload_crc: u32,
    /// `PartitionId::to_u64`.
    pub(super) partition: u64,
    pub(super) epoch: u32,
    /// Of a record: its offset. Of a group end: where in the file its group starts; everything
    /// before was synced when the group was written.
    pub(super) offset: u64,
    /// The partition's tail when the record was written: everything below was committed.
    pub(super) committed_tail: u64,
    pub(super) append_time_ms: i64,
    pub(super) schema_id: u32,
    /// Of a record: rows in the payload. Of a group end: frames in the group, itself not counted.
    pub(super) rows: u32,
    pub(super) group: u64,
    pub(super) idempotency_key: u128,
    /// Index of the tenant among the file's tenant frames.
    pub(super) tenant: u32,
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
}

impl FrameHeader {
    /// A header of this kind in this group, all else 0.
    pub(super) fn new(kind: FrameKind, group: u64) -> Self {
        Self {
            kind,
            payload_bytes: 0,
            payload_crc: 0,
            partition: 0,
            epoch: 0,
            offset: 0,
            committed_tail: 0,
            append_time_ms: 0,
            schema_id: 0,
            rows: 0,
            group,
            idempotency_key: 0,
            tenant: 0,
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
        out.extend_from_slice(&[self.kind as u8, 0]);
        out.extend_from_slice(&self.payload_bytes.to_le_bytes());
        out.extend_from_slice(&self.payload_crc.to_le_bytes());
        out.extend_from_slice(&self.partition.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&[0; 4]); // copyset version
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.committed_tail.to_le_bytes());
        out.extend_from_slice(&self.append_time_ms.to_le_bytes());
        out.extend_from_slice(&[0; 24]); // reserved for producers and transactions
        out.extend_from_slice(&self.schema_id.to_le_bytes());
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.group.to_le_bytes());
        out.extend_from_slice(&self.idempotency_key.to_le_bytes());
        out.extend_from_slice(&self.tenant.to_le_bytes());
        out.extend_from_slice(&[0; 8]); // reserved
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
        let [kind, _flags] = fields.u16().to_le_bytes();
        let kind = FrameKind::from_number(kind).ok_or(FrameError::Kind(kind))?;
        let (payload_bytes, payload_crc) = (fields.u32(), fields.u32());
        let (partition, epoch, _copyset) = (fields.u64(), fields.u32(), fields.u32());
        let (offset, committed_tail) = (fields.u64(), fields.u64());
        let append_time_ms = fields.u64().cast_signed();
        let _producer_and_transaction = (fields.u64(), fields.u64(), fields.u64());
        let (schema_id, rows, group) = (fields.u32(), fields.u32(), fields.u64());
        let (idempotency_key, tenant) = (fields.u128(), fields.u32());
        Ok(Self {
            kind,
            payload_bytes,
            payload_crc,
            partition,
            epoch,
            offset,
            committed_tail,
            append_time_ms,
            schema_id,
            rows,
            group,
            idempotency_key,
            tenant,
        })
    }
}

/// What a frame with such a payload takes in the file.
pub(super) fn frame_bytes(payload_bytes: u64) -> u64 {
    (FRAME_HEADER_BYTES as u64 + payload_bytes).next_multiple_of(FRAME_ALIGN_BYTES)
}

/// Takes little-endian numbers off the front of a slice. Past its end everything is 0, which the
/// callers exclude by the slice's length.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn u16(&mut self) -> u16 {
        self.take().map_or(0, u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> u32 {
        self.take().map_or(0, u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> u64 {
        self.take().map_or(0, u64::from_le_bytes)
    }

    pub(super) fn u128(&mut self) -> u128 {
        self.take().map_or(0, u128::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(header: &FrameHeader, salt: u32) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = Vec::new();
        header.encode(salt, &mut out);
        out.try_into().unwrap()
    }

    prop_compose! {
        fn headers()(
            kind in prop::sample::select(vec![1u8, 9, 10, 11]),
            numbers in any::<[u32; 6]>(),
            longs in any::<[u64; 4]>(),
            append_time_ms: i64,
            idempotency_key: u128,
        ) -> FrameHeader {
            let [payload_bytes, payload_crc, epoch, schema_id, rows, tenant] = numbers;
            let [partition, offset, committed_tail, group] = longs;
            let kind = FrameKind::from_number(kind).unwrap();
            FrameHeader {
                kind, payload_bytes, payload_crc, partition, epoch, offset, committed_tail,
                append_time_ms, schema_id, rows, group, idempotency_key, tenant,
            }
        }
    }

    proptest! {
        #[test]
        fn a_header_is_read_back_as_it_was_written(header in headers(), salt: u32) {
            prop_assert_eq!(FrameHeader::decode(&encoded(&header, salt), salt), Ok(header));
        }

        #[test]
        fn a_header_with_any_bit_flipped_is_refused(header in headers(), bit in 0..128 * 8usize) {
            let mut bytes = encoded(&header, 7);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(FrameHeader::decode(&bytes, 7).is_err());
        }

        #[test]
        fn a_header_of_another_file_is_refused(header in headers(), salt: u32) {
            let bytes = encoded(&header, salt);
            prop_assert_eq!(
                FrameHeader::decode(&bytes, salt.wrapping_add(1)), Err(FrameError::Checksum)
            );
        }
    }

    #[test]
    fn the_layout_on_disk_does_not_change() {
        let header = FrameHeader {
            payload_bytes: 0x0102_0304,
            partition: 0x11,
            offset: 0x22,
            rows: 0x33,
            tenant: 0x44,
            ..FrameHeader::new(FrameKind::Data, 0x55)
        };
        let bytes = encoded(&header, 0);
        assert_eq!(bytes[..12], *b"VRVf\x80\0\x01\0\x04\x03\x02\x01");
        let at = |position: usize| bytes[position];
        assert_eq!((at(16), at(32), at(84), at(88), at(112)), (0x11, 0x22, 0x33, 0x55, 0x44));
    }
}
