//! Repairing a store that nobody has open: what can be made anew is, from a segment's own rows or from
//! the log; what cannot is set aside, and it is said what is lost.
//!
//! Nothing that is sound is touched. Files are written and synced before a manifest names them, and what
//! is set aside goes only after that, so a kill at any step leaves a store that opens, and the next repair
//! goes on. Ids stay: requests to erase name segments by them.

mod from_log;
mod rebuild;
mod report;

use std::{fs, sync::Arc};

use varve_log::Log;

use self::rebuild::Rebuilt;
pub use self::report::{Lost, RepairReport, RepairSettings, Repaired};
use crate::{
    check::{
        Depth, Part, ReadManifest, SegmentName, UpkeepError, UpkeepProgress, Verdict,
        read_manifest, verify, verify_all,
    },
    deletes,
    entry::SegmentEntry,
    files::{
        Folders, SegmentFiles, link_synced, make_folder, replace_synced, sync_folder, write_synced,
    },
    label_texts::LabelTexts,
    manifest::Manifest,
    orphans,
    quarantine::{self, Quarantined},
    sealing,
    segment::Segment,
};

/// Opens the log, when the first segment needs it; the error is why that failed.
pub type OpenLog<'a> = dyn FnMut() -> Result<Arc<dyn Log>, String> + 'a;

/// Mends a store as far as that goes. An error says that it went no further; what was mended is, and the
/// next repair goes on.
pub fn repair(
    settings: &RepairSettings,
    open_log: &mut OpenLog<'_>,
    progress: &UpkeepProgress,
) -> Result<RepairReport, UpkeepError> {
    Repair::new(settings, open_log, Steps::default())?.run(progress)
}

/// Counts what is durable after the other; tests stop at one, as a kill would.
#[derive(Default)]
struct Steps {
    #[cfg(test)]
    done: u32,
    #[cfg(test)]
    stop_at: Option<u32>,
}

impl Steps {
    #[cfg(test)]
    fn reached(&mut self) {
        self.done += 1;
        assert!(self.stop_at != Some(self.done), "killed at step {}", self.done);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests have something to look at")]
    const fn reached(&mut self) {}
}

struct Repair<'a> {
    settings: &'a RepairSettings,
    folders: Folders,
    manifest: Manifest,
    /// Why the manifest itself could not be read.
    copied_because: Option<String>,
    open_log: &'a mut OpenLog<'a>,
    log: Option<Result<Arc<dyn Log>, String>>,
    report: RepairReport,
    steps: Steps,
}

impl<'a> Repair<'a> {
    fn new(
        settings: &'a RepairSettings,
        open_log: &'a mut OpenLog<'a>,
        steps: Steps,
    ) -> Result<Self, UpkeepError> {
        let folders = Folders::new(&settings.data_dir);
        let (manifest, copied_because) = match read_manifest(&folders)? {
            ReadManifest::Main(manifest) => (manifest, None),
            ReadManifest::Copy(manifest, reason) => (manifest, Some(reason)),
        };
        let report = RepairReport::default();
        Ok(Self { settings, folders, manifest, copied_because, open_log, log: None, report, steps })
    }

    fn run(mut self, progress: &UpkeepProgress) -> Result<RepairReport, UpkeepError> {
        self.repair_manifest()?;
        let entries = self.manifest.segments.clone();
        let entries: Vec<&SegmentEntry> = entries.iter().collect();
        let workers = self.settings.workers;
        let verdicts = verify_all(&self.folders, &entries, Depth::Rows, workers, progress)?;
        self.report.segments = verdicts.len() as u64;
        let failed = UpkeepError::io(self.folders.quarantine());
        let notes = quarantine::read(&self.folders).map_err(failed)?;
        let mut fresh: Vec<Quarantined> = Vec::new();
        for (entry, verdict) in verdicts.into_iter().filter(|(_, one)| !one.faults.is_empty()) {
            if verdict.has(Part::Parquet) {
                let quarantined = Quarantined::now(entry, verdict.reason());
                self.set_aside(&quarantined)?;
                fresh.push(quarantined);
            } else {
                self.repair_beside(entry, &verdict)?;
            }
        }
        for one in &notes {
            if fresh.iter().any(|other| other.entry.id == one.entry.id) {
                continue;
            }
            if self.manifest.has(one.entry.id) {
                // An earlier repair put it back, and was killed before this.
                self.forget(one)?;
            } else {
                self.report.segments += 1;
                self.restore(one)?;
            }
        }
        for one in &fresh {
            self.restore(one)?;
        }
        self.remove_leftovers()?;
        Ok(self.report)
    }

    fn acts(&self) -> bool {
        !self.settings.dry_run
    }

    fn write_manifest(&mut self, next: Manifest) -> Result<(), UpkeepError> {
        if self.acts() {
            let folder = self.folders.manifest();
            next.write(&folder).map_err(UpkeepError::io(folder))?;
            self.steps.reached();
        }
        self.manifest = next;
        Ok(())
    }

    fn repair_manifest(&mut self) -> Result<(), UpkeepError> {
        let path = Manifest::path(&self.folders);
        if let Some(what) = self.copied_because.take() {
            self.write_manifest(self.manifest.clone())?;
            let how = "its copy is in its place".to_owned();
            self.report.repaired.push(Repaired { path, segment: None, what, how });
        } else if path.exists() && !Manifest::is_copied(&self.folders) {
            if self.acts() {
                let failed = UpkeepError::io(self.folders.manifest());
                Manifest::renew_copy(&self.folders).map_err(failed)?;
                self.steps.reached();
            }
            self.report.repaired.push(Repaired {
                path: Manifest::copy_path(&self.folders),
                segment: None,
                what: "it is not what the manifest is".to_owned(),
                how: "it is copied anew".to_owned(),
            });
        }
        Ok(())
    }

    /// Mends what is beside sound rows, and what the manifest says of them.
    fn repair_beside(
        &mut self,
        entry: &SegmentEntry,
        verdict: &Verdict,
    ) -> Result<(), UpkeepError> {
        let files = self.folders.segment(entry);
        let rebuilt = Rebuilt::of(entry, &files.parquet, self.settings)?;
        if self.acts() {
            if verdict.has(Part::Directory) {
                replace_synced(&files.directory, &rebuilt.directory)
                    .map_err(UpkeepError::io(&files.directory))?;
                self.steps.reached();
            }
            if let Some(text) = rebuilt.text.as_ref().filter(|_| verdict.has(Part::Text)) {
                replace_synced(&files.text, text).map_err(UpkeepError::io(&files.text))?;
                self.steps.reached();
            }
            let size_bytes = files.total_bytes().map_err(UpkeepError::io(&files.directory))?;
            let now = SegmentEntry { size_bytes, ..rebuilt.entry };
            if now != *entry {
                let mut next = self.manifest.clone();
                next.replace(&[entry.id], std::iter::once(now));
                self.write_manifest(next)?;
            }
        }
        for fault in &verdict.faults {
            let how = match fault.part {
                Part::Manifest => "it says what the files have",
                _ => "it is made anew from the rows",
            };
            self.report.repaired.push(Repaired {
                path: fault.path.clone(),
                segment: Some(SegmentName::of(entry)),
                what: fault.what.clone(),
                how: how.to_owned(),
            });
        }
        Ok(())
    }

    fn set_aside(&mut self, quarantined: &Quarantined) -> Result<(), UpkeepError> {
        if !self.acts() {
            return Ok(());
        }
        // The files first: what no manifest names is removed at a start.
        let failed = UpkeepError::io(self.folders.quarantine());
        quarantined.move_files(&self.folders).map_err(failed)?;
        self.steps.reached();
        let mut next = self.manifest.clone();
        next.replace(&[quarantined.entry.id], std::iter::empty());
        self.write_manifest(next)
    }

    /// Brings a segment back that is set aside, from its own rows or from the log.
    fn restore(&mut self, one: &Quarantined) -> Result<(), UpkeepError> {
        let entry = &one.entry;
        let files = if self.manifest.has(entry.id) {
            // In a dry run it stays there.
            self.folders.segment(entry)
        } else {
            Quarantined::files(entry, &self.folders)
        };
        let verdict = verify(&files, entry, Depth::Rows, &self.folders.manifest())?;
        let how = if verdict.has(Part::Parquet) {
            match self.take_from_log(one)? {
                Ok(()) => "its rows are taken from the log",
                Err(why) => {
                    self.lost(one, why);
                    return Ok(());
                }
            }
        } else {
            self.put_back(one, &files, &verdict)?;
            "it is back in its place: its rows are sound"
        };
        self.report.repaired.push(Repaired {
            path: Quarantined::note(entry, &self.folders),
            segment: Some(SegmentName::of(entry)),
            what: one.reason.clone(),
            how: how.to_owned(),
        });
        Ok(())
    }

    fn lost(&mut self, one: &Quarantined, why: String) {
        let (first_ms, last_ms) = one.times_ms();
        self.report.lost.push(Lost {
            tenant: one.entry.tenant.clone(),
            table: one.entry.table,
            segment: one.entry.id,
            records: one.entry.records,
            first_ms,
            last_ms,
            what: one.reason.clone(),
            why,
        });
    }

    /// Links a segment's sound files into its place, makes the others anew, and names it.
    fn put_back(
        &mut self,
        one: &Quarantined,
        from: &SegmentFiles,
        verdict: &Verdict,
    ) -> Result<(), UpkeepError> {
        if !self.acts() {
            return Ok(());
        }
        let rebuilt = Rebuilt::of(&one.entry, &from.parquet, self.settings)?;
        let to = self.folders.segment(&one.entry);
        let folder = self.folders.table(&one.entry.tenant, one.entry.table);
        make_folder(&folder, &self.folders.segments()).map_err(UpkeepError::io(&folder))?;
        link_synced(&from.parquet, &to.parquet).map_err(UpkeepError::io(&to.parquet))?;
        if verdict.has(Part::Directory) {
            let written = write_synced(&to.directory, &rebuilt.directory);
            written.map_err(UpkeepError::io(&to.directory))?;
        } else {
            link_synced(&from.directory, &to.directory).map_err(UpkeepError::io(&to.directory))?;
        }
        if let Some(text) = &rebuilt.text {
            if verdict.has(Part::Text) {
                write_synced(&to.text, text).map_err(UpkeepError::io(&to.text))?;
            } else {
                link_synced(&from.text, &to.text).map_err(UpkeepError::io(&to.text))?;
            }
        }
        sync_folder(&folder).map_err(UpkeepError::io(&folder))?;
        self.steps.reached();
        let size_bytes = to.total_bytes().map_err(UpkeepError::io(&to.parquet))?;
        self.name_again(one, SegmentEntry { size_bytes, ..rebuilt.entry })
    }

    /// Writes the segment anew of what the log has yet; or says why not.
    fn take_from_log(&mut self, one: &Quarantined) -> Result<Result<(), String>, UpkeepError> {
        if one.entry.log.is_empty() {
            let why = "which records of the log it had is not known: an older version wrote it";
            return Ok(Err(why.to_owned()));
        }
        let log = self.log.get_or_insert_with(&mut *self.open_log);
        let rows = match log {
            Ok(log) => from_log::rows(&**log, &one.entry),
            Err(why) => return Ok(Err(format!("the log cannot be opened: {why}"))),
        };
        let rows = match rows {
            Ok(rows) => rows,
            Err(why) => return Ok(Err(why)),
        };
        if self.acts() {
            let entry = one.entry.clone();
            let indexes = (self.settings.text_block_rows, &self.settings.filter_attributes);
            let entry = SegmentEntry { rows: rows.batch.num_rows() as u32, ..entry };
            let entry = sealing::write_rows(&self.folders, entry, rows, indexes)?;
            self.steps.reached();
            self.name_again(one, entry)?;
        }
        Ok(Ok(()))
    }

    /// The manifest names the segment, whose files are in their place.
    fn name_again(&mut self, one: &Quarantined, entry: SegmentEntry) -> Result<(), UpkeepError> {
        let mut next = self.manifest.clone();
        let folder = self.folders.table(&entry.tenant, entry.table);
        let segment = Segment::open(entry.clone(), &folder, &LabelTexts::default())?;
        deletes::catch_up(&mut next, &segment, one.at_ms)
            .map_err(|error| UpkeepError::Write(error.to_string()))?;
        next.put_back(entry);
        self.write_manifest(next)?;
        self.forget(one)
    }

    fn forget(&mut self, one: &Quarantined) -> Result<(), UpkeepError> {
        if self.acts() {
            one.forget(&self.folders).map_err(UpkeepError::io(self.folders.quarantine()))?;
            self.steps.reached();
        }
        Ok(())
    }

    fn remove_leftovers(&mut self) -> Result<(), UpkeepError> {
        let failed = UpkeepError::io(self.folders.segments());
        let orphans = orphans::find(&self.manifest, &self.folders).map_err(failed)?;
        for path in orphans {
            if self.acts() {
                fs::remove_file(&path).map_err(UpkeepError::io(&path))?;
                self.steps.reached();
            }
            self.report.removed.push(path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
