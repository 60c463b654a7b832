//! The store: takes appends, shows snapshots, seals behind.

use std::{
    fs,
    sync::Arc,
    thread::{self, JoinHandle},
};

use arrow::array::RecordBatch;
use parking_lot::{Condvar, Mutex, RwLock};
use varve_log::Log;
use varve_types::{Table, TenantId};

use crate::{
    append::{self, Done},
    error::OpenError,
    files::Folders,
    label_texts::LabelTexts,
    manifest::Manifest,
    opening,
    settings::StoreSettings,
    snapshot::Snapshot,
    state::Shared,
    status::{self, StoreStatus},
};

/// Views of one data directory.
pub struct Store {
    shared: Arc<Shared>,
    sealer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Reads the manifest, opens its segments, replays the log behind them, starts sealing.
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
        opening::replay(&*log, &manifest, &mut state)?;
        // Last, so that a start that is refused has changed nothing.
        state.quarantined = opening::tidy(&mut manifest, &damaged, &folders)?;
        let shared = Arc::new(Shared {
            settings,
            folders,
            texts,
            log,
            state: RwLock::new(state),
            manifest: Mutex::new(manifest),
            signal: Mutex::default(),
            signalled: Condvar::new(),
        });
        let sealer = thread::Builder::new()
            .name("varve-sealing".to_owned())
            .spawn({
                let shared = shared.clone();
                move || shared.seal_until_stopped()
            })
            .map_err(OpenError::Thread)?;
        Ok(Self { shared, sealer: Mutex::new(Some(sealer)) })
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
        let state = self.shared.state.read();
        Snapshot {
            segments: state.segments.get(&key).cloned().unwrap_or_default(),
            memtable: state.memtables.batches(&key),
        }
    }

    /// Seals what is in memtables now; returns when its segments are durable, or with why not.
    pub fn seal_now(&self) -> Result<(), String> {
        self.shared.seal_all()
    }

    /// The views at this moment.
    pub fn status(&self) -> StoreStatus {
        status::of(&self.shared.state.read())
    }

    /// Stops sealing, after the one under way. What is not sealed is in the log.
    pub fn close(&self) {
        self.shared.signal.lock().stop = true;
        self.shared.signalled.notify_all();
        if let Some(sealer) = self.sealer.lock().take() {
            // A panic of the thread has been told on standard error; there is nothing to undo.
            drop(sealer.join());
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
