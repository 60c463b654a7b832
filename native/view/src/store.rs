//! The store: takes appends, shows snapshots, seals behind.

use std::{
    fs, io,
    sync::{Arc, atomic::AtomicU64},
    thread::{self, JoinHandle},
};

use arrow::array::RecordBatch;
use parking_lot::{Condvar, Mutex, RwLock};
use varve_log::Log;
use varve_types::{Table, TenantId};

use crate::{
    append::{self, Done},
    clock::now_ms,
    deletes::{DeleteError, DeleteRequest, NewDelete},
    error::{AppendError, DamagedSegment, OpenError, SegmentReadError},
    files::Folders,
    label_texts::LabelTexts,
    manifest::Manifest,
    opening,
    pinned::Pinned,
    quarantine,
    retention::Expired,
    room::Room,
    settings::{RetentionSettings, StoreSettings},
    snapshot::Snapshot,
    state::Shared,
    status::{self, StoreStatus},
};

/// Views of one data directory.
pub struct Store {
    shared: Arc<Shared>,
    /// Sealing, compaction and retention.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Reads the manifest, opens its segments, replays the log behind them, starts sealing, compaction
    /// and retention.
    ///
    /// A segment whose files are damaged is moved to `quarantine/` and counted in the status.
    pub fn open(log: Arc<dyn Log>, settings: StoreSettings) -> Result<Self, OpenError> {
        let folders = Folders::new(&settings.data_dir);
        for folder in [folders.manifest(), folders.segments()] {
            fs::create_dir_all(&folder).map_err(|source| OpenError::Io { path: folder, source })?;
        }
        let texts = LabelTexts::default();
        let mut manifest = Manifest::open(&folders)?;
        let (mut state, damaged) = opening::open_segments(&manifest, &folders, &texts)?;
        opening::replay(&*log, &manifest, &mut state, settings.subscribe_credit_bytes)?;
        // Last, so that a start that is refused has changed nothing.
        opening::tidy(&mut manifest, &damaged, &folders)?;
        let failed = |source| OpenError::Io { path: folders.quarantine(), source };
        state.quarantined = quarantine::count(&folders).map_err(failed)?;
        state.quarantine = quarantine::read(&folders).map_err(failed)?;
        opening::cover(&*log, &manifest.covered);
        let shared = Arc::new(Shared {
            settings,
            folders,
            texts,
            log,
            state: RwLock::new(state),
            manifest: Mutex::new(manifest),
            signal: Mutex::default(),
            signalled: Condvar::new(),
            stopping: Condvar::new(),
            compaction: Mutex::default(),
            retiring: Mutex::default(),
            retired: Mutex::default(),
            full_since: Mutex::default(),
            appends_under_way: AtomicU64::new(0),
        });
        // Before the first query.
        shared.expire_or_tell();
        let store = Self { shared, threads: Mutex::default() };
        store.start("varve-sealing", Shared::seal_until_stopped)?;
        store.start("varve-compaction", Shared::compact_until_stopped)?;
        store.start("varve-retention", Shared::expire_until_stopped)?;
        Ok(store)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn start(&self, name: &str, work: fn(&Shared)) -> Result<(), OpenError> {
        let shared = self.shared.clone();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || work(&shared));
        self.threads.lock().push(thread.map_err(OpenError::Thread)?);
        Ok(())
    }

    /// Whether memtables have room for another append; fails where [`Self::append`] would. Asked before a
    /// body is read or decoded.
    pub fn room(&self) -> Result<Room, AppendError> {
        self.shared.room()
    }

    /// Appends the rows of one request, all of them or none. When `done` is told `Ok` they are durable
    /// and in every snapshot that is taken from then on; a snapshot of one table has all of them or
    /// none.
    ///
    /// `request_key`: by which a retry is known again ([`varve_log::request_key`]); what it stored
    /// before is not stored again, and told as stored. 0 for none.
    pub fn append(
        &self,
        tenant: &TenantId,
        batches: Vec<(Table, RecordBatch)>,
        request_key: u128,
        done: Done,
    ) {
        append::append(&self.shared, tenant, batches, request_key, done);
    }

    /// All of one tenant's rows of one table, as they are now.
    pub fn snapshot(&self, tenant: &TenantId, table: Table) -> Snapshot {
        let key = (tenant.clone(), table);
        let snapshot = self.shared.state.read().snapshot(&key);
        self.shared.not_too_old(&key, snapshot)
    }

    /// Several of them, all at one instant: what a request stored is in all of them or in none.
    pub fn snapshots(&self, of: &[(TenantId, Table)]) -> Vec<Snapshot> {
        let state = self.shared.state.read();
        let snapshots: Vec<_> = of.iter().map(|key| state.snapshot(key)).collect();
        drop(state);
        of.iter().zip(snapshots).map(|(key, one)| self.shared.not_too_old(key, one)).collect()
    }

    /// Takes a damaged segment away from queries: its files go to `quarantine/`, and every later
    /// snapshot of its table says so. `false`: that failed, the segment is still there.
    pub fn set_aside(&self, damaged: &DamagedSegment, reason: &str) -> bool {
        self.shared.set_aside(damaged, reason).is_ok()
    }

    /// Seals what is in memtables now; returns when its segments are durable, or with why not.
    pub fn seal_now(&self) -> Result<(), String> {
        self.shared.seal_all()
    }

    /// The manifest and the files that it names at this moment; they stay as long as this is held, unless
    /// one turns out damaged.
    pub fn pin(&self) -> io::Result<Pinned> {
        self.shared.pin()
    }

    /// The views at this moment.
    pub fn status(&self) -> StoreStatus {
        status::of(&self.shared.state.read())
    }

    /// Merges segments as far as it goes, also where it does not pay yet.
    pub fn compact_now(&self) -> Result<(), String> {
        self.shared.compact_all()
    }

    /// Hides the rows that a request is about from the next query on, durably, and erases them once
    /// they can no longer be cancelled. It is about rows that are stored now; they are sealed first.
    pub fn create_delete(
        &self,
        tenant: &TenantId,
        what: NewDelete,
    ) -> Result<DeleteRequest, DeleteError> {
        self.shared.create_delete(tenant, what)
    }

    /// A tenant's requests to erase, the newest first; of those that are done the last thousand.
    pub fn list_deletes(&self, tenant: &TenantId) -> Vec<DeleteRequest> {
        self.shared.list_deletes(tenant)
    }

    /// Shows the rows again, if none of them is erased yet.
    pub fn cancel_delete(&self, tenant: &TenantId, id: u64) -> Result<(), DeleteError> {
        self.shared.cancel_delete(tenant, id)
    }

    /// What retention by these settings would let go at this moment.
    pub fn expired(&self, settings: &RetentionSettings) -> Result<Vec<Expired>, SegmentReadError> {
        self.shared.expired(settings, now_ms())
    }

    /// Lets go what is due, also from segments of which only a part is.
    pub fn expire_now(&self) -> Result<(), String> {
        self.shared.expire_all()
    }

    /// Stops sealing, after the one under way, compaction and retention. What is not sealed is in the log.
    pub fn close(&self) {
        self.shared.signal.lock().stop = true;
        self.shared.signalled.notify_all();
        self.shared.stopping.notify_all();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // A panic of the thread has been told on standard error; there is nothing to undo.
            drop(thread.join());
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
