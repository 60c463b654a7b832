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

fn covered(holder: &str, epoch: u32, offset: u64) -> Command {
    Command::Covered(holder.into(), Lsn::new(epoch, offset))
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
