//! The file after the one that is being written: made beside the others, then put in its place.
//!
//! That is one change of one name, also where a spare file is written again: a crash may keep the later
//! of two changes and lose the one before, and the file would then have two names.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    DiskShortage,
    file_header::{FILE_HEADER_BYTES, FileHeader},
    index::JournalFile,
    recovery::file_name,
    spares::Spare,
    writer::{ActiveFile, Claim, WriteError, Writer, reason},
};
use crate::{meta::is_full, runtime::DiskFile};

/// The least that a file is worth being begun for, where there is a choice.
const SMALL_FILE_BYTES: u64 = 1 << 20;

/// A file with its header, under a name that a start removes, or takes for a spare file's.
pub(super) struct Prepared {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    salt: u32,
    reserved_bytes: u64,
}

impl Writer {
    /// Writes the next file beside the others, with room for groups of `needed_bytes`.
    pub(super) fn prepare_file(
        &self,
        needed_bytes: u64,
        claim: Claim,
    ) -> Result<Prepared, WriteError> {
        let disk = &self.files.runtime.disk;
        let needed_bytes = FILE_HEADER_BYTES + needed_bytes;
        let spare = self.files.take_spare();
        let is_spare = spare.is_some();
        let Spare { path, bytes: spare_bytes } =
            spare.unwrap_or_else(|| Spare { path: self.path_beside(), bytes: 0 });
        let reserved_bytes = match self.next_file_bytes(needed_bytes, spare_bytes, claim) {
            Ok(reserved_bytes) => reserved_bytes,
            Err(shortage) => {
                self.give_up(&path);
                return Err(shortage.into());
            }
        };
        let header = FileHeader {
            store_id: self.files.store_id,
            sequence: self.next_sequence(),
            // Before it comes the closing group of the active file.
            first_group: self.next_group() + u64::from(self.active.is_some()),
            created_ms: self.files.runtime.clock.now_ms(),
        };
        let (bytes, salt) = header.encode();
        let prepare = || -> io::Result<Arc<dyn DiskFile>> {
            let file = if is_spare { disk.open(&path)? } else { disk.create(&path)? };
            // A spare one may be of other settings. What was written in it has another salt.
            file.set_len(file.len_bytes()?.min(reserved_bytes))?;
            file.allocate(reserved_bytes)?;
            file.write_all_at(&bytes, 0)?;
            file.sync_all()?;
            Ok(file)
        };
        let error = match prepare() {
            Ok(file) => {
                self.files.forget_space();
                return Ok(Prepared { file, path, salt, reserved_bytes });
            }
            Err(error) => error,
        };
        if is_full(&error) {
            self.give_up(&path);
            return Err(self.files.note_shortage(needed_bytes).into());
        }
        Err(WriteError::Broken(reason("creation", &path, &error)))
    }

    /// The prepared file is not begun now.
    pub(super) fn give_up_prepared(&self, prepared: &Prepared) {
        self.give_up(&prepared.path);
    }

    /// Gives back what a file that is not begun after all had reserved. If that fails, the next try
    /// empties it.
    fn give_up(&self, path: &Path) {
        let _removed = self.files.runtime.disk.remove(path);
        self.files.forget_space();
    }

    /// How large the next file becomes, of which the disk has set `spare_bytes` aside already. Of what
    /// the disk has over its reserve it takes no more than half, so that files become smaller towards
    /// the end instead of refusing too early, and segments find room beside them.
    fn next_file_bytes(
        &self,
        needed_bytes: u64,
        spare_bytes: u64,
        claim: Claim,
    ) -> Result<u64, DiskShortage> {
        let file_bytes = self.files.settings.file_bytes;
        let over_bytes = self.files.bytes_over_reserve();
        let least_bytes = needed_bytes.max(SMALL_FILE_BYTES.min(file_bytes));
        if over_bytes.saturating_add(spare_bytes) >= least_bytes {
            let takes_bytes = (over_bytes / 2).saturating_add(spare_bytes);
            return Ok(file_bytes.min(takes_bytes).max(least_bytes));
        }
        match claim {
            Claim::Append => Err(self.files.note_shortage(least_bytes)),
            Claim::Own => Ok(needed_bytes),
        }
    }

    /// Puts the prepared file in its place.
    pub(super) fn open_file(&mut self, prepared: Prepared) -> Result<(), WriteError> {
        let Prepared { file, path: beside, salt, reserved_bytes } = prepared;
        let disk = &self.files.runtime.disk;
        let sequence = self.next_sequence();
        let path = self.files.dir.join(file_name(sequence));
        let renamed = disk.rename(&beside, &path).and_then(|()| disk.sync_dir(&self.files.dir));
        renamed.map_err(|error| WriteError::Broken(reason("creation", &path, &error)))?;
        let first_group = self.next_group();
        let file = Arc::new(JournalFile { file, path, salt, sequence, first_group });
        self.files.open_file(Arc::clone(&file), FILE_HEADER_BYTES);
        self.active = Some(ActiveFile::new(file, reserved_bytes));
        Ok(())
    }

    fn next_sequence(&self) -> u64 {
        self.files.next.lock().sequence
    }

    fn path_beside(&self) -> PathBuf {
        self.files.dir.join(format!("{}.new", file_name(self.next_sequence())))
    }
}
