use super::*;
use crate::producers::{ProducerSettings, SessionId};
use bytes::Bytes;
use std::num::NonZeroU64;
use varve_types::TenantId;

const ME: Incarnation = Incarnation { node: NodeId(0), number: 3 };
const S: SessionId = SessionId(7);

/// By clocks that are right.
fn when(elapsed_ms: u64) -> Now {
    Now { wall_ms: elapsed_ms.cast_signed(), elapsed_ms }
}

struct Leader {
    sequencer: Sequencer,
    known: KnownProducers,
    effects: Vec<Effect>,
    requests: u64,
}

impl Leader {
    fn on(n: u32, write_quorum: u32, copysets: Copysets) -> Self {
        let stores: Vec<NodeId> = (0..n).map(NodeId).collect();
        let nodeset = Nodeset::new(&stores, write_quorum, write_quorum).unwrap();
        let entry = EpochEntry { epoch: Epoch(4), leader: ME, nodeset, end: None };
        let settings = PartitionSettings {
            copysets,
            copyset_seed: 1,
            window_max_bytes: 1_000,
            epoch_timeout_ms: 500,
        };
        let mut effects = Vec::new();
        let mut sequencer = Sequencer::new(&entry, &settings, &mut effects);
        let known = KnownProducers::none(ProducerTable::new(ProducerSettings::default()));
        sequencer.open(Now::default(), &known.table, &mut effects);
        Self { sequencer, known, effects, requests: 0 }
    }

    fn append(&mut self, record: Record) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.sequencer.append(when(1_000), (request, record), &self.known.table, &mut self.effects);
        request
    }

    fn stored(&mut self, store: u32, from: u64, to: u64) {
        let range = (Offset(from), Offset(to));
        self.sequencer.stored(NodeId(store), range, &mut self.known, &mut self.effects);
    }

    fn outcomes(&self) -> Vec<(u64, Outcome)> {
        let outcome = |effect: &Effect| match effect {
            Effect::Complete(request, outcome) => Some((request.0, *outcome)),
            _ => None,
        };
        self.effects.iter().filter_map(outcome).collect()
    }

    /// Offsets sent since the last look, by the store.
    fn sent(&mut self) -> Vec<(u32, u64)> {
        let sent = |effect: Effect| match effect {
            Effect::Send(to, Message::Store { lsn, .. }) => Some((to.0, lsn.offset.0)),
            _ => None,
        };
        std::mem::take(&mut self.effects).into_iter().filter_map(sent).collect()
    }
}

fn record(session: Option<(SessionId, u64)>, idempotency_key: u128) -> Record {
    let (tenant, payload) = (TenantId::parse("t").unwrap(), Bytes::from_static(&[0; 100]));
    let (append_time_ms, schema_id, rows) = (0, 1, 1);
    Record { session, idempotency_key, append_time_ms, tenant, schema_id, rows, payload }
}

fn plain() -> Record {
    record(None, 0)
}

fn at(offset: u64) -> Outcome {
    Outcome::Stored(Lsn::new(4, offset))
}

#[test]
fn appends_are_acknowledged_with_w_copies_and_never_out_of_order() {
    let mut leader = Leader::on(3, 2, Copysets::All);
    for _ in 0..3 {
        leader.append(plain());
    }
    leader.stored(0, 0, 3);
    leader.stored(2, 1, 3);
    assert_eq!(leader.outcomes(), []);
    leader.stored(2, 0, 1);
    leader.stored(1, 0, 3);
    assert_eq!(leader.outcomes(), [(1, at(0)), (2, at(1)), (3, at(2))]);
    assert_eq!(leader.sequencer.committed(), Offset(3));
}

#[test]
fn one_stores_acknowledgement_counts_once() {
    let mut leader = Leader::on(3, 2, Copysets::All);
    leader.append(plain());
    leader.stored(1, 0, 1);
    leader.stored(1, 0, 1);
    leader.stored(9, 0, 1);
    assert_eq!(leader.outcomes(), []);
}

#[test]
fn a_retry_is_answered_with_the_first_ones_place_once_that_is_committed() {
    let mut leader = Leader::on(1, 1, Copysets::All);
    leader.append(record(Some((S, 0)), 0));
    leader.append(record(Some((S, 0)), 0));
    leader.append(record(None, 5));
    leader.append(record(None, 5));
    assert_eq!(leader.sent(), [(0, 0), (0, 1)]);
    leader.stored(0, 0, 2);
    leader.append(record(Some((S, 0)), 0));
    leader.append(record(None, 5));
    let again = |offset| Outcome::Duplicate(Lsn::new(4, offset));
    let (first, second) = (again(0), again(1));
    let outcomes = [(1, at(0)), (2, first), (3, at(1)), (4, second), (5, first), (6, second)];
    assert_eq!(leader.outcomes(), outcomes);
}

#[test]
fn a_gap_in_a_session_is_refused_and_a_stranger_told() {
    let mut leader = Leader::on(1, 1, Copysets::All);
    leader.append(record(Some((S, 1)), 0));
    leader.append(record(Some((S, 0)), 0));
    leader.append(record(Some((S, 1)), 0));
    leader.append(record(Some((S, 3)), 0));
    leader.stored(0, 0, 2);
    leader.append(record(Some((S, 3)), 0));
    let gap = Outcome::OutOfSequence { expected: 2 };
    let outcomes = [(1, Outcome::UnknownSession), (4, gap), (2, at(0)), (3, at(1)), (5, gap)];
    assert_eq!(leader.outcomes(), outcomes);
}

#[test]
fn a_number_from_long_ago_is_said_to_be_stored_without_a_place() {
    let mut leader = Leader::on(1, 1, Copysets::All);
    for seq in 0..20 {
        leader.append(record(Some((S, seq)), 0));
        leader.stored(0, seq, seq + 1);
    }
    leader.append(record(Some((S, 0)), 0));
    assert_eq!(leader.outcomes().last(), Some(&(21, Outcome::DuplicateTooOld)));
}

#[test]
fn over_the_window_an_append_is_refused_but_a_retry_is_still_known() {
    let mut leader = Leader::on(1, 1, Copysets::All);
    for seq in 0..4 {
        leader.append(record(Some((S, seq)), 0));
    }
    leader.append(record(Some((S, 4)), 0));
    leader.append(record(Some((S, 3)), 0));
    assert!(matches!(leader.outcomes()[..], [(5, Outcome::Overloaded(_))]));
    leader.stored(0, 0, 4);
    leader.append(record(Some((S, 4)), 0));
    leader.stored(0, 4, 5);
    assert_eq!(leader.outcomes().last(), Some(&(7, at(4))));
}

#[test]
fn a_record_larger_than_the_window_goes_alone() {
    let mut leader = Leader::on(1, 1, Copysets::All);
    let large = Record { payload: Bytes::from_static(&[0; 5_000]), ..plain() };
    leader.append(large.clone());
    leader.append(large);
    leader.stored(0, 0, 1);
    assert!(matches!(
        leader.outcomes()[..],
        [(2, Outcome::Overloaded(_)), (1, Outcome::Stored(_))]
    ));
}

#[test]
fn a_clock_that_jumps_an_hour_ahead_and_back_makes_no_retry_new() {
    let mut leader = Leader::on(1, 1, Copysets::All);
    let mut times = Vec::new();
    let hour_ms = 3_600_000;
    let walls = [50, hour_ms, hour_ms + 9, 30, 40];
    for ((wall_ms, elapsed_ms), key) in walls.into_iter().zip((0..).step_by(10)).zip(1..) {
        let now = Now { wall_ms, elapsed_ms };
        let append = (RequestId(key as u64), record(None, key));
        leader.sequencer.append(now, append, &leader.known.table, &mut leader.effects);
        leader.stored(0, 0, key as u64);
        for known in 1..=key {
            let again = (RequestId(99), record(None, known));
            leader.sequencer.append(now, again, &leader.known.table, &mut leader.effects);
            let place = Outcome::Duplicate(Lsn::new(4, known as u64 - 1));
            assert_eq!(leader.outcomes().pop(), Some((99, place)));
        }
    }
    for effect in &leader.effects {
        if let Effect::Send(_, Message::Store { record, .. }) = effect {
            times.push(record.append_time_ms);
        }
    }
    assert_eq!(times, [50, 70, 90, 30, 40]);
}

#[test]
fn a_store_that_is_unable_is_skipped_and_with_too_few_left_the_reign_is_over() {
    let stripes = Copysets::PerStripe(NonZeroU64::new(1).unwrap());
    let mut leader = Leader::on(4, 2, stripes);
    leader.sent();
    assert_eq!(leader.sequencer.unable(NodeId(1)), Reign::GoesOn);
    for offset in 0..4 {
        leader.append(plain());
        let sent = leader.sent();
        assert_eq!(sent.len(), 2, "{sent:?}");
        assert!(sent.iter().all(|&(store, at)| store != 1 && at == offset), "{sent:?}");
    }
    assert_eq!(leader.sequencer.unable(NodeId(2)), Reign::GoesOn);
    assert_eq!(leader.sequencer.unable(NodeId(3)), Reign::Over);
}

#[test]
fn what_is_not_acknowledged_is_sent_again_to_more_stores_and_given_up_in_the_end() {
    let stripes = Copysets::PerStripe(NonZeroU64::new(1).unwrap());
    let mut leader = Leader::on(4, 2, stripes);
    leader.append(plain());
    assert_eq!(leader.sent().len(), 2);
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..9 {
        assert_eq!(leader.sequencer.resend(&mut leader.effects), Reign::GoesOn);
        reached.extend(leader.sent().into_iter().map(|(store, _)| store));
    }
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), [1, 2, 3], "all but the own one");
    assert_eq!(leader.sequencer.resend(&mut leader.effects), Reign::Over);
}

#[test]
fn a_sealed_leader_cannot_tell_what_became_of_its_window() {
    let mut leader = Leader::on(1, 1, Copysets::All);
    leader.append(plain());
    leader.append(record(None, 5));
    leader.append(record(None, 5));
    leader.sequencer.tail_asked(RequestId(9), &mut leader.effects);
    leader.effects.clear();
    leader.sequencer.step_down(&mut leader.effects);
    let completed =
        leader.effects.iter().filter(|e| matches!(e, Effect::Complete(_, Outcome::Unknown)));
    assert_eq!(completed.count(), 3);
    assert!(matches!(leader.effects.last(), Some(Effect::CompleteTail(RequestId(9), None))));
}

#[test]
fn a_tail_is_answered_once_w_stores_say_that_the_epoch_is_open() {
    let mut leader = Leader::on(3, 2, Copysets::All);
    leader.append(plain());
    leader.stored(0, 0, 1);
    leader.stored(1, 0, 1);
    leader.sequencer.tail_asked(RequestId(8), &mut leader.effects);
    leader.sequencer.tail_asked(RequestId(9), &mut leader.effects);
    leader.effects.clear();
    leader.sequencer.open_at(NodeId(2), 1, &mut leader.effects);
    leader.sequencer.open_at(NodeId(2), 1, &mut leader.effects);
    assert!(leader.effects.is_empty());
    leader.sequencer.open_at(NodeId(1), 1, &mut leader.effects);
    let tail = Some(Lsn::new(4, 1));
    assert!(matches!(leader.effects[..], [Effect::CompleteTail(RequestId(9), t)] if t == tail));
    leader.sequencer.open_at(NodeId(1), 0, &mut leader.effects);
    leader.sequencer.open_at(NodeId(0), 0, &mut leader.effects);
    assert!(matches!(leader.effects[1..], [Effect::CompleteTail(RequestId(8), _)]));
}

#[test]
fn appends_before_the_producers_are_known_wait_in_order_and_within_bounds() {
    let nodeset = Nodeset::of_one(ME.node);
    let entry = EpochEntry { epoch: Epoch(4), leader: ME, nodeset, end: None };
    let settings = PartitionSettings {
        copysets: Copysets::All,
        copyset_seed: 1,
        window_max_bytes: 500,
        epoch_timeout_ms: 500,
    };
    let mut effects = Vec::new();
    let mut sequencer = Sequencer::new(&entry, &settings, &mut effects);
    let mut known = KnownProducers::none(ProducerTable::new(ProducerSettings::default()));
    for request in 0..3 {
        let append = (RequestId(request), record(Some((S, request)), 0));
        sequencer.append(when(0), append, &known.table, &mut effects);
    }
    assert!(matches!(effects.last(), Some(Effect::Complete(RequestId(2), Outcome::Overloaded(_)))));
    known.table.committed(&record(Some((S, 0)), 0).committed_at(Lsn::new(3, 8)));
    sequencer.open(Now::default(), &known.table, &mut effects);
    sequencer.stored(ME.node, (Offset(0), Offset(1)), &mut known, &mut effects);
    let completed: Vec<(u64, Outcome)> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Complete(request, outcome) => Some((request.0, *outcome)),
            _ => None,
        })
        .skip(1)
        .collect();
    assert_eq!(completed, [(0, Outcome::Duplicate(Lsn::new(3, 8))), (1, at(0))]);
}
