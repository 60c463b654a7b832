//! Where an epoch ends, and what is kept of it (log-core, section 5.4).

use std::collections::VecDeque;

use varve_types::Offset;

use super::super::{
    message::Digest,
    quorum::{Nodeset, StoreSet},
};

/// What digests say together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    /// Everything below is on W stores.
    pub(super) from: Offset,
    /// Which stores hold the records from there on, up to the end.
    pub(super) kept: VecDeque<StoreSet>,
}

impl Decision {
    pub(super) fn end(&self) -> Offset {
        Offset(self.from.0 + self.kept.len() as u64)
    }
}

/// Decides from the digests that have come, by the store's index; `None` as long as they do not tell.
///
/// A store that is unsure does not count towards F, and its silence about an offset says nothing. An
/// offset whose frame is damaged somewhere is unknown there, never absent.
pub(super) fn decide(nodeset: &Nodeset, digests: &[Option<Digest>]) -> Option<Decision> {
    let fence = nodeset.fence_quorum();
    let known = || digests.iter().flatten();
    let sure = || known().filter(|digest| !digest.unsure);
    if sure().count() < fence {
        return None;
    }
    let from = known().map(|digest| digest.tail).max()?;
    let mut kept = VecDeque::new();
    for offset in (from.0..).map(Offset) {
        let mut holders = StoreSet::EMPTY;
        for (index, digest) in digests.iter().enumerate() {
            if digest.as_ref().is_some_and(|digest| digest.held.contains(offset)) {
                holders.insert(index);
            }
        }
        if holders.is_empty() {
            let absent = sure().filter(|digest| !digest.damaged.contains(offset)).count();
            return (absent >= fence).then_some(Decision { from, kept });
        }
        kept.push_back(holders);
    }
    None
}
