use super::*;
use proptest::prelude::*;

fn encoded(header: &FrameHeader, salt: u32) -> [u8; FRAME_HEADER_BYTES] {
    let mut out = Vec::new();
    header.encode(salt, &mut out);
    out.try_into().unwrap()
}

prop_compose! {
    fn headers()(
        kind in prop::sample::select(FrameKind::ALL.to_vec()),
        is_repair: bool,
        numbers in any::<[u32; 7]>(),
        longs in any::<[u64; 8]>(),
        append_time_ms: i64,
        idempotency_key: u128,
    ) -> FrameHeader {
        let [payload_bytes, payload_crc, epoch, copyset_version, schema_id, rows, tenant] = numbers;
        let [partition, offset, committed_tail, session, seq, transaction, group, leader] = longs;
        FrameHeader {
            kind, is_repair, payload_bytes, payload_crc, partition, epoch, copyset_version, offset,
            committed_tail, append_time_ms, session, seq, transaction, schema_id, rows, group,
            idempotency_key, tenant, leader,
        }
    }
}

proptest! {
    #[test]
    fn a_header_is_read_back_as_it_was_written(header in headers(), salt: u32) {
        prop_assert_eq!(FrameHeader::decode(&encoded(&header, salt), salt), Ok(header));
    }

    #[test]
    fn a_header_with_any_bit_flipped_is_refused(header in headers(), salt: u32) {
        let bytes = encoded(&header, salt);
        for bit in 0..FRAME_HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(FrameHeader::decode(&flipped, salt).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_header_of_another_file_is_refused(header in headers(), salt: u32) {
        let bytes = encoded(&header, salt);
        prop_assert_eq!(
            FrameHeader::decode(&bytes, salt.wrapping_add(1)), Err(FrameError::Checksum)
        );
    }
}

/// Every field at its place in `docs/format.md`.
#[test]
fn the_layout_on_disk_does_not_change() {
    let header = FrameHeader {
        kind: FrameKind::Close,
        is_repair: true,
        payload_bytes: 0x0102_0304,
        payload_crc: 0x12,
        partition: 0x16,
        epoch: 0x24,
        copyset_version: 0x28,
        offset: 0x32,
        committed_tail: 0x40,
        append_time_ms: 0x48,
        session: 0x56,
        seq: 0x64,
        transaction: 0x72,
        schema_id: 0x80,
        rows: 0x84,
        group: 0x88,
        idempotency_key: 0x96,
        tenant: 0x99,
        leader: 0x77,
    };
    let bytes = encoded(&header, 0);
    assert_eq!(bytes[..12], *b"VRVf\x80\0\x07\x01\x04\x03\x02\x01");
    let at = |position: usize| bytes[position];
    assert_eq!([at(12), at(16), at(24), at(28), at(32)], [0x12, 0x16, 0x24, 0x28, 0x32]);
    assert_eq!([at(40), at(48), at(56), at(64), at(72)], [0x40, 0x48, 0x56, 0x64, 0x72]);
    assert_eq!([at(80), at(84), at(88), at(96), at(112)], [0x80, 0x84, 0x88, 0x96, 0x99]);
    assert_eq!(bytes[116..124], 0x77u64.to_le_bytes());
    assert_eq!(FRAME_HEADER_BYTES, 128);
}
