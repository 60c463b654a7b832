//! The sparse append counter: a file whose size is the value.
//!
//! It grows by `ftruncate`, so a hole of any size takes no blocks. A sync costs milliseconds on most
//! disks, so a block of values is made durable at once and handed out from memory; a crash skips the
//! rest of the block. File systems limit the size of files (ext4: 16 TiB), so the value is a base,
//! which is in the file's name, and the size; before the limit the next file begins.

use parking_lot::Mutex;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::runtime::{Disk, DiskFile};

/// Settings of a counter. None has a default.
#[derive(Clone, Copy, Debug)]
pub struct CounterSettings {
    /// Values that one sync makes durable ahead; at least 1, which syncs for each.
    pub block: u64,
    /// The largest size of a file; at least 1.
    pub file_bytes_max: u64,
}

/// Why a counter cannot be opened, or gives no values.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CounterError {
    /// A file could not be opened or listed.
    #[error("counter {path}: {reason}; check that the disk is sound and writable")]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: Arc<str>,
    },
    /// A write or sync failed before. It is never repeated on that file: what is on disk is not known.
    #[error("the counter {path} is read-only: {reason}; restart after repairing the disk")]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What failed.
        reason: Arc<str>,
    },
    /// There are no values left.
    #[error("the counter {path} is at its end")]
    Exhausted {
        /// The file.
        path: PathBuf,
    },
}

/// A counter on disk. Several threads may take values at once.
pub struct Counter {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    name: String,
    settings: CounterSettings,
    state: Mutex<State>,
}

struct State {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    /// The value at size 0.
    base: u64,
    /// The next value to hand out.
    next: u64,
    /// Values below are durably handed out.
    durable: u64,
    read_only: Option<Arc<str>>,
}

impl Counter {
    /// Opens the counter with this name in a folder, or makes one that stands at 0. The name has no
    /// dots.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        name: &str,
        settings: CounterSettings,
    ) -> Result<Self, CounterError> {
        let failed = |path: &Path, error: io::Error| CounterError::Open {
            path: path.to_owned(),
            reason: Arc::from(error.to_string()),
        };
        disk.create_dir_all(dir).map_err(|error| failed(dir, error))?;
        let mut files = files_of(&*disk, dir, name).map_err(|error| failed(dir, error))?;
        files.sort_unstable();
        let (base, path) = files.pop().unwrap_or_else(|| (0, path_of(dir, name, 0)));
        let exists = disk.list(dir).map_err(|error| failed(dir, error))?.contains(&path);
        let open = || -> io::Result<(Arc<dyn DiskFile>, u64)> {
            let file = if exists { disk.open(&path)? } else { disk.create(&path)? };
            let len_bytes = file.len_bytes()?;
            // What a crash left may be in memory only; the values handed out must not come again.
            file.sync_all()?;
            disk.sync_dir(dir)?;
            for (_, old) in &files {
                disk.remove(old)?;
            }
            Ok((file, len_bytes))
        };
        let (file, len_bytes) = open().map_err(|error| failed(&path, error))?;
        let value = base.saturating_add(len_bytes);
        let state = State { file, path, base, next: value, durable: value, read_only: None };
        let (dir, name) = (dir.to_owned(), name.to_owned());
        Ok(Self { disk, dir, name, settings, state: Mutex::new(state) })
    }

    /// Takes `count` values that follow each other, and gives the first. No value is ever given twice,
    /// whatever crashes between.
    pub fn take(&self, count: u64) -> Result<u64, CounterError> {
        let mut state = self.state.lock();
        let exhausted = || CounterError::Exhausted { path: state.path.clone() };
        let end = state.next.checked_add(count).ok_or_else(exhausted)?;
        if end > state.durable {
            let ahead = self.settings.block.max(count) - count;
            self.reserve(&mut state, end.saturating_add(ahead))?;
        }
        let first = state.next;
        state.next = end;
        Ok(first)
    }

    /// Makes durable that all values below `value` are given; what comes next is not below it.
    pub fn advance_to(&self, value: u64) -> Result<(), CounterError> {
        let mut state = self.state.lock();
        if value > state.durable {
            self.reserve(&mut state, value)?;
        }
        state.next = state.next.max(value);
        Ok(())
    }

    /// The value that a restart would begin with: all below may have been given.
    pub fn durable(&self) -> u64 {
        self.state.lock().durable
    }

    fn reserve(&self, state: &mut State, value: u64) -> Result<(), CounterError> {
        if let Some(reason) = &state.read_only {
            return Err(CounterError::ReadOnly {
                path: state.path.clone(),
                reason: Arc::clone(reason),
            });
        }
        let grown = if value - state.base > self.settings.file_bytes_max {
            self.begin_file(state, value)
        } else {
            let len_bytes = value - state.base;
            state.file.set_len(len_bytes).and_then(|()| state.file.sync_all())
        };
        if let Err(error) = grown {
            let reason: Arc<str> = Arc::from(error.to_string());
            state.read_only = Some(Arc::clone(&reason));
            return Err(CounterError::ReadOnly { path: state.path.clone(), reason });
        }
        state.durable = value;
        Ok(())
    }

    /// Goes on in a file whose base is the value. The old file is removed once the new is durable.
    fn begin_file(&self, state: &mut State, value: u64) -> io::Result<()> {
        let path = path_of(&self.dir, &self.name, value);
        let file = self.disk.create(&path)?;
        file.sync_all()?;
        self.disk.sync_dir(&self.dir)?;
        self.disk.remove(&state.path)?;
        (state.file, state.path, state.base) = (file, path, value);
        Ok(())
    }
}

fn path_of(dir: &Path, name: &str, base: u64) -> PathBuf {
    dir.join(format!("{name}.{base:020}.counter"))
}

/// The files of a counter, with their bases.
fn files_of(disk: &dyn Disk, dir: &Path, name: &str) -> io::Result<Vec<(u64, PathBuf)>> {
    let base_of = |path: &PathBuf| -> Option<u64> {
        let mut parts = path.file_name()?.to_str()?.split('.');
        let (Some(have), Some(base), Some("counter"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        (have == name).then(|| base.parse().ok()).flatten()
    };
    let files = disk.list(dir)?;
    Ok(files.into_iter().filter_map(|path| base_of(&path).map(|base| (base, path))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{
        RealDisk,
        crash_disk::CrashDisk,
        faults::{Faults, FaultyDisk},
    };
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const SETTINGS: CounterSettings = CounterSettings { block: 10, file_bytes_max: 1_000 };

    fn open(dir: &Path, settings: CounterSettings) -> Counter {
        Counter::open(Arc::new(RealDisk), dir, "ids", settings).unwrap()
    }

    #[test]
    fn the_files_size_is_the_value_and_takes_no_blocks() {
        let home = tempfile::tempdir().unwrap();
        let settings = CounterSettings { block: 1, file_bytes_max: u64::MAX };
        let counter = open(home.path(), settings);
        counter.advance_to(1_000_000_000).unwrap();
        assert_eq!(counter.take(1).unwrap(), 1_000_000_000);
        let path = home.path().join("ids.00000000000000000000.counter");
        let metadata = std::fs::metadata(path).unwrap();
        assert_eq!(metadata.len(), 1_000_000_001);
        assert_eq!(std::os::unix::fs::MetadataExt::blocks(&metadata), 0);
    }

    #[test]
    fn a_restart_skips_the_rest_of_the_block() {
        let home = tempfile::tempdir().unwrap();
        let counter = open(home.path(), SETTINGS);
        assert_eq!((counter.take(3).unwrap(), counter.take(1).unwrap()), (0, 3));
        drop(counter);
        assert_eq!(open(home.path(), SETTINGS).take(1).unwrap(), 10);
    }

    #[test]
    fn one_sync_is_enough_for_a_block() {
        let home = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::default());
        let disk = Arc::new(FaultyDisk::new(Arc::new(RealDisk), Arc::clone(&faults)));
        let counter = Counter::open(disk, home.path(), "ids", SETTINGS).unwrap();
        let before = faults.syncs_seen();
        (0..30).for_each(|value| assert_eq!(counter.take(1).unwrap(), value));
        assert_eq!(faults.syncs_seen() - before, 3);
    }

    #[test]
    fn the_next_file_begins_before_the_limit() {
        let home = tempfile::tempdir().unwrap();
        let counter = open(home.path(), SETTINGS);
        let values: Vec<u64> = (0..2_500).map(|_| counter.take(1).unwrap()).collect();
        assert!(values.windows(2).all(|pair| pair[0] < pair[1]));
        let files = files_of(&RealDisk, home.path(), "ids").unwrap();
        assert!(files.len() == 1 && files[0].0 > 0, "{files:?}");
        drop(counter);
        assert!(open(home.path(), SETTINGS).take(1).unwrap() > values[2_499]);
    }

    #[test]
    fn a_failed_sync_is_never_repeated() {
        let home = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::default());
        let disk = Arc::new(FaultyDisk::new(Arc::new(RealDisk), Arc::clone(&faults)));
        let counter = Counter::open(disk, home.path(), "ids", SETTINGS).unwrap();
        counter.take(10).unwrap();
        faults.fail_sync(1);
        let error = counter.take(1).unwrap_err().to_string();
        assert!(error.contains("is read-only: injected sync failure"), "{error}");
        let syncs = faults.syncs_seen();
        assert!(counter.take(1).is_err());
        assert_eq!(faults.syncs_seen(), syncs);
    }

    #[test]
    fn threads_never_get_the_same_value() {
        let home = tempfile::tempdir().unwrap();
        let counter = open(home.path(), SETTINGS);
        let taken = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mine: Vec<u64> = (0..200).map(|_| counter.take(1).unwrap()).collect();
                    taken.lock().extend(mine);
                });
            }
        });
        assert_eq!(taken.into_inner().into_iter().collect::<BTreeSet<_>>().len(), 800);
    }

    proptest! {
        #[test]
        fn no_value_comes_twice_whatever_fails_and_restarts(
            runs in prop::collection::vec((1u64..40, prop::option::of(1u64..12)), 1..12),
            block in 1u64..9,
        ) {
            let home = tempfile::tempdir().unwrap();
            let settings = CounterSettings { block, file_bytes_max: 64 };
            let mut last = None;
            for (takes, fails_at) in runs {
                let faults = Arc::new(Faults::default());
                let disk = Arc::new(FaultyDisk::new(Arc::new(RealDisk), Arc::clone(&faults)));
                let counter = Counter::open(disk, home.path(), "ids", settings).unwrap();
                if let Some(nth) = fails_at {
                    faults.fail_sync(nth);
                }
                for _ in 0..takes {
                    let Ok(value) = counter.take(1) else { break };
                    prop_assert!(last.is_none_or(|last| value > last), "{value} after {last:?}");
                    last = Some(value);
                }
            }
        }

        /// A crash at any step of the disk takes any of what was not synced, folders too.
        #[test]
        fn no_value_comes_twice_whatever_a_crash_takes(
            lives in prop::collection::vec((1u64..40, 0u64..60, any::<u64>()), 1..12),
            block in 1u64..9,
        ) {
            let settings = CounterSettings { block, file_bytes_max: 64 };
            let mut disk = Arc::new(CrashDisk::default());
            let mut last = None;
            for (takes, power_lasts, seed) in lives {
                disk.lose_power_after(power_lasts);
                let dir = Path::new("/data/counters");
                if let Ok(counter) = Counter::open(disk.clone(), dir, "ids", settings) {
                    for _ in 0..takes {
                        let Ok(value) = counter.take(1) else { break };
                        prop_assert!(last.is_none_or(|last| value > last), "{value} after {last:?}");
                        last = Some(value);
                    }
                }
                disk = Arc::new(disk.after_crash(seed));
            }
        }
    }
}
