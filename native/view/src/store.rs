//! The store: what is appended is published in memtables, and sealed behind.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use arrow::array::RecordBatch;
use parking_lot::{Condvar, Mutex, RwLock};
use varve_columnar::{
    ipc,
    route::{Routing, route},
};
use varve_log::{Append, Log};
use varve_types::{Lsn, Offset, PartitionId, Table, TenantId};

use crate::{
    error::{AppendError, OpenError},
    manifest::Manifest,
    memtable::{Memtables, TableKey, time_range},
    sealing::{self, Folders},
    segment::Segment,
    snapshot::{MemtableBatch, Snapshot},
    status::{StoreStatus, TableStatus},
};

/// Told once what became of an append. Runs on the log's writer thread: it must be short.
pub type Done = Box<dyn FnOnce(Result<(), AppendError>) + Send>;

/// How much of the log is read at once in a replay.
const REPLAY_BYTES: u64 = 64 << 20;
/// After a failed sealing, how long until the next try.
const SEAL_RETRY: Duration = Duration::from_secs(5);
/// How often the sealing thread looks at the memtables' age.
const SEAL_TICK: Duration = Duration::from_millis(200);

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

struct Shared {
    settings: StoreSettings,
    folders: Folders,
    log: Arc<dyn Log>,
    state: RwLock<State>,
    /// One sealing at a time; holds the manifest that is on disk.
    manifest: Mutex<Manifest>,
    signal: Mutex<Signal>,
    signalled: Condvar,
}

/// What queries read.
#[derive(Default)]
struct State {
    memtables: Memtables,
    segments: HashMap<TableKey, Vec<Arc<Segment>>>,
    seals_total: u64,
    seal_error: Option<String>,
    quarantined: u64,
}

#[derive(Default)]
struct Signal {
    stop: bool,
    /// A memtable is over its size.
    full: bool,
}

impl Store {
    /// Reads the manifest, opens its segments, replays the log behind them, starts sealing.
    ///
    /// A segment that cannot be read is moved to `quarantine/` and counted in the status.
    pub fn open(log: Arc<dyn Log>, settings: StoreSettings) -> Result<Self, OpenError> {
        let folders = Folders::new(&settings.data_dir);
        for folder in [folders.manifest(), folders.segments()] {
            fs::create_dir_all(&folder).map_err(|source| OpenError::Io { path: folder, source })?;
        }
        let mut manifest = Manifest::read(&folders.manifest())?;
        let io = |source| OpenError::Io { path: folders.segments(), source };
        sealing::remove_orphans(&manifest, &folders).map_err(io)?;
        let mut state = open_segments(&mut manifest, &folders).map_err(io)?;
        replay(&*log, &manifest, &mut state)?;
        let shared = Arc::new(Shared {
            settings,
            folders,
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
    /// and in every snapshot that is taken from then on.
    pub fn append(&self, tenant: &TenantId, batches: Vec<(Table, RecordBatch)>, done: Done) {
        let shared = &self.shared;
        if let Err(error) = shared.admit() {
            return done(Err(error));
        }
        let records = match shared.records(tenant, batches) {
            Ok(records) => records,
            Err(error) => return done(Err(AppendError::Batch(error.to_string()))),
        };
        if records.is_empty() {
            return done(Ok(()));
        }
        let request = Arc::new(Request {
            left: AtomicUsize::new(records.len()),
            done: Mutex::new(Some(done)),
        });
        let appends = records
            .into_iter()
            .map(|record| shared.clone().into_append(tenant, record, request.clone()))
            .collect();
        if let Err(error) = shared.log.append(appends) {
            request.finish(Err(error.into()));
        }
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
        self.shared.seal()
    }

    /// The views at this moment.
    pub fn status(&self) -> StoreStatus {
        let state = self.shared.state.read();
        let mut tables: Vec<_> = state
            .segments
            .iter()
            .map(|((tenant, table), segments)| TableStatus {
                tenant: tenant.clone(),
                table: *table,
                segments: segments.len() as u64,
                records: segments.iter().map(|segment| segment.entry().records).sum(),
                bytes: segments.iter().map(|segment| segment.size_bytes()).sum(),
            })
            .collect();
        tables.sort_unstable_by(|a, b| (&a.tenant, a.table).cmp(&(&b.tenant, b.table)));
        let memtables = &state.memtables;
        StoreStatus {
            memtable_bytes: memtables.bytes(),
            memtable_rows: memtables.active.rows()
                + memtables.sealing.as_ref().map_or(0, |memtable| memtable.rows()),
            seals_total: state.seals_total,
            seal_error: state.seal_error.clone(),
            quarantined: state.quarantined,
            tables,
        }
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

/// An append whose records are not all durable yet.
struct Request {
    left: AtomicUsize,
    done: Mutex<Option<Done>>,
}

impl Request {
    /// Notes the fate of one record; the last one, or the first bad one, tells the sender.
    fn record(&self, fate: Result<(), AppendError>) {
        if fate.is_err() || self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.finish(fate);
        }
    }

    fn finish(&self, fate: Result<(), AppendError>) {
        let done = self.done.lock().take();
        if let Some(done) = done {
            done(fate);
        }
    }
}

/// One record before it has its place.
struct NewRecord {
    table: Table,
    partition: PartitionId,
    batch: RecordBatch,
    payload: bytes::Bytes,
}

impl Shared {
    fn admit(&self) -> Result<(), AppendError> {
        let max_bytes = self.settings.memtable_max_bytes;
        let state = self.state.read();
        let bytes = state.memtables.bytes();
        if bytes <= 4 * max_bytes {
            return Ok(());
        }
        Err(AppendError::MemtablesFull { bytes, max_bytes, reason: state.seal_error.clone() })
    }

    fn records(
        &self,
        tenant: &TenantId,
        batches: Vec<(Table, RecordBatch)>,
    ) -> Result<Vec<NewRecord>, arrow::error::ArrowError> {
        let routing = Routing {
            partitions: self.settings.partitions,
            tenant_partitions: self.settings.tenant_partitions,
        };
        let mut records = Vec::new();
        for (table, batch) in batches {
            for (number, batch) in route(table, tenant, batch, routing)? {
                let payload = ipc::encode(table, &batch)?;
                let partition = PartitionId { log: table.log(), number };
                records.push(NewRecord { table, partition, batch, payload });
            }
        }
        Ok(records)
    }

    fn into_append(
        self: Arc<Self>,
        tenant: &TenantId,
        NewRecord { table, partition, batch, payload }: NewRecord,
        request: Arc<Request>,
    ) -> Append {
        let key = (tenant.clone(), table);
        Append {
            partition,
            tenant: tenant.clone(),
            schema_id: table as u32,
            rows: batch.num_rows() as u32,
            idempotency_key: 0,
            payload,
            done: Box::new(move |place| {
                request.record(match place {
                    Ok(lsn) => {
                        self.publish(key, partition, lsn, batch);
                        Ok(())
                    }
                    Err(error) => Err(error.into()),
                });
            }),
        }
    }

    fn publish(&self, key: TableKey, partition: PartitionId, lsn: Lsn, batch: RecordBatch) {
        let time_range = time_range(key.1, &batch);
        let mut state = self.state.write();
        state.memtables.active.insert(key, MemtableBatch { partition, lsn, batch, time_range });
        let full = state.memtables.active.bytes() > self.settings.memtable_max_bytes;
        drop(state);
        if full {
            self.signal.lock().full = true;
            self.signalled.notify_one();
        }
    }

    fn seal_until_stopped(&self) {
        loop {
            {
                let mut signal = self.signal.lock();
                if !signal.stop && !signal.full {
                    self.signalled.wait_for(&mut signal, SEAL_TICK);
                }
                if signal.stop {
                    return;
                }
                signal.full = false;
            }
            if self.is_due() && self.seal().is_err() {
                let mut signal = self.signal.lock();
                if !signal.stop {
                    self.signalled.wait_for(&mut signal, SEAL_RETRY);
                }
            }
        }
    }

    fn is_due(&self) -> bool {
        let state = self.state.read();
        let max_age = Duration::from_millis(self.settings.memtable_max_age_ms);
        let active = &state.memtables.active;
        state.memtables.sealing.is_some()
            || active.bytes() > self.settings.memtable_max_bytes
            || active.first_at().is_some_and(|at| at.elapsed() >= max_age)
    }

    fn seal(&self) -> Result<(), String> {
        let mut manifest = self.manifest.lock();
        let memtable = {
            let Memtables { active, sealing } = &mut self.state.write().memtables;
            // What an earlier try could not seal comes first.
            if sealing.is_none() && active.rows() > 0 {
                *sealing = Some(Arc::new(std::mem::take(active)));
            }
            sealing.clone()
        };
        let Some(memtable) = memtable else { return Ok(()) };
        let sealed =
            sealing::seal(&memtable, &manifest, &self.folders, self.settings.text_block_rows);
        let mut state = self.state.write();
        let sealed = match sealed {
            Ok(sealed) => sealed,
            Err(error) => {
                let reason = error.to_string();
                state.seal_error = Some(reason.clone());
                return Err(reason);
            }
        };
        for (key, segment) in sealed.segments {
            state.segments.entry(key).or_default().push(segment);
        }
        state.memtables.sealing = None;
        state.seals_total += 1;
        state.seal_error = None;
        drop(state);
        *manifest = sealed.manifest;
        for (&partition, &up_to) in memtable.next() {
            self.log.trim(partition, up_to);
        }
        Ok(())
    }
}

fn open_segments(manifest: &mut Manifest, folders: &Folders) -> std::io::Result<State> {
    let mut state = State::default();
    let mut unreadable = Vec::new();
    for entry in &manifest.segments {
        match Segment::open(entry.clone(), &folders.table(&entry.tenant, entry.table)) {
            Ok(segment) => {
                let key = (entry.tenant.clone(), entry.table);
                state.segments.entry(key).or_default().push(Arc::new(segment));
            }
            Err(_) => unreadable.push(entry.clone()),
        }
    }
    for entry in &unreadable {
        sealing::quarantine(entry, folders)?;
        state.quarantined += 1;
    }
    if !unreadable.is_empty() {
        manifest.segments.retain(|entry| !unreadable.contains(entry));
        manifest.write(&folders.manifest())?;
    }
    Ok(state)
}

/// Puts what the log holds behind the segments back into memtables.
fn replay(log: &dyn Log, manifest: &Manifest, state: &mut State) -> Result<(), OpenError> {
    for partition in log.partitions() {
        let mut from = manifest.covered.get(&partition).copied().unwrap_or_default();
        while from < log.tail(partition) {
            let records = log.read(partition, from, REPLAY_BYTES)?;
            let Some(last) = records.last().map(|record| record.lsn) else { break };
            for record in records {
                let at = || format!("{partition} {}", record.lsn);
                let table =
                    Table::from_number(record.schema_id).ok_or_else(|| OpenError::Record {
                        at: at(),
                        reason: format!("schema {} is not known", record.schema_id),
                    })?;
                let batch = ipc::decode(table, record.payload.clone())
                    .map_err(|error| OpenError::Record { at: at(), reason: error.to_string() })?;
                let time_range = time_range(table, &batch);
                let lsn = record.lsn;
                let key = (record.tenant, table);
                let batch = MemtableBatch { partition, lsn, batch, time_range };
                state.memtables.active.insert(key, batch);
            }
            from = Lsn { epoch: last.epoch, offset: Offset(last.offset.0 + 1) };
        }
    }
    Ok(())
}
