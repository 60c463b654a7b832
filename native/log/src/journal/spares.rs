//! Files whose records are trimmed, kept to be written again: their blocks are there already, and a
//! sync of what is written over needs no news of the file system's own.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Files, checkpoint, index::JournalFile};

/// As many are kept.
const SPARES_MAX: usize = 2;
/// What their names end with.
pub(super) const EXTENSION: &str = "spare";

impl Files {
    /// Lets go of a file that is trimmed: keeps it as a spare one, or removes it.
    pub(super) fn let_go(&self, file: Arc<JournalFile>) -> io::Result<()> {
        let disk = &self.runtime.disk;
        let path = file.path.clone();
        match disk.remove(&checkpoint::path_of(&path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut spares = self.spares.lock();
        // Who still reads it would find other records there, if it were written again.
        if spares.len() < SPARES_MAX && !self.is_short() && Arc::into_inner(file).is_some() {
            let spare = path.with_extension(EXTENSION);
            disk.rename(&path, &spare)?;
            spares.push(spare);
            return Ok(());
        }
        disk.remove(&path)
    }

    /// Takes in a spare file that a start found. One too many is removed.
    pub(super) fn found_spare(&self, path: PathBuf) -> io::Result<()> {
        let mut spares = self.spares.lock();
        if spares.len() < SPARES_MAX {
            spares.push(path);
            return Ok(());
        }
        self.runtime.disk.remove(&path)
    }

    /// Removes all of them: the disk is short of room. Answers whether there were some.
    pub(super) fn give_up_spares(&self) -> bool {
        let spares = std::mem::take(&mut *self.spares.lock());
        for spare in &spares {
            // One that stays is found by the next start.
            let _removed = self.runtime.disk.remove(spare);
        }
        self.forget_space();
        !spares.is_empty()
    }

    /// Whether the next file needs no room of its own.
    pub(super) fn has_spare(&self) -> bool {
        !self.spares.lock().is_empty()
    }

    /// Moves a spare file to `path`, if there is one.
    pub(super) fn take_spare(&self, path: &Path) -> bool {
        let spare = self.spares.lock().pop();
        spare.is_some_and(|spare| self.runtime.disk.rename(&spare, path).is_ok())
    }
}
