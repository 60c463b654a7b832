//! Reads released records in order, across epochs and stores (log-core, section 4).

use varve_types::{Lsn, Offset};

use super::{
    control::{EpochEntry, EpochList},
    effect::{Effect, Timer},
    message::{Absence, Asker, Message},
    quorum::{NodeId, StoreSet},
    record::Record,
};

/// Bytes of payload asked for at once, at most.
const FETCH_MAX_BYTES: u64 = 1 << 20;
/// How soon it asks again where nothing is there yet.
const POLL_MS: u64 = 10;
/// An answer that took so many polls does not come.
const ANSWER_POLLS: u32 = 5;

/// One reader. Its driver takes what [`Self::ask`] and [`Self::fetched`] give, and asks again after
/// each.
#[derive(Debug)]
pub struct Reader {
    asker: Asker,
    me: NodeId,
    next: Lsn,
    /// Where to stop: at the first place of an epoch.
    stop_at: Option<Lsn>,
    /// Bytes it may give before more are granted. Below 0 by what the last record went over it: else
    /// each grant of what was given would raise what may be under way.
    credit_bytes: i64,
    /// Of which store, by its index, it waits for an answer, and for how many polls.
    asked: Option<(usize, u32)>,
    /// The store that is asked next.
    store: Option<usize>,
    /// Stores in a row that had not what it wants, though it is released.
    elsewhere: usize,
    /// Stores that will never have it, and the first place that one of them may have.
    never: StoreSet,
    never_to: Offset,
    poll_soon: bool,
}

/// What a reader came to.
#[derive(Debug)]
pub enum Progress {
    /// It waits, for an answer or for records.
    Waits,
    /// Records from this place on.
    Given(Lsn, Vec<Record>),
    /// No store has the records from and up to here any more.
    Lost(Lsn, Lsn),
    /// What it wants is trimmed up to here. It asks no more.
    Trimmed(Lsn),
    /// It is where it was to stop.
    Done,
}

impl Reader {
    /// Begins at a place; gives no more than so many bytes before more are granted.
    #[must_use]
    pub fn new(asker: Asker, me: NodeId, from: Lsn, credit_bytes: u64) -> Self {
        Self {
            asker,
            me,
            next: from,
            stop_at: None,
            credit_bytes: signed(credit_bytes),
            asked: None,
            store: None,
            elsewhere: 0,
            never: StoreSet::EMPTY,
            never_to: Offset(u64::MAX),
            poll_soon: false,
        }
    }

    /// Reads up to there and no further, without a bound on what it gives.
    pub(super) fn up_to(asker: Asker, me: NodeId, from: Lsn, stop_at: Lsn) -> Self {
        Self { stop_at: Some(stop_at), ..Self::new(asker, me, from, u64::MAX) }
    }

    pub(super) const fn asker(&self) -> Asker {
        self.asker
    }

    /// The first place that it has not given.
    #[must_use]
    pub const fn next(&self) -> Lsn {
        self.next
    }

    /// The own store may have more than before.
    pub(super) fn woken(&mut self, list: &EpochList, effects: &mut Vec<Effect>) -> Progress {
        if self.asked.is_none() {
            self.store = None;
        }
        self.ask(list, effects)
    }

    /// Lets it give so many bytes more.
    pub fn grant(&mut self, bytes: u64) {
        self.credit_bytes = self.credit_bytes.saturating_add(signed(bytes));
    }

    /// Takes back what it was granted and has not used, for another reader of the same driver; below 0
    /// what it used beyond.
    pub fn take_credit(&mut self) -> i64 {
        std::mem::take(&mut self.credit_bytes)
    }

    /// Asks for more, unless it waits for an answer or may not be given more.
    pub fn ask(&mut self, list: &EpochList, effects: &mut Vec<Effect>) -> Progress {
        if self.next < list.trim_point() {
            return Progress::Trimmed(list.trim_point());
        }
        let next = list.next_place(self.next);
        if next != self.next {
            self.go_to(next);
        }
        if self.stop_at.is_some_and(|stop_at| self.next >= stop_at) {
            return Progress::Done;
        }
        if self.asked.is_some() || self.credit_bytes <= 0 {
            return Progress::Waits;
        }
        if let Some(entry) = list.get(self.next.epoch) {
            // The own store first: it costs no network.
            let store = self.store.or(entry.nodeset.index(self.me)).unwrap_or_default();
            self.ask_store(entry, store % entry.nodeset.n(), effects);
        }
        Progress::Waits
    }

    fn ask_store(&mut self, entry: &EpochEntry, index: usize, effects: &mut Vec<Effect>) {
        let Some(store) = entry.nodeset.store(index) else { return };
        self.store = Some(index);
        self.asked = Some((index, 0));
        let max_bytes = self.credit_bytes.max(0).cast_unsigned().min(FETCH_MAX_BYTES);
        let (from, asker) = (self.next, self.asker);
        effects.push(Effect::Send(store, Message::Fetch { from, max_bytes, asker }));
        if store != self.me {
            self.poll_later(effects);
        }
    }

    fn poll_later(&mut self, effects: &mut Vec<Effect>) {
        if !self.poll_soon {
            self.poll_soon = true;
            effects.push(Effect::SetTimer(POLL_MS, Timer::Reader(self.asker)));
        }
    }

    /// Goes on elsewhere; another epoch may have other stores.
    fn go_to(&mut self, place: Lsn) {
        if place.epoch != self.next.epoch {
            self.store = None;
        }
        self.next = place;
        self.asked = None;
        self.elsewhere = 0;
        self.never = StoreSet::EMPTY;
        self.never_to = Offset(u64::MAX);
    }

    /// The timer ran out: who did not answer is not waited for.
    pub(super) fn poll(&mut self, list: &EpochList, effects: &mut Vec<Effect>) -> Progress {
        self.poll_soon = false;
        if let Some((store, polls)) = &mut self.asked {
            *polls += 1;
            if *polls < ANSWER_POLLS {
                self.poll_later(effects);
                return Progress::Waits;
            }
            self.store = Some(*store + 1);
            self.asked = None;
        }
        self.elsewhere = 0;
        self.ask(list, effects)
    }

    /// A store has answered.
    pub fn fetched(
        &mut self,
        store: NodeId,
        (from, records, absence): (Lsn, Vec<Record>, Absence),
        list: &EpochList,
        effects: &mut Vec<Effect>,
    ) -> Progress {
        if from != self.next {
            return Progress::Waits;
        }
        if records.is_empty() {
            return self.missing(store, absence, list, effects);
        }
        let bytes: u64 = records.iter().map(|record| record.payload.len() as u64).sum();
        self.credit_bytes = self.credit_bytes.saturating_sub(signed(bytes.max(1)));
        let count = records.len() as u64;
        self.go_to(Lsn { epoch: from.epoch, offset: Offset(from.offset.0 + count) });
        Progress::Given(from, records)
    }

    /// A store has not what is wanted: another is asked. Only if all of them will never have it, it is
    /// lost.
    fn missing(
        &mut self,
        store: NodeId,
        absence: Absence,
        list: &EpochList,
        effects: &mut Vec<Effect>,
    ) -> Progress {
        if let Absence::Trimmed(trim_point) = absence
            && trim_point > list.trim_point()
        {
            return Progress::Trimmed(trim_point);
        }
        let Some(entry) = list.get(self.next.epoch) else { return Progress::Waits };
        let Some(index) = entry.nodeset.index(store) else { return Progress::Waits };
        match absence {
            Absence::Never(to) if to > self.next.offset => {
                self.never.insert(index);
                self.never_to = self.never_to.min(to);
            }
            _ => self.elsewhere += 1,
        }
        let released = absence != Absence::NotReleased;
        let n = entry.nodeset.n();
        // Stores of many say so of closed epochs only. The only store of a nodeset also knows it of the
        // open one: nobody else can bring back what rotted there.
        if self.never.len() == n {
            let to = entry.end.map_or(self.never_to, |end| self.never_to.min(end));
            let (from, to) = (self.next, Lsn { offset: to, ..self.next });
            self.go_to(to);
            return Progress::Lost(from, to);
        }
        if self.asked.is_none_or(|(asked, _)| asked != index) {
            return Progress::Waits; // the answer of one that was given up
        }
        self.asked = None;
        self.store = Some((index + 1) % n);
        if released && self.elsewhere + self.never.len() < n {
            return self.ask(list, effects);
        }
        // There is nothing yet, or everybody was asked: the next one is asked in a while, since this one
        // may have missed the tail. Where the own store is the only one, it tells when there is more.
        if n > 1 || entry.nodeset.index(self.me).is_none() {
            self.poll_later(effects);
        }
        Progress::Waits
    }
}

/// What is more than fits is no bound at all.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
