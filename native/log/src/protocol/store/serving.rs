//! What a store says of what it holds, and gives of it.

use std::collections::VecDeque;

use varve_types::{Epoch, Lsn, Offset};

use super::{
    super::{
        effect::{Effect, ReadToken},
        message::{Absence, Asker, Digest, Message},
        quorum::NodeId,
        record::Record,
    },
    Store,
    epoch::EpochHere,
};

/// The most reads of the journal at once. Whoever is not answered asks again.
const READS_MAX: usize = 256;

/// Reads that the journal has not answered.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pending: VecDeque<Pending>,
    last: u64,
}

#[derive(Debug)]
struct Pending {
    token: ReadToken,
    to: NodeId,
    from: Lsn,
    asker: Asker,
}

impl Store {
    /// What it holds of an epoch. It counts in a recovery only as an answer to a durable seal.
    pub(in super::super) fn digest(&self, epoch: Epoch) -> Digest {
        let lost = self.condition == super::Condition::DataLoss;
        let unsure = lost || self.is_unsure(epoch);
        // What is trimmed was committed, and is not here for that reason.
        let trimmed =
            if self.trim_point.epoch == epoch { self.trim_point.offset } else { Offset(0) };
        let Some(here) = self.epochs.get(&epoch) else {
            return Digest { tail: trimmed, unsure, ..Digest::default() };
        };
        let tail = here.tail.max(trimmed);
        Digest { held: here.held.clone(), damaged: here.damaged.clone(), tail, unsure }
    }

    /// Gives records from there on, as far as they are durable here and, but to a recovery, released.
    pub(in super::super) fn fetch(
        &mut self,
        to: NodeId,
        from: Lsn,
        max_bytes: u64,
        asker: Asker,
        effects: &mut Vec<Effect>,
    ) {
        let here = self.epochs.get(&from.epoch);
        let limit = match asker {
            Asker::Recovery => Offset(u64::MAX),
            Asker::Reader(_) | Asker::CatchUp => here.map_or(Offset(0), EpochHere::released),
        };
        let run =
            here.filter(|_| from >= self.trim_point).and_then(|h| h.held.run_end(from.offset));
        let end = run.unwrap_or_default().min(limit);
        if from.offset >= end {
            let (records, absence) = (Vec::new(), self.absence(from));
            effects.push(Effect::Send(to, Message::Fetched { from, records, absence, asker }));
            return;
        }
        if self.reads.pending.len() >= READS_MAX {
            return;
        }
        self.reads.last += 1;
        let token = ReadToken(self.reads.last);
        self.reads.pending.push_back(Pending { token, to, from, asker });
        let (epoch, from) = (from.epoch, from.offset);
        effects.push(Effect::Read { token, epoch, from, to: end, max_bytes });
    }

    /// Why there is nothing from there on.
    fn absence(&self, from: Lsn) -> Absence {
        if from < self.trim_point {
            return Absence::Trimmed(self.trim_point);
        }
        let Some(here) = self.epochs.get(&from.epoch) else { return Absence::NotReleased };
        match here.end {
            _ if from.offset >= here.released() => Absence::NotReleased,
            // What is being written, by a repair, will be there.
            Some(end) if !self.writes.has_record(from) => {
                let next_here = here.held.next(from.offset).unwrap_or(end);
                Absence::Never(next_here.min(end))
            }
            _ => Absence::Elsewhere,
        }
    }

    /// The journal has answered.
    pub(in super::super) fn read(
        &mut self,
        token: ReadToken,
        records: Vec<Record>,
        effects: &mut Vec<Effect>,
    ) {
        let at = self.reads.pending.iter().position(|pending| pending.token == token);
        let Some(Pending { to, from, asker, .. }) = at.and_then(|at| self.reads.pending.remove(at))
        else {
            return;
        };
        let absence = if records.is_empty() { self.absence(from) } else { Absence::NotReleased };
        effects.push(Effect::Send(to, Message::Fetched { from, records, absence, asker }));
    }

    /// A record that was durable cannot be read any more.
    pub(in super::super) fn damaged(&mut self, lsn: Lsn) {
        if let Some(here) = self.epochs.get_mut(&lsn.epoch)
            && here.held.contains(lsn.offset)
        {
            here.damage(lsn.offset);
        }
    }
}
