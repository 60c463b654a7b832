//! Linearizable tails: the leader knows its committed tail, and asks W stores whether it is still the
//! leader (log-core, section 4.5).

use std::collections::VecDeque;

use varve_types::Lsn;

use super::{
    super::{
        effect::{Effect, RequestId},
        message::Message,
        quorum::{NodeId, StoreSet},
    },
    Sequencer,
};

/// The most questions that may wait; each is a few words, and the answers come within a round trip.
const PROBES_MAX: usize = 4_096;

/// One question on its way.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) request: RequestId,
    /// The committed tail when it was asked.
    pub(super) tail: Lsn,
    /// Stores where the epoch was open after it was asked.
    pub(super) open_at: StoreSet,
    pub(super) sent_turn: u64,
}

/// Questions in order, numbered from the first ever.
#[derive(Debug, Default)]
pub(super) struct Probes {
    waiting: VecDeque<Option<Probe>>,
    first: u64,
}

impl Probes {
    /// Takes a question and gives its number; `None` if too many wait.
    fn push(&mut self, probe: Probe) -> Option<u64> {
        if self.waiting.len() >= PROBES_MAX {
            return None;
        }
        self.waiting.push_back(Some(probe));
        Some(self.first + self.waiting.len() as u64 - 1)
    }

    /// A store confirmed that the epoch is open there. Gives the question once W stores did.
    fn open_at(&mut self, number: u64, store: usize, write_quorum: usize) -> Option<Probe> {
        let at = number.checked_sub(self.first)? as usize;
        let slot = self.waiting.get_mut(at)?;
        let probe = slot.as_mut()?;
        probe.open_at.insert(store);
        if probe.open_at.len() < write_quorum {
            return None;
        }
        let answered = slot.take();
        while let Some(None) = self.waiting.front() {
            self.waiting.pop_front();
            self.first += 1;
        }
        answered
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Questions that wait, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Probe)> {
        (self.first..).zip(&self.waiting).filter_map(|(n, probe)| Some((n, probe.as_ref()?)))
    }

    /// Gives up on everything.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = RequestId> + '_ {
        self.first += self.waiting.len() as u64;
        self.waiting.drain(..).flatten().map(|probe| probe.request)
    }
}

impl Sequencer {
    /// Asks the stores whether this is still the leader, to answer with the tail.
    pub(in super::super) fn tail_asked(&mut self, request: RequestId, effects: &mut Vec<Effect>) {
        let tail = self.lsn(self.window.committed());
        let (open_at, sent_turn) = (StoreSet::EMPTY, self.turn);
        let Some(number) = self.probes.push(Probe { request, tail, open_at, sent_turn }) else {
            effects.push(Effect::CompleteTail(request, None));
            return;
        };
        self.ask(number, open_at, effects);
        self.resend_later(effects);
    }

    pub(super) fn ask(&self, number: u64, open_at: StoreSet, effects: &mut Vec<Effect>) {
        for (_, store) in self.nodeset.iter().filter(|&(index, _)| !open_at.contains(index)) {
            effects.push(Effect::Send(store, Message::Probe(self.epoch, number)));
        }
    }

    /// A store says that the epoch is open there.
    pub(in super::super) fn open_at(
        &mut self,
        store: NodeId,
        number: u64,
        effects: &mut Vec<Effect>,
    ) {
        let Some(index) = self.nodeset.index(store) else { return };
        if let Some(probe) = self.probes.open_at(number, index, self.nodeset.write_quorum()) {
            effects.push(Effect::CompleteTail(probe.request, Some(probe.tail)));
        }
    }
}
