//! A node of the reference: its parts, and which event goes to which.

use super::{
    control::EpochList,
    leader::Leader,
    message::{Frame, Message, Timer},
    mutant::Mutant,
    reader::Reader,
    recovery::Recovery,
    store::Store,
};
use crate::{
    network::Node as Number,
    node::{Control as _, Effect, Event, Node, Start},
    plan::Settings,
};
use varve_types::Epoch;

pub(super) type Effects<const MUTANT: u8> = Vec<Effect<Reference<MUTANT>>>;

/// A node that follows the protocol, but for the [`super::Mutant`] with the number `MUTANT`.
#[derive(Debug)]
pub struct Reference<const MUTANT: u8> {
    pub(super) node: Number,
    pub(super) incarnation: u64,
    pub(super) settings: Settings,
    pub(super) store: Store,
    pub(super) leader: Option<Leader>,
    /// The last epoch this incarnation led.
    pub(super) led: Epoch,
    pub(super) turns: u64,
    pub(super) recovery: Option<Recovery>,
    pub(super) wants_to_lead: Option<Vec<Number>>,
    pub(super) reader: Reader,
    pub(super) list: Option<EpochList<MUTANT>>,
}

impl<const MUTANT: u8> Node for Reference<MUTANT> {
    type Message = Message;
    type Frame = Frame;
    type Timer = Timer;
    type Control = EpochList<MUTANT>;

    fn start(start: &Start<'_, Frame>) -> Self {
        Self {
            node: start.node,
            incarnation: start.incarnation,
            settings: start.settings.clone(),
            store: Store::start(start.disk, start.frames),
            leader: None,
            led: Epoch(0),
            turns: 0,
            recovery: None,
            wants_to_lead: None,
            reader: Reader::new(start.snapshot),
            list: None,
        }
    }

    fn step(&mut self, _now_ms: u64, event: Event<Self>, effects: &mut Effects<MUTANT>) {
        match event {
            Event::Started => {
                effects.push(Effect::ReadControl);
                self.reader_turn(effects);
            }
            Event::Received(from, message) => self.received(from, message, effects),
            Event::Written(token) => self.written(token, effects),
            Event::WriteFailed(_) => self.write_failed(),
            Event::Timer(Timer::Leader(epoch)) => self.leader_turn(epoch, effects),
            Event::Timer(Timer::Recovery(epoch)) => self.recovery_turn(epoch, effects),
            Event::Timer(Timer::Reader) => self.reader_turn(effects),
            Event::Append(append) => self.append(append, effects),
            Event::Tail(request) => self.tail_asked(request, effects),
            Event::Control(list) => self.learn(list, effects),
            Event::Recover(stores) => self.recover(stores, effects),
            Event::ReadFromStart => self.read_from_start(effects),
            Event::Snapshot => self.snapshot(effects),
        }
    }
}

impl<const MUTANT: u8> Reference<MUTANT> {
    fn received(&mut self, from: Number, message: Message, effects: &mut Effects<MUTANT>) {
        match message {
            Message::Store { lsn, by, record, tail, repair } => {
                self.store_record(from, (lsn, by), record, (tail, repair), effects);
            }
            Message::Stored(lsn) => self.stored(from, lsn, effects),
            Message::Repaired(lsn) => {
                if Mutant::RepairAcknowledgesAppend.is(MUTANT) {
                    self.stored(from, lsn, effects);
                }
                self.repaired(from, lsn, effects);
            }
            Message::Refused(epoch) => self.refused(epoch, effects),
            Message::CommittedTail(epoch, tail) => self.tail_heard(epoch, tail),
            Message::Probe(epoch, probe) => self.probed(from, epoch, probe, effects),
            Message::Open(epoch, probe) => self.open_at(from, epoch, probe, effects),
            Message::SealAndDigest(epoch) => self.seal_and_digest(from, epoch, effects),
            Message::Digest(epoch, digest) => self.digested(from, epoch, digest, effects),
            Message::Fetch(start, repair) => self.fetched_from(from, start, repair, effects),
            Message::Fetched(start, records, true) => self.repair(start, &records, effects),
            Message::Fetched(start, records, false) => self.fetched(start, &records, effects),
        }
    }

    /// Lists may come out of order: an older one says nothing new.
    fn learn(&mut self, list: EpochList<MUTANT>, effects: &mut Effects<MUTANT>) {
        let older = self.list.as_ref().is_some_and(|known| {
            list.epochs.len() < known.epochs.len() || list.trim_point() < known.trim_point()
        });
        if older {
            return;
        }
        self.list = Some(list);
        self.learn_ends();
        self.learn_trim(effects);
        self.lead_if_mine(effects);
        self.recovery_learns(effects);
    }
}
