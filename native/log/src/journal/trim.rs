//! Lets go of what is not needed any more, in whole files.

use std::{io, path::Path, sync::Arc};
use varve_types::{Lsn, PartitionId};

use super::{
    Shared,
    index::JournalFile,
    meta::{Meta, MetaError},
};

impl Shared {
    /// Moves trim points up, makes that durable, and removes the files that no partition needs.
    pub(super) fn trim(&self, up_to: &[(PartitionId, Lsn)]) {
        let _one_at_a_time = self.trimming.lock();
        let mut has_moved = false;
        {
            let mut index = self.index.write();
            for (partition, up_to) in up_to {
                let up_to = (*up_to).min(index.tail(*partition));
                let Some(state) = index.partitions.get_mut(partition) else { continue };
                has_moved |= up_to > state.trim_point;
                state.trim_point = state.trim_point.max(up_to);
            }
        }
        if !has_moved {
            return;
        }
        let outcome = self.write_trim_points().and_then(|()| self.remove_trimmed());
        let failure = outcome.err().map(|MetaError { path, source }| {
            Arc::from(format!("trim failed at {}: {source}", path.display()))
        });
        self.counters.lock().trim_error = failure;
    }

    fn write_trim_points(&self) -> Result<(), MetaError> {
        let points: Vec<_> = {
            let index = self.index.read();
            index.partitions.iter().map(|(partition, it)| (*partition, it.trim_point)).collect()
        };
        Meta::of(&*self.runtime.disk, &self.settings.dir).write_trim_points(&points)
    }

    /// Removes the oldest files that are trimmed. The trim points must be durable: without the
    /// file, nothing else says that its records are gone on purpose.
    pub(super) fn remove_trimmed(&self) -> Result<(), MetaError> {
        if !self.index.read().has_trimmed() {
            return Ok(());
        }
        // What is known of producers outlives their records: nothing else says that a retry was stored.
        let snapshots = self.producers.lock().encode_snapshots();
        Meta::of(&*self.runtime.disk, &self.settings.dir).write_producers(&snapshots)?;
        let trimmed = self.index.write().take_trimmed();
        let disk = &self.runtime.disk;
        let failed = |path: &Path, source: io::Error| MetaError { path: path.to_owned(), source };
        // Oldest first, and stop at the first that stays: no gap is left between files.
        for file in &trimmed {
            let JournalFile { path, .. } = &**file;
            disk.remove(path).map_err(|source| failed(path, source))?;
        }
        disk.sync_dir(&self.journal_dir).map_err(|source| failed(&self.journal_dir, source))
    }
}
