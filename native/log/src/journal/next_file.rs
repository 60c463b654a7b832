//! The file after the one that is being written: made beside the others, then put in its place.

use std::{io, path::PathBuf, sync::Arc};

use super::{
    file_header::{FILE_HEADER_BYTES, FileHeader},
    index::JournalFile,
    recovery::file_name,
    writer::{ActiveFile, WriteError, Writer, reason},
};
use crate::runtime::DiskFile;

/// A file with its header, under a name that a start removes, and its salt.
pub(super) type Prepared = (Arc<dyn DiskFile>, u32);

impl Writer {
    /// Writes the next file beside the others.
    pub(super) fn prepare_file(&self) -> Result<Prepared, WriteError> {
        let settings = &self.files.settings;
        let disk = &self.files.runtime.disk;
        let free_bytes = disk.free_bytes(&self.files.dir).unwrap_or(u64::MAX);
        let new_bytes = if self.files.has_spare() { 0 } else { settings.file_bytes };
        let min_bytes = settings.disk_free_min_bytes.saturating_add(new_bytes);
        if free_bytes < min_bytes {
            return Err(WriteError::NoRoom { free_bytes, min_bytes });
        }
        let path = self.path_beside();
        let header = FileHeader {
            store_id: self.files.store_id,
            sequence: self.next_sequence(),
            // Before it comes the closing group of the active file.
            first_group: self.next_group() + u64::from(self.active.is_some()),
            created_ms: self.files.runtime.clock.now_ms(),
        };
        let (bytes, salt) = header.encode();
        let prepare = || -> io::Result<Arc<dyn DiskFile>> {
            let is_spare = self.files.take_spare(&path);
            let file = if is_spare { disk.open(&path)? } else { disk.create(&path)? };
            // A spare one may be of other settings. What was written in it has another salt.
            file.set_len(file.len_bytes()?.min(settings.file_bytes))?;
            file.allocate(settings.file_bytes)?;
            file.write_all_at(&bytes, 0)?;
            file.sync_all()?;
            Ok(file)
        };
        let error = match prepare() {
            Ok(file) => return Ok((file, salt)),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                // Gives back what it had reserved. If that fails too, the next try empties it.
                let _removed = disk.remove(&path);
                Err(WriteError::NoRoom { free_bytes, min_bytes })
            }
            _ => Err(WriteError::Broken(reason("creation", &path, &error))),
        }
    }

    /// Puts the prepared file in its place.
    pub(super) fn open_file(&mut self, (file, salt): Prepared) -> Result<(), WriteError> {
        let disk = &self.files.runtime.disk;
        let path = self.files.dir.join(file_name(self.next_sequence()));
        let (beside, sequence) = (self.path_beside(), self.next_sequence());
        let renamed = disk.rename(&beside, &path).and_then(|()| disk.sync_dir(&self.files.dir));
        renamed.map_err(|error| WriteError::Broken(reason("creation", &path, &error)))?;
        let first_group = self.next_group();
        let file = Arc::new(JournalFile { file, path, salt, sequence, first_group });
        self.files.open_file(Arc::clone(&file), FILE_HEADER_BYTES);
        self.active = Some(ActiveFile::new(file));
        Ok(())
    }

    fn next_sequence(&self) -> u64 {
        self.files.next.lock().sequence
    }

    fn path_beside(&self) -> PathBuf {
        self.files.dir.join(format!("{}.new", file_name(self.next_sequence())))
    }
}
