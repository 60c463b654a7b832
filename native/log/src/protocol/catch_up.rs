//! What a new leader has to know before it may look at appends: the producers of all that was kept
//! before its epoch (log-core, section 5.7).

use varve_types::{Epoch, Lsn, Offset};

use super::{
    control::EpochList,
    effect::Effect,
    known_producers::KnownProducers,
    message::{Absence, Asker},
    quorum::NodeId,
    reader::{Progress, Reader},
    record::Record,
};

/// Brings a table up to the beginning of an epoch.
#[derive(Debug)]
pub(super) struct CatchUp {
    reader: Reader,
    epoch: Epoch,
    /// The table ended before the trim point, and a newer one was asked for.
    needs_table: bool,
}

/// Whether the table is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caught {
    Up,
    NotYet,
}

impl CatchUp {
    pub(super) fn new(me: NodeId, epoch: Epoch, known: &KnownProducers) -> Self {
        let reader = Self::reader(me, epoch, known);
        Self { reader, epoch, needs_table: false }
    }

    fn reader(me: NodeId, epoch: Epoch, known: &KnownProducers) -> Reader {
        Reader::up_to(Asker::CatchUp, me, known.up_to, Lsn { epoch, offset: Offset(0) })
    }

    pub(super) fn ask(
        &mut self,
        list: &EpochList,
        known: &mut KnownProducers,
        effects: &mut Vec<Effect>,
    ) -> Caught {
        let progress = self.reader.ask(list, effects);
        self.go_on(progress, list, known, effects)
    }

    pub(super) fn poll(
        &mut self,
        list: &EpochList,
        known: &mut KnownProducers,
        effects: &mut Vec<Effect>,
    ) -> Caught {
        let progress = self.reader.poll(list, effects);
        self.go_on(progress, list, known, effects)
    }

    pub(super) fn fetched(
        &mut self,
        from: NodeId,
        answer: (Lsn, Vec<Record>, Absence),
        (list, known): (&EpochList, &mut KnownProducers),
        effects: &mut Vec<Effect>,
    ) -> Caught {
        let progress = self.reader.fetched(from, answer, list, effects);
        self.go_on(progress, list, known, effects)
    }

    /// The newest snapshot came. Where even that ends before the trim point, what is between is not
    /// known any more, which is said.
    pub(super) fn restart(
        &mut self,
        me: NodeId,
        (list, known): (&EpochList, &mut KnownProducers),
        effects: &mut Vec<Effect>,
    ) -> Caught {
        self.reader = Self::reader(me, self.epoch, known);
        let (next, trim_point) = (self.reader.next(), list.trim_point());
        if next < trim_point {
            effects.push(Effect::Lost(Asker::CatchUp, next, trim_point));
            known.go_to(trim_point);
            self.reader = Self::reader(me, self.epoch, known);
        }
        self.needs_table = false;
        self.ask(list, known, effects)
    }

    fn go_on(
        &mut self,
        mut progress: Progress,
        list: &EpochList,
        known: &mut KnownProducers,
        effects: &mut Vec<Effect>,
    ) -> Caught {
        loop {
            match progress {
                Progress::Done => {
                    known.go_to(Lsn { epoch: self.epoch, offset: Offset(0) });
                    return Caught::Up;
                }
                Progress::Waits => return Caught::NotYet,
                Progress::Given(from, records) => known.read(from, &records, list),
                Progress::Lost(from, to) => {
                    effects.push(Effect::Lost(Asker::CatchUp, from, to));
                    known.go_to(to);
                }
                // Nothing is trimmed before its producers are in a snapshot, but this node need not
                // have the newest.
                Progress::Trimmed(trim_point) => {
                    if !self.needs_table {
                        self.needs_table = true;
                        effects.push(Effect::NeedProducers(trim_point));
                    }
                    return Caught::NotYet;
                }
            }
            progress = self.reader.ask(list, effects);
        }
    }
}
