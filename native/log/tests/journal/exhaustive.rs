//! Torn tails and rot at every byte and every bit, and random logs whose index is compared with a scan.

use crate::{
    reading::{Found, read_around},
    support::{FRAMES_START, IN_MEMORY, LOGS_0, SPANS_1, append, open_on, payloads, views},
};
use proptest::prelude::*;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use varve_log::{
    Log,
    runtime::{Disk, crash_disk::CrashDisk},
};
use varve_types::PartitionId;

/// Files of the journal that end so.
fn named(disk: &CrashDisk, extension: &str) -> Vec<PathBuf> {
    let mut paths = disk.list(&Path::new(IN_MEMORY).join("journal")).unwrap();
    paths.retain(|path| path.extension().is_some_and(|it| it == extension));
    paths
}

/// A copy of the disk on which the only file is another.
fn with_changed_file(disk: &CrashDisk, change: impl FnOnce(&mut Vec<u8>)) -> Arc<CrashDisk> {
    let copy = disk.copy();
    let file = copy.open(&named(&copy, "wal")[0]).unwrap();
    let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    change(&mut bytes);
    file.set_len(0).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    Arc::new(copy)
}

/// What a crash leaves of three groups, and where each ends.
fn three_groups() -> (CrashDisk, [Vec<Vec<u8>>; 3], Vec<u64>) {
    let disk = Arc::new(CrashDisk::default());
    let journal = open_on(&disk).unwrap();
    let groups = [
        vec![b"one".to_vec(), b"".to_vec()],
        vec![vec![0xff; 70]],
        vec![b"last".to_vec(), vec![0; 61]],
    ];
    let mut ends = Vec::new();
    for group in &groups {
        let records: Vec<_> = group.iter().map(|payload| (LOGS_0, payload.as_slice())).collect();
        append(&journal, &records).unwrap();
        ends.push(journal.status().bytes);
    }
    (disk.copy(), groups, ends)
}

/// Whether the file ends there or has zeros from there on.
#[test]
fn cut_at_any_byte_the_whole_groups_before_are_there_and_nothing_else() {
    let (disk, groups, ends) = three_groups();
    for is_zero_filled in [false, true] {
        for at in FRAMES_START..=ends[2] {
            let mut cut = at;
            let image = with_changed_file(&disk, |bytes| {
                let lost = bytes.split_off(at as usize);
                if is_zero_filled {
                    bytes.resize(bytes.len() + lost.len(), 0);
                    // Zeros that are zeros again are not lost.
                    cut += lost.iter().take_while(|byte| **byte == 0).count() as u64;
                }
            });
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            let journal = open_on(&image).unwrap();
            assert_eq!(payloads(&journal, LOGS_0), groups[..whole].concat(), "cut at {at}");
        }
    }
}

#[test]
fn with_any_bit_of_the_last_group_flipped_it_is_there_whole_or_not_at_all() {
    let (disk, groups, ends) = three_groups();
    let mut cut = 0;
    for bit in ends[1] * 8..ends[2] * 8 {
        let image = with_changed_file(&disk, |bytes| bytes[(bit / 8) as usize] ^= 1 << (bit % 8));
        let journal = open_on(&image).unwrap();
        let found = payloads(&journal, LOGS_0);
        // Padding is under no checksum and says nothing.
        let is_cut = journal.status().cut_tail.is_some();
        cut += u64::from(is_cut);
        let kept = if is_cut { 2 } else { 3 };
        assert_eq!(found, groups[..kept].concat(), "bit {bit}");
    }
    let padding = (ends[2] - ends[1]) * 8 - cut;
    assert!(padding > 0 && cut > 4 * padding, "{cut} of {} flips were seen", cut + padding);
}

#[test]
fn with_any_bit_of_an_earlier_group_flipped_one_record_is_lost_at_most_and_named() {
    let (disk, groups, ends) = three_groups();
    let written = groups.concat();
    for bit in ends[0] * 8..ends[1] * 8 {
        let image = with_changed_file(&disk, |bytes| bytes[(bit / 8) as usize] ^= 1 << (bit % 8));
        let journal = open_on(&image).unwrap();
        let found = read_around(&journal, LOGS_0);
        assert!(found.lost_records() <= 1, "bit {bit}");
        assert_eq!(found.records.len() + found.lost_records(), written.len(), "bit {bit}");
        for (lsn, payload) in &found.records {
            assert_eq!(payload, &written[lsn.offset.0 as usize], "bit {bit}");
        }
        assert!(journal.status().damages.len() == 1 || found.lost.is_empty(), "bit {bit}");
    }
}

/// All that a start found, as far as it can be asked for.
fn found(disk: &Arc<CrashDisk>) -> (u64, u64, Vec<(PartitionId, u64)>, [Found; 2]) {
    let journal = open_on(disk).unwrap();
    let status = journal.status();
    let held = status.partitions.iter().map(|it| (it.partition, it.held_records)).collect();
    let records = [LOGS_0, SPANS_1].map(|partition| read_around(&journal, partition));
    (status.files, status.bytes, held, records)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Starts in between, and trims that let files go and be written again.
    #[test]
    fn the_index_of_any_log_is_what_a_scan_of_all_frames_finds(
        steps in prop::collection::vec((0..10u8, 0..5_000usize), 1..60),
    ) {
        let disk = Arc::new(CrashDisk::default());
        let mut journal = open_on(&disk).unwrap();
        for (kind, len) in steps {
            let partition = if len % 3 == 0 { SPANS_1 } else { LOGS_0 };
            match kind {
                0 => {
                    drop(journal);
                    journal = open_on(&disk).unwrap();
                }
                1 => journal.trim(&views(), &[(partition, journal.tail(partition))]),
                _ => drop(append(&journal, &[(partition, &vec![kind; len])]).unwrap()),
            }
        }
        let crashed = Arc::new(disk.copy());
        drop(journal);
        for with_checkpoints in [crashed, Arc::new(disk.copy())] {
            let without = Arc::new(with_checkpoints.copy());
            for checkpoint in named(&without, "index") {
                without.remove(&checkpoint).unwrap();
            }
            prop_assert_eq!(found(&with_checkpoints), found(&without));
        }
    }
}
