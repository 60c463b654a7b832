//! The store: takes appends, shows snapshots, seals behind.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
};

use arrow::array::RecordBatch;
use parking_lot::{Condvar, Mutex, RwLock};
use varve_log::Log;
use varve_types::{Lsn, PartitionId, Table, TenantId};

use crate::{
    append::{self, Done, Placed},
    error::{AppendError, OpenError},
    files::Folders,
    label_texts::LabelTexts,
    manifest::Manifest,
    memtable::{Memtables, TableKey},
    opening,
    sealer::Signal,
    segment::Segment,
    snapshot::Snapshot,
    status::{self, StoreStatus},
};

/// Settings of the views. None has a default.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The data directory: `segments/`, `manifest/` and `quarantine/` are in it.
    pub data_dir: PathBuf,
    /// Of each log.
    pub partitions: u32,
    /// Over how many of them one tenant is spread.
    pub tenant_partitions: u32,
    /// Size of all memtables at which they are sealed.
    pub memtable_max_bytes: u64,
    /// Age at which they are sealed.
    pub memtable_max_age_ms: u64,
    /// Rows that the text index finds as one block.
    pub text_block_rows: u32,
}

/// Views of one data directory.
pub struct Store {
    shared: Arc<Shared>,
    sealer: Mutex<Option<JoinHandle<()>>>,
}

pub(crate) struct Shared {
    pub(crate) settings: StoreSettings,
    pub(crate) folders: Folders,
    pub(crate) texts: LabelTexts,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) state: RwLock<State>,
    /// One sealing at a time; holds the manifest that is on disk.
    pub(crate) manifest: Mutex<Manifest>,
    pub(crate) signal: Mutex<Signal>,
    pub(crate) signalled: Condvar,
}

/// What queries read.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) memtables: Memtables,
    pub(crate) segments: HashMap<TableKey, Vec<Arc<Segment>>>,
    pub(crate) seals_total: u64,
    pub(crate) seal_error: Option<String>,
    pub(crate) quarantined: u64,
    /// What the manifest on disk covers.
    pub(crate) covered: BTreeMap<PartitionId, Lsn>,
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
    pub fn append(&self, tenant: &TenantId, batches: Vec<(Table, RecordBatch)>, done: Done) {
        append::append(&self.shared, tenant, batches, done);
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

impl Shared {
    /// Refuses while memtables grow faster than they are sealed.
    pub(crate) fn admit(&self) -> Result<(), AppendError> {
        let max_bytes = self.settings.memtable_max_bytes;
        let state = self.state.read();
        let bytes = state.memtables.bytes();
        if bytes <= 4 * max_bytes {
            return Ok(());
        }
        Err(AppendError::MemtablesFull { bytes, max_bytes, reason: state.seal_error.clone() })
    }

    /// Shows the records of one request to queries, all at once.
    pub(crate) fn publish(&self, tenant: &TenantId, records: Vec<Placed>) {
        let mut state = self.state.write();
        let active = &mut state.memtables.active;
        for Placed { table, batch, bytes } in records {
            active.insert((tenant.clone(), table), batch, bytes);
        }
        let full = active.bytes() > self.settings.memtable_max_bytes;
        drop(state);
        if full {
            self.signal.lock().full = true;
            self.signalled.notify_one();
        }
    }
}
