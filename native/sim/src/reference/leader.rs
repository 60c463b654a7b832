//! The reference's leader: assigns offsets, counts acknowledgements, commits in order.

use super::{
    message::{Message, Record, Timer},
    mutant::Mutant,
    node::{Effects, Reference},
};
use crate::{
    client::{Answer, AppendRequest, Request},
    coverage::Branch,
    network::Node as Number,
    node::{Effect, EpochView, Sight},
    plan::{Copysets, Settings},
    random::Random,
};
use std::collections::{BTreeMap, BTreeSet};
use varve_types::{Epoch, Lsn, Offset};

/// How often a leader looks at what is in flight, in milliseconds.
const TURN_MS: u64 = 5;
/// What was not acknowledged after so many turns is sent again, and to one more store.
const TURNS_TO_RESEND: u64 = 12;

#[derive(Debug)]
struct InFlight {
    request: Request,
    record: Record,
    acknowledged: BTreeSet<Number>,
    turns: u64,
    answered: bool,
}

#[derive(Debug)]
struct Probe {
    request: Request,
    tail: Lsn,
    open_at: BTreeSet<Number>,
}

/// The one leader of an epoch.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) epoch: Epoch,
    me: (Number, u64),
    stores: Vec<Number>,
    write_quorum: usize,
    next: Offset,
    committed: Offset,
    announced: Offset,
    in_flight: BTreeMap<Offset, InFlight>,
    in_flight_bytes: u64,
    probes: BTreeMap<u64, Probe>,
    probes_sent: u64,
}

impl Leader {
    pub(super) fn new(view: &EpochView) -> Self {
        Self {
            epoch: view.epoch,
            me: view.leader,
            stores: view.stores.clone(),
            write_quorum: view.write_quorum as usize,
            next: Offset(0),
            committed: Offset(0),
            announced: Offset(0),
            in_flight: BTreeMap::new(),
            in_flight_bytes: 0,
            probes: BTreeMap::new(),
            probes_sent: 0,
        }
    }

    fn lsn(&self, offset: Offset) -> Lsn {
        Lsn { epoch: self.epoch, offset }
    }

    /// The stores of a record: its copyset, and as many more as have been skipped.
    fn stores_of(&self, offset: Offset, skipped: u64, settings: &Settings) -> Vec<Number> {
        let mut stores = self.stores.clone();
        let Copysets::PerStripe(stripe) = settings.copysets else { return stores };
        let stripe = u64::from(self.epoch.0) << 32 | (offset.0 / stripe);
        stores.sort_by_key(|&store| Random::new(stripe << 8 | store as u64).bits());
        stores.truncate(settings.replication_factor + skipped as usize);
        stores
    }

    fn send(&self, offset: Offset, settings: &Settings, effects: &mut Vec<(Number, Message)>) {
        let Some(waiting) = self.in_flight.get(&offset) else { return };
        let skipped = waiting.turns / TURNS_TO_RESEND;
        for store in self.stores_of(offset, skipped, settings) {
            if !waiting.acknowledged.contains(&store) {
                let (lsn, by, tail) = (self.lsn(offset), self.me, self.committed);
                let record = waiting.record.clone();
                effects.push((store, Message::Store { lsn, by, record, tail, repair: false }));
            }
        }
    }
}

impl<const MUTANT: u8> Reference<MUTANT> {
    /// Begins to lead, if control gave this incarnation the last epoch and it did not lead it yet.
    pub(super) fn lead_if_mine(&mut self, effects: &mut Effects<MUTANT>) {
        let Some(view) = self.list.as_ref().map(super::EpochList::open) else { return };
        let mine = view.leader == (self.node, self.incarnation)
            || Mutant::LeadsAfterRestart.is(MUTANT) && view.leader.0 == self.node;
        if !mine || self.led >= view.epoch {
            return;
        }
        let leader = Leader::new(view);
        self.step_down(effects);
        self.led = leader.epoch;
        effects.push(Effect::Saw(Sight::Leads(leader.epoch)));
        effects.push(Effect::SetTimer(TURN_MS, Timer::Leader(leader.epoch)));
        self.leader = Some(leader);
    }

    /// Stops leading. What is in flight is stored, or not.
    pub(super) fn step_down(&mut self, effects: &mut Effects<MUTANT>) {
        let Some(leader) = self.leader.take() else { return };
        if !leader.in_flight.is_empty() {
            effects.push(Effect::Saw(Sight::Branch(Branch::SealedInFlight)));
        }
        for waiting in leader.in_flight.into_values().filter(|waiting| !waiting.answered) {
            effects.push(Effect::Answer(waiting.request, Answer::Unknown));
        }
        effects.push(Effect::Saw(Sight::SteppedDown(leader.epoch)));
    }

    pub(super) fn append(&mut self, append: AppendRequest, effects: &mut Effects<MUTANT>) {
        let known = self.list.as_ref().map(|list| list.open().leader.0);
        let Some(leader) = &mut self.leader else {
            effects.push(Effect::Answer(append.request, Answer::NotLeader(known)));
            return;
        };
        let bytes = append.payload.len() as u64;
        if leader.in_flight_bytes + bytes > self.settings.window_bytes {
            effects.push(Effect::Answer(append.request, Answer::Overloaded));
            return;
        }
        let offset = leader.next;
        leader.next = Offset(offset.0 + 1);
        leader.in_flight_bytes += bytes;
        let AppendRequest { request, session, seq, payload } = append;
        let record = Record { session, seq, payload };
        let acknowledged = BTreeSet::new();
        let waiting = InFlight { request, record, acknowledged, turns: 0, answered: false };
        leader.in_flight.insert(offset, waiting);
        let mut messages = Vec::new();
        leader.send(offset, &self.settings, &mut messages);
        effects.extend(messages.into_iter().map(|(to, message)| Effect::Send(to, message)));
    }

    pub(super) fn stored(&mut self, from: Number, lsn: Lsn, effects: &mut Effects<MUTANT>) {
        let Some(leader) = self.leader.as_mut().filter(|leader| leader.epoch == lsn.epoch) else {
            return;
        };
        let Some(waiting) = leader.in_flight.get_mut(&lsn.offset) else { return };
        waiting.acknowledged.insert(from);
        let copies = waiting.acknowledged.len();
        if Mutant::AcknowledgesOutOfOrder.is(MUTANT) && copies >= leader.write_quorum {
            waiting.answered = true;
            effects.push(Effect::Answer(waiting.request, Answer::Stored(lsn)));
        }
        while let Some(first) = leader.in_flight.first_entry() {
            if first.get().acknowledged.len() < leader.write_quorum {
                break;
            }
            let (offset, done) = first.remove_entry();
            leader.committed = Offset(offset.0 + 1);
            leader.in_flight_bytes -= done.record.payload.len() as u64;
            effects.push(Effect::Saw(Sight::Announced(leader.epoch, leader.committed)));
            if !done.answered {
                let lsn = leader.lsn(offset);
                effects.push(Effect::Answer(done.request, Answer::Stored(lsn)));
            }
        }
    }

    pub(super) fn leader_turn(&mut self, epoch: Epoch, effects: &mut Effects<MUTANT>) {
        let Some(leader) = self.leader.as_mut().filter(|leader| leader.epoch == epoch) else {
            return;
        };
        let turns_max = self.settings.epoch_timeout_ms / TURN_MS;
        if leader.in_flight.values().any(|waiting| waiting.turns >= turns_max) {
            self.step_down(effects);
            return;
        }
        let mut again = Vec::new();
        for (&offset, waiting) in &mut leader.in_flight {
            waiting.turns += 1;
            if waiting.turns % TURNS_TO_RESEND == 0 {
                again.push(offset);
            }
        }
        let mut messages = Vec::new();
        for offset in again {
            leader.send(offset, &self.settings, &mut messages);
        }
        effects.extend(messages.into_iter().map(|(to, message)| Effect::Send(to, message)));
        // Again each second or so, for stores that missed it.
        if leader.announced < leader.committed || self.turns.is_multiple_of(200) {
            leader.announced = leader.committed;
            for &store in &leader.stores {
                let tail = Message::CommittedTail(epoch, leader.committed);
                effects.push(Effect::Send(store, tail));
            }
        }
        self.turns += 1;
        effects.push(Effect::SetTimer(TURN_MS, Timer::Leader(epoch)));
    }

    pub(super) fn tail_asked(&mut self, request: Request, effects: &mut Effects<MUTANT>) {
        let Some(leader) = &mut self.leader else { return };
        let tail = leader.lsn(leader.committed);
        if Mutant::TailUnconfirmed.is(MUTANT) {
            effects.push(Effect::AnswerTail(request, tail));
            return;
        }
        leader.probes_sent += 1;
        let probe = leader.probes_sent;
        leader.probes.insert(probe, Probe { request, tail, open_at: BTreeSet::new() });
        for &store in &leader.stores {
            effects.push(Effect::Send(store, Message::Probe(leader.epoch, probe)));
        }
    }

    pub(super) fn open_at(
        &mut self,
        from: Number,
        epoch: Epoch,
        probe: u64,
        effects: &mut Effects<MUTANT>,
    ) {
        let Some(leader) = self.leader.as_mut().filter(|leader| leader.epoch == epoch) else {
            return;
        };
        let Some(asked) = leader.probes.get_mut(&probe) else { return };
        asked.open_at.insert(from);
        if asked.open_at.len() >= leader.write_quorum {
            effects.push(Effect::AnswerTail(asked.request, asked.tail));
            leader.probes.remove(&probe);
        }
    }

    /// A store refused: if it is because the epoch is sealed there, it is over.
    pub(super) fn refused(&mut self, epoch: Epoch, effects: &mut Effects<MUTANT>) {
        if self.leader.as_ref().is_some_and(|leader| leader.epoch == epoch) {
            self.step_down(effects);
        }
    }
}
