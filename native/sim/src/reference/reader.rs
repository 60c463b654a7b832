//! The reference's reader: epochs in order, another store when one has not what it wants.

use super::{
    control::Command,
    message::{Message, Record, Timer},
    node::{Effects, Reference},
};
use crate::{
    coverage::Branch,
    node::{Control as _, Effect, Sight},
};
use varve_types::{Epoch, Lsn, Offset};

/// How often a reader asks, in milliseconds.
const TURN_MS: u64 = 10;

/// Where a reader is.
#[derive(Debug)]
pub(super) struct Reader {
    next: Lsn,
    asked: usize,
    /// Stores in a row that had not what it wants.
    missing: usize,
}

impl Reader {
    pub(super) fn new(next: Lsn) -> Self {
        Self { next, asked: 0, missing: 0 }
    }
}

impl<const MUTANT: u8> Reference<MUTANT> {
    pub(super) fn reader_turn(&mut self, effects: &mut Effects<MUTANT>) {
        self.reader.missing = 0;
        self.read(effects);
        effects.push(Effect::SetTimer(TURN_MS, Timer::Reader));
    }

    /// Begins again at the first place that is still there.
    pub(super) fn read_from_start(&mut self, effects: &mut Effects<MUTANT>) {
        let Some(list) = &self.list else { return };
        self.reader = Reader::new(list.trim_point());
        effects.push(Effect::Saw(Sight::GoesTo(self.reader.next)));
    }

    /// A snapshot of what was read so far: the log need not keep it any more for this view.
    pub(super) fn snapshot(&mut self, effects: &mut Effects<MUTANT>) {
        effects.push(Effect::Saw(Sight::Snapshot(self.reader.next)));
        effects.push(Effect::Propose(Command::Covered(self.node, self.reader.next)));
    }

    fn read(&mut self, effects: &mut Effects<MUTANT>) {
        let Some(list) = &self.list else { return };
        if self.reader.next < list.trim_point() {
            self.reader.next = list.trim_point();
            effects.push(Effect::Saw(Sight::Branch(Branch::TrimmedAsked)));
            effects.push(Effect::Saw(Sight::GoesTo(self.reader.next)));
        }
        while let Some(view) = list.get(self.reader.next.epoch)
            && view.end.is_some_and(|end| self.reader.next.offset >= end)
        {
            effects.push(Effect::Saw(Sight::Branch(Branch::EpochCrossed)));
            let epoch = Epoch(view.epoch.0 + 1);
            self.reader.next = Lsn { epoch, offset: Offset(0) };
        }
        let Some(view) = list.get(self.reader.next.epoch) else { return };
        let store = view.stores[self.reader.asked % view.stores.len()];
        effects.push(Effect::Send(store, Message::Fetch(self.reader.next, false)));
    }

    pub(super) fn fetched(
        &mut self,
        start: Lsn,
        records: &[Record],
        effects: &mut Effects<MUTANT>,
    ) {
        if start != self.reader.next {
            return;
        }
        if records.is_empty() {
            self.reader.asked += 1;
            self.reader.missing += 1;
            // Once around, then no more before the next turn.
            if self.reader.missing < self.settings.nodes {
                effects.push(Effect::Saw(Sight::Branch(Branch::MissingAsked)));
                self.read(effects);
            }
            return;
        }
        self.reader.missing = 0;
        for record in records {
            effects.push(Effect::Saw(Sight::Given(self.reader.next, record.fingerprint())));
            self.reader.next.offset.0 += 1;
        }
        self.read(effects);
    }
}
