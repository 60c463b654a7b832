//! Segments that were found damaged: set aside, told in the status and in every answer that lacks
//! their rows, and kept for `varve store repair`.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    clock::now_ms,
    entry::SegmentEntry,
    files::{Folders, SegmentFiles, below, sync_folder, write_synced},
    manifest::Manifest,
    memtable::TableKey,
};

/// A segment that is set aside. Its files are in `quarantine/`, and this beside them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quarantined {
    /// As the manifest had it.
    pub(crate) entry: SegmentEntry,
    /// What is wrong with it, with the file's name.
    pub(crate) reason: String,
    /// When that was found, milliseconds since the epoch.
    pub(crate) at_ms: i64,
}

impl Quarantined {
    pub(crate) fn now(entry: &SegmentEntry, reason: String) -> Self {
        Self { entry: entry.clone(), reason, at_ms: now_ms() }
    }

    pub(crate) fn key(&self) -> TableKey {
        (self.entry.tenant.clone(), self.entry.table)
    }

    /// First and last time of its rows, milliseconds since the epoch.
    pub(crate) fn times_ms(&self) -> (i64, i64) {
        let per_ms = self.entry.table.times_per_ms();
        (self.entry.time_range.0 / per_ms, self.entry.time_range.1 / per_ms)
    }

    /// What is missing for that, and why.
    pub(crate) fn loss(&self) -> String {
        let SegmentEntry { id, table, records, .. } = &self.entry;
        let (first_ms, last_ms) = self.times_ms();
        format!(
            "{records} records of {} from {first_ms} to {last_ms} ms are missing: segment {id} is set \
             aside ({})",
            table.name(),
            self.reason,
        )
    }

    /// What is missing from answers, and why, in one sentence.
    pub(crate) fn warning(&self) -> String {
        format!("{}; 'varve store repair' may bring them back", self.loss())
    }

    /// A segment's files in `quarantine/`.
    pub(crate) fn files(entry: &SegmentEntry, folders: &Folders) -> SegmentFiles {
        SegmentFiles::named(&folders.quarantine(), &stem(entry))
    }

    pub(crate) fn note(entry: &SegmentEntry, folders: &Folders) -> PathBuf {
        folders.quarantine().join(format!("{}.json", stem(entry)))
    }

    /// Moves the files out of the way; those that are gone are no matter.
    pub(crate) fn move_files(&self, folders: &Folders) -> io::Result<()> {
        let aside = folders.quarantine();
        fs::create_dir_all(&aside)?;
        let note = Self::note(&self.entry, folders);
        write_synced(&note, &serde_json::to_vec(self)?)?;
        let files = folders.segment(&self.entry).all();
        for (file, name) in files.iter().zip(Self::files(&self.entry, folders).all()) {
            match fs::rename(file, name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        sync_folder(&aside)
    }

    /// Removes the files and then what is said of them: the segment is whole in its place.
    pub(crate) fn forget(&self, folders: &Folders) -> io::Result<()> {
        for file in Self::files(&self.entry, folders).all() {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::remove_file(Self::note(&self.entry, folders))?;
        sync_folder(&folders.quarantine())
    }
}

fn stem(entry: &SegmentEntry) -> String {
    format!("{}-{}-{:016}", entry.tenant, entry.table.name(), entry.id)
}

/// All that is set aside. What has no note (an older version set it aside) is not named.
pub(crate) fn read(folders: &Folders) -> io::Result<Vec<Quarantined>> {
    let aside = folders.quarantine();
    if !aside.is_dir() {
        return Ok(Vec::new());
    }
    let is_note = |path: &Path| path.extension().is_some_and(|one| one == "json");
    let mut all = Vec::new();
    for path in below(&aside)?.into_iter().filter(|path| is_note(path)) {
        // One that a kill cut is not named; the files are there.
        all.extend(serde_json::from_slice::<Quarantined>(&fs::read(&path)?).ok());
    }
    all.sort_by_key(|one| one.entry.id);
    Ok(all)
}

/// Forgets segments that the manifest names, which is sound: a repair that put them back was cut before
/// its end.
pub(crate) fn forget_repaired(manifest: &Manifest, folders: &Folders) -> io::Result<()> {
    for one in read(folders)?.iter().filter(|one| manifest.has(one.entry.id)) {
        one.forget(folders)?;
    }
    Ok(())
}

/// How many segments are set aside.
pub(crate) fn count(folders: &Folders) -> io::Result<u64> {
    let aside = folders.quarantine();
    if !aside.is_dir() {
        return Ok(0);
    }
    let segments: BTreeSet<_> =
        below(&aside)?.into_iter().map(|file| file.with_extension("")).collect();
    Ok(segments.len() as u64)
}
