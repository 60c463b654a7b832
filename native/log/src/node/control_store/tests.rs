use super::*;
use crate::{
    protocol::{Advance, Snapshot},
    runtime::{Disk, RealDisk},
};
use std::path::Path;
use varve_types::LogId;

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
