//! Watches a run and says where it broke an invariant of log-core, section 5. It sees everything at
//! once, which no node does, and knows nothing of how the machines work.

#[cfg(test)]
mod tests;
mod violation;

use crate::network::Node;
use std::collections::BTreeMap;
use varve_types::{Epoch, Lsn, Offset};
use violation::Nodes;
pub use violation::{Invariant, Violation};

/// What an epoch was opened with, and what became of it.
#[derive(Clone, Debug)]
pub struct EpochSeen {
    /// Its leader: node and incarnation.
    pub leader: (Node, u64),
    /// Its stores, as bits by node.
    pub stores: u64,
    /// Durable copies before a record counts as stored.
    pub write_quorum: u32,
    announced: Offset,
    /// Behind all that was acknowledged.
    acknowledged: Offset,
    closed: Option<Closed>,
}

#[derive(Clone, Copy, Debug)]
struct Closed {
    end: Offset,
    at_us: u64,
}

/// Where one record is.
#[derive(Clone, Copy, Debug, Default)]
struct Copies {
    fingerprint: u64,
    durable: u64,
    destroyed: u64,
}

/// The watcher. Its calls answer nothing: the first violation is kept and ends the run.
#[derive(Debug, Default)]
pub struct Auditor {
    epochs: BTreeMap<Epoch, EpochSeen>,
    copies: BTreeMap<Lsn, Copies>,
    given: BTreeMap<Lsn, u64>,
    /// By content, where it is stored for good.
    places: BTreeMap<u64, Lsn>,
    /// The highest place acknowledged so far; `None` before the first.
    acknowledged: Option<Lsn>,
    trim_point: Lsn,
    /// The last of each coordinator, by what they are.
    numbers: BTreeMap<(&'static str, u64), u64>,
    violation: Option<Violation>,
}

impl Auditor {
    /// The first violation, if there was one.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Keeps the first violation.
    pub fn broken(&mut self, invariant: Invariant, what: String) {
        self.violation.get_or_insert(Violation { invariant, what });
    }

    /// The epoch's opening, if it was opened.
    #[must_use]
    pub fn epoch(&self, epoch: Epoch) -> Option<&EpochSeen> {
        self.epochs.get(&epoch)
    }

    /// The highest place acknowledged so far: what an append that begins now must come after.
    #[must_use]
    pub fn acknowledged_up_to(&self) -> Option<Lsn> {
        self.acknowledged
    }

    /// Control opened an epoch.
    pub fn opened(&mut self, epoch: Epoch, leader: (Node, u64), stores: u64, write_quorum: u32) {
        if let Some((&last, _)) = self.epochs.last_key_value()
            && epoch <= last
        {
            self.broken(Invariant::I2, format!("epoch {} opened after {}", epoch.0, last.0));
        }
        let open = self.epochs.iter().find(|(_, seen)| seen.closed.is_none());
        if let Some((&open, _)) = open {
            self.broken(Invariant::I2, format!("epoch {} opened, {} is open", epoch.0, open.0));
        }
        let seen = EpochSeen {
            leader,
            stores,
            write_quorum,
            announced: Offset(0),
            acknowledged: Offset(0),
            closed: None,
        };
        self.epochs.insert(epoch, seen);
    }

    /// A node began to lead an epoch.
    pub fn leads(&mut self, epoch: Epoch, leader: (Node, u64)) {
        match self.epochs.get(&epoch) {
            Some(seen) if seen.leader == leader => {}
            Some(seen) => {
                let what = format!(
                    "node {} incarnation {} leads epoch {} that control gave to node {} incarnation {}",
                    leader.0, leader.1, epoch.0, seen.leader.0, seen.leader.1
                );
                self.broken(Invariant::I2, what);
            }
            None => {
                let what = format!("node {} leads epoch {} that nobody opened", leader.0, epoch.0);
                self.broken(Invariant::I2, what);
            }
        }
    }

    /// Control closed an epoch, or a node says that it did.
    pub fn closed(&mut self, now_us: u64, epoch: Epoch, end: Offset) {
        let Some(seen) = self.epochs.get_mut(&epoch) else {
            return self.broken(Invariant::I2, format!("epoch {} closed unopened", epoch.0));
        };
        match seen.closed {
            Some(closed) if closed.end != end => {
                let what = format!("epoch {} ends at {} and at {}", epoch.0, closed.end.0, end.0);
                self.broken(Invariant::I2, what);
            }
            Some(_) => {}
            None => {
                seen.closed = Some(Closed { end, at_us: now_us });
                let (announced, acknowledged) = (seen.announced, seen.acknowledged);
                self.check_announced(epoch, announced, "before the close");
                if acknowledged > end {
                    let what = format!(
                        "epoch {} ends at {}, but {} were acknowledged in it",
                        epoch.0, end.0, acknowledged.0
                    );
                    self.broken(Invariant::I1, what);
                }
                self.check_kept(epoch, end);
            }
        }
    }

    /// Somebody said that everything below `tail` is committed.
    pub fn announced(&mut self, epoch: Epoch, tail: Offset) {
        let Some(seen) = self.epochs.get_mut(&epoch) else {
            return self.broken(Invariant::I2, format!("a tail in unopened epoch {}", epoch.0));
        };
        if tail <= seen.announced {
            return;
        }
        let from = std::mem::replace(&mut seen.announced, tail);
        self.check_announced(epoch, tail, "after the close");
        for offset in from.0..tail.0 {
            self.check_copies(Lsn { epoch, offset: Offset(offset) }, "announced as committed");
            self.check_once(Lsn { epoch, offset: Offset(offset) });
        }
    }

    fn check_announced(&mut self, epoch: Epoch, tail: Offset, when: &str) {
        let end = self.epochs.get(&epoch).and_then(|seen| seen.closed).map(|closed| closed.end);
        if let Some(end) = end.filter(|&end| end < tail) {
            let what = format!(
                "epoch {} ends at {}, but {when} the committed tail {} was announced in it",
                epoch.0, end.0, tail.0
            );
            self.broken(Invariant::I1, what);
        }
    }

    /// A store's disk holds this record durably.
    pub fn durable(&mut self, node: Node, lsn: Lsn, fingerprint: u64) {
        let copies = self.copies.entry(lsn).or_insert(Copies { fingerprint, ..Copies::default() });
        copies.durable |= 1 << node;
        copies.destroyed &= !(1 << node);
        if copies.fingerprint != fingerprint {
            let what = format!(
                "node {node} stores {fingerprint:016x} at {lsn}, where {:016x} was stored before",
                copies.fingerprint
            );
            self.broken(Invariant::I3, what);
        }
    }

    /// A fault made this store's copy unreadable.
    pub fn destroyed(&mut self, node: Node, lsn: Lsn) {
        if let Some(copies) = self.copies.get_mut(&lsn)
            && copies.durable >> node & 1 == 1
        {
            copies.durable &= !(1 << node);
            copies.destroyed |= 1 << node;
        }
    }

    /// A fault took this store's disk.
    pub fn disk_lost(&mut self, node: Node) {
        for copies in self.copies.values_mut() {
            copies.destroyed |= copies.durable & (1 << node);
            copies.durable &= !(1 << node);
        }
    }

    fn check_kept(&mut self, epoch: Epoch, end: Offset) {
        for offset in 0..end.0 {
            self.check_copies(Lsn { epoch, offset: Offset(offset) }, "kept at the close");
            self.check_once(Lsn { epoch, offset: Offset(offset) });
        }
    }

    /// A record that is committed, or kept, is at no other place.
    fn check_once(&mut self, lsn: Lsn) {
        let Some(copies) = self.copies.get(&lsn) else { return };
        let first = *self.places.entry(copies.fingerprint).or_insert(lsn);
        if first != lsn {
            let what =
                format!("{:016x} is stored at {first} and again at {lsn}", copies.fingerprint);
            self.broken(Invariant::Once, what);
        }
    }

    /// Copies that faults destroyed count: the protocol had made them.
    fn check_copies(&mut self, lsn: Lsn, why: &str) {
        if lsn < self.trim_point {
            return;
        }
        let Some(seen) = self.epochs.get(&lsn.epoch) else { return };
        let copies = self.copies.get(&lsn).copied().unwrap_or_default();
        let on = ((copies.durable | copies.destroyed) & seen.stores).count_ones();
        if on < seen.write_quorum {
            let what = format!(
                "{lsn} was {why}, but is durable on nodes {}, destroyed on {}; W = {} of {}",
                Nodes(copies.durable),
                Nodes(copies.destroyed),
                seen.write_quorum,
                Nodes(seen.stores)
            );
            self.broken(Invariant::I4, what);
        }
    }

    /// Every committed and every kept record is where it must be.
    pub fn check_all_copies(&mut self) {
        let spans: Vec<(Epoch, Offset)> = self
            .epochs
            .iter()
            .map(|(&epoch, seen)| (epoch, seen.closed.map_or(seen.announced, |c| c.end)))
            .collect();
        for (epoch, up_to) in spans {
            for offset in 0..up_to.0 {
                self.check_copies(Lsn { epoch, offset: Offset(offset) }, "stored");
            }
        }
    }

    /// A client's append was acknowledged. `after`: what [`Self::acknowledged_up_to`] was when it
    /// began, at `began_us`.
    pub fn appended(&mut self, lsn: Lsn, fingerprint: u64, began_us: u64, after: Option<Lsn>) {
        if after.is_some_and(|after| lsn <= after) {
            let what = format!(
                "an append that began at {began_us} us got {lsn}, but {} was acknowledged before",
                after.unwrap_or_default()
            );
            self.broken(Invariant::I7, what);
        }
        let closed = self.epochs.get(&lsn.epoch).and_then(|seen| seen.closed);
        if let Some(closed) = closed.filter(|closed| closed.at_us < began_us) {
            let what = format!(
                "an append that began at {began_us} us was acknowledged at {lsn}, but the epoch was closed at {} us",
                closed.at_us
            );
            self.broken(Invariant::I5, what);
        }
        if closed.is_some_and(|closed| closed.end <= lsn.offset) {
            self.broken(Invariant::I1, format!("{lsn} acknowledged at or above its epoch's end"));
        }
        self.check_copies(lsn, "acknowledged");
        self.check_given(lsn, fingerprint, "acknowledged");
        self.check_once(lsn);
        self.acknowledged = self.acknowledged.max(Some(lsn));
        if let Some(seen) = self.epochs.get_mut(&lsn.epoch) {
            seen.acknowledged = seen.acknowledged.max(Offset(lsn.offset.0 + 1));
        }
    }

    /// A linearizable tail was answered.
    pub fn tail_answered(&mut self, tail: Lsn, began_us: u64, after: Option<Lsn>) {
        if after.is_some_and(|after| tail <= after) {
            let what = format!(
                "a tail asked for at {began_us} us was answered with {tail}, but {} was acknowledged before",
                after.unwrap_or_default()
            );
            self.broken(Invariant::I7, what);
        }
    }

    /// A reader that stood at `place` was given a record.
    pub fn given(&mut self, reader: usize, place: Lsn, lsn: Lsn, fingerprint: u64) {
        if self.next_from(place) != Some(lsn) {
            self.broken(Invariant::I6, format!("reader {reader} at {place} was given {lsn}"));
        }
        let seen = self.epochs.get(&lsn.epoch);
        let released = seen.is_some_and(|seen| {
            lsn.offset < seen.announced || seen.closed.is_some_and(|c| lsn.offset < c.end)
        });
        if !released {
            self.broken(Invariant::I6, format!("reader {reader} was given unreleased {lsn}"));
        }
        self.check_given(lsn, fingerprint, &format!("given to reader {reader}"));
    }

    /// The first place at or after this one that may hold a record, across the ends of epochs;
    /// `None` if that epoch is not open yet.
    fn next_from(&self, mut place: Lsn) -> Option<Lsn> {
        loop {
            let seen = self.epochs.get(&place.epoch)?;
            if seen.closed.is_none_or(|closed| place.offset < closed.end) {
                return Some(place);
            }
            place = Lsn { epoch: Epoch(place.epoch.0 + 1), offset: Offset(0) };
        }
    }

    /// A reader goes to a place without having read up to it: since it has a snapshot of all that
    /// is before, or since all that is before was trimmed.
    pub fn goes_to(&mut self, reader: usize, place: Lsn, snapshot: Lsn) {
        if place > self.trim_point.max(snapshot) {
            let what = format!(
                "reader {reader} with a snapshot at {snapshot} went to {place}; trimmed up to {}",
                self.trim_point
            );
            self.broken(Invariant::I6, what);
        }
    }

    fn check_given(&mut self, lsn: Lsn, fingerprint: u64, how: &str) {
        let first = *self.given.entry(lsn).or_insert(fingerprint);
        if first != fingerprint {
            let what = format!("{fingerprint:016x} was {how} at {lsn}, {first:016x} before");
            self.broken(Invariant::I6, what);
        }
        let stored = self.copies.get(&lsn).map(|copies| copies.fingerprint);
        if stored.is_some_and(|stored| stored != fingerprint) {
            self.broken(Invariant::I3, format!("{fingerprint:016x} {how} at {lsn} is not stored"));
        }
    }

    /// A reader was told that records are lost.
    pub fn told_lost(&mut self, reader: usize, from: Lsn, to: Lsn) {
        let intact = self.copies.range(from..to).find(|(_, copies)| copies.durable != 0);
        if let Some((lsn, copies)) = intact {
            let what = format!(
                "reader {reader} was told that {lsn} is lost, but nodes {} hold it",
                Nodes(copies.durable)
            );
            self.broken(Invariant::I6, what);
        }
    }

    /// The log is trimmed up to there. `needed`: the lowest place that a snapshot does not cover.
    pub fn trimmed(&mut self, trim_point: Lsn, needed: Lsn) {
        if trim_point < self.trim_point {
            let what = format!("trimmed back from {} to {trim_point}", self.trim_point);
            self.broken(Invariant::I8, what);
        }
        if trim_point > needed {
            self.broken(Invariant::I8, format!("trimmed to {trim_point}, {needed} is needed"));
        }
        self.trim_point = trim_point;
    }

    /// A coordinator gave a number over 0 of this kind.
    pub fn numbered(&mut self, kind: &'static str, coordinator: u64, number: u64) {
        let last = self.numbers.insert((kind, coordinator), number).unwrap_or_default();
        if number <= last {
            let what = format!("coordinator {coordinator} gave {kind}: {number} after {last}");
            self.broken(Invariant::Numbers, what);
        }
    }

    /// The highest place acknowledged or given so far: up to there, all must be readable.
    #[must_use]
    pub fn promised_up_to(&self) -> Option<Lsn> {
        self.given.last_key_value().map(|(&lsn, _)| lsn)
    }

    /// Up to where the log was trimmed.
    #[must_use]
    pub fn trim_point(&self) -> Lsn {
        self.trim_point
    }
}
