//! What a mutant makes of what its machines hear and say.

use super::{Done, Effects, Events, Happened, Mutant, control};
use crate::{
    client::{Answer, Request, fingerprint},
    clock::Reading,
    node::Effect,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use varve_log::protocol::{
    Asker, Digest, EpochEntry, Frame, Message, NodeId, Now, Origin, Partition, Record, WriteToken,
};
use varve_types::{Epoch, Lsn, Offset};

/// Writes of records that the machines refused; they count from here.
const FIRST_OWN_TOKEN: u64 = 1 << 62;

/// What the lies of one node need to remember.
#[derive(Debug)]
pub(super) struct Lies {
    mutant: Mutant,
    /// Appends by their content, and which offsets they got.
    requests: BTreeMap<u64, Request>,
    sent: BTreeMap<Lsn, (Request, BTreeSet<NodeId>)>,
    /// Who was taken for empty in which epoch.
    taken_for_empty: BTreeSet<Epoch>,
    /// Readers that were given out for recoveries.
    readers: BTreeMap<(NodeId, Lsn), Asker>,
    /// A record that was offered to the store last.
    offered: Option<(Lsn, Frame)>,
    /// Own writes, and whom to tell.
    writes: BTreeMap<u64, (NodeId, Lsn)>,
}

impl Lies {
    pub(super) fn new(mutant: Mutant) -> Self {
        Self {
            mutant,
            requests: BTreeMap::new(),
            sent: BTreeMap::new(),
            taken_for_empty: BTreeSet::new(),
            readers: BTreeMap::new(),
            offered: None,
            writes: BTreeMap::new(),
        }
    }

    pub(super) fn append_came(&mut self, request: Request, content: u64) {
        if self.mutant == Mutant::AcknowledgesOutOfOrder {
            self.requests.insert(content, request);
        }
    }

    /// What the machines are told of the time.
    pub(super) fn tell(&self, now: Reading) -> Now {
        let jumps = self.mutant == Mutant::FollowsJumps;
        let elapsed_ms = if jumps { now.wall_ms } else { now.elapsed_ms };
        Now { wall_ms: now.wall_ms.cast_signed(), elapsed_ms }
    }

    /// What the machines are told instead of what happened.
    pub(super) fn hear(
        &mut self,
        event: Happened,
        partition: &Partition,
        events: &mut Events,
        effects: &mut Effects,
    ) -> Option<Happened> {
        match event {
            Happened::Received(from, message) => {
                let message = self.receive(from, message, partition, events, effects)?;
                Some(Happened::Received(from, message))
            }
            Happened::Written(token) => self.written(token, effects),
            Happened::Append(request, record) if self.mutant == Mutant::ForgetsRetries => {
                Some(Happened::Append(request, nameless(record)))
            }
            Happened::Control(list) if self.mutant == Mutant::LeadsAfterRestart => {
                // Whoever asks control is at least node 0 in its first life; the list is made to name
                // the life that asks.
                let me = partition.incarnation();
                let in_this_life = |mut entry: EpochEntry| {
                    if entry.leader.node == me.node {
                        entry.leader = me;
                    }
                    entry
                };
                Some(Happened::Control(Arc::new(control::rebuilt(&list, in_this_life))))
            }
            event => Some(event),
        }
    }

    fn receive(
        &mut self,
        from: NodeId,
        message: Message,
        partition: &Partition,
        events: &mut Events,
        effects: &mut Effects,
    ) -> Option<Message> {
        match message {
            Message::SealAndDigest(epoch) if self.mutant == Mutant::DigestsUnsealed => {
                let digest = Message::Digest(epoch, partition.digest(epoch));
                effects.push(Effect::Send(from.0 as usize, digest));
                None
            }
            Message::Digest(epoch, _) if self.mutant == Mutant::FenceTooSmall => {
                let entry = partition.epochs().and_then(|list| list.get(epoch));
                let mut stores = entry.into_iter().flat_map(|entry| entry.nodeset.stores());
                let another = stores.find(|&&store| store != from);
                if let Some(&another) = another.filter(|_| self.taken_for_empty.insert(epoch)) {
                    let empty = Message::Digest(epoch, Digest::default());
                    events.push_back(Happened::Received(another, empty));
                }
                Some(message)
            }
            Message::Stored(epoch, first, end) if self.mutant == Mutant::AcknowledgesOutOfOrder => {
                self.stored(from, (epoch, first, end), partition, effects);
                Some(message)
            }
            Message::Repaired(epoch, first, end)
                if self.mutant == Mutant::RepairAcknowledgesAppend =>
            {
                let stored = Message::Stored(epoch, first, end);
                events.push_back(Happened::Received(from, stored));
                Some(message)
            }
            Message::Store { lsn, by, ref record, tail }
                if self.mutant == Mutant::TakesAfterSeal =>
            {
                let (record, origin) = (record.clone(), Origin::Append(by));
                self.offered = Some((lsn, Frame::Data { lsn, record, tail, origin }));
                Some(message)
            }
            Message::Fetch { from: place, max_bytes, asker }
                if self.mutant == Mutant::ServesUnreleased && asker != Asker::Recovery =>
            {
                self.readers.insert((from, place), asker);
                Some(Message::Fetch { from: place, max_bytes, asker: Asker::Recovery })
            }
            Message::Fetched { from: place, records, absence, asker }
                if self.mutant == Mutant::ForgetsProducers && asker != Asker::Recovery =>
            {
                let records = records.into_iter().map(nameless).collect();
                Some(Message::Fetched { from: place, records, absence, asker })
            }
            message => Some(message),
        }
    }

    /// Answers an append with W copies at once.
    fn stored(
        &mut self,
        from: NodeId,
        (epoch, first, end): (Epoch, Offset, Offset),
        partition: &Partition,
        effects: &mut Effects,
    ) {
        let entry = partition.epochs().and_then(|list| list.get(epoch));
        let Some(write_quorum) = entry.map(|entry| entry.nodeset.write_quorum()) else { return };
        for offset in (first.0..end.0).map(Offset) {
            let lsn = Lsn { epoch, offset };
            let Some((request, on)) = self.sent.get_mut(&lsn) else { continue };
            on.insert(from);
            if on.len() == write_quorum {
                effects.push(Effect::Answer(*request, Answer::Stored(lsn)));
            }
        }
    }

    fn written(&mut self, token: WriteToken, effects: &mut Effects) -> Option<Happened> {
        let Some(&(to, lsn)) = self.writes.get(&token.0) else {
            return Some(Happened::Written(token));
        };
        let end = Offset(lsn.offset.0 + 1);
        let stored = Message::Stored(lsn.epoch, lsn.offset, end);
        effects.push(Effect::Send(to.0 as usize, stored));
        None
    }

    /// What is done instead of what the machines want done.
    pub(super) fn say(&mut self, effect: Done, events: &mut Events) -> Option<Done> {
        match effect {
            Done::Write(token, _) if self.mutant == Mutant::AcknowledgesBeforeSync => {
                events.push_back(Happened::Written(token));
                Some(effect)
            }
            Done::Send(to, Message::Repair { lsn, .. })
                if self.mutant == Mutant::ClosesBeforeRepair =>
            {
                let end = Offset(lsn.offset.0 + 1);
                let repaired = Message::Repaired(lsn.epoch, lsn.offset, end);
                events.push_back(Happened::Received(to, repaired));
                None
            }
            // The answer to a record, or to a probe: what was offered is refused only once.
            Done::Send(to, Message::Sealed(_)) if self.offered.is_some() => {
                let (lsn, frame) = self.offered.take()?;
                let token = FIRST_OWN_TOKEN + self.writes.len() as u64;
                self.writes.insert(token, (to, lsn));
                Some(Done::Write(WriteToken(token), frame))
            }
            Done::Send(to, Message::Probe(epoch, number))
                if self.mutant == Mutant::TailUnconfirmed =>
            {
                events.push_back(Happened::Received(to, Message::Open(epoch, number)));
                None
            }
            Done::Send(to, Message::Digest(epoch, digest))
                if self.mutant == Mutant::DigestForgetsTrim && !digest.held.contains(Offset(0)) =>
            {
                let digest = Digest { tail: Offset(0), ..digest };
                Some(Done::Send(to, Message::Digest(epoch, digest)))
            }
            Done::Send(to, Message::Fetched { from, records, absence, asker })
                if self.mutant == Mutant::ServesUnreleased =>
            {
                let asker = self.readers.remove(&(to, from)).unwrap_or(asker);
                Some(Done::Send(to, Message::Fetched { from, records, absence, asker }))
            }
            Done::Send(to, Message::Store { lsn, by, record, tail })
                if self.mutant == Mutant::AcknowledgesOutOfOrder =>
            {
                if let Some(&request) = self.requests.get(&fingerprint(&record.payload)) {
                    self.sent.entry(lsn).or_insert((request, BTreeSet::new()));
                }
                Some(Done::Send(to, Message::Store { lsn, by, record, tail }))
            }
            effect => Some(effect),
        }
    }
}

/// A record of which nobody can tell whether it was sent before.
fn nameless(record: Record) -> Record {
    Record { session: None, idempotency_key: 0, ..record }
}
