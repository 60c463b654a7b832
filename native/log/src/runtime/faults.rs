//! A disk that fails when it is told to. For tests: it stands between the journal and a real disk.

use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Disk, DiskFile, DiskSpace};

/// What is to go wrong. Each fault is off until it is set.
#[derive(Debug, Default)]
pub struct Faults {
    plan: Mutex<Plan>,
    /// Syncs take it shared; who holds it whole makes them wait.
    syncs: RwLock<()>,
}

#[derive(Debug, Default)]
struct Plan {
    syncs_until_failure: Option<u64>,
    bytes_until_tear: Option<u64>,
    free_bytes: Option<u64>,
    total_bytes: Option<u64>,
    allocations_fail: bool,
    stuck: Option<PathBuf>,
    syncs_forgotten: bool,
    full: Option<(PathBuf, u64)>,
    writes_seen: u64,
    written_bytes: u64,
    syncs_seen: u64,
}

impl Faults {
    /// The `nth` sync of a file from now on fails, counted from 1; those after it succeed.
    pub fn fail_sync(&self, nth: u64) {
        self.plan.lock().syncs_until_failure = Some(nth);
    }

    /// No sync fails any more.
    pub fn fail_no_sync(&self) {
        self.plan.lock().syncs_until_failure = None;
    }

    /// Of what is written from now on `bytes` arrive; the write that goes past them fails, and what
    /// comes after it succeeds.
    pub fn tear_write_after(&self, bytes: u64) {
        self.plan.lock().bytes_until_tear = Some(bytes);
    }

    /// The disk says that it has this much space left; `None` for what it really has.
    pub fn set_free_bytes(&self, free_bytes: Option<u64>) {
        self.plan.lock().free_bytes = free_bytes;
    }

    /// The disk says that it is this large; `None` for how large it really is.
    pub fn set_total_bytes(&self, total_bytes: Option<u64>) {
        self.plan.lock().total_bytes = total_bytes;
    }

    /// Whether reserving space for a new file fails.
    pub fn set_allocations_fail(&self, fail: bool) {
        self.plan.lock().allocations_fail = fail;
    }

    /// Of a write to a file in this folder so many bytes arrive, then the disk is full; `None` for as
    /// many as come.
    pub fn set_full(&self, full: Option<(PathBuf, u64)>) {
        self.plan.lock().full = full;
    }

    /// This file can be neither removed nor moved; `None` for none.
    pub fn set_stuck(&self, path: Option<PathBuf>) {
        self.plan.lock().stuck = path;
    }

    /// Whether syncs do nothing, and say that they did.
    pub fn set_syncs_forgotten(&self, forgotten: bool) {
        self.plan.lock().syncs_forgotten = forgotten;
    }

    /// Makes every sync wait until the answer is dropped.
    pub fn hold_syncs(&self) -> RwLockWriteGuard<'_, ()> {
        self.syncs.write()
    }

    /// Writes to files so far.
    pub fn writes_seen(&self) -> u64 {
        self.plan.lock().writes_seen
    }

    /// Bytes that were to be written to files so far.
    pub fn written_bytes(&self) -> u64 {
        self.plan.lock().written_bytes
    }

    /// Syncs of files so far.
    pub fn syncs_seen(&self) -> u64 {
        self.plan.lock().syncs_seen
    }

    /// How many bytes of a write to this file arrive on the full disk.
    fn arriving(&self, path: &Path) -> Option<u64> {
        let plan = self.plan.lock();
        let (folder, bytes) = plan.full.as_ref()?;
        path.starts_with(folder).then_some(*bytes)
    }

    fn on_leave(&self, path: &Path) -> io::Result<()> {
        let is_stuck = self.plan.lock().stuck.as_deref() == Some(path);
        if is_stuck { Err(io::Error::other("injected: it is stuck")) } else { Ok(()) }
    }

    /// Whether it is to be passed on.
    fn on_sync(&self) -> io::Result<bool> {
        drop(self.syncs.read());
        let mut plan = self.plan.lock();
        plan.syncs_seen += 1;
        let passed_on = !plan.syncs_forgotten;
        let Some(left) = plan.syncs_until_failure.as_mut() else { return Ok(passed_on) };
        *left -= 1;
        if *left > 0 {
            return Ok(passed_on);
        }
        plan.syncs_until_failure = None;
        Err(io::Error::other("injected sync failure"))
    }

    /// How many of `len` bytes arrive, and whether the write then fails.
    fn on_write(&self, len: u64) -> (u64, bool) {
        let mut plan = self.plan.lock();
        plan.writes_seen += 1;
        plan.written_bytes += len;
        match plan.bytes_until_tear {
            Some(left) if left < len => {
                plan.bytes_until_tear = None;
                (left, true)
            }
            Some(left) => {
                plan.bytes_until_tear = Some(left - len);
                (len, false)
            }
            None => (len, false),
        }
    }
}

/// A disk with faults.
pub struct FaultyDisk {
    disk: Arc<dyn Disk>,
    faults: Arc<Faults>,
}

impl FaultyDisk {
    /// `disk`, failing as `faults` says.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, faults: Arc<Faults>) -> Self {
        Self { disk, faults }
    }

    fn wrap(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let (path, faults) = (path.to_owned(), Arc::clone(&self.faults));
        Arc::new(FaultyFile { path, file, faults })
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk.list(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(path).map(|file| self.wrap(path, file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.wrap(path, file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.on_leave(from)?;
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.faults.on_leave(path)?;
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn space(&self, dir: &Path) -> io::Result<DiskSpace> {
        let real = self.disk.space(dir)?;
        let plan = self.faults.plan.lock();
        let free_bytes = plan.free_bytes.unwrap_or(real.free_bytes);
        let total_bytes = plan.total_bytes.unwrap_or(real.total_bytes);
        Ok(DiskSpace { free_bytes, total_bytes })
    }

    fn new_store_id(&self) -> u128 {
        self.disk.new_store_id()
    }
}

struct FaultyFile {
    /// Where it was when it was opened.
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    faults: Arc<Faults>,
}

impl DiskFile for FaultyFile {
    fn read_exact_at(&self, into: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(into, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        if let Some(arriving) = self.faults.arriving(&self.path) {
            let arriving = bytes.get(..arriving as usize).unwrap_or(bytes);
            self.file.write_all_at(arriving, position)?;
            self.faults.plan.lock().writes_seen += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let (arriving, torn) = self.faults.on_write(bytes.len() as u64);
        let arriving = bytes.get(..arriving as usize).unwrap_or(bytes);
        self.file.write_all_at(arriving, position)?;
        if torn { Err(io::Error::other("injected torn write")) } else { Ok(()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.faults.on_sync()? { self.file.sync_data() } else { Ok(()) }
    }

    fn sync_all(&self) -> io::Result<()> {
        if self.faults.on_sync()? { self.file.sync_all() } else { Ok(()) }
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        if self.faults.plan.lock().allocations_fail {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.allocate(len_bytes)
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.file.set_len(len_bytes)
    }

    fn len_bytes(&self) -> io::Result<u64> {
        self.file.len_bytes()
    }
}
