//! Setting a damaged segment aside while queries go on.

use std::io;

use crate::{entry::SegmentEntry, error::DamagedSegment, quarantine::Quarantined, state::Shared};

impl Shared {
    /// See [`crate::Store::set_aside`].
    pub(crate) fn set_aside(&self, damaged: &DamagedSegment, reason: &str) -> io::Result<()> {
        let mut manifest = self.manifest.lock();
        let is_it = |entry: &&SegmentEntry| entry.id == damaged.segment;
        let Some(entry) = manifest.segments.iter().find(is_it).cloned() else {
            // It is merged, expired, or set aside by another query: the next snapshot is without it.
            return Ok(());
        };
        let quarantined = Quarantined::now(&entry, reason.to_owned());
        // The files first: what no manifest names is removed at a start.
        quarantined.move_files(&self.folders)?;
        let mut next = manifest.clone();
        next.replace(&[entry.id], std::iter::empty());
        next.write(&self.folders.manifest())?;
        *manifest = next;
        let mut state = self.state.write();
        if let Some(segments) = state.segments.get_mut(&quarantined.key()) {
            segments.replace(&[entry.id], &[]);
        }
        state.quarantined += 1;
        state.quarantine.push(quarantined);
        Ok(())
    }
}
