//! What a leader has given a place and is not committed yet, by offset.

use std::collections::VecDeque;

use hashbrown::{HashMap, hash_map::Entry};
use varve_types::Offset;

use super::super::{
    effect::{Outcome, RequestId},
    quorum::StoreSet,
    record::Record,
};
use crate::producers::SessionId;

/// A record on its way.
#[derive(Debug)]
pub(super) struct InFlight {
    /// Who asked for it.
    pub(super) request: RequestId,
    /// Retries that came meanwhile. Mostly none.
    pub(super) retries: Vec<RequestId>,
    pub(super) record: Record,
    /// Stores on which it is durable.
    pub(super) stored: StoreSet,
    /// The leader's turn when it was sent first.
    pub(super) sent_turn: u64,
    /// How often it was sent again, each time to one store more.
    pub(super) resent: usize,
}

/// Numbers of one session that are in flight: first to last.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: u64,
    last: u64,
}

/// What a session's record is to what is in flight.
pub(super) enum InSession {
    /// Nothing of this session is in flight from this number on.
    Before,
    /// It comes next.
    Next,
    /// This one is in flight.
    This,
    /// This one comes first.
    Gap(u64),
}

/// What a record is.
pub(super) enum Known {
    New,
    /// Its fate will be told.
    InFlight,
    Ended(Outcome),
}

/// The window.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The first is at the committed tail.
    records: VecDeque<InFlight>,
    /// The first offset that is not committed.
    committed: Offset,
    bytes: u64,
    sessions: HashMap<SessionId, Span>,
    keys: HashMap<u128, Offset>,
}

impl Window {
    pub(super) const fn committed(&self) -> Offset {
        self.committed
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The offset the next record gets.
    pub(super) fn next(&self) -> Offset {
        Offset(self.committed.0 + self.records.len() as u64)
    }

    pub(super) fn front(&self) -> Option<&InFlight> {
        self.records.front()
    }

    pub(super) fn get_mut(&mut self, offset: Offset) -> Option<&mut InFlight> {
        self.records.get_mut(offset.0.checked_sub(self.committed.0)? as usize)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Offset, &mut InFlight)> {
        let first = self.committed.0;
        (first..).map(Offset).zip(&mut self.records)
    }

    /// Takes a record that was found new.
    pub(super) fn push(&mut self, in_flight: InFlight, with_key: bool) {
        let (offset, record) = (self.next(), &in_flight.record);
        self.bytes += record.size_bytes();
        if let Some((session, seq)) = record.session {
            let span = self.sessions.entry(session).or_insert(Span { first: seq, last: seq });
            span.last = seq;
        } else if with_key && record.idempotency_key != 0 {
            self.keys.insert(record.idempotency_key, offset);
        }
        self.records.push_back(in_flight);
    }

    pub(super) fn session(&self, session: SessionId, seq: u64) -> InSession {
        match self.sessions.get(&session) {
            Some(span) if seq == span.last + 1 => InSession::Next,
            Some(span) if seq > span.last => InSession::Gap(span.last + 1),
            Some(span) if seq >= span.first => InSession::This,
            _ => InSession::Before,
        }
    }

    /// Has a retry told what becomes of the record of this session that is in flight.
    pub(super) fn attach(&mut self, session: SessionId, seq: u64, request: RequestId) {
        // Retries are rare and mostly of the newest records: no index is worth its upkeep.
        let mut newest_first = self.records.iter_mut().rev();
        if let Some(found) = newest_first.find(|r| r.record.session == Some((session, seq))) {
            found.retries.push(request);
        }
    }

    /// Has a retry told what becomes of the record with this key; false if none is in flight.
    pub(super) fn attach_key(&mut self, key: u128, request: RequestId) -> bool {
        let Some(&offset) = self.keys.get(&key) else { return false };
        let found = self.get_mut(offset);
        found.map(|in_flight| in_flight.retries.push(request)).is_some()
    }

    /// How many records from the first on have W copies.
    pub(super) fn committable(&self, write_quorum: usize) -> usize {
        self.records.iter().take_while(|record| record.stored.len() >= write_quorum).count()
    }

    /// Takes the first record out, as committed.
    pub(super) fn commit(&mut self) -> Option<(Offset, InFlight)> {
        let done = self.records.pop_front()?;
        let offset = self.committed;
        self.committed.0 += 1;
        self.bytes -= done.record.size_bytes();
        if let Some((session, seq)) = done.record.session {
            if let Entry::Occupied(mut span) = self.sessions.entry(session) {
                span.get_mut().first = seq + 1;
                if span.get().last == seq {
                    span.remove();
                }
            }
        } else {
            self.keys.remove(&done.record.idempotency_key);
        }
        Some((offset, done))
    }

    /// Gives up on everything.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = RequestId> + '_ {
        self.sessions.clear();
        self.keys.clear();
        self.bytes = 0;
        self.records.drain(..).flat_map(|r| std::iter::once(r.request).chain(r.retries))
    }
}
