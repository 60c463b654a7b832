use super::*;
use bytes::Bytes;
use varve_types::TenantId;

const ME: Incarnation = Incarnation { node: NodeId(9), number: 1 };

fn nodeset(n: u32, write_quorum: u32) -> Nodeset {
    Nodeset::new(&(0..n).map(NodeId).collect::<Vec<_>>(), write_quorum, write_quorum).unwrap()
}

fn digest(held: std::ops::Range<u64>, tail: u64) -> Digest {
    let held = held.map(Offset).collect();
    Digest { held, tail: Offset(tail), ..Digest::default() }
}

fn decided(nodeset: &Nodeset, digests: &[Option<Digest>]) -> Option<(u64, u64)> {
    decide(nodeset, digests).map(|decision| (decision.from.0, decision.end().0))
}

fn record() -> Record {
    let (tenant, payload) = (TenantId::parse("t").unwrap(), Bytes::from_static(b"x"));
    let (session, idempotency_key, append_time_ms, schema_id, rows) = (None, 0, 0, 1, 1);
    Record { session, idempotency_key, append_time_ms, tenant, schema_id, rows, payload }
}

fn begun(write_quorum: u32) -> (Recovery, Vec<Effect>) {
    let leader = Incarnation { node: NodeId(0), number: 1 };
    let entry =
        EpochEntry { epoch: Epoch(3), leader, nodeset: nodeset(3, write_quorum), end: None };
    let mut effects = Vec::new();
    let next = Nodeset::of_one(ME.node);
    let recovery = Recovery::begin(ME, &entry, next, (Copysets::All, 1), &mut effects);
    (recovery, effects)
}

fn proposed(effects: &[Effect]) -> Option<Offset> {
    effects.iter().find_map(|effect| match effect {
        Effect::Propose(Command::Advance(advance)) => Some(advance.end),
        _ => None,
    })
}

#[test]
fn the_end_is_the_first_offset_that_a_fence_quorum_has_not() {
    let set = nodeset(3, 2);
    assert_eq!(decided(&set, &[Some(digest(0..3, 1)), None, None]), None);
    let two = [Some(digest(0..3, 1)), Some(digest(0..2, 2)), None];
    assert_eq!(decided(&set, &two), Some((2, 3)));
    let holes = [Some(digest(3..4, 0)), Some(digest(0..2, 0)), None];
    assert_eq!(decided(&set, &holes), Some((0, 2)));
}

#[test]
fn a_store_that_is_unsure_does_not_count_but_what_it_has_is_kept() {
    let set = nodeset(3, 2);
    let unsure = Digest { unsure: true, ..digest(0..5, 0) };
    assert_eq!(decided(&set, &[Some(unsure.clone()), Some(digest(0..1, 0)), None]), None);
    let three = [Some(unsure), Some(digest(0..1, 0)), Some(digest(0..1, 0))];
    assert_eq!(decided(&set, &three), Some((0, 5)));
}

#[test]
fn a_damaged_offset_is_unknown_and_waits_for_another_store() {
    let set = nodeset(3, 2);
    let damaged = Digest { damaged: [Offset(1)].into_iter().collect(), ..digest(0..1, 0) };
    assert_eq!(decided(&set, &[Some(damaged.clone()), Some(digest(0..1, 0)), None]), None);
    let three = [Some(damaged.clone()), Some(digest(0..1, 0)), Some(digest(0..1, 0))];
    assert_eq!(decided(&set, &three), Some((0, 1)));
    let held = [Some(damaged), Some(digest(0..1, 0)), Some(digest(0..2, 0))];
    assert_eq!(decided(&set, &held), Some((0, 2)));
}

#[test]
fn an_epoch_is_closed_only_when_every_kept_record_has_w_copies() {
    let (mut recovery, mut effects) = begun(2);
    recovery.digested(NodeId(0), digest(0..2, 0), &mut effects);
    assert_eq!(proposed(&effects), None);
    effects.clear();
    recovery.digested(NodeId(1), digest(0..1, 0), &mut effects);
    assert_eq!(proposed(&effects), None);
    let fetch = effects.iter().find_map(|effect| match effect {
        Effect::Send(to, Message::Fetch { from, .. }) => Some((*to, from.offset)),
        _ => None,
    });
    assert_eq!(fetch, Some((NodeId(0), Offset(1))));
    effects.clear();
    recovery.fetched(Offset(1), vec![record()], &mut effects);
    let to: Vec<NodeId> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(to, Message::Repair { lsn, .. }) if lsn.offset == Offset(1) => Some(*to),
            _ => None,
        })
        .collect();
    assert_eq!(to, [NodeId(1), NodeId(2)]);
    recovery.repaired(NodeId(2), (Offset(1), Offset(2)), &mut effects);
    assert_eq!(proposed(&effects), Some(Offset(2)));
}

#[test]
fn what_was_asked_is_asked_again_until_it_is_answered() {
    let (mut recovery, effects) = begun(2);
    let asked = |effects: &[Effect]| {
        effects.iter().filter(|e| matches!(e, Effect::Send(_, Message::SealAndDigest(_)))).count()
    };
    assert_eq!(asked(&effects), 3);
    let mut effects = Vec::new();
    recovery.digested(NodeId(1), digest(0..0, 0), &mut effects);
    recovery.turn(&mut effects);
    assert_eq!(asked(&effects), 2);
    recovery.digested(NodeId(0), digest(0..0, 0), &mut effects);
    assert_eq!(proposed(&effects), Some(Offset(0)));
    effects.clear();
    recovery.turn(&mut effects);
    assert_eq!(proposed(&effects), Some(Offset(0)), "a proposal may be lost, too");
}
