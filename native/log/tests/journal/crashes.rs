//! What a crash may take: anything that was not synced. What was told is there all the same.

use crate::{
    reading::read_around,
    support::{
        LOGS_0, SPANS_1, append as append_all, crash_image, faulty_runtime, open_on, settings,
        views,
    },
};
use bytes::Bytes;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, mpsc},
    time::Duration,
};
use varve_log::{
    Append, AppendError, Journal, JournalSettings, Log, Runtime, Stored,
    runtime::crash_disk::CrashDisk,
};
use varve_types::{Lsn, PartitionId, TenantId};

/// What a life of the journal does, step by step.
#[derive(Clone, Debug)]
enum Step {
    Append(PartitionId, usize),
    Trim(PartitionId),
    OpenSession,
}

/// A life, and how it ends: the power goes after some steps of the disk, and the seed says what is left.
#[derive(Clone, Debug)]
struct Life {
    steps: Vec<Step>,
    power_lasts: u64,
    seed: u64,
}

/// What was told over all lives.
#[derive(Default)]
struct Told {
    keys: u64,
    /// By key: whose, and what it holds.
    sent: BTreeMap<u64, (PartitionId, Vec<u8>)>,
    /// By key: where it was said to be stored.
    stored: BTreeMap<u64, Lsn>,
    sessions: BTreeSet<u64>,
    /// Up to where it was asked to trim.
    trimmed: BTreeMap<PartitionId, Lsn>,
}

fn append(
    journal: &Journal,
    key: u64,
    (partition, payload): &(PartitionId, Vec<u8>),
) -> Result<Stored, AppendError> {
    let (told, answer) = mpsc::channel();
    journal.append(vec![Append {
        partition: *partition,
        tenant: TenantId::parse("team-a").unwrap(),
        schema_id: 1,
        rows: 1,
        session: None,
        idempotency_key: key.into(),
        payload: Bytes::copy_from_slice(payload),
        done: Box::new(move |result| told.send(result).unwrap_or_default()),
    }])?;
    answer.recv_timeout(Duration::from_mins(1)).expect("an append is answered")
}

impl Told {
    fn live(&mut self, journal: &Journal, steps: &[Step]) {
        for step in steps {
            match *step {
                Step::Append(partition, len) => {
                    self.keys += 1;
                    let mut payload = self.keys.to_le_bytes().to_vec();
                    payload.resize(8 + len, self.keys as u8);
                    let sent = self.sent.entry(self.keys).insert_entry((partition, payload));
                    if let Ok(stored) = append(journal, self.keys, sent.get()) {
                        self.stored.insert(self.keys, stored.lsn().unwrap());
                    }
                }
                Step::Trim(partition) => {
                    let tail = journal.tail(partition);
                    self.trimmed.insert(partition, tail);
                    journal.trim(&views(), &[(partition, tail)]);
                }
                Step::OpenSession => {
                    if let Ok(session) = journal.open_session(b"sender") {
                        assert!(self.sessions.insert(session.0), "{session:?} was given twice");
                    }
                }
            }
        }
    }

    /// All that was told is found, nothing else is, and whoever sends again is told the same.
    fn check(&mut self, journal: &Journal) {
        assert_eq!(journal.status().damages, []);
        for partition in [LOGS_0, SPANS_1] {
            let found = read_around(journal, partition);
            assert_eq!(found.lost, []);
            let places: BTreeMap<_, _> = found.records.into_iter().collect();
            for payload in places.values() {
                let key = u64::from_le_bytes(*payload.first_chunk().unwrap());
                assert_eq!((partition, payload), (self.sent[&key].0, &self.sent[&key].1));
            }
            let kept: BTreeSet<_> = places.values().collect();
            assert_eq!(kept.len(), places.len(), "a record is there twice");
            let trimmed = self.trimmed.get(&partition).copied().unwrap_or_default();
            for (key, lsn) in self.stored.iter().filter(|(_, lsn)| **lsn >= trimmed) {
                let (of, payload) = &self.sent[key];
                assert!(*of != partition || places.get(lsn) == Some(payload), "{key} at {lsn}");
            }
        }
        for (key, sent) in &self.sent {
            let again = append(journal, *key, sent).unwrap();
            match self.stored.get(key) {
                Some(lsn) => assert_eq!(again, Stored::Duplicate(*lsn), "{key}"),
                None => drop(self.stored.insert(*key, again.lsn().unwrap())),
            }
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let partition = prop_oneof![Just(LOGS_0), Just(SPANS_1)];
    let step = prop_oneof![
        6 => (partition.clone(), 0..4_000usize).prop_map(|(at, len)| Step::Append(at, len)),
        2 => partition.prop_map(Step::Trim),
        1 => Just(Step::OpenSession),
    ];
    prop::collection::vec(step, 1..30)
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let life = (steps(), 0..150u64, any::<u64>());
    let life = life.prop_map(|(steps, power_lasts, seed)| Life { steps, power_lasts, seed });
    prop::collection::vec(life, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The crash may come at any step of the disk, in a start too, and take any of what was not synced.
    #[test]
    fn what_was_told_outlives_a_crash_at_any_step_whatever_was_not_synced(lives in lives()) {
        let (mut disk, mut told) = (Arc::new(CrashDisk::default()), Told::default());
        for Life { steps, power_lasts, seed } in &lives {
            disk.lose_power_after(*power_lasts);
            if let Ok(journal) = open_on(&disk) {
                told.live(&journal, steps);
                // Nothing is closed in good order.
                disk.lose_power_after(0);
            }
            disk = Arc::new(disk.after_crash(*seed));
            let journal = open_on(&disk).unwrap();
            told.check(&journal);
            disk.lose_power_after(0);
            drop(journal);
            disk = Arc::new(disk.after_crash(seed.rotate_left(7)));
        }
    }
}

/// Control has let go of what the journal still has: the epoch that is open now is the first one known.
#[test]
fn after_a_crash_between_the_two_notes_of_a_trim_the_partition_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let open = |dir: &Path, runtime| Journal::open(settings(dir), runtime).unwrap();
    append_all(&open(home.path(), Runtime::real()), &[(LOGS_0, b"x"), (LOGS_0, b"y")]).unwrap();
    let (runtime, faults) = faulty_runtime();
    let journal = open(home.path(), runtime);
    faults.set_full(Some((home.path().join("meta/partitions.new"), 0)));
    journal.trim(&views(), &[(LOGS_0, journal.tail(LOGS_0))]);
    assert!(journal.status().trim_error.is_some());
    let image = crash_image(home.path());
    let journal = open(image.path(), Runtime::real());
    let sent = (LOGS_0, b"next".to_vec());
    assert_eq!(append(&journal, 7, &sent).unwrap(), Stored::New(Lsn::new(3, 0)));
}

/// Files that are trimmed later go without it being written again, which appends would wait for.
#[test]
fn what_is_known_of_producers_is_written_beside_the_log_and_outlives_its_files() {
    let home = tempfile::tempdir().unwrap();
    let settings = || JournalSettings { file_bytes: 8 << 20, ..settings(home.path()) };
    let journal = Journal::open(settings(), Runtime::real()).unwrap();
    let payload = vec![7; 1 << 20];
    let mut key = 0;
    while journal.status().group_bytes_total <= 65 << 20 {
        key += 1;
        append(&journal, key, &(LOGS_0, payload.clone())).unwrap();
    }
    let path = home.path().join("meta/producers");
    let begun = std::time::Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_mins(1), "no snapshot was written");
        std::thread::sleep(Duration::from_millis(1));
    }
    let written = std::fs::read(&path).unwrap();
    let files = journal.status().files;
    journal.trim(&views(), &[(LOGS_0, Lsn::new(1, 40))]);
    assert!(journal.status().files < files && journal.status().trim_error.is_none());
    assert_eq!(std::fs::read(&path).unwrap(), written, "it knew of the files that went");

    // The last file is not known to it whole, so it is written before that goes.
    append(&journal, key + 1, &(LOGS_0, vec![7; 7 << 20])).unwrap();
    append(&journal, key + 2, &(LOGS_0, vec![7; 7 << 20])).unwrap();
    journal.trim(&views(), &[(LOGS_0, journal.tail(LOGS_0))]);
    assert_ne!(std::fs::read(&path).unwrap(), written);
    let image = crash_image(home.path());
    let of_image = JournalSettings { dir: image.path().to_owned(), ..settings() };
    let journal = Journal::open(of_image, Runtime::real()).unwrap();
    for key in [1, 30, key, key + 1] {
        let again = append(&journal, key, &(LOGS_0, payload.clone())).unwrap();
        assert_eq!(again, Stored::Duplicate(Lsn::new(1, key - 1)));
    }
}
