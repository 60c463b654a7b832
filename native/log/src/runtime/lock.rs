//! One process per data directory.
#![expect(clippy::disallowed_types, reason = "a lock belongs to an open file")]

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    process,
};
use varve_types::ErrorCode;

use super::{Disk as _, RealDisk};

/// Holds `<data dir>/lock` until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

/// Why the data directory is not ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirLockError {
    /// Another process, or another store of this one, has it.
    #[error("{path} is held by process {holder}; stop that one, or use another data directory")]
    Held {
        /// The lock's file.
        path: PathBuf,
        /// The process's id as it wrote it, or `unknown`.
        holder: String,
    },
    /// The file could not be made, locked or written.
    #[error(
        "locking {path} failed: {source}; the data directory must be writable and on a disk with locks"
    )]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DataDirLockError {
    /// What crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Held { .. } => ErrorCode::DataDirLocked,
            Self::Io { .. } => ErrorCode::Io,
        }
    }
}

impl DataDirLock {
    /// Takes the lock, or says at once who has it. Makes the directory, durably, if there is none.
    pub fn acquire(data_dir: &Path) -> Result<Self, DataDirLockError> {
        let path = data_dir.join("lock");
        let failed = |source| DataDirLockError::Io { path: path.clone(), source };
        RealDisk.create_dir_all(data_dir).map_err(failed)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                return Err(DataDirLockError::Held { path, holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        note_holder(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn note_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", process::id())
}

/// What the holder wrote. It may be about to write it, or be on another machine.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_with_the_first_ones_process_id() {
        let dir = tempfile::tempdir().unwrap();
        let _first = DataDirLock::acquire(dir.path()).unwrap();
        let refused = DataDirLock::acquire(dir.path()).unwrap_err().to_string();
        let held_by = format!("is held by process {};", process::id());
        assert!(refused.contains(&held_by), "{refused}");
    }

    #[test]
    fn a_lock_is_free_again_once_its_holder_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        drop(DataDirLock::acquire(dir.path()).unwrap());
        DataDirLock::acquire(dir.path()).unwrap();
    }
}
