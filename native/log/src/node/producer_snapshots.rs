//! What is known of producers, in a file that outlives the journal's files. It is written every so many
//! bytes of log, beside the log's thread: by the time that a file is trimmed, what it tells is mostly
//! there already, and it goes without appends that wait.

use bytes::Bytes;
use parking_lot::Mutex;
use std::{path::PathBuf, sync::Arc};
use varve_types::PartitionId;

use super::meta_files;
use crate::{
    meta::{Meta, MetaError},
    runtime::{Running, Runtime},
};

/// A snapshot is begun once so much was written since the last (log-core, section 8).
const EVERY_BYTES: u64 = 64 << 20;
const THREAD_NAME: &str = "varve-producers";

/// The tables of all partitions, as bytes.
pub(super) type Tables = Vec<(PartitionId, Bytes)>;

/// See the module.
pub(super) struct ProducerSnapshots {
    runtime: Runtime,
    data_dir: PathBuf,
    /// Bytes of log when the last one was begun.
    begun_at_bytes: u64,
    /// Files with lower numbers have no record that the snapshot on disk does not know.
    covers_below: u64,
    writing: Option<InWriting>,
}

/// One that is being written.
struct InWriting {
    covers_below: u64,
    outcome: Arc<Mutex<Option<Result<(), MetaError>>>>,
    thread: Box<dyn Running>,
}

impl ProducerSnapshots {
    pub(super) fn new(runtime: Runtime, data_dir: PathBuf) -> Self {
        Self { runtime, data_dir, begun_at_bytes: 0, covers_below: 0, writing: None }
    }

    /// Whether the next one is to be begun, with so many bytes of log written since the start.
    pub(super) fn is_due(&mut self, bytes: u64) -> bool {
        if self.writing.as_ref().is_some_and(|it| it.outcome.lock().is_some()) {
            self.finish();
        }
        self.writing.is_none() && bytes - self.begun_at_bytes >= EVERY_BYTES
    }

    /// Begins to write the tables, which know of all records in files below this number.
    pub(super) fn begin(&mut self, bytes: u64, covers_below: u64, tables: Tables) {
        self.finish();
        self.begun_at_bytes = bytes;
        let (runtime, data_dir) = (self.runtime.clone(), self.data_dir.clone());
        let outcome = Arc::new(Mutex::new(None));
        let told = Arc::clone(&outcome);
        let write = move || {
            let written = write(&runtime, &data_dir, &tables);
            *told.lock() = Some(written);
        };
        // Without a thread it is written when a file has to go.
        if let Ok(thread) = self.runtime.threads.spawn(THREAD_NAME, Box::new(write)) {
            self.writing = Some(InWriting { covers_below, outcome, thread });
        }
    }

    /// Waits for the one that is being written. Should it fail, the one before stays.
    fn finish(&mut self) {
        let Some(InWriting { covers_below, outcome, thread }) = self.writing.take() else { return };
        thread.join();
        if matches!(*outcome.lock(), Some(Ok(()))) {
            self.covers_below = covers_below;
        }
    }

    /// Makes sure that the files below `needed` may go. Writes the tables itself where no snapshot knows
    /// of all their records yet; these know of all in files below `covers_below`.
    pub(super) fn cover(
        &mut self,
        needed: u64,
        covers_below: u64,
        tables: impl FnOnce() -> Tables,
    ) -> Result<(), MetaError> {
        debug_assert!(needed <= covers_below, "only files that are closed go");
        if needed <= self.covers_below {
            return Ok(());
        }
        self.finish();
        if needed > self.covers_below {
            write(&self.runtime, &self.data_dir, &tables())?;
            self.covers_below = covers_below;
        }
        Ok(())
    }
}

impl Drop for ProducerSnapshots {
    /// Whoever opens the data directory next finds nobody who still writes into it.
    fn drop(&mut self) {
        self.finish();
    }
}

fn write(
    runtime: &Runtime,
    data_dir: &std::path::Path,
    tables: &[(PartitionId, Bytes)],
) -> Result<(), MetaError> {
    meta_files::write_producers(&Meta::of(&*runtime.disk, data_dir), tables)
}
