//! The log's own machines in the simulated world: an adapter between [`Partition`] and [`Node`], and
//! ways to break one rule of the protocol from outside.

mod control;
mod frame;
mod lies;
mod mutant;

pub use control::DlogControl;
pub use mutant::Mutant;

use crate::{
    client::{Answer, AppendRequest, Request, fingerprint},
    clock::Reading,
    coverage::Branch,
    network::Node as Number,
    node::{DiskFound, Effect, Event, Node, Sight, Start},
    numbers::Numbering,
    plan::{self, Settings},
};
use lies::Lies;
use std::{collections::VecDeque, num::NonZeroU64};
use varve_log::{
    producers::{ProducerSettings, ProducerTable, SessionId},
    protocol::{
        Asker, Command, Condition, Copysets, Effect as Done, Event as Happened, Frame, Incarnation,
        KnownProducers, Message, NodeId, Nodeset, Outcome, Partition, PartitionSettings,
        PartitionStart, ReadToken, ReaderId, Record, RequestId, Timer, WriteToken,
    },
};
use varve_types::{Epoch, Lsn, Offset, TenantId};

/// The one subscription of a node.
const VIEW: ReaderId = ReaderId(1);
/// Bytes the view may be given ahead: a few records, so that flow control works all the time.
const CREDIT_BYTES: u64 = 4_096;

/// A node that runs the log's machines, but for the [`Mutant`] it is run with.
#[derive(Debug)]
pub struct Dlog {
    node: Number,
    me: Incarnation,
    settings: Settings,
    partition: Partition,
    lies: Lies,
    /// The view has everything before.
    view_at: Lsn,
    /// Snapshots that the view made in this life.
    snapshots: u64,
    /// The epoch this node proposed to close.
    proposed: Option<Epoch>,
    /// What the digests of the epoch being closed hold at most.
    digests_end: (Epoch, Offset),
}

type Effects = Vec<Effect<Dlog>>;
type Events = VecDeque<Happened>;

impl Node for Dlog {
    type Message = Message;
    type Frame = Frame;
    type Timer = Timer;
    type Control = DlogControl;
    type Snapshot = KnownProducers;
    type Rules = Mutant;

    fn first_control(
        mutant: Mutant,
        settings: &Settings,
        leader: (Number, u64),
        stores: &[Number],
    ) -> DlogControl {
        DlogControl::first(mutant, settings, leader, stores)
    }

    fn numbering(mutant: Mutant) -> Numbering {
        match mutant {
            Mutant::FenceUnsynced => Numbering::Unsynced,
            Mutant::FenceForgotten => Numbering::FenceForgotten,
            Mutant::CoordinatorShared => Numbering::Shared,
            _ => Numbering::Right,
        }
    }

    fn start(start: &Start<'_, Self>) -> Self {
        let me = incarnation((start.node, start.incarnation));
        let whole = start.disk == DiskFound::Registered || start.rules == Mutant::LostAnswersAbsent;
        let partition = Partition::start(PartitionStart {
            me,
            settings: partition_settings(start.settings),
            condition: if whole { Condition::Whole } else { Condition::DataLoss },
            found: frame::found(start.rules, start.frames),
            producers: start.kept.cloned().unwrap_or_else(|| KnownProducers::none(empty_table())),
        });
        Self {
            node: start.node,
            me,
            settings: start.settings.clone(),
            partition,
            lies: Lies::new(start.rules),
            view_at: start.snapshot,
            snapshots: 0,
            proposed: None,
            digests_end: (Epoch(0), Offset(0)),
        }
    }

    fn step(&mut self, now: Reading, event: Event<Self>, effects: &mut Effects) {
        let event = match event {
            Event::Started => {
                let events = [Happened::Started, self.subscribe()];
                return self.feed(now, events.into(), effects);
            }
            Event::Received(from, message) => {
                self.look_at(from, &message, effects);
                Happened::Received(node_id(from), message)
            }
            Event::Written(token) => Happened::Written(WriteToken(token)),
            Event::WriteFailed(token) => Happened::WriteFailed(WriteToken(token)),
            Event::Read(token, frames) => Happened::Read(
                ReadToken(token),
                frames.into_iter().filter_map(frame::record).collect(),
            ),
            Event::Timer(timer) => Happened::Timer(timer),
            Event::Append(append) => self.append(append),
            Event::Tail(request) => Happened::Tail(RequestId(request.0)),
            Event::Control(list) => {
                self.look_at_list(&list, effects);
                Happened::Control(list.list)
            }
            Event::Recover(stores) => match self.nodeset(&stores) {
                Some(nodeset) => Happened::Recover(nodeset),
                None => return,
            },
            Event::ReadFromStart => {
                let Some(list) = self.partition.epochs() else { return };
                self.view_at = list.trim_point();
                effects.push(Effect::Saw(Sight::GoesTo(self.view_at)));
                self.subscribe()
            }
            Event::Snapshot => return self.snapshot(effects),
        };
        self.feed(now, [event].into(), effects);
    }
}

impl Dlog {
    /// Hands events to the machines, and does what they want done; that may be more events.
    fn feed(&mut self, now: Reading, mut events: Events, effects: &mut Effects) {
        let told = self.lies.tell(now);
        let mut done = Vec::new();
        while let Some(event) = events.pop_front() {
            let heard = self.lies.hear(event, &self.partition, &mut events, effects);
            let Some(event) = heard else { continue };
            self.partition.step(told, event, &mut done);
            for effect in done.drain(..) {
                if let Some(effect) = self.lies.say(effect, &mut events) {
                    self.apply(effect, &mut events, effects);
                }
            }
        }
    }

    fn apply(&mut self, effect: Done, events: &mut Events, effects: &mut Effects) {
        let saw = |sight| Effect::Saw(sight);
        match effect {
            Done::Send(to, message) => effects.push(Effect::Send(to.0 as Number, message)),
            Done::Write(token, frame) => effects.push(Effect::Write(token.0, frame)),
            Done::Read { token, epoch, from, to, max_bytes } => {
                let (from, to) = (Lsn { epoch, offset: from }, Lsn { epoch, offset: to });
                effects.push(Effect::Read { token: token.0, from, to, max_bytes });
            }
            Done::SetTimer(delay_ms, timer) => effects.push(Effect::SetTimer(delay_ms, timer)),
            Done::Complete(request, outcome) => Self::complete(request, outcome, effects),
            Done::CompleteTail(request, tail) => {
                let answer = tail.map(|tail| Effect::AnswerTail(Request(request.0), tail));
                effects.extend(answer);
            }
            Done::ReadControl => effects.push(Effect::ReadControl),
            Done::Propose(command) => {
                if let Command::Advance(advance) = &command {
                    self.proposed = Some(advance.close);
                }
                effects.push(Effect::Propose(command));
            }
            Done::DropBelow(place) => effects.push(Effect::DropBelow(place)),
            Done::Given(_, from, records) => self.given(from, &records, events, effects),
            Done::Lost(asker, from, to) => {
                if matches!(asker, Asker::Reader(_)) {
                    self.view_at = to;
                }
                effects.push(saw(Sight::Lost(from, to)));
            }
            Done::Trimmed(_, trim_point) => {
                self.view_at = trim_point;
                effects.push(saw(Sight::Branch(Branch::TrimmedAsked)));
                effects.push(saw(Sight::GoesTo(trim_point)));
                events.push_back(self.subscribe());
            }
            // Nobody has a newer one: this node's own holds the trim point back.
            Done::NeedProducers(_) => {
                let own = Box::new(self.partition.producers().clone());
                events.push_back(Happened::Producers(own));
            }
            Done::Leads(epoch) => effects.push(saw(Sight::Leads(epoch))),
            Done::SteppedDown(epoch) => effects.push(saw(Sight::SteppedDown(epoch))),
            Done::Committed(epoch, tail) => effects.push(saw(Sight::Announced(epoch, tail))),
            Done::Closing { epoch, committed, end } => {
                if committed < end {
                    effects.push(saw(Sight::Branch(Branch::UnacknowledgedKept)));
                }
                if self.digests_end.0 == epoch && self.digests_end.1 > end {
                    effects.push(saw(Sight::Branch(Branch::TailCut)));
                }
            }
        }
    }

    fn complete(request: RequestId, outcome: Outcome, effects: &mut Effects) {
        let answer = match outcome {
            Outcome::Stored(lsn) => Answer::Stored(lsn),
            Outcome::Duplicate(lsn) => {
                effects.push(Effect::Saw(Sight::Branch(Branch::DuplicateKnown)));
                Answer::Stored(lsn)
            }
            Outcome::NotLeader(leader) => {
                Answer::NotLeader(leader.map(|leader| leader.node.0 as Number))
            }
            Outcome::Overloaded(_) => Answer::Overloaded,
            Outcome::Unknown => {
                effects.push(Effect::Saw(Sight::Branch(Branch::SealedInFlight)));
                Answer::Unknown
            }
            // By a leader that does not know yet that it is none. The real one knows the session.
            Outcome::OutOfSequence { .. } | Outcome::UnknownSession | Outcome::DuplicateTooOld => {
                Answer::NotLeader(None)
            }
        };
        effects.push(Effect::Answer(Request(request.0), answer));
    }

    /// Half of the clients have sessions, the others send a key with each record.
    fn append(&mut self, append: AppendRequest) -> Happened {
        let AppendRequest { request, session, seq, payload } = append;
        self.lies.append_came(request, fingerprint(&payload));
        let with_session = session.is_multiple_of(2);
        let key = u128::from(fingerprint(&payload)) << 64 | u128::from(session << 32 | seq);
        let record = Record {
            session: with_session.then_some((SessionId(session), seq)),
            idempotency_key: if with_session { 0 } else { key },
            append_time_ms: 0,
            tenant: TenantId::parse("sim").expect("a name of three letters"),
            schema_id: 1,
            rows: 1,
            payload,
        };
        Happened::Append(RequestId(request.0), record)
    }

    fn subscribe(&self) -> Happened {
        let (from, credit_bytes) = (self.view_at, CREDIT_BYTES);
        Happened::Subscribe { reader: VIEW, from, credit_bytes }
    }

    fn given(&mut self, from: Lsn, records: &[Record], events: &mut Events, effects: &mut Effects) {
        if from.epoch > self.view_at.epoch {
            effects.push(Effect::Saw(Sight::Branch(Branch::EpochCrossed)));
        }
        let mut bytes = 0;
        for (record, offset) in records.iter().zip(from.offset.0..) {
            let lsn = Lsn { epoch: from.epoch, offset: Offset(offset) };
            effects.push(Effect::Saw(Sight::Given(lsn, fingerprint(&record.payload))));
            bytes += record.payload.len() as u64;
            self.view_at = Lsn { epoch: from.epoch, offset: Offset(offset + 1) };
        }
        events.push_back(Happened::Grant(VIEW, bytes));
    }

    /// The view makes a snapshot, and with it one of the producers: the log need not keep what is before
    /// for either.
    fn snapshot(&mut self, effects: &mut Effects) {
        let producers = self.partition.producers().clone();
        let place = self.view_at.min(producers.up_to);
        effects.push(Effect::Keep(place, producers));
        effects.push(Effect::Propose(Command::Covered(control::snapshot(self.node), place)));
        // And now and then a copy of the log, for which it has to stay meanwhile.
        self.snapshots += 1;
        match self.snapshots % 4 {
            1 => effects.push(Effect::Propose(Command::Hold(control::copy(self.node), place))),
            3 => effects.push(Effect::Propose(Command::Release(control::copy(self.node)))),
            _ => {}
        }
    }

    fn nodeset(&self, stores: &[Number]) -> Option<Nodeset> {
        control::nodeset(&self.settings, stores)
    }

    /// Notes branches that only messages show.
    fn look_at(&mut self, from: Number, message: &Message, effects: &mut Effects) {
        let branch = match message {
            Message::Repaired(..) => Branch::Repaired,
            Message::Fetched { records, asker: Asker::CatchUp, .. } if !records.is_empty() => {
                Branch::ProducersRead
            }
            Message::Fetched { records, asker: Asker::Reader(_), .. }
                if records.is_empty() && from != self.node =>
            {
                Branch::MissingAsked
            }
            Message::Digest(epoch, digest) => {
                let (known, end) = self.digests_end;
                let end = if known == *epoch { end } else { Offset(0) };
                self.digests_end = (*epoch, end.max(digest.held.end()));
                return;
            }
            _ => return,
        };
        effects.push(Effect::Saw(Sight::Branch(branch)));
    }

    fn look_at_list(&mut self, list: &DlogControl, effects: &mut Effects) {
        let open = list.list.open();
        if self.proposed.is_some_and(|proposed| proposed < open.epoch) {
            self.proposed = None;
            if open.leader != self.me {
                effects.push(Effect::Saw(Sight::Branch(Branch::RecoveryLost)));
            }
        }
    }
}

fn node_id(node: Number) -> NodeId {
    NodeId(node as u32)
}

fn incarnation((node, number): (Number, u64)) -> Incarnation {
    Incarnation { node: node_id(node), number }
}

fn partition_settings(settings: &Settings) -> PartitionSettings {
    let copysets = match settings.copysets {
        plan::Copysets::All => Copysets::All,
        plan::Copysets::PerStripe(offsets) => {
            NonZeroU64::new(offsets).map_or(Copysets::All, Copysets::PerStripe)
        }
    };
    PartitionSettings {
        copysets,
        copyset_seed: 1,
        window_max_bytes: settings.window_bytes,
        epoch_timeout_ms: settings.epoch_timeout_ms,
    }
}

/// A run is over long before the window is, whatever the clocks show meanwhile.
fn empty_table() -> ProducerTable {
    ProducerTable::new(ProducerSettings::default())
}
