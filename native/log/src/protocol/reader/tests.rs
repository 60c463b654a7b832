use super::super::{
    control::{Advance, Command},
    message::ReaderId,
    quorum::{Incarnation, Nodeset},
};
use super::*;
use bytes::Bytes;
use varve_types::{Epoch, TenantId};

const ASKER: Asker = Asker::Reader(ReaderId(1));
const ME: NodeId = NodeId(2);

fn record(bytes: usize) -> Record {
    let (tenant, payload) = (TenantId::parse("t").unwrap(), Bytes::from(vec![0; bytes]));
    let (session, idempotency_key, append_time_ms, schema_id, rows) = (None, 0, 0, 1, 1);
    Record { session, idempotency_key, append_time_ms, tenant, schema_id, rows, payload }
}

/// Epoch 1 has three stores and ends at 2, epoch 2 is empty, epoch 3 is open.
fn list() -> EpochList {
    let leader = Incarnation { node: NodeId(0), number: 1 };
    let nodeset = Nodeset::new(&[NodeId(0), NodeId(1), ME], 2, 2).unwrap();
    let mut list = EpochList::first(leader, nodeset.clone());
    for (close, end) in [(Epoch(1), Offset(2)), (Epoch(2), Offset(0))] {
        let nodeset = nodeset.clone();
        list.apply(&Command::Advance(Advance { close, end, leader, nodeset })).unwrap();
    }
    list
}

/// Whom it asked, for what, and how much.
fn asked(effects: &mut Vec<Effect>) -> Option<(u32, Lsn, u64)> {
    effects.drain(..).find_map(|effect| match effect {
        Effect::Send(to, Message::Fetch { from, max_bytes, .. }) => Some((to.0, from, max_bytes)),
        _ => None,
    })
}

#[test]
fn a_reader_goes_on_in_the_next_epoch_that_has_records() {
    let (list, mut effects) = (list(), Vec::new());
    let mut reader = Reader::new(ASKER, ME, Lsn::new(1, 0), 1_000);
    reader.ask(&list, &mut effects);
    assert_eq!(asked(&mut effects), Some((2, Lsn::new(1, 0), 1_000)));
    let answer = (Lsn::new(1, 0), vec![record(5), record(5)], Absence::NotReleased);
    let progress = reader.fetched(ME, answer, &list, &mut effects);
    assert!(
        matches!(progress, Progress::Given(at, records) if at == Lsn::new(1, 0) && records.len() == 2)
    );
    reader.ask(&list, &mut effects);
    assert_eq!(asked(&mut effects), Some((2, Lsn::new(3, 0), 990)));
}

#[test]
fn a_reader_gives_no_more_than_it_was_granted() {
    let (list, mut effects) = (list(), Vec::new());
    let mut reader = Reader::new(ASKER, ME, Lsn::new(1, 0), 8);
    reader.ask(&list, &mut effects);
    assert_eq!(asked(&mut effects).unwrap().2, 8);
    let answer = (Lsn::new(1, 0), vec![record(9)], Absence::NotReleased);
    drop(reader.fetched(ME, answer, &list, &mut effects));
    reader.ask(&list, &mut effects);
    assert_eq!(asked(&mut effects), None);
    // The record went one byte over it, which is owed.
    reader.grant(1);
    reader.ask(&list, &mut effects);
    assert_eq!(asked(&mut effects), None);
    reader.grant(3);
    reader.ask(&list, &mut effects);
    assert_eq!(asked(&mut effects), Some((2, Lsn::new(1, 1), 3)));
}

#[test]
fn only_what_no_store_will_ever_have_is_lost() {
    let (list, mut effects) = (list(), Vec::new());
    let mut reader = Reader::new(ASKER, ME, Lsn::new(1, 0), 1_000);
    let at = Lsn::new(1, 0);
    reader.ask(&list, &mut effects);
    effects.clear();
    let mut answers = |store: u32, absence| {
        let progress = reader.fetched(NodeId(store), (at, vec![], absence), &list, &mut effects);
        (asked(&mut effects).map(|(store, ..)| store), progress)
    };
    assert_eq!(answers(2, Absence::Never(Offset(2))).0, Some(0));
    assert_eq!(answers(0, Absence::Elsewhere).0, Some(1));
    let (next, progress) = answers(1, Absence::Never(Offset(1)));
    assert!(next.is_none() && matches!(progress, Progress::Waits), "store 0 may have it");
    drop(reader.poll(&list, &mut effects));
    assert_eq!(asked(&mut effects), Some((2, at, 1_000)));
    let never = (at, vec![], Absence::Never(Offset(2)));
    let progress = reader.fetched(NodeId(0), never, &list, &mut effects);
    assert!(matches!(progress, Progress::Lost(from, to) if from == at && to == Lsn::new(1, 1)));
    assert_eq!(reader.next(), Lsn::new(1, 1));
}

#[test]
fn a_store_that_does_not_answer_is_left_for_the_next() {
    let (list, mut effects) = (list(), Vec::new());
    let mut reader = Reader::new(ASKER, NodeId(9), Lsn::new(1, 0), 1_000);
    reader.ask(&list, &mut effects);
    assert_eq!(asked(&mut effects).unwrap().0, 0);
    for _ in 0..ANSWER_POLLS {
        reader.poll(&list, &mut effects);
    }
    assert_eq!(asked(&mut effects).unwrap().0, 1);
}

#[test]
fn below_the_trim_point_a_reader_is_told_where_it_is() {
    let (mut list, mut effects) = (list(), Vec::new());
    list.apply(&Command::Covered(snapshot(), Lsn::new(1, 1))).unwrap();
    let mut reader = Reader::new(ASKER, ME, Lsn::new(1, 0), 1_000);
    let progress = reader.ask(&list, &mut effects);
    assert!(matches!(progress, Progress::Trimmed(at) if at == Lsn::new(1, 1)));
}

#[test]
fn a_reader_with_a_goal_stops_there_and_not_before() {
    let (list, mut effects) = (list(), Vec::new());
    let goal = Lsn::new(3, 0);
    let mut reader = Reader::up_to(Asker::CatchUp, ME, Lsn::new(1, 1), goal);
    assert!(matches!(reader.ask(&list, &mut effects), Progress::Waits));
    let answer = (Lsn::new(1, 1), vec![record(5)], Absence::NotReleased);
    drop(reader.fetched(ME, answer, &list, &mut effects));
    assert!(matches!(reader.ask(&list, &mut effects), Progress::Done));
}

fn snapshot() -> super::super::control::Snapshot {
    super::super::control::Snapshot { holder: "view".into(), location: "kept".into() }
}
