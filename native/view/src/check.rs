//! Checking a store that nobody has open: every file that the manifest names is read, and compared with
//! what the manifest and the files beside it say. Nothing is changed.

mod segment;

use std::{
    collections::HashSet,
    io,
    path::PathBuf,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    thread,
};

use parking_lot::Mutex;
use serde::Serialize;
use varve_segment::SegmentError;
use varve_text::TextError;
use varve_types::{ErrorCode, Table, TenantId};

pub(crate) use self::segment::{Verdict, verify};
use crate::{
    entry::SegmentEntry,
    error::{OpenError, SegmentReadError},
    files::{Folders, below},
    manifest::Manifest,
    orphans,
    quarantine::{self, Quarantined},
    sealing::SealError,
};

/// How closely segments are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Checksums of all bytes, the Parquet footer, and what files say of each other.
    Checksums,
    /// The rows too: every page is decoded, and what the indexes have is compared with the rows.
    Rows,
}

/// What is checked, and how.
#[derive(Clone, Debug)]
pub struct CheckSettings {
    /// The data directory; the caller holds its lock.
    pub data_dir: PathBuf,
    /// Only this tenant's segments.
    pub tenant: Option<TenantId>,
    /// How closely.
    pub depth: Depth,
    /// Segments that are read side by side, at least 1. Each takes a few batches of rows of memory.
    pub workers: usize,
}

/// How far a check, or the check that a repair begins with, has come.
#[derive(Debug, Default)]
pub struct UpkeepProgress {
    /// Segments that are done.
    pub segments: AtomicU64,
    /// Of so many.
    pub segments_total: AtomicU64,
    /// Bytes of those that are done, as the manifest has them.
    pub bytes: AtomicU64,
    /// Of so many.
    pub bytes_total: AtomicU64,
}

/// Which part of the store is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// The manifest, or what it says of a segment.
    Manifest,
    /// A segment's rows.
    Parquet,
    /// A segment's directory, with the filter of trace ids.
    Directory,
    /// A segment's text index.
    Text,
    /// A segment that is set aside.
    Quarantine,
    /// What a process that was killed left half made. It harms nothing.
    Leftover,
}

impl Part {
    /// What is to be done about it.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Manifest => "'varve store repair' corrects it",
            Self::Parquet => {
                "'varve store repair' takes its rows from the log where that has them yet, else sets the segment aside"
            }
            Self::Directory | Self::Text => "'varve store repair' makes it anew from the rows",
            Self::Quarantine => {
                "'varve store repair' brings it back where it can; else restore a backup"
            }
            Self::Leftover => "the next start or 'varve store repair' tidies it up",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub part: Part,
    /// Which segment it belongs to.
    pub segment: Option<SegmentName>,
    /// What is wrong with it.
    pub what: String,
    /// What is to be done.
    pub remedy: String,
}

impl Finding {
    fn of(part: Part, path: PathBuf, segment: Option<SegmentName>, what: String) -> Self {
        Self { path, part, segment, what, remedy: part.remedy().to_owned() }
    }
}

/// Which segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentName {
    /// Its id.
    pub id: u64,
    /// Whose.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
}

impl SegmentName {
    pub(crate) fn of(entry: &SegmentEntry) -> Self {
        Self { id: entry.id, tenant: entry.tenant.clone(), table: entry.table }
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Segments that were looked at.
    pub segments: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Rows that were decoded (for samples: chunks).
    pub rows: u64,
    /// What is wrong, the manifest first, then segments as the manifest names them.
    pub findings: Vec<Finding>,
    /// Whether something is damaged or lost; what is left over is neither.
    pub is_damaged: bool,
}

/// Why a store could not be checked or repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpkeepError {
    /// The manifest, or a folder.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file could not be read, and not because of what is in it.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The same of a text index.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Rows that a repair put together could not be written.
    #[error("{0}")]
    Write(String),
    /// The same.
    #[error("writing {path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl UpkeepError {
    /// The code that crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Open(error) => error.code(),
            _ => ErrorCode::Io,
        }
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl From<SealError> for UpkeepError {
    fn from(error: SealError) -> Self {
        Self::Write(error.to_string())
    }
}

impl From<SegmentReadError> for UpkeepError {
    fn from(error: SegmentReadError) -> Self {
        Self::Write(error.to_string())
    }
}

/// Which manifest can be read.
pub(crate) enum ReadManifest {
    Main(Manifest),
    /// The manifest itself cannot, for this reason.
    Copy(Manifest, String),
}

/// Reads the manifest, or its copy. A data directory that has none and no segments has an empty one.
pub(crate) fn read_manifest(folders: &Folders) -> Result<ReadManifest, OpenError> {
    let error = match Manifest::read_main(folders) {
        Ok(manifest) => return Ok(ReadManifest::Main(manifest)),
        Err(OpenError::Manifest { path, reason }) => {
            if let Ok(copy) = Manifest::read_copy(folders) {
                return Ok(ReadManifest::Copy(copy, reason));
            }
            OpenError::Manifest { path, reason }
        }
        Err(error) => return Err(error),
    };
    let is_new = !Manifest::path(folders).exists() && files_below(&folders.segments())?.is_empty();
    if is_new { Ok(ReadManifest::Main(Manifest::default())) } else { Err(error) }
}

/// Looks at a store. An error says that it could not be looked at.
pub fn check(
    settings: &CheckSettings,
    progress: &UpkeepProgress,
) -> Result<CheckReport, UpkeepError> {
    let folders = Folders::new(&settings.data_dir);
    let mut report = CheckReport::default();
    let manifest = match read_manifest(&folders) {
        Ok(ReadManifest::Main(manifest)) => manifest,
        Ok(ReadManifest::Copy(manifest, reason)) => {
            let what = format!("{reason}; its copy is whole");
            report.findings.push(Finding::of(Part::Manifest, Manifest::path(&folders), None, what));
            manifest
        }
        Err(OpenError::Manifest { path, reason }) => {
            let mut finding =
                Finding::of(Part::Manifest, path, None, format!("{reason}, and so is its copy"));
            "restore the data directory from a backup".clone_into(&mut finding.remedy);
            report.findings.push(finding);
            report.is_damaged = true;
            return Ok(report);
        }
        Err(error) => return Err(error.into()),
    };
    let is_wanted = |tenant: &TenantId| settings.tenant.as_ref().is_none_or(|one| one == tenant);
    let entries: Vec<&SegmentEntry> =
        manifest.segments.iter().filter(|entry| is_wanted(&entry.tenant)).collect();
    for (entry, verdict) in
        verify_all(&folders, &entries, settings.depth, settings.workers, progress)?
    {
        report.segments += 1;
        report.bytes += verdict.bytes;
        report.rows += verdict.rows;
        report.findings.extend(verdict.faults.into_iter().map(|fault| {
            Finding::of(fault.part, fault.path, Some(SegmentName::of(entry)), fault.what)
        }));
    }
    let aside = quarantine::read(&folders).map_err(UpkeepError::io(folders.quarantine()))?;
    for one in aside.iter().filter(|one| is_wanted(&one.entry.tenant)) {
        report.findings.push(aside_finding(one, &manifest, &folders));
    }
    if settings.tenant.is_none() {
        report.findings.extend(without_note(&folders, &aside)?);
    }
    report.findings.extend(leftovers(&folders, &manifest, settings.tenant.as_ref())?);
    report.is_damaged = report.findings.iter().any(|one| one.part != Part::Leftover);
    Ok(report)
}

fn aside_finding(one: &Quarantined, manifest: &Manifest, folders: &Folders) -> Finding {
    let (path, name) = (Quarantined::note(&one.entry, folders), Some(SegmentName::of(&one.entry)));
    if manifest.has(one.entry.id) {
        let what = "it is of a segment that is in its place".to_owned();
        return Finding::of(Part::Leftover, path, name, what);
    }
    Finding::of(Part::Quarantine, path, name, one.loss())
}

/// Files that an older version set aside, without a note of what they are.
fn without_note(folders: &Folders, aside: &[Quarantined]) -> Result<Vec<Finding>, UpkeepError> {
    let mut files = files_below(&folders.quarantine())?;
    let noted: HashSet<PathBuf> =
        aside.iter().map(|one| Quarantined::note(&one.entry, folders)).collect();
    files.retain(|path| !noted.contains(&path.with_extension("json")));
    files.sort();
    let finding = |path| Finding {
        path,
        part: Part::Quarantine,
        segment: None,
        what: "it is set aside, and no note tells what it is".to_owned(),
        remedy: "read it with other tools, then remove it".to_owned(),
    };
    Ok(files.into_iter().map(finding).collect())
}

/// What a process that was killed left half made.
fn leftovers(
    folders: &Folders,
    manifest: &Manifest,
    tenant: Option<&TenantId>,
) -> Result<Vec<Finding>, UpkeepError> {
    let unnamed =
        |path: PathBuf| Finding::of(Part::Leftover, path, None, "no manifest names it".to_owned());
    let mut orphans =
        orphans::find(manifest, folders).map_err(UpkeepError::io(folders.segments()))?;
    let of_tenant = tenant.map(|tenant| folders.segments().join(tenant.as_str()));
    orphans.retain(|path| of_tenant.as_ref().is_none_or(|folder| path.starts_with(folder)));
    let mut found: Vec<Finding> = orphans.into_iter().map(unnamed).collect();
    if tenant.is_some() {
        return Ok(found);
    }
    if Manifest::read_main(folders).is_ok() && !Manifest::is_copied(folders) {
        let what = "it is not what the manifest is".to_owned();
        found.push(Finding::of(Part::Leftover, Manifest::copy_path(folders), None, what));
    }
    Ok(found)
}

/// The files below a folder that may not be there.
fn files_below(folder: &std::path::Path) -> Result<Vec<PathBuf>, OpenError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    below(folder).map_err(|source| OpenError::Io { path: folder.to_owned(), source })
}

/// Looks at segments side by side; verdicts in their order.
pub(crate) fn verify_all<'a>(
    folders: &Folders,
    entries: &[&'a SegmentEntry],
    depth: Depth,
    workers: usize,
    progress: &UpkeepProgress,
) -> Result<Vec<(&'a SegmentEntry, Verdict)>, UpkeepError> {
    progress.segments_total.fetch_add(entries.len() as u64, Ordering::Relaxed);
    let bytes_total = entries.iter().map(|entry| entry.size_bytes).sum();
    progress.bytes_total.fetch_add(bytes_total, Ordering::Relaxed);
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::with_capacity(entries.len()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(&entry) = entries.get(at) else { return Ok(()) };
            let verdict = verify(&folders.segment(entry), entry, depth, &folders.manifest());
            let verdict = verdict.inspect_err(|_| next.store(entries.len(), Ordering::Relaxed))?;
            progress.segments.fetch_add(1, Ordering::Relaxed);
            progress.bytes.fetch_add(entry.size_bytes, Ordering::Relaxed);
            verdicts.lock().push((at, verdict));
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..workers.min(entries.len())).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()];
        all.extend(others.into_iter().map(|other| {
            // What a damaged file makes panic is caught where it is read.
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }));
        all.into_iter().collect::<Result<Vec<()>, UpkeepError>>()
    })?;
    let mut verdicts = verdicts.into_inner();
    verdicts.sort_unstable_by_key(|(at, _)| *at);
    let named = verdicts.into_iter().filter_map(|(at, verdict)| Some((*entries.get(at)?, verdict)));
    Ok(named.collect())
}
