//! Files whose records are trimmed, kept to be written again: their blocks are there already, and a
//! sync of what is written over needs no news of the file system's own.

use std::{io, path::PathBuf, sync::Arc};

use super::{Files, checkpoint, index::JournalFile};

/// As many are kept.
const SPARES_MAX: usize = 2;
/// What their names end with.
pub(super) const EXTENSION: &str = "spare";

/// A file that is kept to be written again.
pub(super) struct Spare {
    pub(super) path: PathBuf,
    /// What the disk has set aside for it.
    pub(super) bytes: u64,
}

impl Files {
    /// Lets go of a file that is trimmed, durably: keeps it as a spare one, or removes it. After an
    /// error it may be tried again.
    pub(super) fn let_go(&self, file: &mut Arc<JournalFile>) -> io::Result<()> {
        let disk = &self.runtime.disk;
        let path = file.path.clone();
        done_or_gone(disk.remove(&checkpoint::path_of(&path)))?;
        let bytes = file.file.len_bytes()?;
        let mut spares = self.spares.lock();
        // Who still reads it would find other records there, if it were written again. It is in the
        // index no more, so nobody begins to.
        if spares.len() < SPARES_MAX && !self.is_short() && Arc::get_mut(file).is_some() {
            let spare = path.with_extension(EXTENSION);
            done_or_gone(disk.rename(&path, &spare))?;
            disk.sync_dir(&self.dir)?;
            spares.push(Spare { path: spare, bytes });
            return Ok(());
        }
        done_or_gone(disk.remove(&path))?;
        disk.sync_dir(&self.dir)
    }

    /// Takes in a spare file that a start found. One too many is removed.
    pub(super) fn found_spare(&self, path: PathBuf) -> io::Result<()> {
        let disk = &self.runtime.disk;
        let mut spares = self.spares.lock();
        if spares.len() < SPARES_MAX {
            let bytes = disk.open(&path)?.len_bytes()?;
            spares.push(Spare { path, bytes });
            return Ok(());
        }
        disk.remove(&path)
    }

    /// Removes all of them: the disk is short of room. Answers whether there were some.
    pub(super) fn give_up_spares(&self) -> bool {
        let spares = std::mem::take(&mut *self.spares.lock());
        for spare in &spares {
            // One that stays is found by the next start.
            let _removed = self.runtime.disk.remove(&spare.path);
        }
        self.forget_space();
        !spares.is_empty()
    }

    /// A spare file, if there is one: it is the caller's now, under the name it has.
    pub(super) fn take_spare(&self) -> Option<Spare> {
        self.spares.lock().pop()
    }
}

/// What was done before, as by a try of which something later failed, is done.
fn done_or_gone(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
