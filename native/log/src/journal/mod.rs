//! The log on one disk: files of groups, each synced before the next is written.
//!
//! `docs/format.md`, "Journal", has the format; ADR 3 says why a group is there whole or not at all.

mod file_header;
mod frame;
mod group;
mod index;
mod meta;
mod open_error;
mod queue;
mod reader;
mod recovery;
mod scan;
mod settings;
mod status;
mod trim;
mod window;
mod writer;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use varve_types::{Lsn, PartitionId};

use crate::{
    Append, AppendError, Log, ReadError, Record,
    producers::PartitionProducers,
    runtime::{Running, Runtime},
};
use frame::frame_bytes;
use index::{GroupEntries, Index, PartitionState};
use meta::{Identity, Meta};
use queue::{Queue, Request};
use recovery::Recovered;
use status::Counters;
use writer::{GROUP_MAX_BYTES, Writer};

pub use open_error::OpenError;
pub use settings::JournalSettings;
pub use status::{JournalStatus, PartitionStatus};

/// The disk is asked this often at most how much is free.
const FREE_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// The log on one disk.
pub struct Journal {
    shared: Arc<Shared>,
    writer: Mutex<Option<Box<dyn Running>>>,
}

/// What the writer's thread and the callers share.
struct Shared {
    settings: JournalSettings,
    journal_dir: PathBuf,
    runtime: Runtime,
    queue: Queue,
    schemas: Mutex<HashMap<u32, Bytes>>,
    index: RwLock<Index>,
    counters: Mutex<Counters>,
    producers: Mutex<PartitionProducers>,
    trimming: Mutex<()>,
    free_space: Mutex<Option<FreeSpace>>,
}

/// What the disk said last.
#[derive(Clone, Copy)]
struct FreeSpace {
    asked_at: Duration,
    free_bytes: u64,
}

impl Journal {
    /// Opens the journal in the data directory, makes one if there is none, cuts a torn tail, and
    /// starts a new epoch. The caller holds the directory's [`crate::DataDirLock`].
    pub fn open(settings: JournalSettings, runtime: Runtime) -> Result<Self, OpenError> {
        settings.check()?;
        let disk = Arc::clone(&runtime.disk);
        let journal_dir = settings.dir.join("journal");
        let meta = Meta::of(&*disk, &settings.dir);
        let made = disk
            .create_dir_all(&journal_dir)
            .and_then(|()| disk.create_dir_all(meta.dir()))
            .and_then(|()| disk.sync_dir(&settings.dir));
        made.map_err(|source| OpenError::Io { path: settings.dir.clone(), source })?;
        let identity = meta.read_identity()?;
        let recovered =
            recovery::recover(&*disk, &journal_dir, identity.map(|known| known.store_id))?;
        let newest = recovered.files.back().map_or(0, |newest| newest.file.epoch);
        let identity = Identity {
            store_id: recovered.store_id.unwrap_or_else(|| disk.new_store_id()),
            epoch: identity.map_or(0, |known| known.epoch).max(newest) + 1,
        };
        meta.write_identity(identity)?;
        let trim_points = meta.read_trim_points()?;
        let mut producers = PartitionProducers::new(settings.producers);
        for (partition, snapshot) in meta.read_producers()? {
            let restored = producers.restore(partition, &snapshot);
            restored.map_err(|reason| meta.damaged("producers", &reason))?;
        }
        producers.committed(&recovered.keyed);
        Self::start(settings, runtime, identity, recovered, trim_points, producers)
    }

    fn start(
        settings: JournalSettings,
        runtime: Runtime,
        identity: Identity,
        recovered: Recovered,
        trim_points: Vec<(PartitionId, Lsn)>,
        producers: PartitionProducers,
    ) -> Result<Self, OpenError> {
        let Recovered { files, next_sequence, next_group, .. } = recovered;
        let mut partitions: BTreeMap<PartitionId, PartitionState> = trim_points
            .into_iter()
            .map(|(partition, trim_point)| {
                (partition, PartitionState { tail_offset: 0, trim_point })
            })
            .collect();
        for partition in files.iter().flat_map(|file| file.runs.keys()) {
            partitions.entry(*partition).or_default();
        }
        let epoch = identity.epoch;
        let journal_dir = settings.dir.join("journal");
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.write_buffer_max_bytes),
            journal_dir: journal_dir.clone(),
            schemas: Mutex::default(),
            index: RwLock::new(Index { epoch, files, partitions, last_is_active: false }),
            counters: Mutex::default(),
            producers: Mutex::new(producers),
            trimming: Mutex::new(()),
            free_space: Mutex::new(None),
            settings,
            runtime,
        });
        // A crash may have come between the durable trim point and the removal of the files.
        shared.remove_trimmed()?;
        let writer = Writer {
            shared: Arc::clone(&shared),
            journal_dir,
            store_id: identity.store_id,
            epoch,
            next_sequence,
            next_group,
            active: None,
            next_offsets: HashMap::new(),
            buffer: Vec::new(),
        };
        let threads = Arc::clone(&shared.runtime.threads);
        let running = threads.spawn("varve-journal", Box::new(move || writer.run()));
        let writer = Mutex::new(Some(running.map_err(OpenError::Thread)?));
        Ok(Self { shared, writer })
    }

    /// How the journal is doing.
    pub fn status(&self) -> JournalStatus {
        let shared = &self.shared;
        let index = shared.index.read();
        let counters = shared.counters.lock();
        let partitions = index.partitions.iter().map(|(partition, state)| PartitionStatus {
            partition: *partition,
            tail: index.tail(*partition),
            trim_point: state.trim_point,
            held_records: index.held_records(*partition, state.trim_point),
        });
        JournalStatus {
            epoch: index.epoch,
            files: index.files.len() as u64,
            bytes: index.files.iter().map(|file| file.end).sum(),
            oldest_file_held_by: index.oldest_is_held_by(),
            waiting_bytes: shared.queue.waiting_bytes(),
            groups_total: counters.groups_total,
            records_total: counters.records_total,
            duplicates_total: counters.duplicates_total,
            keys_remembered: shared.producers.lock().keys_len() as u64,
            group_bytes_total: counters.group_bytes_total,
            syncs_total: counters.syncs_total,
            sync_us_total: counters.sync_us_total,
            last_sync_us: counters.last_sync_us,
            max_sync_us: counters.max_sync_us,
            read_only: shared.queue.read_only(),
            trim_error: counters.trim_error.clone(),
            partitions: partitions.collect(),
        }
    }
}

impl Shared {
    /// Makes a group's records readable: it is on disk.
    fn committed(&self, entries: GroupEntries, group_bytes: u64, end: u64) {
        {
            let mut counters = self.counters.lock();
            counters.groups_total += 1;
            counters.records_total += entries.records.len() as u64;
            counters.group_bytes_total += group_bytes;
        }
        if !entries.keyed.is_empty() {
            self.producers.lock().committed(&entries.keyed);
        }
        self.index.write().commit(entries, end);
    }

    /// Takes nothing any more, and tells those who wait.
    fn refuse_for_ever(&self, reason: &Arc<str>) {
        let error = AppendError::ReadOnly { reason: Arc::clone(reason) };
        for request in self.queue.turn_read_only(reason) {
            request.refuse(&error);
        }
    }

    fn check_free_space(&self) -> Result<(), AppendError> {
        let min_bytes = self.settings.disk_free_min_bytes;
        let free_bytes = self.free_bytes();
        if free_bytes < min_bytes {
            return Err(AppendError::DiskFull { free_bytes, min_bytes });
        }
        Ok(())
    }

    /// What is free, as the disk said it a moment ago. A disk that does not say counts as empty:
    /// should it be full after all, the next file cannot be made, and that is what is told.
    fn free_bytes(&self) -> u64 {
        let now = self.runtime.clock.elapsed();
        let mut known = self.free_space.lock();
        if let Some(space) = *known
            && now.saturating_sub(space.asked_at) < FREE_CHECK_INTERVAL
        {
            return space.free_bytes;
        }
        let free_bytes = self.runtime.disk.free_bytes(&self.journal_dir).unwrap_or(u64::MAX);
        *known = Some(FreeSpace { asked_at: now, free_bytes });
        free_bytes
    }

    /// What one request may take.
    fn request_max_bytes(&self) -> u64 {
        let in_a_file = self.settings.group_max_bytes().saturating_sub(self.schemas_bytes());
        in_a_file.min(self.settings.write_buffer_max_bytes)
    }

    /// What several requests may take as one group.
    fn group_max_bytes(&self) -> u64 {
        GROUP_MAX_BYTES.min(self.request_max_bytes())
    }

    /// What the frames of all known schemas take.
    fn schemas_bytes(&self) -> u64 {
        self.schemas.lock().values().map(|bytes| frame_bytes(bytes.len() as u64)).sum()
    }
}

impl Log for Journal {
    fn register_schema(&self, schema_id: u32, bytes: Bytes) {
        self.shared.schemas.lock().insert(schema_id, bytes);
    }

    /// # Panics
    ///
    /// When a partition's number is not below the number of partitions: a fault of the caller.
    fn append(&self, records: Vec<Append>) -> Result<(), AppendError> {
        let partitions = self.shared.settings.partitions;
        for record in &records {
            let number = record.partition.number;
            assert!(number < partitions, "partition {number} of {partitions}");
        }
        if records.is_empty() {
            return Ok(());
        }
        let request = Request::new(records);
        let max_bytes = self.shared.request_max_bytes();
        if request.room_bytes > max_bytes {
            return Err(AppendError::TooLarge { size_bytes: request.room_bytes, max_bytes });
        }
        self.shared.check_free_space()?;
        self.shared.queue.push(request)
    }

    fn tail(&self, partition: PartitionId) -> Lsn {
        self.shared.index.read().tail(partition)
    }

    fn read(
        &self,
        partition: PartitionId,
        from: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<Record>, ReadError> {
        let extents = reader::plan(&self.shared.index.read(), partition, from, max_bytes)?;
        let mut records = Vec::with_capacity(extents.iter().map(reader::Extent::len).sum());
        for extent in extents {
            extent.read(partition, &mut records)?;
        }
        Ok(records)
    }

    fn trim(&self, up_to: &[(PartitionId, Lsn)]) {
        self.shared.trim(up_to);
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.shared.index.read().partitions.keys().copied().collect()
    }

    /// Must not be called from a `done`, which runs on the thread that this waits for.
    fn close(&self) {
        self.shared.queue.close();
        // The lock is kept meanwhile: a second caller returns no sooner than the first.
        let mut writer = self.writer.lock();
        if let Some(running) = writer.take() {
            running.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}
