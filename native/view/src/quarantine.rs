//! Segments that were found damaged: set aside, told in the status and in every answer that lacks
//! their rows, and kept for `varve store repair`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    compaction::now_ms,
    error::DamagedSegment,
    files::{Folders, below, sync_folder, write_synced},
    manifest::SegmentEntry,
    memtable::TableKey,
    state::Shared,
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

    /// What is missing from answers, and why, in one sentence.
    pub(crate) fn warning(&self) -> String {
        let SegmentEntry { id, table, records, time_range: (first, last), .. } = &self.entry;
        let (first_ms, last_ms) = (first / table.times_per_ms(), last / table.times_per_ms());
        format!(
            "{records} records of {} from {first_ms} to {last_ms} ms are missing: segment {id} is set \
             aside ({}); 'varve store repair' may bring them back",
            table.name(),
            self.reason,
        )
    }

    /// The names of a segment's files in `quarantine/`.
    pub(crate) fn files(entry: &SegmentEntry, folders: &Folders) -> Vec<(PathBuf, PathBuf)> {
        let aside = folders.quarantine();
        let files = folders.segment(entry).all().into_iter();
        files
            .map(|file| {
                let extension = file.extension().unwrap_or_default().to_string_lossy();
                let name = aside.join(format!("{}.{extension}", stem(entry)));
                (file, name)
            })
            .collect()
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
        for (file, name) in Self::files(&self.entry, folders) {
            match fs::rename(&file, name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        sync_folder(&aside)
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

impl Shared {
    /// See [`crate::Store::set_aside`].
    pub(crate) fn set_aside(&self, damaged: &DamagedSegment, reason: &str) -> io::Result<()> {
        let mut manifest = self.manifest.lock();
        let is_it = |entry: &&SegmentEntry| entry.id == damaged.segment;
        let Some(entry) = manifest.segments.iter().find(is_it).cloned() else {
            // It is merged, expired, or set aside by another query: the next snapshot is without it.
            return Ok(());
        };
        let quarantined = Quarantined::now(&entry, reason.to_owned());
        // The files first: what no manifest names is removed at a start.
        quarantined.move_files(&self.folders)?;
        let mut next = manifest.clone();
        next.replace(&[entry.id], std::iter::empty());
        next.write(&self.folders.manifest())?;
        *manifest = next;
        let mut state = self.state.write();
        if let Some(segments) = state.segments.get_mut(&quarantined.key()) {
            segments.replace(&[entry.id], &[]);
        }
        state.quarantined += 1;
        state.quarantine.push(quarantined);
        Ok(())
    }
}
