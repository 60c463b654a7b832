//! The leader of one epoch: gives offsets, counts acknowledgements, commits in order (log-core,
//! section 3).

mod in_flight;
mod probes;

use std::collections::VecDeque;

use varve_types::{Epoch, Lsn, Offset};

use self::{
    in_flight::{InFlight, InSession, Known, Window},
    probes::Probes,
};
use super::{
    append_times::{AppendTimes, Now},
    control::EpochEntry,
    copyset::Copysets,
    effect::{Effect, Outcome, RequestId, Timer, TooMuch},
    known_producers::KnownProducers,
    message::Message,
    partition_settings::PartitionSettings,
    quorum::{Incarnation, NodeId, Nodeset, StoreSet},
    record::Record,
};
use crate::producers::{KeyVerdict, ProducerTable, SessionVerdict};

/// The committed tail goes alone after so much silence.
const ANNOUNCE_MS: u64 = 5;
/// How often a leader looks at what is in flight.
const RESEND_MS: u64 = 50;
/// How often an idle leader repeats its committed tail.
const IDLE_MS: u64 = 1_000;
/// Bounds of what a client is told to wait.
const RETRY_AFTER_MS: (u64, u64) = (10, 1_000);

/// The one leader of an epoch.
#[derive(Debug)]
pub(super) struct Sequencer {
    epoch: Epoch,
    me: Incarnation,
    nodeset: Nodeset,
    /// The own store's index, if it stores data.
    own: Option<usize>,
    copysets: Copysets,
    copyset_seed: u64,
    window_max_bytes: u64,
    epoch_timeout_ms: u64,
    window: Window,
    /// Appends that came before the producers were known, in order; `None` once they are.
    waiting: Option<Waiting>,
    probes: Probes,
    /// Stores that take no more appends of this epoch.
    failing: StoreSet,
    /// Up to where every store was sent the committed tail.
    announced: Offset,
    announce_soon: bool,
    resend_soon: bool,
    turn: u64,
    append_times: AppendTimes,
}

#[derive(Debug, Default)]
struct Waiting {
    appends: VecDeque<(RequestId, Record)>,
    bytes: u64,
}

/// Whether a leader goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Reign {
    GoesOn,
    /// It has to step down.
    Over,
}

impl Sequencer {
    /// The leader of a new epoch. Appends wait until [`Self::open`].
    pub(super) fn new(
        entry: &EpochEntry,
        settings: &PartitionSettings,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let own = entry.nodeset.index(entry.leader.node);
        let sequencer = Self {
            epoch: entry.epoch,
            me: entry.leader,
            own,
            nodeset: entry.nodeset.clone(),
            copysets: settings.copysets,
            copyset_seed: settings.copyset_seed,
            window_max_bytes: settings.window_max_bytes,
            epoch_timeout_ms: settings.epoch_timeout_ms,
            window: Window::default(),
            waiting: Some(Waiting::default()),
            probes: Probes::default(),
            failing: StoreSet::EMPTY,
            announced: Offset(0),
            announce_soon: false,
            resend_soon: false,
            turn: 0,
            append_times: AppendTimes::default(),
        };
        effects.push(Effect::Leads(entry.epoch));
        if sequencer.has_others() {
            effects.push(Effect::SetTimer(IDLE_MS, Timer::Idle(entry.epoch)));
        }
        sequencer
    }

    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) const fn committed(&self) -> Offset {
        self.window.committed()
    }

    /// Bytes of records that are not committed yet.
    pub(super) fn in_flight_bytes(&self) -> u64 {
        self.window.bytes() + self.waiting.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    fn has_others(&self) -> bool {
        self.nodeset.n() > usize::from(self.own.is_some())
    }

    const fn lsn(&self, offset: Offset) -> Lsn {
        Lsn { epoch: self.epoch, offset }
    }

    /// Takes a client's record, or says at once what is to be said about it.
    pub(super) fn append(
        &mut self,
        now: Now,
        (request, record): (RequestId, Record),
        table: &ProducerTable,
        effects: &mut Vec<Effect>,
    ) {
        let bytes = record.size_bytes();
        if let Some(waiting) = &mut self.waiting {
            if waiting.bytes > 0 && waiting.bytes + bytes > self.window_max_bytes {
                let in_flight_bytes = waiting.bytes;
                let too_much = TooMuch { in_flight_bytes, retry_after_ms: RETRY_AFTER_MS.1 };
                effects.push(Effect::Complete(request, Outcome::Overloaded(too_much)));
                return;
            }
            waiting.bytes += bytes;
            waiting.appends.push_back((request, record));
            return;
        }
        match self.known(now, request, &record, table) {
            Known::New => self.admit(now, (request, record), table, effects),
            Known::InFlight => {}
            Known::Ended(outcome) => effects.push(Effect::Complete(request, outcome)),
        }
    }

    /// What the record is to what is committed and to what is in flight. A retry of what is in flight
    /// is told when that is committed.
    fn known(
        &mut self,
        now: Now,
        request: RequestId,
        record: &Record,
        table: &ProducerTable,
    ) -> Known {
        let Some((session, seq)) = record.session else {
            let key = record.idempotency_key;
            if key == 0 {
                return Known::New;
            }
            if self.window.attach_key(key, request) {
                return Known::InFlight;
            }
            return match table.check_key_at(key, self.epoch, self.append_times.at(now)) {
                KeyVerdict::Duplicate(lsn) => Known::Ended(Outcome::Duplicate(lsn)),
                KeyVerdict::New | KeyVerdict::InFlight => Known::New,
            };
        };
        match self.window.session(session, seq) {
            InSession::Next => return Known::New,
            InSession::Gap(expected) => return Known::Ended(Outcome::OutOfSequence { expected }),
            InSession::This => {
                self.window.attach(session, seq, request);
                return Known::InFlight;
            }
            InSession::Before => {}
        }
        match table.check(session, seq) {
            SessionVerdict::New | SessionVerdict::InFlight => Known::New,
            SessionVerdict::Duplicate(lsn) => Known::Ended(Outcome::Duplicate(lsn)),
            SessionVerdict::DuplicateTooOld => Known::Ended(Outcome::DuplicateTooOld),
            SessionVerdict::OutOfSequence { expected } => {
                Known::Ended(Outcome::OutOfSequence { expected })
            }
            SessionVerdict::UnknownSession => Known::Ended(Outcome::UnknownSession),
        }
    }

    /// Gives a new record its place and sends it to its stores, if there is room.
    fn admit(
        &mut self,
        now: Now,
        (request, mut record): (RequestId, Record),
        table: &ProducerTable,
        effects: &mut Vec<Effect>,
    ) {
        // One that is larger than the window goes alone.
        let too_much = self.window.bytes() + record.size_bytes() > self.window_max_bytes;
        if too_much && !self.window.is_empty() {
            effects.push(Effect::Complete(request, Outcome::Overloaded(self.too_much())));
            return;
        }
        record.append_time_ms = self.append_times.give(now);
        let offset = self.window.next();
        let stores = self.copyset(offset, 0);
        self.send(offset, &record, stores, effects);
        self.resend_later(effects);
        let in_flight = InFlight {
            request,
            retries: Vec::new(),
            record,
            stored: StoreSet::EMPTY,
            sent_turn: self.turn,
            resent: 0,
        };
        self.window.push(in_flight, table.remembers_keys());
    }

    fn too_much(&self) -> TooMuch {
        let waited_turns = self.window.front().map_or(0, |first| self.turn - first.sent_turn);
        // As long as the first in flight has waited already.
        let retry_after_ms = (waited_turns * RESEND_MS).clamp(RETRY_AFTER_MS.0, RETRY_AFTER_MS.1);
        TooMuch { in_flight_bytes: self.window.bytes(), retry_after_ms }
    }

    fn copyset(&self, offset: Offset, more: usize) -> StoreSet {
        let place = (self.copyset_seed, self.epoch, offset);
        self.copysets.choose(&self.nodeset, place, self.failing, more)
    }

    /// Sends a record, and with it the committed tail.
    fn send(&mut self, offset: Offset, record: &Record, to: StoreSet, effects: &mut Vec<Effect>) {
        let (lsn, by, tail) = (self.lsn(offset), self.me, self.window.committed());
        for store in to.iter().filter_map(|index| self.nodeset.store(index)) {
            let record = record.clone();
            effects.push(Effect::Send(store, Message::Store { lsn, by, record, tail }));
        }
        if to.len() == self.nodeset.n() {
            self.announced = tail;
        }
    }

    /// The producers of everything before this epoch are known: appends may be looked at.
    pub(super) fn open(&mut self, now: Now, table: &ProducerTable, effects: &mut Vec<Effect>) {
        let Some(waiting) = self.waiting.take() else { return };
        for append in waiting.appends {
            self.append(now, append, table, effects);
        }
    }

    /// Records of [from, to) are durable on a store.
    pub(super) fn stored(
        &mut self,
        store: NodeId,
        (from, to): (Offset, Offset),
        known: &mut KnownProducers,
        effects: &mut Vec<Effect>,
    ) {
        let Some(index) = self.nodeset.index(store) else { return };
        for offset in from.max(self.window.committed()).0..to.min(self.window.next()).0 {
            if let Some(in_flight) = self.window.get_mut(Offset(offset)) {
                in_flight.stored.insert(index);
            }
        }
        let count = self.window.committable(self.nodeset.write_quorum());
        if count > 0 {
            self.commit(count, known, effects);
        }
    }

    fn commit(&mut self, count: usize, known: &mut KnownProducers, effects: &mut Vec<Effect>) {
        let committed = Offset(self.window.committed().0 + count as u64);
        effects.push(Effect::Committed(self.epoch, committed));
        for _ in 0..count {
            let Some((offset, done)) = self.window.commit() else { break };
            let lsn = self.lsn(offset);
            known.committed(lsn, &done.record);
            effects.push(Effect::Complete(done.request, Outcome::Stored(lsn)));
            let retries = done.retries.into_iter();
            effects.extend(retries.map(|r| Effect::Complete(r, Outcome::Duplicate(lsn))));
        }
        if self.own.is_some() {
            // What is committed is served here at once.
            let tail = Message::CommittedTail(self.epoch, committed);
            effects.push(Effect::Send(self.me.node, tail));
        }
        if self.has_others() && !self.announce_soon {
            self.announce_soon = true;
            effects.push(Effect::SetTimer(ANNOUNCE_MS, Timer::Announce(self.epoch)));
        }
    }

    /// A store takes no more appends of this epoch.
    pub(super) fn unable(&mut self, store: NodeId) -> Reign {
        let Some(index) = self.nodeset.index(store) else { return Reign::GoesOn };
        self.failing.insert(index);
        let able = self.nodeset.n() - self.failing.len();
        if able < self.nodeset.write_quorum() { Reign::Over } else { Reign::GoesOn }
    }

    /// The committed tail alone, if it did not ride on a record meanwhile.
    pub(super) fn announce(&mut self, effects: &mut Vec<Effect>) {
        self.announce_soon = false;
        if self.announced < self.window.committed() {
            self.send_tail(effects);
        }
    }

    /// The committed tail once more, for stores that missed it or restarted.
    pub(super) fn idle(&mut self, effects: &mut Vec<Effect>) {
        self.send_tail(effects);
        effects.push(Effect::SetTimer(IDLE_MS, Timer::Idle(self.epoch)));
    }

    fn send_tail(&mut self, effects: &mut Vec<Effect>) {
        self.announced = self.window.committed();
        let tail = Message::CommittedTail(self.epoch, self.announced);
        let others = self.nodeset.stores().iter().filter(|&&store| store != self.me.node);
        effects.extend(others.map(|&store| Effect::Send(store, tail.clone())));
    }

    /// Sends again what waits for long, each time to one store more; gives up after `epoch_timeout`.
    pub(super) fn resend(&mut self, effects: &mut Vec<Effect>) -> Reign {
        self.resend_soon = false;
        self.turn += 1;
        let turn = self.turn;
        let too_old = |sent_turn: u64| (turn - sent_turn) * RESEND_MS >= self.epoch_timeout_ms;
        let first_probe = self.probes.iter().next();
        if self.window.front().is_some_and(|first| too_old(first.sent_turn))
            || first_probe.is_some_and(|(_, probe)| too_old(probe.sent_turn))
        {
            return Reign::Over;
        }
        let mut again = Vec::new();
        for (offset, in_flight) in self.window.iter_mut() {
            // After 2, 4, 8, … turns: a slow disk must not make the network busy.
            let age = turn - in_flight.sent_turn;
            if age > 1 && age.is_power_of_two() {
                in_flight.resent += 1;
                let (stored, more) = (in_flight.stored, in_flight.resent);
                again.push((offset, in_flight.record.clone(), stored, more));
            }
        }
        for (offset, record, stored, more) in again {
            let mut to = StoreSet::EMPTY;
            for index in self.copyset(offset, more).iter() {
                // What was sent to the own store has arrived.
                if !stored.contains(index) && Some(index) != self.own {
                    to.insert(index);
                }
            }
            self.send(offset, &record, to, effects);
        }
        for (number, probe) in self.probes.iter().filter(|(_, probe)| turn - probe.sent_turn > 1) {
            self.ask(number, probe.open_at, effects);
        }
        if !self.window.is_empty() || !self.probes.is_empty() {
            self.resend_later(effects);
        }
        Reign::GoesOn
    }

    fn resend_later(&mut self, effects: &mut Vec<Effect>) {
        if !self.resend_soon {
            self.resend_soon = true;
            effects.push(Effect::SetTimer(RESEND_MS, Timer::Resend(self.epoch)));
        }
    }

    /// Stops leading. What is in flight is stored, or not; what waited is not.
    pub(super) fn step_down(mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::SteppedDown(self.epoch));
        effects.extend(self.window.drain().map(|r| Effect::Complete(r, Outcome::Unknown)));
        let waiting = self.waiting.into_iter().flat_map(|waiting| waiting.appends);
        effects.extend(waiting.map(|(r, _)| Effect::Complete(r, Outcome::NotLeader(None))));
        effects.extend(self.probes.drain().map(|request| Effect::CompleteTail(request, None)));
    }
}

#[cfg(test)]
mod tests;
