//! The epoch list as the reference keeps it.

use super::mutant::Mutant;
use crate::{
    network::Node as Number,
    node::{Control, EpochView},
    plan::Settings,
};
use varve_types::{Epoch, Lsn, Offset};

/// What the list is told.
#[derive(Clone, Debug)]
pub enum Command {
    /// Close an epoch and open the next.
    Advance(Advance),
    /// A node's view has a snapshot that covers everything before.
    Covered(Number, Lsn),
}

/// Closes the last epoch and opens the next (log-core, section 5.6).
#[derive(Clone, Debug)]
pub struct Advance {
    /// Applies only at this version: as many epochs as there were.
    pub expect: usize,
    /// The last epoch's end.
    pub end: Offset,
    /// Who leads the next.
    pub leader: (Number, u64),
    /// On which stores.
    pub stores: Vec<Number>,
}

/// The list. Its version is its length.
#[derive(Clone, Debug)]
pub struct EpochList<const MUTANT: u8> {
    pub(super) epochs: Vec<EpochView>,
    /// By node, up to where its view's snapshot reaches.
    covered: Vec<Lsn>,
}

impl<const MUTANT: u8> EpochList<MUTANT> {
    /// The last epoch, which is the open one. There is always one.
    pub(super) fn open(&self) -> &EpochView {
        &self.epochs[self.epochs.len() - 1]
    }

    fn advance(&mut self, command: &Advance) -> Result<(), String> {
        let version = self.epochs.len();
        if command.expect != version && !Mutant::ControlIgnoresVersion.is(MUTANT) {
            return Err(format!("expected version {}, it is {version}", command.expect));
        }
        let at = command.expect - 1;
        let write_quorum = self.epochs[at].write_quorum;
        self.epochs[at].end = Some(command.end);
        self.epochs.push(EpochView {
            epoch: Epoch(version as u32 + 1),
            leader: command.leader,
            stores: command.stores.clone(),
            write_quorum,
            end: None,
        });
        Ok(())
    }

    /// An epoch of the list.
    pub(super) fn get(&self, epoch: Epoch) -> Option<&EpochView> {
        self.epochs.get((epoch.0 as usize).checked_sub(1)?)
    }
}

impl<const MUTANT: u8> Control for EpochList<MUTANT> {
    type Command = Command;

    fn first(settings: &Settings, leader: (Number, u64), stores: &[Number]) -> Self {
        let write_quorum = settings.write_quorum as u32;
        let stores = stores.to_vec();
        let first = EpochView { epoch: Epoch(1), leader, stores, write_quorum, end: None };
        Self { epochs: vec![first], covered: vec![Lsn::new(1, 0); settings.nodes] }
    }

    fn apply(&mut self, command: &Command) -> Result<(), String> {
        match command {
            Command::Advance(advance) => self.advance(advance),
            Command::Covered(node, place) => {
                self.covered[*node] = self.covered[*node].max(*place);
                Ok(())
            }
        }
    }

    fn trim_point(&self) -> Lsn {
        let covered = self.covered.iter().copied();
        let all = if Mutant::TrimsForOneView.is(MUTANT) { covered.max() } else { covered.min() };
        all.unwrap_or_default()
    }

    fn epochs(&self) -> Vec<EpochView> {
        self.epochs.clone()
    }
}
