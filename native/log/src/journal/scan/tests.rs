use super::*;
use crate::{
    journal::{Frame, damage::LostRange, file_header::FileHeader, group::GroupBuilder},
    runtime::{Disk as _, RealDisk},
};
use varve_types::LogId;

const LOGS_0: PartitionId = PartitionId { log: LogId::Logs, number: 0 };

/// A file whose first group is 5, with these frames behind its header.
fn scanned(standing: Standing, frames: impl FnOnce(u32) -> Vec<u8>) -> Scan {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0000000000000001.wal");
    let header = FileHeader { store_id: 1, sequence: 1, first_group: 5, created_ms: 0 };
    let (bytes, salt) = header.encode();
    let file = RealDisk.create(&path).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    file.write_all_at(&frames(salt), FILE_HEADER_BYTES).unwrap();
    let file = JournalFile { file, path, salt, sequence: 1, first_group: 5 };
    scan(&Arc::new(file), standing).unwrap()
}

/// A group of two records of 6 bytes, with offsets from `first` on: two frames of 192 bytes, and an
/// end of 192.
fn group(number: u64, salt: u32, start: u64, first: u64) -> Vec<u8> {
    let mut group = GroupBuilder::new(Vec::new(), number, start, salt);
    for offset in [first, first + 1] {
        let mut frame = Frame::new(FrameKind::Data, LOGS_0, Lsn::new(1, offset));
        (frame.payload, frame.payload_crc) = (b"record"[..].into(), crc32c::crc32c(b"record"));
        group.push(&frame.header(number, 0), &frame.payload);
    }
    group.finish()
}

const GROUP_BYTES: u64 = 3 * 192;

/// Groups 5 and 6, with a byte of the first changed.
fn two_groups(salt: u32, changed: usize) -> Vec<u8> {
    let mut bytes = group(5, salt, FILE_HEADER_BYTES, 0);
    bytes.extend(group(6, salt, FILE_HEADER_BYTES + GROUP_BYTES, 2));
    bytes[changed] ^= 1;
    bytes
}

fn offsets(scan: &Scan) -> Vec<u64> {
    scan.contents.records.iter().map(|entry| entry.lsn.offset.0).collect()
}

fn lost(from: u64, next: u64) -> LostRange {
    LostRange { partition: LOGS_0, from: Lsn::new(1, from), next: Lsn::new(1, next) }
}

#[test]
fn a_whole_group_is_found() {
    let scan = scanned(Standing::Last, |salt| group(5, salt, FILE_HEADER_BYTES, 0));
    assert_eq!((scan.next_group, scan.end), (6, FILE_HEADER_BYTES + GROUP_BYTES));
    assert_eq!((offsets(&scan), scan.damages.len()), (vec![0, 1], 0));
}

#[test]
fn a_damaged_header_or_payload_before_a_later_group_takes_its_own_record_alone() {
    for (changed, reason) in [
        (192 + 20, "the frame header's checksum does not match"),
        (192, "no frame starts here"),
        (192 + 130, "the payload's checksum does not match"),
    ] {
        let scan = scanned(Standing::Last, |salt| two_groups(salt, changed));
        assert_eq!((scan.next_group, offsets(&scan)), (7, vec![0, 2, 3]));
        let [damage] = &scan.damages[..] else { panic!("{:?}", scan.damages) };
        assert_eq!((&*damage.reason, damage.is_known), (reason, true));
        assert_eq!((damage.position, damage.end), (4096 + 192, 4096 + 384));
        assert_eq!(damage.lost, [lost(1, 2)]);
    }
}

#[test]
fn without_its_end_a_group_keeps_its_records_and_the_rest_is_unknown() {
    let scan = scanned(Standing::Last, |salt| two_groups(salt, 384 + 20));
    assert_eq!((scan.next_group, offsets(&scan)), (7, vec![0, 1, 2, 3]));
    let [damage] = &scan.damages[..] else { panic!("{:?}", scan.damages) };
    assert_eq!((damage.lost.len(), damage.is_known), (0, false));
}

#[test]
fn damage_in_the_last_group_is_a_torn_tail_in_the_last_file_and_rot_in_others() {
    let torn = scanned(Standing::Last, |salt| two_groups(salt, 576 + 20));
    assert_eq!((torn.next_group, torn.end), (6, FILE_HEADER_BYTES + GROUP_BYTES));
    assert_eq!((offsets(&torn), torn.damages.len()), (vec![0, 1], 0));
    let closed = Standing::Closed { next_group: 7 };
    let rotten = scanned(closed, |salt| two_groups(salt, 576 + 20));
    assert_eq!((rotten.next_group, offsets(&rotten)), (7, vec![0, 1, 3]));
    assert_eq!(rotten.damages[0].lost, [lost(2, 3)]);
}

#[test]
fn groups_that_a_closed_file_lacks_at_its_end_are_damage() {
    let closed = Standing::Closed { next_group: 9 };
    let scan = scanned(closed, |salt| two_groups(salt, 576 + 384 + 20));
    assert_eq!((scan.next_group, offsets(&scan)), (9, vec![0, 1, 2, 3]));
    let [damage] = &scan.damages[..] else { panic!("{:?}", scan.damages) };
    assert_eq!((damage.position, damage.is_known), (4096 + 576 + 384, false));
}

#[test]
fn frames_of_earlier_groups_are_leftovers() {
    let scan = scanned(Standing::Last, |salt| {
        let mut bytes = group(5, salt, FILE_HEADER_BYTES, 0);
        bytes.extend(group(4, salt, FILE_HEADER_BYTES + GROUP_BYTES, 2));
        bytes
    });
    assert_eq!((scan.next_group, offsets(&scan), scan.damages.len()), (6, vec![0, 1], 0));
}

#[test]
fn a_group_that_lacks_a_frame_is_none() {
    let scan = scanned(Standing::Last, |salt| group(5, salt, FILE_HEADER_BYTES, 0)[192..].to_vec());
    assert_eq!((scan.next_group, scan.end, offsets(&scan)), (5, FILE_HEADER_BYTES, vec![]));
}

#[test]
fn a_seal_whose_header_is_damaged_is_known_from_the_groups_end() {
    let scan = scanned(Standing::Last, |salt| {
        let mut group = GroupBuilder::new(Vec::new(), 5, FILE_HEADER_BYTES, salt);
        let seal = Frame::new(FrameKind::Seal, LOGS_0, Lsn::new(3, 0));
        group.push(&seal.header(5, 0), b"");
        let mut bytes = group.finish();
        bytes[20] ^= 1;
        let start = FILE_HEADER_BYTES + bytes.len() as u64;
        bytes.extend(super::tests::group(6, salt, start, 0));
        bytes
    });
    let seal = Mark { kind: FrameKind::Seal, partition: LOGS_0, at: Lsn::new(3, 0) };
    assert_eq!(scan.contents.marks, [seal]);
    assert!(scan.damages[0].is_known);
}
