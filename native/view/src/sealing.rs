//! Sealing: a memtable's rows become segments, then the manifest names them, then the log is trimmed.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::array::AsArray;
use varve_segment::{LogPart, SegmentError, cluster, write_parquet};
use varve_text::TextError;
use varve_types::{Table, TenantId};

use crate::{
    manifest::{Manifest, SegmentEntry, sync_folder},
    memtable::{Memtable, TableKey},
    segment::{Segment, SegmentFiles},
    snapshot::MemtableBatch,
};

/// Why a sealing failed. The memtable is still there, and what was written is removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("writing {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("a segment just written cannot be read: {0}")]
    Unreadable(String),
}

/// Where segments and manifest are.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    root: PathBuf,
}

impl Folders {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.root.join("manifest")
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    pub(crate) fn table(&self, tenant: &TenantId, table: Table) -> PathBuf {
        self.segments().join(tenant.as_str()).join(table.name())
    }
}

/// What a sealing made.
pub(crate) struct Sealed {
    pub(crate) manifest: Manifest,
    pub(crate) segments: Vec<(TableKey, Arc<Segment>)>,
}

/// Writes a segment for every tenant and table of the memtable, and the manifest that names them.
pub(crate) fn seal(
    memtable: &Memtable,
    before: &Manifest,
    folders: &Folders,
    text_block_rows: u32,
) -> Result<Sealed, SealError> {
    let mut manifest = before.clone();
    let mut segments = Vec::new();
    let mut tables: Vec<_> = memtable.tables().collect();
    tables.sort_unstable_by_key(|(key, _)| *key);
    for (key, batches) in tables {
        let id = manifest.next_id;
        manifest.next_id += 1;
        let segment = write_segment(id, key, batches, folders, text_block_rows)?;
        manifest.segments.push(segment.entry().clone());
        segments.push((key.clone(), Arc::new(segment)));
    }
    manifest.covered.extend(memtable.next());
    let folder = folders.manifest();
    manifest.write(&folder).map_err(|source| SealError::Io { path: folder, source })?;
    Ok(Sealed { manifest, segments })
}

fn write_segment(
    id: u64,
    (tenant, table): &TableKey,
    batches: &[MemtableBatch],
    folders: &Folders,
    text_block_rows: u32,
) -> Result<Segment, SealError> {
    let mut parts: Vec<LogPart> = batches
        .iter()
        .map(|one| LogPart {
            partition: one.partition.number,
            lsn: one.lsn,
            batch: one.batch.clone(),
        })
        .collect();
    parts.sort_by_key(|part| (part.partition, part.lsn));
    let records = parts.iter().map(|part| part.batch.num_rows() as u64).sum();
    let rows = cluster(*table, &parts).map_err(SegmentError::from)?;
    drop(parts);
    let folder = folders.table(tenant, *table);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SealError::Io { path, source }
    };
    make_folder(&folder, &folders.segments()).map_err(failed(&folder))?;
    let files = SegmentFiles::of(&folder, id);
    let mut size_bytes = write_parquet(&files.parquet, *table, &rows)?;
    let directory = rows.directory.to_bytes()?;
    size_bytes += write_synced(&files.directory, &directory).map_err(failed(&files.directory))?;
    if *table == Table::Logs {
        let bodies = rows.batch.column_by_name("body").map(AsArray::as_string::<i32>);
        let lines = bodies.into_iter().flatten().map(Option::unwrap_or_default);
        let index = varve_text::build(lines, text_block_rows)?;
        size_bytes += write_synced(&files.text, &index).map_err(failed(&files.text))?;
    }
    sync_folder(&folder).map_err(failed(&folder))?;
    let entry = SegmentEntry {
        id,
        tenant: tenant.clone(),
        table: *table,
        rows: rows.batch.num_rows() as u32,
        records,
        time_range: rows.time_range,
        size_bytes,
    };
    Segment::open(entry, &folder).map_err(|error| SealError::Unreadable(error.to_string()))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<u64> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(bytes.len() as u64)
}

/// Makes a folder below `root` and every name on the way durable.
fn make_folder(folder: &Path, root: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(root)) {
        sync_folder(above)?;
    }
    Ok(())
}

/// Removes files that no manifest names: of a sealing that did not come to its end.
pub(crate) fn remove_orphans(manifest: &Manifest, folders: &Folders) -> io::Result<()> {
    let named: std::collections::HashSet<PathBuf> = manifest
        .segments
        .iter()
        .flat_map(|entry| {
            let folder = folders.table(&entry.tenant, entry.table);
            let files = SegmentFiles::of(&folder, entry.id);
            [files.parquet, files.directory, files.text]
        })
        .collect();
    let mut waiting = vec![folders.segments()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if !named.contains(&path) {
                fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}

/// Moves a segment's files out of the way, for people to look at.
pub(crate) fn quarantine(entry: &SegmentEntry, folders: &Folders) -> io::Result<()> {
    let aside = folders.quarantine();
    fs::create_dir_all(&aside)?;
    let files = SegmentFiles::of(&folders.table(&entry.tenant, entry.table), entry.id);
    for file in [files.parquet, files.directory, files.text] {
        let Some(name) = file.file_name() else { continue };
        let name = format!("{}-{}-{}", entry.tenant, entry.table.name(), name.to_string_lossy());
        match fs::rename(&file, aside.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
