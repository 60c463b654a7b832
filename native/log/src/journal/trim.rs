//! Lets go of what is not needed any more, in whole files.

use std::{io, path::Path};
use varve_types::{Lsn, PartitionId};

use super::{Files, FrameKind, OpenError, partition_states};
use crate::meta::{Meta, MetaError};

impl Files {
    /// Moves trim points up and makes that durable. They never move back. Answers whether files are
    /// not needed any more: what else is to be known of their records is to be made durable, then
    /// [`Files::remove_trimmed`].
    pub(crate) fn trim(&self, up_to: &[(PartitionId, Lsn)]) -> Result<bool, MetaError> {
        let _one_at_a_time = self.trimming.lock();
        let mut has_moved = false;
        {
            let mut index = self.index.write();
            for (partition, up_to) in up_to {
                let Some(state) = index.partitions.get_mut(partition) else { continue };
                has_moved |= *up_to > state.trim_point;
                state.mark(FrameKind::Trim, *up_to);
            }
        }
        if has_moved {
            self.write_states()?;
        }
        Ok(self.has_trimmed())
    }

    fn write_states(&self) -> Result<(), MetaError> {
        let next = *self.next.lock();
        let states = partition_states::encode(&self.index.read().partitions, next);
        let meta = Meta::of(&*self.runtime.disk, &self.settings.dir);
        meta.write(partition_states::NAME, partition_states::MAGIC, &states)
    }

    /// Whether files are not needed any more.
    pub(crate) fn has_trimmed(&self) -> bool {
        self.index.read().has_trimmed()
    }

    /// Removes the oldest files that are trimmed. The trim points must be durable: without the
    /// file, nothing else says that its records are gone on purpose.
    pub(crate) fn remove_trimmed(&self) -> Result<(), MetaError> {
        let _one_at_a_time = self.trimming.lock();
        // Also the numbers that the files to go have told.
        self.write_states()?;
        let trimmed = self.index.write().take_trimmed();
        let disk = &self.runtime.disk;
        let failed = |path: &Path, source: io::Error| MetaError { path: path.to_owned(), source };
        // Oldest first, and stop at the first that stays: no gap is left between files.
        for file in trimmed {
            let path = file.path.clone();
            self.let_go(file).map_err(|source| failed(&path, source))?;
        }
        self.forget_space();
        disk.sync_dir(&self.dir).map_err(|source| failed(&self.dir, source))
    }
}

impl From<MetaError> for OpenError {
    fn from(MetaError { path, source }: MetaError) -> Self {
        Self::Io { path, source }
    }
}
