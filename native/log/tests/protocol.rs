//! The log's machines on three nodes: what is acknowledged is there once, and every leader knows the
//! same producers, wherever the one before it stopped.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use bytes::Bytes;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use varve_log::{
    producers::{CommittedRecord, ProducerSettings, ProducerTable, SessionId},
    protocol::{
        Condition, Copysets, Effect, EpochList, Event, Found, Frame, Incarnation, KnownProducers,
        NodeId, Nodeset, Now, Origin, Outcome, Partition, PartitionSettings, PartitionStart,
        ReaderId, Record, RequestId,
    },
};
use varve_types::{Lsn, Offset, TenantId};

/// Few sessions and keys, so that the table forgets some.
const PRODUCERS: ProducerSettings = ProducerSettings {
    sessions_max: 2,
    dedupe_window_ms: 1_000,
    dedupe_keys_max: 4,
    dedupe_keys_total_max: 100,
};
const NODES: usize = 3;

fn table() -> ProducerTable {
    ProducerTable::new(PRODUCERS)
}

/// Nodes without timers and faults but kills: messages arrive in order, writes are durable at once.
struct Cluster {
    nodes: Vec<Option<Partition>>,
    lives: [u64; NODES],
    disks: Vec<Vec<Frame>>,
    control: EpochList,
    events: VecDeque<(usize, Event)>,
    outcomes: BTreeMap<u64, Outcome>,
    given: Vec<(Lsn, Record)>,
    now: Now,
}

fn id(node: usize) -> NodeId {
    NodeId(node as u32)
}

fn nodeset() -> Nodeset {
    Nodeset::new(&[id(0), id(1), id(2)], 2, 3).unwrap()
}

impl Cluster {
    fn new() -> Self {
        let leader = Incarnation { node: id(0), number: 1 };
        let mut cluster = Self {
            nodes: (0..NODES).map(|_| None).collect(),
            lives: [0; NODES],
            disks: vec![Vec::new(); NODES],
            control: EpochList::first(leader, nodeset()),
            events: VecDeque::new(),
            outcomes: BTreeMap::new(),
            given: Vec::new(),
            now: Now::default(),
        };
        (0..NODES).for_each(|node| cluster.start(node));
        cluster
    }

    fn start(&mut self, node: usize) {
        self.lives[node] += 1;
        let found = self.disks[node].iter().map(|frame| match frame {
            Frame::Data { lsn, tail, origin, .. } => Found::Records {
                epoch: lsn.epoch,
                from: lsn.offset,
                to: Offset(lsn.offset.0 + 1),
                leader: match origin {
                    Origin::Append(leader) => Some(*leader),
                    Origin::Repair => None,
                },
                tail: *tail,
            },
            Frame::Seal(epoch) => Found::Seal(*epoch),
            Frame::Trim(place) => Found::Trim(*place),
        });
        let settings = PartitionSettings {
            copysets: Copysets::All,
            copyset_seed: 1,
            window_max_bytes: 1 << 20,
            epoch_timeout_ms: 1_000,
        };
        self.nodes[node] = Some(Partition::start(PartitionStart {
            me: Incarnation { node: id(node), number: self.lives[node] },
            settings,
            condition: Condition::Whole,
            found,
            producers: KnownProducers::none(table()),
        }));
        self.events.push_back((node, Event::Started));
    }

    fn kill(&mut self, node: usize) {
        self.nodes[node] = None;
        self.events.retain(|(to, _)| *to != node);
    }

    /// Lets so many events happen, or all.
    fn run(&mut self, events: usize) {
        for _ in 0..events {
            let Some((node, event)) = self.events.pop_front() else { return };
            let Some(machine) = &mut self.nodes[node] else { continue };
            let mut effects = Vec::new();
            machine.step(self.now, event, &mut effects);
            for effect in effects {
                self.apply(node, effect);
            }
        }
    }

    fn apply(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Send(to, message) => {
                self.events.push_back((to.0 as usize, Event::Received(id(node), message)));
            }
            Effect::Write(token, frame) => {
                self.disks[node].push(frame);
                self.events.push_back((node, Event::Written(token)));
            }
            Effect::Read { token, epoch, from, to, .. } => {
                let on_disk = |offset: u64| {
                    self.disks[node].iter().find_map(|frame| match frame {
                        Frame::Data { lsn, record, .. } if *lsn == Lsn::new(epoch.0, offset) => {
                            Some(record.clone())
                        }
                        _ => None,
                    })
                };
                let records = (from.0..to.0).map_while(on_disk).collect();
                self.events.push_back((node, Event::Read(token, records)));
            }
            Effect::ReadControl => self.tell_control(node),
            Effect::Propose(command) => {
                // Whoever comes second is refused, and reads why.
                drop(self.control.apply(&command));
                self.tell_control(node);
            }
            Effect::Complete(request, outcome) => {
                let again = self.outcomes.insert(request.0, outcome);
                assert_eq!(again, None, "{request:?} ended twice");
            }
            Effect::Given(_, from, records) => {
                let lsn = |n: usize| Lsn { offset: Offset(from.offset.0 + n as u64), ..from };
                self.given.extend(records.into_iter().enumerate().map(|(n, r)| (lsn(n), r)));
            }
            Effect::Lost(..) | Effect::Trimmed(..) | Effect::NeedProducers(_) => {
                panic!("nothing is lost or trimmed here: {effect:?}")
            }
            _ => {}
        }
    }

    fn tell_control(&mut self, node: usize) {
        self.events.push_back((node, Event::Control(Arc::new(self.control.clone()))));
    }

    fn append(&mut self, request: u64, session: Option<(u64, u64)>, key: u128) {
        let leader = self.control.open().leader.node.0 as usize;
        let record = Record {
            session: session.map(|(session, seq)| (SessionId(session), seq)),
            idempotency_key: key,
            append_time_ms: 0,
            tenant: TenantId::parse("t").unwrap(),
            schema_id: 1,
            rows: 1,
            payload: Bytes::copy_from_slice(&request.to_le_bytes()),
        };
        self.events.push_back((leader, Event::Append(RequestId(request), record)));
    }

    /// The leader dies where it is; the next node recovers and leads, and the dead one comes back.
    fn fail_over(&mut self) {
        let dead = self.control.open().leader.node.0 as usize;
        self.kill(dead);
        let next = (dead + 1) % NODES;
        self.events.push_back((next, Event::Recover(nodeset())));
        self.run(usize::MAX);
        assert_eq!(self.control.open().leader.node, id(next));
        self.start(dead);
        (0..NODES).for_each(|node| self.tell_control(node));
        self.run(usize::MAX);
    }

    /// All that was kept, as a reader is given it.
    fn read_all(&mut self) -> Vec<(Lsn, Record)> {
        let leader = self.control.open().leader.node.0 as usize;
        let (reader, from) = (ReaderId(1), Lsn::new(1, 0));
        let subscribe = Event::Subscribe { reader, from, credit_bytes: u64::MAX };
        self.given.clear();
        self.events.push_back((leader, subscribe));
        self.run(usize::MAX);
        self.events.push_back((leader, Event::Unsubscribe(reader)));
        self.run(usize::MAX);
        std::mem::take(&mut self.given)
    }

    fn leader(&self) -> &Partition {
        self.nodes[self.control.open().leader.node.0 as usize].as_ref().unwrap()
    }
}

fn replayed(records: &[(Lsn, Record)]) -> ProducerTable {
    let mut table = table();
    for (lsn, record) in records {
        table.committed(&CommittedRecord {
            lsn: *lsn,
            session: record.session,
            idempotency_key: record.idempotency_key,
            append_time_ms: record.append_time_ms,
        });
    }
    table
}

#[derive(Clone, Debug)]
enum Act {
    /// The next record of this session, or the last one again.
    Session(u64, bool),
    Key(u128),
    Run(usize),
    Wait(u64),
    /// Of the wall clock.
    Jump(i64),
    FailOver,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0..4_u64, any::<bool>()).prop_map(|(session, again)| Act::Session(session, again)),
        4 => (1..9_u128).prop_map(Act::Key),
        6 => (1..40_usize).prop_map(Act::Run),
        1 => (1..900_u64).prop_map(Act::Wait),
        1 => (-5_000..5_000_i64).prop_map(Act::Jump),
        1 => Just(Act::FailOver),
    ];
    prop::collection::vec(act, 1..80)
}

proptest! {
    #[test]
    fn every_leader_has_the_table_that_the_log_makes_wherever_the_last_one_stopped(acts in acts()) {
        let mut cluster = Cluster::new();
        cluster.run(usize::MAX);
        let (mut request, mut sequences) = (0, [0_u64; 4]);
        for act in acts {
            request += 1;
            match act {
                Act::Session(session, again) => {
                    let seq = &mut sequences[session as usize];
                    let number = if again { seq.saturating_sub(1) } else { *seq };
                    *seq = number + 1;
                    cluster.append(request, Some((session, number)), 0);
                }
                Act::Key(key) => cluster.append(request, None, key),
                Act::Run(events) => cluster.run(events),
                Act::Wait(ms) => {
                    cluster.now.elapsed_ms += ms;
                    cluster.now.wall_ms += ms.cast_signed();
                }
                Act::Jump(by_ms) => cluster.now.wall_ms += by_ms,
                Act::FailOver => {
                    cluster.fail_over();
                    let records = cluster.read_all();
                    prop_assert!(cluster.leader().is_open());
                    prop_assert_eq!(&cluster.leader().producers().table, &replayed(&records));
                }
            }
        }
        cluster.run(usize::MAX);
        let records = cluster.read_all();
        prop_assert_eq!(&cluster.leader().producers().table, &replayed(&records));
        for (request, outcome) in &cluster.outcomes {
            if let Outcome::Stored(lsn) = outcome {
                let mut found = records.iter().filter(|(at, _)| at == lsn);
                let (_, record) = found.next().expect("what is acknowledged is there");
                prop_assert_eq!(&record.payload[..], &request.to_le_bytes()[..]);
            }
        }
    }
}

#[test]
fn a_retry_is_known_by_the_next_leader_also_if_its_first_sending_was_not_acknowledged() {
    let mut cluster = Cluster::new();
    cluster.run(usize::MAX);
    cluster.append(1, Some((7, 0)), 0);
    // The leader takes it, and stops when its own store and one more have written it.
    cluster.run(3);
    cluster.fail_over();
    assert_eq!(cluster.outcomes.get(&1), None);
    cluster.append(2, Some((7, 0)), 0);
    cluster.append(3, Some((7, 1)), 0);
    cluster.run(usize::MAX);
    assert_eq!(cluster.outcomes.get(&2), Some(&Outcome::Duplicate(Lsn::new(1, 0))));
    assert_eq!(cluster.outcomes.get(&3), Some(&Outcome::Stored(Lsn::new(2, 0))));
}

#[test]
fn a_leader_that_comes_back_in_another_life_does_not_lead_its_old_epoch() {
    let mut cluster = Cluster::new();
    cluster.run(usize::MAX);
    cluster.kill(0);
    cluster.start(0);
    cluster.run(usize::MAX);
    assert_eq!(cluster.leader().leads(), None);
    cluster.append(1, None, 0);
    cluster.run(usize::MAX);
    assert_eq!(cluster.outcomes.get(&1).map(ToString::to_string).unwrap(), "n0 leads");
}
