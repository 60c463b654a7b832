//! The manifest: which segments there are, and which places of the log they cover.
//!
//! One JSON file, replaced as a whole: written beside, synced, renamed, its folder synced. What it
//! does not name is not part of the store.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use varve_types::{Lsn, PartitionId, Table, TenantId};

use crate::error::OpenError;

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
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    version: u32,
    next_id: u64,
    covered: Vec<Covered>,
    segments: Vec<SegmentEntry>,
}

impl Manifest {
    /// Reads the manifest; an empty one where there is none yet.
    pub(crate) fn read(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(OpenError::Io { path, source }),
        };
        let wrong = |reason: String| OpenError::Manifest { path: path.clone(), reason };
        let content: Content =
            serde_json::from_slice(&text).map_err(|error| wrong(format!("is damaged: {error}")))?;
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
        })
    }

    /// Replaces the manifest; when it returns, this one is what a restart reads.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let covered = self.covered.iter().map(|(&partition, &up_to)| Covered { partition, up_to });
        let content = Content {
            version: VERSION,
            next_id: self.next_id,
            covered: covered.collect(),
            segments: self.segments.clone(),
        };
        let beside: PathBuf = folder.join("manifest.json.new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(&content)?)?;
        file.sync_all()?;
        fs::rename(&beside, folder.join(FILE))?;
        sync_folder(folder)
    }
}

/// Makes names that were made or removed in the folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
