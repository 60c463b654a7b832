//! What appends, queries and sealing share.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use parking_lot::{Condvar, Mutex, RwLock};
use varve_log::Log;
use varve_types::{Lsn, PartitionId};

use crate::{
    files::Folders,
    label_texts::LabelTexts,
    manifest::Manifest,
    memtable::{Memtables, TableKey},
    segment::Segment,
    settings::StoreSettings,
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
}

/// What queries read.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) memtables: Memtables,
    pub(crate) segments: HashMap<TableKey, Vec<Arc<Segment>>>,
    pub(crate) seals_total: u64,
    pub(crate) seal_error: Option<String>,
    pub(crate) quarantined: u64,
    /// What the log has lost before it was sealed, as far as replay met it.
    pub(crate) log_lost: Vec<String>,
    /// What the manifest on disk covers.
    pub(crate) covered: BTreeMap<PartitionId, Lsn>,
}

/// What the sealing thread waits for.
#[derive(Default)]
pub(crate) struct Signal {
    pub(crate) stop: bool,
    /// A memtable is over its size.
    pub(crate) full: bool,
}
