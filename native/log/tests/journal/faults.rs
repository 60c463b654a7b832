//! What a journal does while the disk fails or is slow.

use crate::support::{
    LOGS_0, SPANS_1, append, crash_image, faulty_runtime, files, open, payloads, settings,
    start_append, views,
};
use std::collections::BTreeMap;
use varve_log::{
    AppendError, Hold, Journal, JournalStatus, Log, OpenError, Runtime, SYNC_BOUNDS_US,
};
use varve_types::Lsn;

#[test]
fn a_failed_fsync_turns_the_journal_read_only_for_ever() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime).unwrap();
    append(&journal, &[(LOGS_0, b"before")]).unwrap();
    faults.fail_sync(1);
    let told = append(&journal, &[(LOGS_0, b"during")]).unwrap_err();
    let text = told.to_string();
    assert!(matches!(told, AppendError::ReadOnly { .. }));
    assert!(text.contains("fsync of") && text.contains(".wal failed: injected"), "{text}");

    let (writes, syncs) = (faults.writes_seen(), faults.syncs_seen());
    let refused = append(&journal, &[(LOGS_0, b"after")]).unwrap_err();
    assert!(matches!(refused, AppendError::ReadOnly { .. }));
    assert_eq!(payloads(&journal, LOGS_0), [b"before"]);
    assert_eq!(journal.tail(LOGS_0), Lsn::new(1, 1));
    assert!(journal.status().read_only.unwrap().contains("injected sync failure"));
    journal.close();
    assert_eq!((faults.writes_seen(), faults.syncs_seen()), (writes, syncs), "nothing is retried");
}

#[test]
fn a_torn_write_leaves_nothing_of_its_group_after_a_restart() {
    for arriving_bytes in [0, 1, 127, 128, 500, 1000] {
        let home = tempfile::tempdir().unwrap();
        let (runtime, faults) = faulty_runtime();
        let journal = Journal::open(settings(home.path()), runtime).unwrap();
        append(&journal, &[(LOGS_0, b"whole")]).unwrap();
        faults.tear_write_after(arriving_bytes);
        let torn = append(&journal, &[(LOGS_0, &[1; 400]), (LOGS_0, &[2; 400])]).unwrap_err();
        assert!(matches!(torn, AppendError::ReadOnly { .. }));
        drop(journal);
        assert_eq!(payloads(&open(home.path()).unwrap(), LOGS_0), [b"whole"]);
    }
}

#[test]
fn requests_behind_a_failed_one_are_told_so_too() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime).unwrap();
    append(&journal, &[(LOGS_0, b"a file is open")]).unwrap();
    let held = faults.hold_syncs();
    faults.fail_sync(1);
    let waiting: Vec<_> =
        (0..10).map(|_| start_append(&journal, &[(LOGS_0, b"x")]).unwrap()).collect();
    drop(held);
    for answers in waiting {
        assert!(matches!(answers.recv().unwrap(), Err(AppendError::ReadOnly { .. })));
    }
    assert_eq!(journal.status().waiting_bytes, 0);
}

#[test]
fn past_the_write_buffer_requests_are_refused_and_those_inside_are_stored() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime).unwrap();
    append(&journal, &[(LOGS_0, b"a file is open")]).unwrap();
    let held = faults.hold_syncs();
    let mut waiting = Vec::new();
    let refused = loop {
        match start_append(&journal, &[(LOGS_0, &[0; 10_000])]) {
            Ok(answers) => waiting.push(answers),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, AppendError::Overloaded { max_bytes: 262_144, .. }), "{refused}");
    drop(held);
    assert_eq!(waiting.len(), 24, "256 KiB hold 24 requests of 10 kB with their frames");
    assert!(waiting.iter().all(|answers| answers.recv().unwrap().is_ok()));
    assert_eq!(journal.status().waiting_bytes, 0);
}

#[test]
fn a_request_larger_than_a_file_is_refused_with_both_sizes() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    let refused = append(&journal, &[(LOGS_0, &vec![0; 64 << 10])]).unwrap_err();
    let AppendError::TooLarge { size_bytes, max_bytes } = refused else { panic!("{refused}") };
    assert!(size_bytes > 64 << 10 && max_bytes < 64 << 10);
    append(&journal, &[(LOGS_0, &vec![0; max_bytes as usize - 1024])]).unwrap();
}

#[test]
fn what_arrives_during_a_sync_shares_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime).unwrap();
    append(&journal, &[(LOGS_0, b"a file is open")]).unwrap();
    let groups_before = journal.status().groups_total;
    let held = faults.hold_syncs();
    let waiting: Vec<_> =
        (0..50).map(|_| start_append(&journal, &[(LOGS_0, b"x")]).unwrap()).collect();
    drop(held);
    assert!(waiting.iter().all(|answers| answers.recv().unwrap().is_ok()));
    assert!(journal.status().groups_total - groups_before <= 2);
}

#[test]
fn what_was_told_is_there_after_a_crash() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    for number in 0..100u8 {
        append(&journal, &[(LOGS_0, &[number; 2_000])]).unwrap();
    }
    let image = crash_image(home.path());
    let recovered = open(image.path()).unwrap();
    assert_eq!(payloads(&recovered, LOGS_0), payloads(&journal, LOGS_0));
    assert_eq!(payloads(&recovered, LOGS_0).len(), 100);
}

/// The last group may be in the page cache only, so a start that cannot write it must not go on.
#[test]
fn a_start_makes_durable_what_it_found_or_fails() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, b"x")]).unwrap();
    let image = crash_image(home.path());
    let (runtime, faults) = faulty_runtime();
    faults.fail_sync(1);
    let refused = Journal::open(settings(image.path()), runtime).err().unwrap();
    assert!(matches!(refused, OpenError::Io { path, .. } if path == files(image.path())[0]));
}

#[test]
fn the_status_counts_syncs_by_how_long_they_took_and_seals() {
    let home = tempfile::tempdir().unwrap();
    append(&open(home.path()).unwrap(), &[(LOGS_0, b"x")]).unwrap();
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, b"y")]).unwrap();
    let status = journal.status();
    assert_eq!(status.sync_counts.len(), SYNC_BOUNDS_US.len() + 1);
    assert_eq!(status.sync_counts.iter().sum::<u64>(), status.syncs_total);
    assert_eq!((status.seals_total, status.repairs_total, status.unknown_frames_total), (1, 0, 0));
    assert_eq!(status.cut_tail, None, "it was closed");
}

#[test]
fn the_status_says_how_far_behind_views_and_holds_are_in_records_bytes_and_time() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    let before_ms = Runtime::real().clock.now_ms();
    append(&journal, &[(LOGS_0, &[7; 100]), (LOGS_0, &[7; 10]), (SPANS_1, b"x")]).unwrap();
    journal.trim(&views(), &[(LOGS_0, Lsn::new(1, 1))]);
    let from = BTreeMap::from([(LOGS_0, Lsn::new(1, 2)), (SPANS_1, Lsn::new(1, 0))]);
    let (name, owner) = ("copy".into(), "tests".into());
    journal.hold(Hold { name, owner, max_age_ms: 60_000, from }).unwrap();
    let JournalStatus { partitions, hold_lags, .. } = journal.status();
    let held: Vec<_> = partitions.iter().map(|it| (it.held_records, it.held_bytes)).collect();
    assert_eq!(held, [(1, 10), (1, 1)]);
    assert_eq!((hold_lags[0].records, hold_lags[0].bytes), (1, 1));
    let oldest = [partitions[0].oldest_held_ms, hold_lags[0].oldest_ms];
    assert!(oldest.iter().all(|at| at.is_some_and(|ms| ms >= before_ms)), "{oldest:?}");
    journal.trim(&views(), &[(LOGS_0, Lsn::new(1, 2))]);
    assert_eq!(journal.status().partitions[0].oldest_held_ms, None, "nothing is held");
}
