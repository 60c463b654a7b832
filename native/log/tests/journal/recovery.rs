//! What a start makes of what a crash, or a rotten disk, has left.

use crate::{
    reading::read_around,
    support::{
        CLOSING_GROUP_BYTES, FILE_BYTES, FRAME_OF_TENANT, FRAMES_START, LOGS_0, SPANS_1, alter,
        append, crash_image, files, open, payloads, settings, views,
    },
};
use proptest::prelude::*;
use std::{fs, path::Path};
use tempfile::TempDir;
use varve_log::{Journal, JournalSettings, Log, LostRange, OpenError, ReadError, Runtime};
use varve_types::{ErrorCode, Lsn};

/// The payloads of one request.
type Request = Vec<Vec<u8>>;

/// A crash's leavings after each request was written as a group of its own, and where in the file
/// each group ends.
fn crashed(requests: &[Request]) -> (TempDir, Vec<u64>) {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    let mut ends = Vec::new();
    for request in requests {
        let records: Vec<_> = request.iter().map(|payload| (LOGS_0, payload.as_slice())).collect();
        append(&journal, &records).unwrap();
        ends.push(journal.status().bytes);
    }
    (crash_image(home.path()), ends)
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    prop::collection::vec(prop::collection::vec(payload, 1..4), 1..6)
}

/// All payloads of the first requests.
fn first(requests: &[Request], count: usize) -> Vec<Vec<u8>> {
    requests[..count].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A crash may cut the file at any byte, or leave zeros from there on.
    #[test]
    fn recovery_keeps_every_whole_group_and_no_part_of_a_torn_one(
        requests in requests(), share in 0.0..1.0f64, is_zero_filled: bool,
    ) {
        let (image, ends) = crashed(&requests);
        let end = *ends.last().unwrap();
        let mut cut = FRAMES_START + (share * (end - FRAMES_START) as f64) as u64;
        alter(&files(image.path())[0], |bytes| {
            let lost = bytes.split_off(cut as usize);
            if is_zero_filled {
                bytes.resize(FILE_BYTES as usize, 0);
                // Zeros that are zeros again are not lost.
                cut += lost.iter().take_while(|byte| **byte == 0).count() as u64;
            }
        });
        let journal = open(image.path()).unwrap();
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        prop_assert_eq!(payloads(&journal, LOGS_0), first(&requests, whole));
    }

    /// Sectors reach the disk in any order: the last group may lack one in its middle.
    #[test]
    fn a_last_group_that_lacks_some_bytes_is_cut_whole(
        requests in requests(), share in 0.0..1.0f64, lost_bytes in 1..600usize,
    ) {
        let (image, ends) = crashed(&requests);
        let start = ends.iter().rev().nth(1).map_or(FRAMES_START, |end| *end);
        let end = *ends.last().unwrap();
        let from = (start + (share * (end - start) as f64) as u64) as usize;
        let mut is_changed = false;
        alter(&files(image.path())[0], |bytes| {
            let lost = &mut bytes[from..(from + lost_bytes).min(end as usize)];
            is_changed = lost.iter().any(|byte| *byte != 0);
            lost.fill(0);
        });
        let journal = open(image.path()).unwrap();
        let whole = requests.len() - usize::from(is_changed);
        prop_assert_eq!(payloads(&journal, LOGS_0), first(&requests, whole));
    }

    /// Any flipped byte of the last group takes that group with it, or (padding) changes nothing.
    #[test]
    fn a_flipped_byte_in_the_last_group_never_shows_in_a_record(
        requests in requests(), share in 0.0..1.0f64, flip in 1..=255u8,
    ) {
        let (image, ends) = crashed(&requests);
        let start = ends.iter().rev().nth(1).map_or(FRAMES_START, |end| *end);
        let at = start + (share * (ends.last().unwrap() - start) as f64) as u64;
        alter(&files(image.path())[0], |bytes| bytes[at as usize] ^= flip);
        let journal = open(image.path()).unwrap();
        let (read, count) = (payloads(&journal, LOGS_0), requests.len());
        let cut = journal.status().cut_tail;
        prop_assert!(read == first(&requests, count - usize::from(cut.is_some())));
        // It was acknowledged, which is told: a rotten group looks as one that was not written whole.
        let first_file = Path::new("journal/0000000000000001.wal");
        prop_assert!(cut.is_none_or(|it| it.position == start && it.path.ends_with(first_file)));
    }

    /// A group with another one after it was synced: damage there is rot. It takes one record with it
    /// at most, which is named, and nothing else.
    #[test]
    fn a_flipped_byte_before_the_last_group_loses_its_own_record_alone(
        requests in requests().prop_filter("two groups", |them| them.len() > 1),
        share in 0.0..1.0f64, flip in 1..=255u8,
    ) {
        let (image, ends) = crashed(&requests);
        let synced = ends[ends.len() - 2];
        let at = FRAMES_START + (share * (synced - FRAMES_START) as f64) as u64;
        let path = &files(image.path())[0];
        alter(path, |bytes| bytes[at as usize] ^= flip);
        let journal = open(image.path()).unwrap();
        let written = first(&requests, requests.len());
        let found = read_around(&journal, LOGS_0);
        prop_assert!(found.lost_records() <= 1);
        for (lsn, payload) in &found.records {
            prop_assert_eq!(payload, &written[lsn.offset.0 as usize]);
        }
        prop_assert_eq!(found.records.len() + found.lost_records(), written.len());
        let status = journal.status();
        // Padding is under no checksum and says nothing.
        prop_assert!(status.damages.len() == 1 || found.lost.is_empty());
        for damage in &status.damages {
            prop_assert_eq!(&damage.path, path);
            prop_assert!(damage.position <= at && at < damage.end, "{:?} {}", damage, at);
        }
    }
}

#[test]
fn after_a_cut_the_log_goes_on_in_a_new_epoch_and_stays_readable() {
    let (image, ends) = crashed(&[vec![b"kept".to_vec()], vec![b"torn".to_vec()]]);
    alter(&files(image.path())[0], |bytes| bytes.truncate(ends[1] as usize - 1));
    for number in 0..3u8 {
        let journal = open(image.path()).unwrap();
        let place = append(&journal, &[(LOGS_0, &[number])]).unwrap()[0];
        assert_eq!(place, Lsn::new(2 + u32::from(number), 0));
    }
    let closed_bytes = ends[0] + CLOSING_GROUP_BYTES;
    assert_eq!(fs::metadata(&files(image.path())[0]).unwrap().len(), closed_bytes);
    let journal = open(image.path()).unwrap();
    let expected = [b"kept".to_vec(), vec![0], vec![1], vec![2]];
    assert_eq!(payloads(&journal, LOGS_0), expected);
}

#[test]
fn damage_in_the_last_group_of_a_cleanly_closed_journal_is_rot() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, &[7; 200]), (LOGS_0, &[8; 200])]).unwrap();
    let end = journal.status().bytes;
    drop(journal);
    // Behind it are the padding, the group's end, and the empty group.
    alter(&files(home.path())[0], |bytes| bytes[end as usize - 256 - 100] ^= 1);
    let found = read_around(&open(home.path()).unwrap(), LOGS_0);
    assert_eq!(found.records, [(Lsn::new(1, 0), vec![7; 200])]);
    assert_eq!(found.lost, [(Lsn::new(1, 1), Lsn::new(1, 2))]);
}

/// A cleanly closed journal of three files.
fn three_files() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    while journal.status().files < 3 {
        append(&journal, &[(LOGS_0, &[1; 16_000]), (SPANS_1, &[2; 100])]).unwrap();
    }
    home
}

#[test]
fn records_are_read_across_files_and_epochs() {
    let home = three_files();
    let written = payloads(&open(home.path()).unwrap(), LOGS_0).len();
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, b"last")]).unwrap();
    let read = payloads(&journal, LOGS_0);
    assert_eq!(read.len(), written + 1);
    assert_eq!(read.last().unwrap(), b"last");
    assert!(read[..written].iter().all(|payload| payload[..] == [1; 16_000]));
    assert_eq!(payloads(&journal, SPANS_1).len(), written);
}

#[test]
fn a_missing_journal_file_is_refused_by_name() {
    let home = three_files();
    fs::remove_file(&files(home.path())[1]).unwrap();
    let refused = open(home.path()).err().unwrap().to_string();
    assert!(refused.contains("0000000000000002.wal is missing before it"), "{refused}");
}

#[test]
fn older_files_may_be_moved_away_and_what_they_held_is_reported_not_skipped() {
    let home = three_files();
    fs::remove_file(&files(home.path())[0]).unwrap();
    let journal = open(home.path()).unwrap();
    let refused = journal.read(LOGS_0, Lsn::default(), u64::MAX).unwrap_err();
    let ReadError::Lost { from, next, .. } = refused else { panic!("{refused}") };
    assert_eq!(from, Lsn::new(1, 0));
    assert_eq!(journal.read(LOGS_0, next, u64::MAX).unwrap()[0].lsn, next);
}

#[test]
fn a_damaged_record_in_a_closed_file_is_lost_alone_and_named() {
    let of_header = FRAMES_START + FRAME_OF_TENANT + 20;
    let of_payload = FRAMES_START + FRAME_OF_TENANT + 1000;
    for at in [of_header, of_payload] {
        let home = three_files();
        let written = payloads(&open(home.path()).unwrap(), LOGS_0).len();
        let path = &files(home.path())[1];
        alter(path, |bytes| bytes[at as usize] ^= 1);
        let journal = open(home.path()).unwrap();
        let found = read_around(&journal, LOGS_0);
        let [(from, next)] = found.lost[..] else { panic!("{:?}", found.lost) };
        assert_eq!((found.records.len(), found.lost_records()), (written - 1, 1));
        assert_eq!(payloads(&journal, SPANS_1).len(), written);
        let refused = journal.read(LOGS_0, from, u64::MAX).unwrap_err().to_string();
        let named =
            format!("{} is damaged at byte {}", path.display(), FRAMES_START + FRAME_OF_TENANT);
        assert!(refused.contains(&named), "{refused}");
        let status = journal.status();
        assert_eq!((status.damages.len(), status.damages_total), (1, 1));
        let lost = LostRange { partition: LOGS_0, from, next };
        assert_eq!((&status.damages[0].path, &status.damages[0].lost[..]), (path, &[lost][..]));
    }
}

#[test]
fn what_is_lost_at_the_end_of_an_epoch_is_not_passed_over() {
    let (image, _) = crashed(&[vec![b"kept".to_vec()], vec![b"lost".to_vec()]]);
    // The empty group of this start proves that both were synced.
    drop(open(image.path()).unwrap());
    alter(&files(image.path())[0], |bytes| {
        let at = bytes.windows(4).position(|four| four == b"lost").unwrap();
        bytes[at] ^= 1;
    });
    let journal = open(image.path()).unwrap();
    append(&journal, &[(LOGS_0, b"next")]).unwrap();
    let found = read_around(&journal, LOGS_0);
    assert_eq!(found.lost, [(Lsn::new(1, 1), Lsn::new(1, 2))]);
    assert_eq!(found.records.last().unwrap().1, b"next");
}

#[test]
fn a_file_of_another_store_or_version_is_refused() {
    let (home, other) = (three_files(), three_files());
    fs::copy(&files(other.path())[2], &files(home.path())[2]).unwrap();
    let refused = open(home.path()).err().unwrap();
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");

    alter(&files(other.path())[0], |bytes| {
        bytes[8] = 1;
        let crc = crc32c::crc32c(&bytes[..4092]).to_le_bytes();
        bytes[4092..4096].copy_from_slice(&crc);
    });
    let refused = open(other.path()).err().unwrap();
    assert!(matches!(refused, OpenError::Version { version: 1, supported: 2, .. }), "{refused}");
}

#[test]
fn a_file_that_was_still_being_made_is_no_obstacle() {
    let home = three_files();
    fs::write(home.path().join("journal/0000000000000004.wal.new"), b"VARVE").unwrap();
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, b"x")]).unwrap();
    assert_eq!(files(home.path()).len(), 4);
}

#[test]
fn a_damaged_meta_file_is_refused_by_name() {
    for name in ["node", "control", "partitions"] {
        let home = three_files();
        let path = home.path().join("meta").join(name);
        open(home.path()).unwrap().trim(&views(), &[(LOGS_0, Lsn::new(1, 1))]);
        alter(&path, |bytes| bytes[13] ^= 1);
        let refused = open(home.path()).err().unwrap();
        assert_eq!(refused.code(), ErrorCode::StoreCorrupt);
        assert!(matches!(refused, OpenError::Io { path: named, .. } if named == path));
    }
}

#[test]
fn a_lost_meta_file_loses_no_record_and_brings_no_epoch_back() {
    for lost in [&["node"][..], &["control"], &["node", "control"]] {
        let home = three_files();
        for name in lost {
            fs::remove_file(home.path().join("meta").join(name)).unwrap();
        }
        let journal = open(home.path()).unwrap();
        assert_eq!(journal.tail(LOGS_0), Lsn::new(2, 0), "{lost:?}");
        assert!(!journal.read(LOGS_0, Lsn::new(1, 0), u64::MAX).unwrap().is_empty(), "{lost:?}");
        append(&journal, &[(LOGS_0, b"next")]).unwrap();
        assert_eq!(journal.tail(LOGS_0), Lsn::new(2, 1), "{lost:?}");
    }
}

#[test]
fn trimmed_files_are_removed_and_stay_trimmed_after_a_restart() {
    let home = three_files();
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, b"kept")]).unwrap();
    let tail = journal.tail(LOGS_0);
    journal.trim(&views(), &[(LOGS_0, Lsn::new(2, 0))]);
    assert_eq!(journal.status().files, 4, "the other partition still needs them");
    assert_eq!(journal.status().oldest_file_held_by, [SPANS_1]);
    journal.trim(&views(), &[(SPANS_1, Lsn::new(2, 0))]);
    assert_eq!((journal.status().files, files(home.path()).len()), (1, 1));
    assert_eq!(journal.status().trim_error, None);
    drop(journal);

    let journal = open(home.path()).unwrap();
    let refused = journal.read(LOGS_0, Lsn::new(1, 0), 0).unwrap_err();
    assert!(
        matches!(refused, ReadError::Trimmed { trim_point, .. } if trim_point == Lsn::new(2, 0))
    );
    assert_eq!(journal.read(LOGS_0, Lsn::new(2, 0), 0).unwrap()[0].payload[..], b"kept"[..]);
    assert_eq!(journal.partitions(), [LOGS_0, SPANS_1]);
    journal.trim(&views(), &[(LOGS_0, tail)]);
    assert_eq!(journal.status().files, 1, "the one that has this start's seals");
    append(&journal, &[(LOGS_0, b"next")]).unwrap();
    assert_eq!(journal.status().files, 1);
}

#[test]
fn other_partitions_or_coordinators_than_the_store_was_made_with_are_refused() {
    let home = three_files();
    let dir = home.path().display();
    let refused = |change: fn(&mut JournalSettings)| {
        let mut other = settings(home.path());
        change(&mut other);
        Journal::open(other, Runtime::real()).err().unwrap()
    };
    let lower = refused(|settings| settings.partitions = 1);
    assert_eq!(lower.code(), ErrorCode::SettingFixed);
    let told = format!(
        "log.partitions is 1, but the data directory {dir} was made with 2, and by it a retry finds what it stored; set it to 2, or use another data directory"
    );
    assert_eq!(lower.to_string(), told);
    assert!(refused(|settings| settings.partitions = 3).to_string().contains("is 3"));
    let told = refused(|settings| settings.coordinator_count = 7).to_string();
    assert!(told.contains("log.coordinator_count is 7") && told.contains("with 1024"), "{told}");
    assert_eq!(open(home.path()).unwrap().tail(LOGS_0), Lsn::new(2, 0), "nothing was changed");
}

#[test]
fn a_store_of_a_version_that_did_not_note_its_settings_goes_on_with_those_of_its_next_start() {
    let home = three_files();
    let path = home.path().join("meta/node");
    alter(&path, |bytes| {
        // Both settings, and the checksum behind them.
        bytes.truncate(bytes.len() - 12);
        let crc = crc32c::crc32c(bytes).to_le_bytes();
        bytes.extend_from_slice(&crc);
    });
    let other = || JournalSettings { partitions: 3, ..settings(home.path()) };
    drop(Journal::open(other(), Runtime::real()).unwrap());
    assert!(matches!(open(home.path()).err().unwrap(), OpenError::Fixed { made_with: 3, .. }));
}
