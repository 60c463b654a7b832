//! The log of one node on one disk: a queue, a thread that drives the protocol's machines, and the
//! answers. It is the protocol with a nodeset of one: at each start the last epoch of every partition is
//! sealed, digested and closed, and the next one opened, by the same machines as in a cluster.

mod control_store;
mod errand;
mod frames;
mod machines;
mod meta_files;
mod places;
mod producer_snapshots;
mod queue;
mod settings;
mod status;
mod timers;
mod trim;
mod waiting;
mod writing;

use bytes::Bytes;
use parking_lot::Mutex;
use std::{ops::Range, sync::Arc};
use varve_types::{Lsn, PartitionId};

use crate::{
    Append, AppendError, CoordinatorsError, HoldStatus, Log, ReadError, Record, SessionId,
    Subscribe, SubscribeError, Subscription,
    ids::Coordinators,
    journal::{self, Files, Frame, OpenError, Opened},
    meta::Meta,
    producers::PartitionProducers,
    protocol::{Hold, HoldError, Incarnation, Snapshot},
    runtime::{Running, Runtime},
    subscription::{ALONE, BEGIN, Source},
};
use control_store::ControlStore;
use machines::{MachineSettings, Machines, Stopped};
use meta_files::{Identity, MadeWith};
use places::Places;
use queue::{Queue, Request};
use status::MachineStatus;
use writing::Writing;

pub use settings::JournalSettings;
pub use status::{JournalStatus, PartitionStatus};

/// Requests are gathered into one group up to this. Larger groups do not sync faster per byte
/// (measured: 1.3 GB/s at 1 MiB), they only let the first in them wait longer.
const GROUP_MAX_BYTES: u64 = 4 << 20;

/// The log on one disk.
pub struct Journal {
    shared: Arc<Shared>,
    coordinators: Coordinators,
    writing: Mutex<Option<Box<dyn Running>>>,
}

/// What the log's thread and the callers share.
struct Shared {
    settings: JournalSettings,
    runtime: Runtime,
    incarnation: u64,
    files: Arc<Files>,
    queue: Queue,
    places: Places,
    duplicates_total: Mutex<u64>,
    machine_status: Mutex<MachineStatus>,
}

impl Journal {
    /// Opens the log in the data directory, makes one if there is none, cuts a torn tail, and opens the
    /// next epoch of each partition. The caller holds the directory's [`crate::DataDirLock`].
    pub fn open(settings: JournalSettings, runtime: Runtime) -> Result<Self, OpenError> {
        settings.check()?;
        let disk = Arc::clone(&runtime.disk);
        let coordinators = Coordinators::new(
            Arc::clone(&disk),
            Arc::clone(&runtime.clock),
            settings.dir.join("counters"),
            settings.coordinator_count,
        );
        let coordinators = coordinators.map_err(|error| cannot_start(&error))?;
        let meta = Meta::of(&*disk, &settings.dir);
        let identity = meta_files::read_identity(&meta)?;
        if let Some(known) = identity {
            known.made_with.check(&settings)?;
        }
        let store_id = identity.map(|known| known.store_id);
        let Opened { mut writer, files, store_id, producers } =
            journal::open(settings.of_files(), runtime.clone(), store_id)?;
        let control = ControlStore::open(Arc::clone(&disk), settings.dir.clone())?;
        // Either file may be lost: the other still knows of the lives before.
        let known = identity.map_or(0, |known| known.incarnation);
        let incarnation = known.max(control.newest_incarnation()) + 1;
        let made_with = MadeWith::of(&settings);
        meta_files::write_identity(&meta, Identity { store_id, incarnation, made_with })?;
        let mut tables = PartitionProducers::new(settings.producers);
        for (partition, snapshot) in meta_files::read_producers(&meta)? {
            let restored = tables.restore(partition, &snapshot);
            restored.map_err(|reason| meta.damaged("producers", &reason))?;
        }
        tables.committed(&producers);
        let machine_settings = MachineSettings {
            me: Incarnation { node: ALONE, number: incarnation },
            epoch_timeout_ms: settings.epoch_timeout_ms,
            producers: settings.producers,
        };
        let mut machines = Machines::new(
            machine_settings,
            control,
            Arc::clone(&files),
            runtime.clone(),
            settings.dir.clone(),
        );
        machines.bring_up(tables.into_tables())?;
        machines.settle(&mut writer).map_err(|stopped| match stopped {
            Stopped::Journal(reason) => OpenError::Write { reason },
            Stopped::Meta(error) => error.into(),
        })?;
        if let Some(shortage) = &machines.stalled {
            return Err(OpenError::Write { reason: Arc::from(shortage.to_string()) });
        }
        // A crash may have come between the durable trim point and the removal of the files.
        machines.remove_trimmed()?;
        let news = std::mem::take(&mut machines.news);
        let places = Places::default();
        places.show(news.tails, news.lists);
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.write_buffer_max_bytes),
            incarnation,
            files,
            places,
            duplicates_total: Mutex::new(0),
            machine_status: Mutex::new(MachineStatus::of(&machines)),
            settings,
            runtime,
        });
        let writing = Writing::new(Arc::clone(&shared), writer, machines);
        let threads = Arc::clone(&shared.runtime.threads);
        let running = threads.spawn("varve-log", Box::new(move || writing.run()));
        let writing = Mutex::new(Some(running.map_err(OpenError::Thread)?));
        Ok(Self { shared, coordinators, writing })
    }
}

fn cannot_start(reason: &impl ToString) -> OpenError {
    OpenError::Settings { reason: reason.to_string() }
}

impl Shared {
    /// Of a partition that has no epoch yet: the begin of its first.
    fn tail(&self, partition: PartitionId) -> Lsn {
        self.places.tail(partition).unwrap_or(BEGIN)
    }

    /// Frames from the journal; who comes too late for them is told where to boot from.
    fn read(
        &self,
        partition: PartitionId,
        range: Range<Lsn>,
        max_bytes: u64,
    ) -> Result<Vec<Frame>, ReadError> {
        let from = range.start.max(BEGIN);
        let read = self.files.read(partition, from, range.end, max_bytes);
        read.map_err(|error| match error {
            ReadError::Trimmed { partition, trim_point, .. } => {
                let snapshot = self.places.newest_snapshot(partition);
                ReadError::Trimmed { partition, trim_point, snapshot }
            }
            other => other,
        })
    }
}

impl Log for Journal {
    fn register_schema(&self, schema_id: u32, bytes: Bytes) {
        self.shared.files.register_schema(schema_id, bytes);
    }

    fn open_session(&self, producer: &[u8]) -> Result<SessionId, CoordinatorsError> {
        self.coordinators.open_session(producer).map(SessionId)
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
        let max_bytes = self.shared.files.group_max_bytes();
        if request.room_bytes > max_bytes {
            return Err(AppendError::TooLarge { size_bytes: request.room_bytes, max_bytes });
        }
        self.shared.files.check_space()?;
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
        let read = self.shared.read(partition, from..up_to, max_bytes)?;
        let placed = read.into_iter().filter_map(|frame| {
            let lsn = frame.lsn();
            Some(Record::placed(partition, lsn, frames::record_of(frame)?))
        });
        Ok(placed.collect())
    }

    fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError> {
        Subscription::open(Arc::clone(&self.shared) as Arc<dyn Source>, subscribe)
    }

    fn trim(&self, snapshot: &Snapshot, up_to: &[(PartitionId, Lsn)]) {
        self.shared.trim(snapshot, up_to);
    }

    fn hold(&self, hold: Hold) -> Result<(), HoldError> {
        self.shared.hold(hold)
    }

    fn release(&self, name: &str) -> Result<bool, HoldError> {
        self.shared.release(name)
    }

    fn holds(&self) -> Vec<HoldStatus> {
        self.shared.machine_status.lock().holds.clone()
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.shared.places.partitions()
    }

    /// Must not be called from a `done`, which runs on the thread that this waits for.
    fn close(&self) {
        self.shared.queue.close();
        // The lock is kept meanwhile: a second caller returns no sooner than the first.
        let mut writing = self.writing.lock();
        if let Some(running) = writing.take() {
            running.join();
        }
        self.shared.places.news.set_closed(true);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}
