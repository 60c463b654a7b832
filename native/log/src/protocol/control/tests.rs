use super::super::quorum::NodeId;
use super::*;

fn of(node: u32) -> Incarnation {
    Incarnation { node: NodeId(node), number: 1 }
}

fn list() -> EpochList {
    EpochList::first(of(0), Nodeset::of_one(NodeId(0)))
}

fn advance(close: u32, end: u64, by: u32) -> Command {
    let nodeset = Nodeset::of_one(NodeId(by));
    Command::Advance(Advance { close: Epoch(close), end: Offset(end), leader: of(by), nodeset })
}

fn snapshot(holder: &str) -> Snapshot {
    Snapshot { holder: holder.into(), location: format!("segments of {holder}").into() }
}

fn covered(holder: &str, epoch: u32, offset: u64) -> Command {
    Command::Covered(snapshot(holder), Lsn::new(epoch, offset))
}

fn hold(name: &str, epoch: u32, offset: u64) -> Command {
    Command::Hold(name.into(), Lsn::new(epoch, offset))
}

#[test]
fn of_two_that_close_an_epoch_the_first_has_decided() {
    let mut list = list();
    list.apply(&advance(1, 7, 1)).unwrap();
    let refused = list.apply(&advance(1, 9, 2)).unwrap_err();
    assert_eq!(refused.to_string(), "epoch 1 is not open; the last is 2");
    assert_eq!(list.get(Epoch(1)).unwrap().end, Some(Offset(7)));
    assert_eq!((list.open().leader, list.version()), (of(1), 1));
}

#[test]
fn the_trim_point_is_what_every_holder_covers_and_never_moves_back() {
    let mut list = list();
    list.apply(&covered("logs", 1, 0)).unwrap();
    list.apply(&covered("producers", 1, 4)).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 0));
    list.apply(&covered("logs", 1, 9)).unwrap();
    list.apply(&covered("logs", 1, 3)).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 4));
    list.apply(&Command::Release("producers".into())).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 9));
    list.apply(&Command::Release("logs".into())).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 9));
}

#[test]
fn a_new_holder_of_what_is_gone_is_refused() {
    let mut list = list();
    list.apply(&covered("logs", 1, 9)).unwrap();
    let refused = list.apply(&covered("late", 1, 8)).unwrap_err();
    let text = "late asks to hold records from 1:8 on, which are trimmed up to 1:9";
    assert_eq!(refused.to_string(), text);
}

#[test]
fn epochs_before_the_trim_point_are_forgotten_and_the_others_still_found() {
    let mut list = list();
    for epoch in 1..5 {
        list.apply(&advance(epoch, 10, epoch)).unwrap();
    }
    list.apply(&covered("logs", 3, 2)).unwrap();
    assert_eq!(list.epochs().map(|entry| entry.epoch.0).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(list.get(Epoch(2)), None);
    assert_eq!(list.get(Epoch(4)).unwrap().leader, of(3));
    assert_eq!(list.get(Epoch(6)), None);
}

#[test]
fn a_place_at_an_end_is_the_next_epochs_first() {
    let mut list = list();
    list.apply(&advance(1, 2, 0)).unwrap();
    list.apply(&advance(2, 0, 0)).unwrap();
    assert_eq!(list.next_place(Lsn::new(1, 1)), Lsn::new(1, 1));
    assert_eq!(list.next_place(Lsn::new(1, 2)), Lsn::new(3, 0));
    assert_eq!(list.next_place(Lsn::new(3, 8)), Lsn::new(3, 8));
}

#[test]
fn epochs_without_a_record_behind_the_trim_point_are_forgotten_and_places_in_them_still_lead_on() {
    let mut list = list();
    list.apply(&advance(1, 2, 0)).unwrap();
    for epoch in 2..9 {
        list.apply(&advance(epoch, 0, 0)).unwrap();
    }
    list.apply(&covered("views", 1, 2)).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 2));
    assert_eq!(list.epochs().map(|entry| entry.epoch.0).collect::<Vec<_>>(), [9]);
    for place in [Lsn::new(1, 2), Lsn::new(1, 7), Lsn::new(5, 0), Lsn::new(9, 0)] {
        assert_eq!(list.next_place(place), Lsn::new(9, 0));
    }
    assert_eq!(list.next_place(Lsn::new(1, 1)), Lsn::new(1, 1));
    list.apply(&advance(9, 4, 0)).unwrap();
    assert_eq!(list.next_place(Lsn::new(1, 2)), Lsn::new(9, 0));
    // A hold may be set where the trim point is, wherever the list begins.
    list.apply(&hold("backup", 1, 2)).unwrap();
    list.apply(&covered("views", 10, 0)).unwrap();
    assert_eq!(list.epochs().map(|entry| entry.epoch.0).collect::<Vec<_>>(), [9, 10]);
}

#[test]
fn a_list_is_made_again_of_its_parts_and_of_no_others() {
    let mut list = list();
    list.apply(&advance(1, 2, 0)).unwrap();
    list.apply(&covered("logs", 1, 1)).unwrap();
    let parts = |epochs| {
        EpochList::from_parts(list.version(), epochs, list.holders().clone(), list.trim_point())
    };
    let epochs: Vec<EpochEntry> = list.epochs().cloned().collect();
    assert_eq!(parts(epochs.clone()), Some(list.clone()));
    assert_eq!(parts(Vec::new()), None);
    assert_eq!(parts(epochs.iter().take(1).cloned().collect()), None);
    assert_eq!(parts(epochs.iter().rev().cloned().collect()), None);
}

#[test]
fn a_hold_keeps_what_snapshots_have_until_it_is_moved_or_released() {
    let mut list = list();
    list.apply(&hold("backup", 1, 2)).unwrap();
    list.apply(&covered("views", 1, 9)).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 2));
    list.apply(&hold("backup", 1, 5)).unwrap();
    list.apply(&hold("backup", 1, 6)).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 6));
    let refused = list.apply(&hold("backup", 1, 5)).unwrap_err();
    let text = "backup asks to hold records from 1:5 on, which are trimmed up to 1:6";
    assert_eq!(refused.to_string(), text);
    list.apply(&Command::Release("backup".into())).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 9));
}

#[test]
fn a_hold_alone_lets_nothing_go_that_no_snapshot_has() {
    let mut list = list();
    list.apply(&hold("backup", 1, 7)).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 0));
    list.apply(&covered("views", 1, 3)).unwrap();
    list.apply(&Command::Release("views".into())).unwrap();
    assert_eq!(list.trim_point(), Lsn::new(1, 3));
}

#[test]
fn whoever_comes_too_late_boots_from_the_snapshot_that_has_most() {
    let mut list = list();
    list.apply(&hold("backup", 1, 1)).unwrap();
    assert_eq!(list.newest_snapshot(), None);
    list.apply(&covered("a", 1, 3)).unwrap();
    list.apply(&covered("b", 1, 8)).unwrap();
    assert_eq!(list.newest_snapshot(), Some((snapshot("b"), Lsn::new(1, 8))));
}

#[test]
fn a_hold_does_not_take_the_name_of_a_snapshot() {
    let mut list = list();
    list.apply(&covered("views", 1, 0)).unwrap();
    let refused = list.apply(&hold("views", 1, 4)).unwrap_err();
    assert_eq!(refused, CommandRefused::IsSnapshot { holder: "views".into() });
}
