//! The manifest: which segments there are, and which places of the log they cover.
//!
//! One JSON file, replaced as a whole: written beside, synced, renamed, its folder synced. What it
//! does not name is not part of the store. A copy follows it, for `varve store repair`: no start uses it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use varve_types::{Lsn, PartitionId};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    deletes::DeleteRequest,
    entry::SegmentEntry,
    error::OpenError,
    files::{Folders, below, replace, sync_folder},
};

const VERSION: u32 = 2;
/// It had no checksum.
const VERSION_OLDEST: u32 = 1;
const FILE: &str = "manifest.json";
const COPY: &str = "manifest.copy.json";
/// What a file begins with: then 16 hex digits, xxh3 of what follows the quote and comma behind them.
const CHECKSUM: &[u8] = b"{\"checksum\":\"";
const BEHIND_CHECKSUM: &[u8] = b"\",";

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

    /// The copy that was written after the manifest.
    pub(crate) fn read_copy(folders: &Folders) -> Result<Self, OpenError> {
        Self::read(&folders.manifest().join(COPY))
    }

    /// The manifest; unlike [`Self::open`] it makes none.
    pub(crate) fn read_main(folders: &Folders) -> Result<Self, OpenError> {
        Self::read(&Self::path(folders))
    }

    fn read(path: &Path) -> Result<Self, OpenError> {
        match fs::read(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(OpenError::Manifest { path: path.to_owned(), reason: "is missing".to_owned() })
            }
            Err(source) => Err(OpenError::Io { path: path.to_owned(), source }),
        }
    }

    pub(crate) fn path(folders: &Folders) -> PathBuf {
        folders.manifest().join(FILE)
    }

    pub(crate) fn copy_path(folders: &Folders) -> PathBuf {
        folders.manifest().join(COPY)
    }

    /// Whether the copy has the same bytes.
    pub(crate) fn is_copied(folders: &Folders) -> bool {
        let copy = fs::read(Self::copy_path(folders));
        copy.is_ok_and(|copy| fs::read(Self::path(folders)).is_ok_and(|main| main == copy))
    }

    /// Makes the copy anew, if it is not one.
    pub(crate) fn renew_copy(folders: &Folders) -> io::Result<()> {
        if Self::is_copied(folders) {
            return Ok(());
        }
        let bytes = fs::read(Self::path(folders))?;
        let folder = folders.manifest();
        replace(&folder, COPY, &bytes)?;
        sync_folder(&folder)
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Self, OpenError> {
        let wrong = |reason: String| OpenError::Manifest { path: path.to_owned(), reason };
        let is_sealed = match sealed(text) {
            Some((said, content)) if *said == digits(content) => true,
            Some(_) => return Err(wrong("is damaged: its checksum is another".to_owned())),
            None => false,
        };
        let content: Content =
            serde_json::from_slice(text).map_err(|error| wrong(format!("is damaged: {error}")))?;
        let version = content.version;
        if !(VERSION_OLDEST..=VERSION).contains(&version) {
            let (oldest, newest) = (VERSION_OLDEST, VERSION);
            let path = path.to_owned();
            return Err(OpenError::ManifestVersion { path, version, oldest, newest });
        }
        if version > VERSION_OLDEST && !is_sealed {
            return Err(wrong("is damaged: it has no checksum".to_owned()));
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

    /// Whether it names a segment.
    pub(crate) fn has(&self, id: u64) -> bool {
        self.segments.iter().any(|entry| entry.id == id)
    }

    /// Names a segment again that was set aside: before those of its table that were sealed later.
    pub(crate) fn put_back(&mut self, entry: SegmentEntry) {
        let is_later = |other: &SegmentEntry| {
            other.id > entry.id && other.tenant == entry.tenant && other.table == entry.table
        };
        let at = self.segments.iter().position(is_later).unwrap_or(self.segments.len());
        self.segments.insert(at, entry);
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
        let bytes = self.to_bytes()?;
        replace(folder, FILE, &bytes)?;
        sync_folder(folder)?;
        // The manifest is written; a copy that is not is made anew at the next start.
        drop(replace(folder, COPY, &bytes));
        Ok(())
    }

    /// The file's bytes.
    pub(crate) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let covered = self.covered.iter().map(|(&partition, &up_to)| Covered { partition, up_to });
        let content = Content {
            version: VERSION,
            next_id: self.next_id,
            covered: covered.collect(),
            segments: self.segments.clone(),
            deletes: self.deletes.clone(),
        };
        let content = serde_json::to_vec(&content)?;
        let fields = content.strip_prefix(b"{").unwrap_or(&content);
        let mut bytes = CHECKSUM.to_vec();
        bytes.extend_from_slice(&digits(fields));
        bytes.extend_from_slice(BEHIND_CHECKSUM);
        bytes.extend_from_slice(fields);
        Ok(bytes)
    }
}

/// The digits of a checksum.
fn digits(content: &[u8]) -> [u8; 16] {
    let mut digits = [0; 16];
    digits.copy_from_slice(format!("{:016x}", xxh3_64(content)).as_bytes());
    digits
}

/// The checksum's digits that a file begins with, and what they are of.
fn sealed(text: &[u8]) -> Option<(&[u8; 16], &[u8])> {
    let (digits, rest) = text.strip_prefix(CHECKSUM)?.split_first_chunk::<16>()?;
    Some((digits, rest.strip_prefix(BEHIND_CHECKSUM)?))
}

#[cfg(test)]
mod tests;
