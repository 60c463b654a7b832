//! The log of one node on one disk: a queue, a thread that writes what is in it, and the answers.
//!
//! The node leads every partition in an epoch of its own, which begins with its start; with no other
//! store, what its journal has is committed.

mod meta_files;
mod queue;
mod settings;
mod status;
mod trim;
mod writing;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::{collections::HashMap, sync::Arc};
use varve_types::{Epoch, Lsn, Offset, PartitionId};

use crate::{
    Append, AppendError, Log, ReadError, Record,
    journal::{self, Files, Frame, OpenError},
    meta::Meta,
    producers::PartitionProducers,
    runtime::{Running, Runtime},
};
use meta_files::Identity;
use queue::{Queue, Request};
use writing::Writing;

pub use settings::JournalSettings;
pub use status::{JournalStatus, PartitionStatus};

/// Requests are gathered into one group up to this. Larger groups do not sync faster per byte
/// (measured: 1.3 GB/s at 1 MiB), they only let the first in them wait longer.
const GROUP_MAX_BYTES: u64 = 4 << 20;

/// The log on one disk.
pub struct Journal {
    shared: Arc<Shared>,
    writing: Mutex<Option<Box<dyn Running>>>,
}

/// What the writing thread and the callers share.
struct Shared {
    settings: JournalSettings,
    runtime: Runtime,
    epoch: Epoch,
    files: Arc<Files>,
    queue: Queue,
    /// Committed tails of this epoch.
    tails: RwLock<HashMap<PartitionId, u64>>,
    producers: Mutex<PartitionProducers>,
    duplicates_total: Mutex<u64>,
    trimming: Mutex<()>,
    trim_error: Mutex<Option<Arc<str>>>,
}

impl Journal {
    /// Opens the journal in the data directory, makes one if there is none, cuts a torn tail, and
    /// starts a new epoch. The caller holds the directory's [`crate::DataDirLock`].
    pub fn open(settings: JournalSettings, runtime: Runtime) -> Result<Self, OpenError> {
        settings.check()?;
        let disk = Arc::clone(&runtime.disk);
        let meta = Meta::of(&*disk, &settings.dir);
        let identity = meta_files::read_identity(&meta)?;
        let store_id = identity.map(|known| known.store_id);
        let opened = journal::open(settings.of_files(), runtime.clone(), store_id)?;
        let newest = opened.files.newest_epoch().0;
        let epoch = identity.map_or(0, |known| known.epoch).max(newest) + 1;
        meta_files::write_identity(&meta, Identity { store_id: opened.store_id, epoch })?;
        let mut producers = PartitionProducers::new(settings.producers);
        for (partition, snapshot) in meta_files::read_producers(&meta)? {
            let restored = producers.restore(partition, &snapshot);
            restored.map_err(|reason| meta.damaged("producers", &reason))?;
        }
        producers.committed(&opened.producers);
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.write_buffer_max_bytes),
            epoch: Epoch(epoch),
            files: opened.files,
            tails: RwLock::default(),
            producers: Mutex::new(producers),
            duplicates_total: Mutex::new(0),
            trimming: Mutex::new(()),
            trim_error: Mutex::new(None),
            settings,
            runtime,
        });
        // A crash may have come between the durable trim point and the removal of the files.
        shared.remove_trimmed()?;
        let writing = Writing::new(Arc::clone(&shared), opened.writer);
        let threads = Arc::clone(&shared.runtime.threads);
        let running = threads.spawn("varve-journal", Box::new(move || writing.run()));
        let writing = Mutex::new(Some(running.map_err(OpenError::Thread)?));
        Ok(Self { shared, writing })
    }
}

impl Shared {
    fn tail(&self, partition: PartitionId) -> Lsn {
        let offset = self.tails.read().get(&partition).copied().unwrap_or_default();
        Lsn { epoch: self.epoch, offset: Offset(offset) }
    }

    fn check_free_space(&self) -> Result<(), AppendError> {
        let min_bytes = self.settings.disk_free_min_bytes;
        let free_bytes = self.files.free_bytes();
        if free_bytes < min_bytes {
            return Err(AppendError::DiskFull { free_bytes, min_bytes });
        }
        Ok(())
    }

    /// What one request may take.
    fn request_max_bytes(&self) -> u64 {
        self.files.group_max_bytes().min(self.settings.write_buffer_max_bytes)
    }
}

impl Log for Journal {
    fn register_schema(&self, schema_id: u32, bytes: Bytes) {
        self.shared.files.register_schema(schema_id, bytes);
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
        let request = Request::new(records, self.shared.epoch);
        let max_bytes = self.shared.request_max_bytes();
        if request.room_bytes > max_bytes {
            return Err(AppendError::TooLarge { size_bytes: request.room_bytes, max_bytes });
        }
        self.shared.check_free_space()?;
        self.shared.queue.push(request)
    }

    fn tail(&self, partition: PartitionId) -> Lsn {
        self.shared.tail(partition)
    }

    fn read(
        &self,
        partition: PartitionId,
        from: Lsn,
        max_bytes: u64,
    ) -> Result<Vec<Record>, ReadError> {
        let up_to = self.shared.tail(partition);
        let frames = self.shared.files.read(partition, from, up_to, max_bytes)?;
        Ok(frames.into_iter().filter_map(record).collect())
    }

    fn trim(&self, up_to: &[(PartitionId, Lsn)]) {
        self.shared.trim(up_to);
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.shared.files.partitions()
    }

    /// Must not be called from a `done`, which runs on the thread that this waits for.
    fn close(&self) {
        self.shared.queue.close();
        // The lock is kept meanwhile: a second caller returns no sooner than the first.
        let mut writing = self.writing.lock();
        if let Some(running) = writing.take() {
            running.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// What a frame that was appended by this log is to its readers. All of them have a tenant.
fn record(frame: Frame) -> Option<Record> {
    Some(Record {
        partition: frame.partition,
        lsn: frame.lsn(),
        tenant: frame.tenant?,
        schema_id: frame.schema_id,
        rows: frame.rows,
        append_time_ms: frame.append_time_ms,
        idempotency_key: frame.idempotency_key,
        payload: frame.payload,
    })
}
