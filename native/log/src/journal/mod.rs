//! A disk's journal: frames of any partition and epoch go in by groups, each synced before the next is
//! written, and are found again by partition, epoch and offset.
//!
//! One [`Writer`] writes; [`Files`] is for all who read. Nothing here assigns places, knows who waits,
//! or decides what may be shown: that is the business of who drives it. `docs/format.md`, "Journal",
//! has the format; ADR 3 says why a group is there whole or not at all.

mod checkpoint;
mod damage;
mod entries;
mod file_header;
mod files;
mod frame;
mod frame_header;
mod group;
mod index;
mod lag;
mod next_file;
mod open_error;
mod partition_states;
mod reader;
mod recovery;
mod scan;
mod scanned_group;
mod settings;
mod space;
mod spares;
mod status;
mod trim;
mod window;
mod writer;

use std::sync::Arc;
use varve_types::PartitionId;

use crate::{meta::Meta, producers::CommittedRecord, runtime::Runtime};
use files::Next;
use index::Index;

pub use damage::{CutTail, Damage, LostRange};
pub use files::{Files, HeldEpoch};
pub use frame::{Frame, FrameKind};
pub use lag::Lag;
pub use open_error::OpenError;
pub use settings::FileSettings;
pub use space::{DiskReserve, DiskShortage, DiskStatus};
pub use status::{FileCounters, FilesStatus, SYNC_BOUNDS_US};
pub use writer::{Claim, Room, WriteError, Writer};

/// An open journal.
pub struct Opened {
    /// Writes into it. It begins with a new file.
    pub writer: Writer,
    /// Reads from it.
    pub files: Arc<Files>,
    /// Drawn once per disk.
    pub store_id: u128,
    /// Records with a session or a key, in the order of the journal.
    pub producers: Vec<(PartitionId, CommittedRecord)>,
}

/// Opens the journal in the data directory, makes one if there is none, and cuts a torn tail. What it
/// found is durable. `store_id`: whose it must be, if that is known. The caller holds the directory's
/// [`crate::DataDirLock`].
pub fn open(
    settings: FileSettings,
    runtime: Runtime,
    store_id: Option<u128>,
) -> Result<Opened, OpenError> {
    settings.check()?;
    let disk = Arc::clone(&runtime.disk);
    let meta = Meta::of(&*disk, &settings.dir);
    let journal_dir = settings.journal_dir();
    let made = disk.create_dir_all(&journal_dir).and_then(|()| disk.create_dir_all(meta.dir()));
    made.map_err(|source| OpenError::Io { path: settings.dir.clone(), source })?;
    let mut index = Index::default();
    let mut next = Next { sequence: 1, group: 1 };
    if let Some(states) = meta.read(partition_states::NAME, partition_states::MAGIC)? {
        (index.partitions, next) = partition_states::decode(&states);
    }
    let recovered = recovery::recover(&*disk, &journal_dir, (store_id, next), &mut index)?;
    let store_id = recovered.store_id.unwrap_or_else(|| disk.new_store_id());
    let files = Arc::new(Files::new(settings, runtime, store_id, index, recovered.next));
    for path in recovered.spares {
        let kept = files.found_spare(path.clone());
        kept.map_err(|source| OpenError::Io { path, source })?;
    }
    let writer = Writer::new(Arc::clone(&files));
    Ok(Opened { writer, files, store_id, producers: recovered.producers })
}
