//! The files over time: closed ones with their checkpoints, and those that are written again.

use crate::{
    reading::read_around,
    support::{
        LOGS_0, SPANS_1, alter, append, crash_image, faulty_runtime, files, open, others, settings,
        views,
    },
};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};
use varve_log::{Delivery, Journal, Log, Next, Subscribe, Wanted};
use varve_types::Lsn;

/// Appends until so many files are there.
fn fill(journal: &Journal, files: u64) {
    while journal.status().files < files {
        append(journal, &[(LOGS_0, &[1; 7_000]), (SPANS_1, &[2; 100])]).unwrap();
    }
}

/// All that a start found, as far as it can be asked for.
fn found(dir: &Path) -> impl PartialEq + std::fmt::Debug + use<> {
    let journal = open(dir).unwrap();
    let status = journal.status();
    let of = |partition| read_around(&journal, partition).records;
    let held: Vec<_> = status.partitions.iter().map(|it| (it.partition, it.held_records)).collect();
    (status.files, status.bytes, held, of(LOGS_0), of(SPANS_1))
}

#[test]
fn a_start_from_checkpoints_finds_what_a_full_scan_does() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    fill(&journal, 3);
    journal.trim(&views(), &[(LOGS_0, Lsn::new(1, 2))]);
    let crashed = crash_image(home.path());
    drop(journal);
    assert_eq!(others(home.path(), "index").len(), 3);
    let closed = crash_image(home.path());
    for checkpoint in others(closed.path(), "index") {
        fs::remove_file(checkpoint).unwrap();
    }
    assert_eq!(found(home.path()), found(closed.path()));
    assert_eq!(others(closed.path(), "index").len(), 4, "the scan spares the next start its work");
    // The last file of a crash has none.
    assert_eq!(others(crashed.path(), "index").len(), 2);
    let again = crash_image(crashed.path());
    for checkpoint in others(again.path(), "index") {
        fs::remove_file(checkpoint).unwrap();
    }
    assert_eq!(found(crashed.path()), found(again.path()));
}

#[test]
fn a_damaged_checkpoint_or_one_of_another_file_is_not_believed() {
    let home = tempfile::tempdir().unwrap();
    fill(&open(home.path()).unwrap(), 3);
    let expected = found(crash_image(home.path()).path());
    let paths = others(home.path(), "index");
    for (number, at) in [10, 30, 60, 200].into_iter().enumerate() {
        let image = crash_image(home.path());
        let path = image.path().join("journal").join(paths[number % 3].file_name().unwrap());
        alter(&path, |bytes| bytes[at] ^= 1);
        assert_eq!(found(image.path()), expected);
        let image = crash_image(home.path());
        let path = image.path().join("journal").join(paths[number % 3].file_name().unwrap());
        alter(&path, |bytes| bytes.truncate(at));
        assert_eq!(found(image.path()), expected);
    }
    let image = crash_image(home.path());
    let orphan = image.path().join("journal/0000000000000009.index");
    fs::copy(&paths[0], &orphan).unwrap();
    assert_eq!(found(image.path()), expected);
    assert!(!orphan.exists(), "its file is gone");
    let image = crash_image(home.path());
    let [one, other, _] = &others(image.path(), "index")[..] else { panic!() };
    fs::copy(one, other).unwrap();
    assert_eq!(found(image.path()), expected);
}

#[test]
fn trimmed_files_are_written_again_and_their_leftovers_are_never_taken_for_records() {
    let home = tempfile::tempdir().unwrap();
    let journal = open(home.path()).unwrap();
    fill(&journal, 5);
    let trim = |journal: &Journal| {
        journal.trim(
            &views(),
            &[LOGS_0, SPANS_1].map(|partition| (partition, journal.tail(partition))),
        );
    };
    trim(&journal);
    assert_eq!((journal.status().files, others(home.path(), "spare").len()), (1, 2));
    fill(&journal, 2);
    assert_eq!(others(home.path(), "spare").len(), 1);
    append(&journal, &[(LOGS_0, b"over the leftovers")]).unwrap();
    // Killed there, and killed again.
    let image = crash_image(home.path());
    for _ in 0..2 {
        let reopened = open(image.path()).unwrap();
        let from = reopened.status().partitions[0].trim_point;
        let read = reopened.read(LOGS_0, from, u64::MAX).unwrap();
        let read: Vec<_> = read.into_iter().map(|it| (it.lsn, it.payload.to_vec())).collect();
        let written = journal.read(LOGS_0, from, u64::MAX).unwrap();
        let written: Vec<_> = written.into_iter().map(|it| (it.lsn, it.payload.to_vec())).collect();
        assert_eq!(read, written);
        assert_eq!(reopened.status().damages, []);
    }
}

#[test]
fn a_file_that_cannot_be_removed_keeps_the_later_ones_until_it_can() {
    let home = tempfile::tempdir().unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = Journal::open(settings(home.path()), runtime).unwrap();
    fill(&journal, 5);
    let written = files(home.path());
    let trim = |partitions: &[_]| {
        journal.trim(
            &views(),
            &partitions.iter().map(|at| (*at, journal.tail(*at))).collect::<Vec<_>>(),
        );
    };
    faults.set_stuck(Some(written[1].clone()));
    trim(&[LOGS_0, SPANS_1]);
    assert!(journal.status().trim_error.unwrap().contains("it is stuck"));
    assert_eq!(files(home.path()), written[1..]);
    // Neither does the next trim leave a gap, which a start would refuse.
    append(&journal, &[(LOGS_0, b"next")]).unwrap();
    trim(&[LOGS_0]);
    assert_eq!(files(home.path()), written[1..]);
    assert_eq!(payloads_from_trim_point(&open(crash_image(home.path()).path()).unwrap()), 0);

    faults.set_stuck(None);
    trim(&[LOGS_0]);
    assert_eq!(journal.status().trim_error, None);
    assert_eq!(files(home.path()), written[4..]);
}

fn payloads_from_trim_point(journal: &Journal) -> usize {
    let from = journal.status().partitions[0].trim_point;
    journal.read(LOGS_0, from, u64::MAX).unwrap().len()
}

/// A partition that gets no records gets an epoch at each start all the same.
#[test]
fn starts_cost_a_partition_without_new_records_no_room() {
    let home = tempfile::tempdir().unwrap();
    append(&open(home.path()).unwrap(), &[(LOGS_0, b"x"), (LOGS_0, b"y")]).unwrap();
    let covered = (LOGS_0, Lsn::new(1, 2));
    let after = |starts: u32| {
        for _ in 0..starts {
            open(home.path()).unwrap().trim(&views(), &[covered]);
        }
        fs::metadata(home.path().join("meta/control")).unwrap().len()
    };
    assert_eq!(after(2), after(10));
    // Whoever comes back with the old place misses nothing of what follows.
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, b"z")]).unwrap();
    let from = BTreeMap::from([covered]);
    let (partitions, credit_bytes) = (Wanted::Partition(LOGS_0), u64::MAX);
    let mut subscription = journal
        .subscribe(Subscribe { name: "reader".into(), partitions, from, credit_bytes })
        .unwrap();
    let Next::Delivery(Delivery::Records(records)) = subscription.next(Duration::ZERO).unwrap()
    else {
        panic!("no records")
    };
    assert_eq!(records.iter().map(|it| &it.payload[..]).collect::<Vec<_>>(), [b"z"]);
}

#[test]
fn numbers_go_on_when_no_record_is_left() {
    let home = tempfile::tempdir().unwrap();
    fill(&open(home.path()).unwrap(), 3);
    let journal = open(home.path()).unwrap();
    let next_epoch = Lsn::new(2, 0);
    journal.trim(&views(), &[(LOGS_0, next_epoch), (SPANS_1, next_epoch)]);
    assert_eq!(journal.status().files, 1, "the one that has this start's seals");
    drop(journal);
    let journal = open(home.path()).unwrap();
    append(&journal, &[(LOGS_0, b"next")]).unwrap();
    let names = files(home.path());
    assert!(names.last().unwrap().ends_with("0000000000000005.wal"), "{names:?}");
    drop(journal);
    let journal = open(home.path()).unwrap();
    assert_eq!(journal.read(LOGS_0, next_epoch, 0).unwrap()[0].payload[..], b"next"[..]);
}
