//! The configurations that are checked: as large as a few minutes allow, and no larger.

use crate::{
    invariants,
    protocol::{Nodeset, Protocol},
    state::STORES,
};

const ALL: [bool; STORES] = [true; STORES];

/// Three stores keep both epochs, with W = `write_quorum`.
pub(crate) const fn three_stores(write_quorum: usize) -> Protocol {
    let nodeset = Nodeset { members: ALL, write_quorum };
    Protocol {
        old: nodeset,
        new: nodeset,
        old_records: 2,
        new_records: 1,
        lost_disks: 1,
        damaged_frames: 0,
        mutant: None,
        properties: invariants::all,
    }
}

/// The same stores with sound disks, but for one frame.
pub(crate) const fn one_frame_damaged(write_quorum: usize) -> Protocol {
    Protocol { lost_disks: 0, damaged_frames: 1, ..three_stores(write_quorum) }
}

/// The change of epochs takes the partition from two stores to two of which one is another.
pub(crate) const fn one_store_replaced(write_quorum: usize) -> Protocol {
    Protocol {
        old: Nodeset { members: [true, true, false], write_quorum },
        new: Nodeset { members: [false, true, true], write_quorum },
        ..three_stores(write_quorum)
    }
}

/// The change of epochs leaves out one of three stores, and asks for one copy less.
pub(crate) const fn one_store_left_out() -> Protocol {
    Protocol { new: Nodeset { members: [true, true, false], write_quorum: 1 }, ..three_stores(2) }
}
