use super::super::{control::Snapshot, quorum::NodeId};
use super::*;
use proptest::prelude::*;
use varve_types::LogId;

const LEADER: Incarnation = Incarnation { node: NodeId(1), number: 1 };

fn partition(number: u32) -> PartitionId {
    PartitionId { log: LogId::Logs, number }
}

fn control(partitions: u32) -> Control {
    let mut control = Control::default();
    for number in 0..partitions {
        control.create(partition(number), LEADER, &Nodeset::of_one(LEADER.node));
    }
    control
}

fn hold(name: &str, from: &[(u32, u64)]) -> Hold {
    let from = from.iter().map(|&(number, offset)| (partition(number), Lsn::new(1, offset)));
    let (name, owner) = (name.into(), "tests".into());
    Hold { name, owner, max_age_ms: 100, from: from.collect() }
}

fn cover(control: &mut Control, number: u32, offset: u64) -> Lsn {
    let snapshot = Snapshot { holder: "views".into(), location: "manifest".into() };
    let covered = Command::Covered(snapshot, Lsn::new(1, offset));
    control.apply(partition(number), &covered).unwrap().unwrap();
    control.list(partition(number)).unwrap().trim_point()
}

#[test]
fn a_hold_is_over_all_partitions_also_those_that_come_later() {
    let mut control = control(2);
    control.hold(&hold("copy", &[(1, 3)]), 0).unwrap();
    control.create(partition(2), LEADER, &Nodeset::of_one(LEADER.node));
    assert_eq!([0, 1, 2].map(|number| cover(&mut control, number, 9).offset.0), [0, 3, 0]);
}

#[test]
fn setting_a_hold_again_begins_its_age_anew_and_keeps_its_places() {
    let mut control = control(1);
    control.hold(&hold("copy", &[(0, 3)]), 0).unwrap();
    control.hold(&hold("copy", &[]), 90).unwrap();
    assert_eq!(control.next_expiry_ms(90), Some(100));
    assert_eq!(control.expire(189), [] as [HolderName; 0]);
    assert_eq!(control.places_of("copy"), BTreeMap::from([(partition(0), Lsn::new(1, 3))]));
}

#[test]
fn an_old_hold_holds_no_longer_and_is_told_of_until_it_is_released() {
    let mut control = control(1);
    control.hold(&hold("copy", &[(0, 3)]), 0).unwrap();
    cover(&mut control, 0, 9);
    assert_eq!(control.expire(99), [] as [HolderName; 0]);
    assert_eq!(control.expire(100), [HolderName::from("copy")]);
    assert_eq!(control.list(partition(0)).unwrap().trim_point(), Lsn::new(1, 9));
    assert!(control.holds()["copy"].expired && control.next_expiry_ms(100).is_none());
    assert_eq!(control.expire(200), [] as [HolderName; 0]);
    assert!(control.release("copy") && !control.release("copy"));
}

#[test]
fn a_clock_that_went_back_makes_no_hold_older() {
    let mut control = control(1);
    control.hold(&hold("copy", &[]), 1_000).unwrap();
    assert_eq!(control.next_expiry_ms(0), Some(100));
    assert_eq!(control.expire(0), [] as [HolderName; 0]);
}

#[test]
fn a_hold_that_one_partition_refuses_is_set_in_none() {
    let mut control = control(2);
    cover(&mut control, 1, 5);
    let before = control.clone();
    let refused = control.hold(&hold("copy", &[(0, 7), (1, 4)]), 0).unwrap_err();
    let text = "logs/1: copy asks to hold records from 1:4 on, which are trimmed up to 1:5";
    assert_eq!(refused.to_string(), text);
    assert_eq!(control, before);
}

#[test]
fn names_and_their_number_are_bounded() {
    let mut control = control(1);
    for name in ["", "a b", "x\n", "ä", &"x".repeat(65)] {
        assert!(matches!(control.hold(&hold(name, &[]), 0), Err(HoldError::Name { .. })), "{name}");
    }
    for number in 0..HOLDS_MAX {
        control.hold(&hold(&format!("h{number}"), &[]), 0).unwrap();
    }
    assert_eq!(control.hold(&hold("one-more", &[]), 0), Err(HoldError::TooMany));
    control.hold(&hold("h7", &[]), 0).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Hold(u8, u64),
    Release(u8),
    Cover(u64),
    Wait(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..3_u8, 0..30_u64).prop_map(|(name, at)| Step::Hold(name, at)),
        (0..3_u8).prop_map(Step::Release),
        (0..30_u64).prop_map(Step::Cover),
        (0..70_u16).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    /// The trim point never moves back, never passes what is covered, nor a hold that is not too old;
    /// and once it may move, it does.
    #[test]
    fn the_trim_point_is_the_least_that_anybody_needs(steps in steps()) {
        let mut control = control(1);
        let (mut now_ms, mut covered, mut reached) = (0_i64, 0, 0);
        let mut live: BTreeMap<u8, (u64, i64)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Hold(name, at) => {
                    let set = control.hold(&hold(&format!("h{name}"), &[(0, at)]), now_ms);
                    prop_assert_eq!(set.is_ok(), at >= reached);
                    if set.is_ok() {
                        live.insert(name, (at, now_ms));
                    }
                }
                Step::Release(name) => {
                    control.release(&format!("h{name}"));
                    live.remove(&name);
                }
                Step::Cover(at) => {
                    cover(&mut control, 0, at);
                    covered = covered.max(at);
                }
                Step::Wait(ms) => {
                    now_ms += i64::from(ms);
                    control.expire(now_ms);
                    live.retain(|_, (_, set_at)| now_ms - *set_at < 100);
                }
            }
            let needed = live.values().map(|(at, _)| *at).chain([covered]).min();
            reached = reached.max(needed.unwrap_or_default());
            let trim_point = control.list(partition(0)).unwrap().trim_point();
            prop_assert_eq!(trim_point, Lsn::new(1, reached));
        }
    }
}
