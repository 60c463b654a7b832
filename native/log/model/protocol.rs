//! One configuration of the log, small enough to visit every state of it.

use crate::{mutant::Mutant, state::STORES};
use stateright::Property;
use std::fmt;

/// Who keeps an epoch's records, and how many copies make one durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nodeset {
    /// By store.
    pub(crate) members: [bool; STORES],
    /// W.
    pub(crate) write_quorum: usize,
}

impl Nodeset {
    /// n.
    fn len(&self) -> usize {
        self.members.iter().filter(|&&member| member).count()
    }

    /// F: the fewest stores that meet every write quorum, n − W + 1.
    pub(crate) fn fence_quorum(&self) -> usize {
        self.len() - self.write_quorum + 1
    }
}

impl fmt::Display for Nodeset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n {} W {}", self.len(), self.write_quorum)
    }
}

/// The protocol and the bounds that it is checked within.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol {
    pub(crate) old: Nodeset,
    pub(crate) new: Nodeset,
    /// Records that are appended to the old epoch at most.
    pub(crate) old_records: u8,
    /// Records that are appended to the new epoch at most.
    pub(crate) new_records: u8,
    /// Stores that may lose their disk.
    pub(crate) lost_disks: usize,
    /// Frames of the old epoch that may be found damaged.
    pub(crate) damaged_frames: usize,
    /// The rule that is left out, if one is.
    pub(crate) mutant: Option<Mutant>,
    /// What is asked of each state.
    pub(crate) properties: fn(&Self) -> Vec<Property<Self>>,
}

impl Protocol {
    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, new, old_records, new_records, lost_disks, damaged_frames, mutant, .. } =
            self;
        write!(f, "{old}, then {new}; {old_records} and {new_records} records, ")?;
        write!(f, "{lost_disks} disks lost, {damaged_frames} frames damaged")?;
        mutant.map_or(Ok(()), |mutant| write!(f, ", {mutant:?}"))
    }
}
