//! The manifest: which segments there are, and which places of the log they cover.
//!
//! One JSON file, replaced as a whole: written beside, synced, renamed, its folder synced. What it
//! does not name is not part of the store.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use varve_types::{Lsn, PartitionId, Table, TenantId};

use crate::{
    deletes::DeleteRequest,
    error::OpenError,
    files::{Folders, below, sync_folder, write_synced},
};

const VERSION: u32 = 1;
const FILE: &str = "manifest.json";

/// One segment of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SegmentEntry {
    /// Unique in a store, ascending in the order of sealing.
    pub(crate) id: u64,
    pub(crate) tenant: TenantId,
    pub(crate) table: Table,
    /// Of the Parquet file.
    pub(crate) rows: u32,
    /// Of the log: rows, or samples.
    pub(crate) records: u64,
    pub(crate) time_range: (i64, i64),
    /// All of its files.
    pub(crate) size_bytes: u64,
    /// When it was written, in milliseconds since the epoch; 0 where an older version wrote it.
    #[serde(default)]
    pub(crate) sealed_at_ms: i64,
}

/// The first place of a partition that no segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Covered {
    pub(crate) partition: PartitionId,
    pub(crate) up_to: Lsn,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) next_id: u64,
    pub(crate) covered: BTreeMap<PartitionId, Lsn>,
    pub(crate) segments: Vec<SegmentEntry>,
    /// Requests to erase, the oldest first.
    pub(crate) deletes: Vec<DeleteRequest>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    version: u32,
    next_id: u64,
    covered: Vec<Covered>,
    segments: Vec<SegmentEntry>,
    #[serde(default)]
    deletes: Vec<DeleteRequest>,
}

impl Manifest {
    /// Reads the manifest. A store without segments gets its first one.
    pub(crate) fn open(folders: &Folders) -> Result<Self, OpenError> {
        let folder = folders.manifest();
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let segments = folders.segments();
                let files =
                    below(&segments).map_err(|source| OpenError::Io { path: segments, source })?;
                if !files.is_empty() {
                    // Never taken for a new store: what no manifest names is removed.
                    let reason =
                        format!("is missing, but there are {} files of segments", files.len());
                    return Err(OpenError::Manifest { path, reason });
                }
                let first = Self::default();
                first.write(&folder).map_err(|source| OpenError::Io { path, source })?;
                Ok(first)
            }
            Err(source) => Err(OpenError::Io { path, source }),
        }
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Self, OpenError> {
        let wrong = |reason: String| OpenError::Manifest { path: path.to_owned(), reason };
        let content: Content =
            serde_json::from_slice(text).map_err(|error| wrong(format!("is damaged: {error}")))?;
        if content.version != VERSION {
            return Err(wrong(format!(
                "has version {}, this program reads {VERSION}",
                content.version
            )));
        }
        Ok(Self {
            next_id: content.next_id,
            covered: content.covered.into_iter().map(|one| (one.partition, one.up_to)).collect(),
            segments: content.segments,
            deletes: content.deletes,
        })
    }

    /// An id that no segment had or will have.
    pub(crate) fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Puts segments in the place of others.
    pub(crate) fn replace(&mut self, ids: &[u64], by: impl Iterator<Item = SegmentEntry>) {
        let is_replaced = |entry: &SegmentEntry| ids.contains(&entry.id);
        let at = self.segments.iter().position(is_replaced).unwrap_or(self.segments.len());
        self.segments.retain(|entry| !is_replaced(entry));
        self.segments.splice(at..at, by);
    }

    /// Replaces the manifest; when it returns, this one is what a restart reads.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let covered = self.covered.iter().map(|(&partition, &up_to)| Covered { partition, up_to });
        let content = Content {
            version: VERSION,
            next_id: self.next_id,
            covered: covered.collect(),
            segments: self.segments.clone(),
            deletes: self.deletes.clone(),
        };
        let beside: PathBuf = folder.join("manifest.json.new");
        write_synced(&beside, &serde_json::to_vec(&content)?)?;
        fs::rename(&beside, folder.join(FILE))?;
        sync_folder(folder)
    }
}
