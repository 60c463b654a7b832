//! One partition on one node: the machines, and which event goes to which.

mod start;

pub use self::start::PartitionStart;

use std::sync::Arc;

use varve_types::{Epoch, Lsn};

use super::{
    append_times::Now,
    catch_up::{CatchUp, Caught},
    control::EpochList,
    effect::{Effect, Event, Outcome, RequestId, Timer},
    known_producers::KnownProducers,
    message::{Absence, Asker, Digest, Message, ReaderId},
    partition_settings::PartitionSettings,
    quorum::{Incarnation, NodeId, Nodeset},
    reader::{Progress, Reader},
    record::Record,
    recovery::Recovery,
    sequencer::{Reign, Sequencer},
    store::{Found, Store},
};

/// See the module.
#[derive(Debug)]
pub struct Partition {
    me: Incarnation,
    settings: PartitionSettings,
    store: Store,
    sequencer: Option<Sequencer>,
    /// Runs until the sequencer may open.
    catch_up: Option<CatchUp>,
    /// The last epoch this incarnation led.
    led: Epoch,
    recovery: Option<Recovery>,
    /// Shall begin a recovery once control has said which epoch is the last.
    wants_to_lead: Option<Nodeset>,
    readers: Vec<Reader>,
    list: Option<Arc<EpochList>>,
    /// Of what is committed: as leader, at once; else as far as readers got.
    producers: KnownProducers,
}

impl Partition {
    /// A partition as its node comes up: nothing in memory but what the disk held.
    pub fn start<F: IntoIterator<Item = Found>>(start: PartitionStart<F>) -> Self {
        Self {
            me: start.me,
            settings: start.settings,
            store: Store::start(start.condition, start.found),
            sequencer: None,
            catch_up: None,
            led: Epoch(0),
            recovery: None,
            wants_to_lead: None,
            readers: Vec::new(),
            list: None,
            producers: start.producers,
        }
    }

    /// The node, in this life.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.me
    }

    /// The producers of what is committed as far as this node knows, for a snapshot of them.
    #[must_use]
    pub const fn producers(&self) -> &KnownProducers {
        &self.producers
    }

    /// Control's list, as this node knows it.
    #[must_use]
    pub fn epochs(&self) -> Option<&EpochList> {
        self.list.as_deref()
    }

    /// The epoch it leads, and its committed tail there.
    #[must_use]
    pub fn leads(&self) -> Option<Lsn> {
        let leader = self.sequencer.as_ref()?;
        Some(Lsn { epoch: leader.epoch(), offset: leader.committed() })
    }

    /// Whether it leads and knows the producers of all that came before, so that appends are looked at
    /// when they come.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.sequencer.is_some() && self.catch_up.is_none()
    }

    /// Bytes of records that came and are not committed.
    #[must_use]
    pub fn in_flight_bytes(&self) -> u64 {
        self.sequencer.as_ref().map_or(0, Sequencer::in_flight_bytes)
    }

    /// What its store holds of an epoch.
    #[must_use]
    pub fn digest(&self, epoch: Epoch) -> Digest {
        self.store.digest(epoch)
    }

    /// Takes one event, and adds what is to be done about it. `now`: by this node's clocks; records are
    /// stamped with it, and nothing else.
    pub fn step(&mut self, now: Now, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Started => effects.push(Effect::ReadControl),
            Event::Received(from, message) => self.received(now, from, message, effects),
            Event::Written(token) => self.store.written(token, effects),
            Event::WriteFailed(token) => self.store.write_failed(token, effects),
            Event::Read(token, records) => self.store.read(token, records, effects),
            Event::Damaged(lsn) => self.store.damaged(lsn),
            Event::Timer(timer) => self.timer(now, timer, effects),
            Event::Append(request, record) => self.append(now, request, record, effects),
            Event::Tail(request) => match &mut self.sequencer {
                Some(leader) => leader.tail_asked(request, effects),
                None => effects.push(Effect::CompleteTail(request, None)),
            },
            Event::Control(list) => self.learn(now, list, effects),
            Event::Recover(nodeset) => {
                self.recovery = None;
                self.wants_to_lead = Some(nodeset);
                effects.push(Effect::ReadControl);
            }
            Event::Subscribe { reader, from, credit_bytes } => {
                self.unsubscribe(reader);
                let asker = Asker::Reader(reader);
                self.readers.push(Reader::new(asker, self.me.node, from, credit_bytes));
                self.read(asker, effects, Reader::ask);
            }
            Event::Grant(reader, bytes) => {
                self.read(Asker::Reader(reader), effects, |reader, list, effects| {
                    reader.grant(bytes);
                    reader.ask(list, effects)
                });
            }
            Event::Unsubscribe(reader) => self.unsubscribe(reader),
            Event::ForgetKeys { keep } => self.producers.table.keep_newest_keys(keep),
            Event::Producers(newest) => self.producers_given(now, *newest, effects),
        }
        if self.store.take_released_more() {
            self.read_on(now, effects);
        }
    }

    fn append(&mut self, now: Now, request: RequestId, record: Record, effects: &mut Vec<Effect>) {
        if let Some(leader) = &mut self.sequencer {
            leader.append(now, (request, record), &self.producers.table, effects);
            return;
        }
        let leader = self.list.as_ref().map(|list| list.open().leader);
        let another = leader.filter(|&leader| leader != self.me);
        effects.push(Effect::Complete(request, Outcome::NotLeader(another)));
    }

    fn received(&mut self, now: Now, from: NodeId, message: Message, effects: &mut Vec<Effect>) {
        match message {
            Message::Store { lsn, by, record, tail } => {
                self.store.append(from, (lsn, by), record, tail, effects);
            }
            Message::Repair { lsn, record } => self.store.repair(from, lsn, record, effects),
            Message::CommittedTail(epoch, tail) => self.store.tail_heard(epoch, tail),
            Message::Probe(epoch, number) => self.store.probed(from, epoch, number, effects),
            Message::SealAndDigest(epoch) => self.store.seal_and_digest(from, epoch, effects),
            Message::Fetch { from: place, max_bytes, asker } => {
                self.store.fetch(from, place, max_bytes, asker, effects);
            }
            Message::Fetched { from: place, records, absence, asker } => {
                self.fetched(now, from, (place, records, absence), asker, effects);
            }
            Message::Stored(epoch, first, end) => {
                if let Some(leader) = leader_of(&mut self.sequencer, epoch) {
                    leader.stored(from, (first, end), &mut self.producers, effects);
                }
            }
            Message::Open(epoch, number) => {
                if let Some(leader) = leader_of(&mut self.sequencer, epoch) {
                    leader.open_at(from, number, effects);
                }
            }
            Message::Sealed(epoch) => {
                let reign = leader_of(&mut self.sequencer, epoch).map(|_| Reign::Over);
                self.end_reign(reign, effects);
            }
            Message::Unable(epoch) => {
                let reign = leader_of(&mut self.sequencer, epoch).map(|l| l.unable(from));
                self.end_reign(reign, effects);
            }
            Message::Repaired(epoch, first, end) => {
                if let Some(recovery) = recovery_of(&mut self.recovery, epoch) {
                    recovery.repaired(from, (first, end), effects);
                }
            }
            Message::Digest(epoch, digest) => {
                if let Some(recovery) = recovery_of(&mut self.recovery, epoch) {
                    recovery.digested(from, digest, effects);
                }
            }
        }
    }

    fn timer(&mut self, now: Now, timer: Timer, effects: &mut Vec<Effect>) {
        match timer {
            Timer::Announce(epoch) => {
                if let Some(leader) = leader_of(&mut self.sequencer, epoch) {
                    leader.announce(effects);
                }
            }
            Timer::Resend(epoch) => {
                let reign = leader_of(&mut self.sequencer, epoch).map(|l| l.resend(effects));
                self.end_reign(reign, effects);
            }
            Timer::Idle(epoch) => {
                if let Some(leader) = leader_of(&mut self.sequencer, epoch) {
                    leader.idle(effects);
                }
            }
            Timer::Recovery(epoch) => {
                if let Some(recovery) = recovery_of(&mut self.recovery, epoch) {
                    recovery.turn(effects);
                }
            }
            Timer::Reader(Asker::CatchUp) => {
                self.catch_up(now, effects, |catch_up, list, known, effects| {
                    catch_up.poll(list, known, effects)
                });
            }
            Timer::Reader(asker) => {
                self.read(asker, effects, Reader::poll);
            }
        }
    }

    fn end_reign(&mut self, reign: Option<Reign>, effects: &mut Vec<Effect>) {
        if reign == Some(Reign::Over) {
            self.step_down(effects);
        }
    }

    fn step_down(&mut self, effects: &mut Vec<Effect>) {
        self.catch_up = None;
        if let Some(leader) = self.sequencer.take() {
            leader.step_down(effects);
        }
    }

    /// Lists may come out of order: an older one says nothing new.
    fn learn(&mut self, now: Now, list: Arc<EpochList>, effects: &mut Vec<Effect>) {
        let newer = self.list.take().filter(|known| known.version() > list.version());
        let list = newer.unwrap_or(list);
        self.list = Some(list.clone());
        self.store.learn(&list, effects);
        // Before the epochs on the way are trimmed out of the list.
        self.producers.up_to = list.next_place(self.producers.up_to);
        let open = list.open();
        if self.sequencer.as_ref().is_some_and(|leader| leader.epoch() < open.epoch) {
            self.step_down(effects);
        }
        if open.leader == self.me && self.led < open.epoch {
            self.led = open.epoch;
            self.sequencer = Some(Sequencer::new(open, &self.settings, effects));
            self.catch_up = Some(CatchUp::new(self.me.node, open.epoch, &self.producers));
        }
        if self.recovery.as_ref().is_some_and(|recovery| recovery.epoch() < open.epoch) {
            self.recovery = None;
        }
        if let Some(nodeset) = self.wants_to_lead.take() {
            let copysets = (self.settings.copysets, self.settings.copyset_seed);
            self.recovery = Some(Recovery::begin(self.me, open, nodeset, copysets, effects));
        }
        self.read_on(now, effects);
    }

    fn fetched(
        &mut self,
        now: Now,
        from: NodeId,
        answer: (Lsn, Vec<Record>, Absence),
        asker: Asker,
        effects: &mut Vec<Effect>,
    ) {
        match asker {
            Asker::Recovery => {
                let (place, records, _) = answer;
                if let Some(recovery) = recovery_of(&mut self.recovery, place.epoch) {
                    recovery.fetched(place.offset, records, effects);
                }
            }
            Asker::CatchUp => self.catch_up(now, effects, |catch_up, list, known, effects| {
                catch_up.fetched(from, answer, (list, known), effects)
            }),
            Asker::Reader(_) => self.read(asker, effects, |reader, list, effects| {
                reader.fetched(from, answer, list, effects)
            }),
        }
    }

    fn producers_given(&mut self, now: Now, newest: KnownProducers, effects: &mut Vec<Effect>) {
        if newest.up_to > self.producers.up_to {
            self.producers = newest;
        }
        let me = self.me.node;
        self.catch_up(now, effects, |catch_up, list, known, effects| {
            catch_up.restart(me, (list, known), effects)
        });
    }

    /// Lets whoever learns the producers go on, and opens the sequencer when it is done.
    fn catch_up(
        &mut self,
        now: Now,
        effects: &mut Vec<Effect>,
        go_on: impl FnOnce(&mut CatchUp, &EpochList, &mut KnownProducers, &mut Vec<Effect>) -> Caught,
    ) {
        let (Some(catch_up), Some(list)) = (&mut self.catch_up, &self.list) else { return };
        if go_on(catch_up, list, &mut self.producers, effects) == Caught::NotYet {
            return;
        }
        self.catch_up = None;
        if let Some(leader) = &mut self.sequencer {
            leader.open(now, &self.producers.table, effects);
        }
    }

    /// There may be more for everybody who reads.
    fn read_on(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.catch_up(now, effects, |catch_up, list, known, effects| {
            catch_up.ask(list, known, effects)
        });
        let askers: Vec<Asker> = self.readers.iter().map(Reader::asker).collect();
        for asker in askers {
            self.read(asker, effects, Reader::woken);
        }
    }

    fn unsubscribe(&mut self, reader: ReaderId) {
        self.readers.retain(|other| other.asker() != Asker::Reader(reader));
    }

    /// Lets a subscription go on, and gives what it came to.
    fn read(
        &mut self,
        asker: Asker,
        effects: &mut Vec<Effect>,
        go_on: impl FnOnce(&mut Reader, &EpochList, &mut Vec<Effect>) -> Progress,
    ) {
        let Asker::Reader(id) = asker else { return };
        let Some(list) = self.list.clone() else { return };
        let mut readers = self.readers.iter_mut();
        let Some(reader) = readers.find(|reader| reader.asker() == asker) else { return };
        let mut progress = go_on(reader, &list, effects);
        loop {
            match progress {
                Progress::Waits | Progress::Done => return,
                Progress::Given(from, records) => {
                    self.producers.read(from, &records, &list);
                    effects.push(Effect::Given(id, from, records));
                }
                Progress::Lost(from, to) => effects.push(Effect::Lost(asker, from, to)),
                Progress::Trimmed(trim_point) => {
                    effects.push(Effect::Trimmed(id, trim_point));
                    self.unsubscribe(id);
                    return;
                }
            }
            progress = reader.ask(&list, effects);
        }
    }
}

fn leader_of(sequencer: &mut Option<Sequencer>, epoch: Epoch) -> Option<&mut Sequencer> {
    sequencer.as_mut().filter(|leader| leader.epoch() == epoch)
}

fn recovery_of(recovery: &mut Option<Recovery>, epoch: Epoch) -> Option<&mut Recovery> {
    recovery.as_mut().filter(|recovery| recovery.epoch() == epoch)
}
