//! Writes on their way to the disk, and whom to tell when they are durable.

use std::collections::VecDeque;

use varve_types::{Epoch, Lsn, Offset};

use super::super::{
    effect::{Effect, WriteToken},
    message::Message,
    quorum::NodeId,
};

/// What a copy was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Append,
    Repair,
}

/// What is being written.
#[derive(Debug)]
pub(super) enum Write {
    Record {
        lsn: Lsn,
        asked_by: (NodeId, Asked),
        /// Who asked for the same meanwhile. Mostly none.
        also: Vec<(NodeId, Asked)>,
    },
    Seal(Epoch),
    Trim(Lsn),
}

/// Writes in the order in which they become durable.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pending: VecDeque<(WriteToken, Write)>,
    last: u64,
}

impl Writes {
    pub(super) fn begin(&mut self, write: Write) -> WriteToken {
        self.last += 1;
        self.pending.push_back((WriteToken(self.last), write));
        WriteToken(self.last)
    }

    /// Has somebody told when the record is durable; false if it is not being written.
    pub(super) fn attach(&mut self, place: Lsn, asked_by: (NodeId, Asked)) -> bool {
        let found = self.pending.iter_mut().find_map(|(_, write)| match write {
            Write::Record { lsn, asked_by: first, also } if *lsn == place => Some((*first, also)),
            _ => None,
        });
        let Some((first, also)) = found else { return false };
        if first != asked_by && !also.contains(&asked_by) {
            also.push(asked_by);
        }
        true
    }

    /// The next write that is durable when all up to this token are.
    pub(super) fn durable(&mut self, up_to: WriteToken) -> Option<Write> {
        self.pending.pop_front_if(|(token, _)| *token <= up_to).map(|(_, write)| write)
    }

    /// Forgets a write that failed.
    pub(super) fn failed(&mut self, token: WriteToken) {
        self.pending.retain(|(pending, _)| *pending != token);
    }

    pub(super) fn has_record(&self, place: Lsn) -> bool {
        self.pending
            .iter()
            .any(|(_, write)| matches!(write, Write::Record { lsn, .. } if *lsn == place))
    }

    pub(super) fn has_trim(&self) -> bool {
        self.pending.iter().any(|(_, write)| matches!(write, Write::Trim(_)))
    }
}

/// Answers to whoever asked, gathered while they follow each other: one sync makes many records
/// durable, and one message says so.
#[derive(Debug, Default)]
pub(super) struct Answers {
    run: Option<((NodeId, Asked), Epoch, Offset, Offset)>,
}

impl Answers {
    pub(super) fn add(&mut self, to: (NodeId, Asked), lsn: Lsn, effects: &mut Vec<Effect>) {
        match &mut self.run {
            Some((asked_by, epoch, _, end))
                if *asked_by == to && *epoch == lsn.epoch && *end == lsn.offset =>
            {
                end.0 += 1;
            }
            _ => {
                self.send(effects);
                self.run = Some((to, lsn.epoch, lsn.offset, Offset(lsn.offset.0 + 1)));
            }
        }
    }

    pub(super) fn send(&mut self, effects: &mut Vec<Effect>) {
        let Some(((to, asked), epoch, from, end)) = self.run.take() else { return };
        let message = match asked {
            Asked::Append => Message::Stored(epoch, from, end),
            Asked::Repair => Message::Repaired(epoch, from, end),
        };
        effects.push(Effect::Send(to, message));
    }
}
