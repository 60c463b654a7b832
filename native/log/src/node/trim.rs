//! Lets go of what is not needed any more.

use std::sync::Arc;
use varve_types::{Lsn, PartitionId};

use super::{Shared, meta_files};
use crate::meta::{Meta, MetaError};

impl Shared {
    /// Moves trim points up, makes that durable, and removes the files that no partition needs.
    pub(super) fn trim(&self, up_to: &[(PartitionId, Lsn)]) {
        let up_to: Vec<_> = up_to
            .iter()
            .map(|(partition, up_to)| (*partition, (*up_to).min(self.tail(*partition))))
            .collect();
        let outcome = self.files.trim(&up_to).and_then(|_| self.remove_trimmed());
        let failure = outcome.err().map(|MetaError { path, source }| {
            Arc::from(format!("trim failed at {}: {source}", path.display()))
        });
        *self.trim_error.lock() = failure;
    }

    pub(super) fn remove_trimmed(&self) -> Result<(), MetaError> {
        let _one_at_a_time = self.trimming.lock();
        if !self.files.has_trimmed() {
            return Ok(());
        }
        // What is known of producers outlives their records: nothing else says that a retry was stored.
        let snapshots = self.producers.lock().encode_snapshots();
        let meta = Meta::of(&*self.runtime.disk, &self.settings.dir);
        meta_files::write_producers(&meta, &snapshots)?;
        self.files.remove_trimmed()
    }
}
