//! Lets go of what is not needed any more, in whole files.

use std::sync::Arc;
use varve_types::{Lsn, PartitionId};

use super::{Files, FrameKind, OpenError, index::JournalFile, partition_states};
use crate::meta::{Meta, MetaError};

impl Files {
    /// Moves trim points up and makes that durable. They never move back. Answers whether files are
    /// not needed any more: what else is to be known of their records is to be made durable, then
    /// [`Files::remove_trimmed`].
    pub(crate) fn trim(&self, up_to: &[(PartitionId, Lsn)]) -> Result<bool, MetaError> {
        let leaving = self.leaving.lock();
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
        Ok(leaving.is_some() || self.index.read().has_trimmed())
    }

    fn write_states(&self) -> Result<(), MetaError> {
        let next = *self.next.lock();
        let states = partition_states::encode(&self.index.read().partitions, next);
        let meta = Meta::of(&*self.runtime.disk, &self.settings.dir);
        meta.write(partition_states::NAME, partition_states::MAGIC, &states)
    }

    /// Whether files are not needed any more.
    pub(crate) fn has_trimmed(&self) -> bool {
        self.leaving.lock().is_some() || self.index.read().has_trimmed()
    }

    /// Files below this number are not needed any more; those that are gone count among them.
    pub(crate) fn trimmed_below(&self) -> u64 {
        let leaving = self.leaving.lock().as_ref().map_or(0, |file| file.sequence + 1);
        self.index.read().trimmed_below().unwrap_or_default().max(leaving)
    }

    /// The number of the file that is being written, or else of the next: those below are closed.
    pub(crate) fn active_sequence(&self) -> u64 {
        self.next.lock().sequence - u64::from(self.index.read().last_is_active)
    }

    /// Removes the oldest files that are trimmed. The trim points must be durable: without the
    /// file, nothing else says that its records are gone on purpose.
    pub(crate) fn remove_trimmed(&self) -> Result<(), MetaError> {
        let mut leaving = self.leaving.lock();
        // Also the numbers that the files to go have told.
        self.write_states()?;
        // Oldest first, each durably before the next one, and none before one that stays: a gap
        // between files is what a start refuses.
        while let Some(mut file) = self.next_to_go(&mut leaving) {
            if let Err(source) = self.let_go(&mut file) {
                let path = file.path.clone();
                *leaving = Some(file);
                return Err(MetaError { path, source });
            }
            self.forget_space();
        }
        Ok(())
    }

    /// The file that an earlier try could not remove, or the oldest one if it is trimmed.
    fn next_to_go(&self, leaving: &mut Option<Arc<JournalFile>>) -> Option<Arc<JournalFile>> {
        leaving.take().or_else(|| self.index.write().take_trimmed())
    }
}

impl From<MetaError> for OpenError {
    fn from(MetaError { path, source }: MetaError) -> Self {
        Self::Io { path, source }
    }
}
