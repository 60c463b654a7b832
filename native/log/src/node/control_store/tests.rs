use super::*;
use crate::{
    protocol::{Advance, NodeId, Snapshot},
    runtime::{
        Disk, RealDisk,
        crash_disk::CrashDisk,
        faults::{Faults, FaultyDisk},
    },
};
use std::path::Path;
use varve_types::{Epoch, LogId, Lsn, Offset};

const ME: Incarnation = Incarnation { node: NodeId(1), number: 7 };

fn partition(number: u32) -> PartitionId {
    PartitionId { log: LogId::Spans, number }
}

fn open(dir: &Path) -> ControlStore {
    std::fs::create_dir_all(dir.join("meta")).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    ControlStore::open(disk, dir.to_owned()).unwrap()
}

fn advance(close: u32) -> Command {
    let (end, leader) = (Offset(5), ME);
    let nodeset = Nodeset::of_one(ME.node);
    Command::Advance(Advance { close: Epoch(close), end, leader, nodeset })
}

#[test]
fn what_was_applied_is_there_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let mut store = open(home.path());
    store.create(&[partition(0), partition(3)], ME, &Nodeset::of_one(ME.node)).unwrap();
    let snapshot = Snapshot { holder: "views".into(), location: "manifest".into() };
    let covered = Command::Covered(snapshot, Lsn::new(2, 1));
    let commands =
        [(partition(3), advance(1)), (partition(3), advance(2)), (partition(3), covered)];
    assert!(store.apply(&commands).unwrap().iter().all(Result::is_ok));
    let hold = |name: &str, max_age_ms| Hold {
        name: name.into(),
        owner: "tests".into(),
        max_age_ms,
        from: BTreeMap::from([(partition(3), Lsn::new(3, 4))]),
    };
    store.hold(&hold("copy", 9), -1).unwrap().unwrap();
    store.hold(&hold("old", 1), -1).unwrap().unwrap();
    assert!(store.expire(0).unwrap());
    let read = open(home.path());
    assert_eq!(read.control(), store.control());
    assert_eq!(read.partitions().collect::<Vec<_>>(), [partition(0), partition(3)]);
    assert_eq!(read.list(partition(0)), store.list(partition(0)));
    assert_eq!(read.list(partition(3)), store.list(partition(3)));
    assert_eq!(read.newest_incarnation(), 7);
}

#[test]
fn an_epoch_is_closed_once() {
    let home = tempfile::tempdir().unwrap();
    let mut store = open(home.path());
    store.create(&[partition(0)], ME, &Nodeset::of_one(ME.node)).unwrap();
    let outcomes = store.apply(&[(partition(0), advance(1)), (partition(0), advance(1))]).unwrap();
    assert!(outcomes[0].is_ok());
    let open = Epoch(2);
    assert_eq!(outcomes[1], Err(CommandRefused::NotOpen { asked: Epoch(1), open }));
}

#[test]
fn a_file_that_is_cut_is_refused_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    let mut store = open(home.path());
    store.create(&[partition(0)], ME, &Nodeset::of_one(ME.node)).unwrap();
    let path = home.path().join("meta/control");
    let bytes = std::fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let refused = ControlStore::open(Arc::new(RealDisk), home.path().to_owned());
        assert!(refused.is_err_and(|error| error.path == path), "cut at {cut}");
    }
}

/// A store on a disk in memory that fails as the second part says.
fn faulty(disk: &Arc<CrashDisk>) -> (ControlStore, Arc<Faults>) {
    disk.create_dir_all(Path::new("/data/meta")).unwrap();
    let faults = Arc::new(Faults::default());
    let failing = Arc::new(FaultyDisk::new(disk.clone(), Arc::clone(&faults)));
    (ControlStore::open(failing, "/data".into()).unwrap(), faults)
}

fn reopened(disk: &Arc<CrashDisk>) -> Result<ControlStore, MetaError> {
    ControlStore::open(disk.clone(), "/data".into())
}

fn create(store: &mut ControlStore, number: u32) -> Result<(), MetaError> {
    store.create(&[partition(number)], ME, &Nodeset::of_one(ME.node))
}

#[test]
fn partitions_that_come_one_by_one_write_a_few_times_what_they_take() {
    let (mut store, faults) = faulty(&Arc::default());
    for number in 0..4_000 {
        create(&mut store, number).unwrap();
    }
    let kept_bytes = bytes::encode(store.control(), 1).len() as u64;
    let written = faults.written_bytes();
    assert!(written < 5 * kept_bytes, "{written} bytes were written, {kept_bytes} are kept");
}

#[test]
fn changes_are_read_back_over_many_files() {
    let disk = Arc::default();
    let (mut store, _) = faulty(&disk);
    store.changes_max_bytes = 300;
    for number in 0..40 {
        create(&mut store, number).unwrap();
        store.apply(&[(partition(number / 2), advance(number % 2 + 1))]).unwrap();
        assert_eq!(reopened(&disk).unwrap().control(), store.control());
    }
    assert!(store.generation > 4, "it was written whole {} times", store.generation);
}

/// Creates, commands and holds in turn. Answers control after each that was done, in order.
fn live(store: &mut ControlStore) -> Vec<Control> {
    store.changes_max_bytes = 250;
    let mut seen = vec![store.control().clone()];
    let from = BTreeMap::new();
    let hold = Hold { name: "copy".into(), owner: "tests".into(), max_age_ms: 9, from };
    for number in 0..9 {
        let done = match number % 3 {
            0 => store.apply(&[(partition(1), advance(number / 3))]).map(drop),
            _ if number == 5 => store.hold(&hold, 0).map(drop),
            _ => create(store, number),
        };
        if done.is_err() {
            break;
        }
        seen.push(store.control().clone());
    }
    seen
}

#[test]
fn a_crash_at_any_step_leaves_all_that_was_answered_and_at_most_one_change_more() {
    let whole = Arc::default();
    let expected = live(&mut faulty(&whole).0);
    for power_lasts in 0..whole.steps() {
        for seed in 0..20 {
            let disk = Arc::default();
            let (mut store, _) = faulty(&disk);
            disk.lose_power_after(power_lasts);
            let answered = live(&mut store).len();
            let found = reopened(&Arc::new(disk.after_crash(seed))).unwrap();
            let may_be = expected.get(answered - 1..=answered).or(expected.get(answered - 1..));
            let is_known = may_be.unwrap().contains(found.control());
            assert!(is_known, "step {power_lasts}, seed {seed}: {:?}", found.control());
        }
    }
}

#[test]
fn what_finds_no_room_changes_nothing_and_is_taken_later() {
    for arriving_bytes in [0, 3, 40] {
        let disk = Arc::default();
        let (mut store, faults) = faulty(&disk);
        create(&mut store, 0).unwrap();
        for number in [1, 2] {
            let before = store.control().clone();
            faults.set_full(Some(("/data/meta".into(), arriving_bytes)));
            assert!(create(&mut store, number).unwrap_err().is_full());
            assert_eq!(store.control(), &before);
            assert_eq!(reopened(&disk).unwrap().control(), &before);
            faults.set_full(None);
            create(&mut store, number).unwrap();
        }
        assert_eq!(store.generation, 1, "the changes go on in their file");
        assert_eq!(reopened(&disk).unwrap().control(), store.control());
    }
}

#[test]
fn a_file_of_changes_whose_sync_failed_is_not_written_again() {
    let disk = Arc::default();
    let (mut store, faults) = faulty(&disk);
    (0..2).for_each(|number| create(&mut store, number).unwrap());
    let before = store.control().clone();
    faults.fail_sync(1);
    create(&mut store, 2).unwrap_err();
    assert_eq!(store.control(), &before);
    create(&mut store, 3).unwrap();
    assert_eq!(store.generation, 2, "it is written whole");
    assert_eq!(reopened(&disk).unwrap().control(), store.control());
}

#[test]
fn of_changes_the_last_may_be_torn_and_one_that_others_follow_is_damage() {
    let home = tempfile::tempdir().unwrap();
    let mut store = open(home.path());
    let mut states = Vec::new();
    for number in 0..4 {
        create(&mut store, number).unwrap();
        states.push(store.control().clone());
    }
    let path = home.path().join("meta/control.changes");
    let whole = std::fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let found = open(home.path());
        assert!(states.contains(found.control()), "cut at {cut}");
    }
    let last_at = 24 + (whole.len() - 24) / 3 * 2;
    for at in (0..12).chain(16..whole.len()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        match ControlStore::open(Arc::new(RealDisk), home.path().to_owned()) {
            Ok(found) => assert!(at >= last_at && *found.control() == states[2], "byte {at}"),
            Err(error) => assert!(at < last_at && error.path == path, "byte {at}: {error}"),
        }
    }
}

#[test]
fn changes_to_a_file_that_was_lost_are_none_to_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    let mut store = open(home.path());
    (0..3).for_each(|number| create(&mut store, number).unwrap());
    RealDisk.remove(&home.path().join("meta/control")).unwrap();
    let mut store = open(home.path());
    assert_eq!(store.partitions().count(), 0);
    create(&mut store, 7).unwrap();
    assert_eq!(open(home.path()).partitions().collect::<Vec<_>>(), [partition(7)]);
}
