//! What a store knows of one epoch.

use varve_types::Offset;

use super::super::{
    quorum::{Incarnation, NodeId},
    ranges::OffsetRanges,
};

/// How far a seal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Seal {
    #[default]
    None,
    /// In memory, which is enough to refuse appends, not to answer a digest.
    Writing,
    Durable,
}

/// One epoch at one store. Never payloads.
#[derive(Debug, Default)]
pub(super) struct EpochHere {
    /// Whom it showed as leader first.
    pub(super) leader: Option<Incarnation>,
    pub(super) seal: Seal,
    /// Who waits for a digest.
    pub(super) asked: Vec<NodeId>,
    /// What is durable.
    pub(super) held: OffsetRanges,
    /// What was durable and cannot be read any more.
    pub(super) damaged: OffsetRanges,
    /// The first offset above all that were ever written or are being written.
    pub(super) unseen: Offset,
    /// The highest committed tail heard of.
    pub(super) tail: Offset,
    /// Its end, where control has decided it.
    pub(super) end: Option<Offset>,
}

impl EpochHere {
    /// What is below was committed, or kept at the close: it can never be taken back.
    pub(super) fn released(&self) -> Offset {
        self.tail.max(self.end.unwrap_or_default())
    }

    /// Notes records as durable.
    pub(super) fn hold(&mut self, from: Offset, to: Offset) {
        self.held.insert_range(from, to);
        for offset in from.0..to.0 {
            if self.damaged.is_empty() {
                break;
            }
            self.damaged.remove(Offset(offset));
        }
        self.unseen = self.unseen.max(to);
    }

    /// Notes a record as damaged.
    pub(super) fn damage(&mut self, offset: Offset) {
        self.held.remove(offset);
        self.damaged.insert(offset);
        self.unseen = self.unseen.max(Offset(offset.0 + 1));
    }

    /// Drops what control's end has cut off, and what is trimmed.
    pub(super) fn keep(&mut self, from: Offset) {
        let to = self.end.unwrap_or(Offset(u64::MAX));
        self.held.keep(from, to);
        self.damaged.keep(from, to);
    }
}
