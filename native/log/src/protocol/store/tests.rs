use super::super::{
    ReaderId,
    control::{Advance, Command},
    effect::ReadToken,
    message::{Absence, Asker, Digest},
    quorum::Nodeset,
};
use super::*;
use bytes::Bytes;
use varve_types::TenantId;

const LEADER: Incarnation = Incarnation { node: NodeId(0), number: 1 };
const RECOVERER: NodeId = NodeId(5);
const READER: Asker = Asker::Reader(ReaderId(1));

fn record(payload: &'static str) -> Record {
    let (tenant, payload) = (TenantId::parse("t").unwrap(), Bytes::from_static(payload.as_bytes()));
    let (session, idempotency_key, append_time_ms, schema_id, rows) = (None, 0, 0, 1, 1);
    Record { session, idempotency_key, append_time_ms, tenant, schema_id, rows, payload }
}

fn whole() -> Store {
    Store::start(Condition::Whole, [])
}

fn append(store: &mut Store, epoch: u32, offset: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    let at = (Lsn::new(epoch, offset), LEADER);
    store.append(LEADER.node, at, record("x"), Offset(0), &mut effects);
    effects
}

fn written(store: &mut Store, token: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    store.written(WriteToken(token), &mut effects);
    effects
}

fn seal(store: &mut Store, epoch: u32) -> Vec<Effect> {
    let mut effects = Vec::new();
    store.seal_and_digest(RECOVERER, Epoch(epoch), &mut effects);
    effects
}

fn message(effect: &Effect) -> Option<&Message> {
    match effect {
        Effect::Send(_, message) => Some(message),
        _ => None,
    }
}

fn sent(effects: &[Effect]) -> Vec<&Message> {
    effects.iter().filter_map(message).collect()
}

fn list(end: Option<u64>, trim_point: Option<Lsn>) -> EpochList {
    let nodeset = Nodeset::of_one(NodeId(0));
    let mut list = EpochList::first(LEADER, nodeset.clone());
    if let Some(end) = end {
        let close = Advance { close: Epoch(1), end: Offset(end), leader: LEADER, nodeset };
        list.apply(&Command::Advance(close)).unwrap();
    }
    if let Some(trim_point) = trim_point {
        list.apply(&Command::Covered(snapshot(), trim_point)).unwrap();
    }
    list
}

fn fetch(store: &mut Store, from: Lsn, asker: Asker) -> Effect {
    let mut effects = Vec::new();
    store.fetch(NodeId(7), from, 1_000, asker, &mut effects);
    effects.remove(0)
}

#[test]
fn an_append_is_acknowledged_after_its_write_and_one_sync_answers_once() {
    let mut store = whole();
    for offset in 0..3 {
        let effects = append(&mut store, 1, offset);
        assert!(matches!(&effects[..], [Effect::Write(token, _)] if token.0 == offset + 1));
    }
    let effects = written(&mut store, 2);
    assert_eq!(sent(&effects), [&Message::Stored(Epoch(1), Offset(0), Offset(2))]);
    assert_eq!(sent(&append(&mut store, 1, 1)), [&Message::Stored(Epoch(1), Offset(1), Offset(2))]);
    assert!(append(&mut store, 1, 2).is_empty(), "it is being written");
    let effects = written(&mut store, 3);
    assert_eq!(sent(&effects), [&Message::Stored(Epoch(1), Offset(2), Offset(3))]);
}

#[test]
fn a_digest_is_answered_after_its_seal_is_durable_and_no_append_after_it_was_asked() {
    let mut store = whole();
    append(&mut store, 1, 0);
    let effects = seal(&mut store, 1);
    assert!(matches!(&effects[..], [Effect::Write(_, Frame::Seal(Epoch(1)))]));
    assert_eq!(sent(&append(&mut store, 1, 1)), [&Message::Sealed(Epoch(1))]);
    let effects = written(&mut store, 2);
    let held = [Offset(0)].into_iter().collect();
    let digest = Digest { held, ..Digest::default() };
    assert_eq!(
        sent(&effects),
        [&Message::Stored(Epoch(1), Offset(0), Offset(1)), &Message::Digest(Epoch(1), digest)]
    );
    assert_eq!(sent(&append(&mut store, 1, 0)), [&Message::Sealed(Epoch(1))]);
}

#[test]
fn a_seal_outlives_a_restart_and_a_higher_epoch_seals_the_lower() {
    let mut store = Store::start(Condition::Whole, [Found::Seal(Epoch(2))]);
    assert_eq!(sent(&append(&mut store, 2, 0)), [&Message::Sealed(Epoch(2))]);
    assert!(matches!(append(&mut store, 3, 0)[..], [Effect::Write(..)]));
    assert_eq!(sent(&append(&mut store, 1, 0)), [&Message::Sealed(Epoch(1))]);
}

#[test]
fn repairs_are_taken_after_the_seal_and_answered_as_repairs() {
    let mut store = whole();
    seal(&mut store, 1);
    let mut effects = Vec::new();
    store.repair(RECOVERER, Lsn::new(1, 4), record("x"), &mut effects);
    assert!(matches!(effects[..], [Effect::Write(..)]));
    let effects = written(&mut store, 2);
    assert_eq!(sent(&effects)[1], &Message::Repaired(Epoch(1), Offset(4), Offset(5)));
}

#[test]
fn another_leader_of_the_same_epoch_is_refused() {
    let mut store = whole();
    append(&mut store, 1, 0);
    let mut effects = Vec::new();
    let impostor = Incarnation { number: 2, ..LEADER };
    let at = (Lsn::new(1, 1), impostor);
    store.append(LEADER.node, at, record("x"), Offset(0), &mut effects);
    assert_eq!(sent(&effects), [&Message::Sealed(Epoch(1))]);
}

#[test]
fn a_lost_disk_takes_repairs_only_and_is_unsure() {
    let mut store = Store::start(Condition::DataLoss, []);
    assert_eq!(sent(&append(&mut store, 1, 0)), [&Message::Unable(Epoch(1))]);
    let effects = seal(&mut store, 1);
    assert!(matches!(sent(&effects)[..], [Message::Digest(_, digest)] if digest.unsure));
    let mut effects = Vec::new();
    store.repair(RECOVERER, Lsn::new(1, 0), record("x"), &mut effects);
    assert!(matches!(effects[..], [Effect::Write(..)]));
}

#[test]
fn an_unreadable_frame_makes_every_epoch_unsure_that_control_knew_at_the_start() {
    let mut store = Store::start(Condition::Whole, [Found::Unreadable]);
    assert_eq!(sent(&append(&mut store, 7, 0)), [&Message::Sealed(Epoch(7))]);
    store.learn(&list(Some(3), None), &mut Vec::new());
    assert!(store.digest(Epoch(2)).unsure);
    assert_eq!(sent(&append(&mut store, 2, 0)), [&Message::Sealed(Epoch(2))]);
    assert!(matches!(append(&mut store, 3, 0)[..], [Effect::Write(..)]));
}

#[test]
fn after_a_failed_write_nothing_is_written_and_the_leader_is_told() {
    let mut store = whole();
    append(&mut store, 1, 0);
    let mut effects = Vec::new();
    store.write_failed(WriteToken(1), &mut effects);
    assert_eq!(sent(&effects), [&Message::Unable(Epoch(1))]);
    assert_eq!(sent(&append(&mut store, 1, 1)), [&Message::Unable(Epoch(1))]);
    assert!(seal(&mut store, 1).is_empty());
    assert!(written(&mut store, 1).is_empty());
}

#[test]
fn what_control_cut_off_is_not_held_any_more() {
    let mut store = whole();
    (0..4).for_each(|offset| drop(append(&mut store, 1, offset)));
    written(&mut store, 3);
    store.learn(&list(Some(2), None), &mut Vec::new());
    written(&mut store, 4);
    assert_eq!(store.digest(Epoch(1)).held, [Offset(0), Offset(1)].into_iter().collect());
}

#[test]
fn seals_are_written_anew_before_what_is_trimmed_goes() {
    let mut store = whole();
    (0..4).for_each(|offset| drop(append(&mut store, 1, offset)));
    seal(&mut store, 1);
    written(&mut store, 5);
    let mut effects = Vec::new();
    store.learn(&list(None, Some(Lsn::new(1, 2))), &mut effects);
    let frames: Vec<&Frame> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Write(_, frame) => Some(frame),
            _ => None,
        })
        .collect();
    assert_eq!(frames, [&Frame::Seal(Epoch(1)), &Frame::Trim(Lsn::new(1, 2))]);
    let effects = written(&mut store, 7);
    assert!(matches!(&effects[..], [Effect::DropBelow(at)] if *at == Lsn::new(1, 2)));
    let digest = store.digest(Epoch(1));
    assert_eq!((digest.tail, digest.held.first()), (Offset(2), Some(Offset(2))));
}

#[test]
fn the_trim_point_counts_as_committed_after_a_restart() {
    let found = [Found::Trim(Lsn::new(2, 9)), Found::Seal(Epoch(1))];
    let store = Store::start(Condition::Whole, found);
    assert_eq!(store.digest(Epoch(2)).tail, Offset(9));
    assert!(store.is_sealed(Epoch(1)) && !store.is_sealed(Epoch(2)));
}

#[test]
fn readers_get_what_is_released_and_recoveries_what_is_held() {
    let mut store = whole();
    (0..4).for_each(|offset| drop(append(&mut store, 1, offset)));
    written(&mut store, 3);
    store.tail_heard(Epoch(1), Offset(2));
    let range = |effect| match effect {
        Effect::Read { from, to, .. } => (from.0, to.0),
        other => panic!("{other:?}"),
    };
    assert_eq!(range(fetch(&mut store, Lsn::new(1, 0), READER)), (0, 2));
    assert_eq!(range(fetch(&mut store, Lsn::new(1, 0), Asker::Recovery)), (0, 3));
    let nothing = fetch(&mut store, Lsn::new(1, 2), READER);
    let absence = Absence::NotReleased;
    assert_eq!(
        sent(&[nothing]),
        [&Message::Fetched { from: Lsn::new(1, 2), records: vec![], absence, asker: READER }]
    );
}

#[test]
fn in_a_closed_epoch_what_is_absent_or_damaged_will_never_be_there() {
    let records = |from, to| Found::Records {
        epoch: Epoch(1),
        from: Offset(from),
        to: Offset(to),
        leader: Some(LEADER),
        tail: Offset(0),
    };
    let found = [records(0, 2), records(5, 8), Found::Damaged(Lsn::new(1, 1))];
    let mut store = Store::start(Condition::Whole, found);
    store.learn(&list(Some(9), None), &mut Vec::new());
    let absent = |store: &mut Store, offset| match fetch(store, Lsn::new(1, offset), READER) {
        Effect::Send(_, Message::Fetched { absence, .. }) => absence,
        other => panic!("{other:?}"),
    };
    assert_eq!(absent(&mut store, 1), Absence::Never(Offset(5)));
    assert_eq!(absent(&mut store, 8), Absence::Never(Offset(9)));
    assert_eq!(absent(&mut store, 9), Absence::NotReleased);
    store.damaged(Lsn::new(1, 6));
    assert_eq!(absent(&mut store, 6), Absence::Never(Offset(7)));
}

#[test]
fn the_journals_answer_goes_to_who_asked() {
    let mut store = whole();
    append(&mut store, 1, 0);
    written(&mut store, 1);
    store.tail_heard(Epoch(1), Offset(1));
    fetch(&mut store, Lsn::new(1, 0), READER);
    let mut effects = Vec::new();
    store.read(ReadToken(1), vec![record("x")], &mut effects);
    assert!(matches!(
        &effects[..],
        [Effect::Send(NodeId(7), Message::Fetched { records, .. })] if records.len() == 1
    ));
    store.read(ReadToken(1), vec![record("x")], &mut effects);
    assert_eq!(effects.len(), 1, "an answer that nobody waits for");
}

fn snapshot() -> super::super::control::Snapshot {
    super::super::control::Snapshot { holder: "view".into(), location: "kept".into() }
}
