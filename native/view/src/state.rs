//! What appends, queries and sealing share.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use parking_lot::{Condvar, Mutex, RwLock};
use varve_log::Log;
use varve_types::{Lsn, PartitionId};

use crate::{
    compaction::{Compaction, CompactionStatus},
    error::AppendError,
    files::Folders,
    label_texts::LabelTexts,
    manifest::Manifest,
    memtable::{Memtables, TableKey},
    quarantine::Quarantined,
    retention::Retiring,
    room::{FullSince, Room},
    segment::Segment,
    segment_list::SegmentList,
    settings::StoreSettings,
    snapshot::Snapshot,
    timeline::Timeline,
};

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
    /// Told when the store closes; `signal` says so.
    pub(crate) stopping: Condvar,
    /// What retention knows of segments; one look at a time.
    pub(crate) retiring: Mutex<Retiring>,
    /// One merge at a time.
    pub(crate) compaction: Mutex<Compaction>,
    /// Segments that were replaced, whose files queries may still read.
    pub(crate) retired: Mutex<Vec<Arc<Segment>>>,
    /// Who sends is refused by it.
    pub(crate) full_since: Mutex<FullSince>,
    /// Appends that are not durable yet.
    pub(crate) appends_under_way: AtomicU64,
}

impl Shared {
    /// Whether there is work that others wait for.
    pub(crate) fn is_busy(&self) -> bool {
        self.appends_under_way.load(Ordering::Relaxed) > 0
            || self.state.read().memtables.bytes() > self.settings.memtable_max_bytes
    }

    /// Whether an append finds room now, or after some waiting; refuses where waiting is in vain: sealing
    /// fails, or has not made any for a while.
    pub(crate) fn room(&self) -> Result<Room, AppendError> {
        let max_bytes = self.settings.memtable_max_bytes;
        let (bytes, reason) = {
            let state = self.state.read();
            (state.memtables.bytes(), state.seal_error.clone())
        };
        let is_full = bytes > 2 * max_bytes;
        let is_stuck = self.full_since.lock().is_stuck(is_full, Instant::now());
        if is_stuck || (is_full && reason.is_some()) {
            return Err(AppendError::MemtablesFull { bytes, max_bytes, reason });
        }
        Ok(if is_full { Room::Soon } else { Room::Now })
    }
}

/// What queries read.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) memtables: Memtables,
    pub(crate) segments: HashMap<TableKey, SegmentList>,
    pub(crate) seals_total: u64,
    pub(crate) seal_error: Option<String>,
    /// Segments that are set aside, those that have no note too.
    pub(crate) quarantined: u64,
    /// Those that have one.
    pub(crate) quarantine: Vec<Quarantined>,
    /// What the log has lost before it was sealed, as far as replay met it.
    pub(crate) log_lost: Vec<String>,
    pub(crate) compaction: CompactionStatus,
    /// Of files that are gone: merged, expired or erased.
    pub(crate) freed_bytes_total: u64,
    /// Why retention could not look for what is due, or let it go.
    pub(crate) retention_error: Option<String>,
    /// Of segments that retention let go, and of what it took from others.
    pub(crate) expired_bytes_total: u64,
    /// Which position there was when.
    pub(crate) timeline: Timeline,
    /// What the manifest on disk covers.
    pub(crate) covered: BTreeMap<PartitionId, Lsn>,
}

impl State {
    /// One tenant's rows of one table.
    pub(crate) fn snapshot(&self, key: &TableKey) -> Snapshot {
        let segments = self.segments.get(key);
        Snapshot {
            segments: segments.map(|list| list.to_vec()).unwrap_or_default(),
            filters: segments.map(|list| list.filters().clone()).unwrap_or_default(),
            memtable: self.memtables.batches(key),
            ends: self.ends(),
            warnings: self.missing_from(key),
        }
    }

    /// A segment as queries see it now.
    pub(crate) fn shown(&self, key: &TableKey, id: u64) -> Option<&Arc<Segment>> {
        self.segments.get(key)?.iter().find(|one| one.id() == id)
    }

    /// Why answers about a tenant and table lack rows: a sentence for each segment set aside.
    pub(crate) fn missing_from(&self, key: &TableKey) -> Vec<String> {
        let of_table = |one: &&Quarantined| one.key() == *key;
        self.quarantine.iter().filter(of_table).map(Quarantined::warning).collect()
    }

    /// Per partition, the first place that is neither in a segment nor in a memtable.
    pub(crate) fn ends(&self) -> BTreeMap<PartitionId, Lsn> {
        let mut ends = self.covered.clone();
        if let Some(sealing) = &self.memtables.sealing {
            ends.extend(sealing.next());
        }
        ends.extend(self.memtables.active.next());
        ends
    }
}

/// What the sealing thread waits for.
#[derive(Default)]
pub(crate) struct Signal {
    pub(crate) stop: bool,
    /// A memtable is over its size.
    pub(crate) full: bool,
}
