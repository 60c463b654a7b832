//! Sealing: a memtable's rows become segments, then the manifest names them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::array::AsArray;
use varve_segment::{Clustered, LogPart, SegmentError, cluster, write_parquet};
use varve_text::TextError;
use varve_types::Table;

use crate::{
    files::{Folders, SegmentFiles, make_folder, sync_folder, write_synced},
    label_texts::LabelTexts,
    manifest::{Manifest, SegmentEntry},
    memtable::{Memtable, TableKey, row_bytes},
    segment::Segment,
    snapshot::MemtableBatch,
};

/// Rows of one segment take at most about this much. A column of texts ends at 2 GiB, and sorting
/// holds the rows twice besides the memtable.
const SEGMENT_MAX_BYTES: usize = 128 << 20;

/// Why a sealing failed. The memtable is still there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("writing {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("sealing panicked: {0}")]
    Panicked(String),
}

impl SealError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Segments by tenant and table.
pub(crate) type NewSegments = Vec<(TableKey, Arc<Segment>)>;

/// What every segment is written with.
#[derive(Clone, Copy)]
pub(crate) struct Sealing<'a> {
    pub(crate) folders: &'a Folders,
    pub(crate) texts: &'a LabelTexts,
    pub(crate) text_block_rows: u32,
}

impl Sealing<'_> {
    /// Writes segments for every tenant and table of the memtable, and the manifest that names them.
    ///
    /// Ids are used up even if it fails: when the manifest's rename is done but its sync fails, a
    /// restart may find that manifest, and nothing may be written over the files it names.
    pub(crate) fn seal(
        self,
        memtable: &Memtable,
        manifest: &mut Manifest,
    ) -> Result<NewSegments, SealError> {
        let mut written = Vec::new();
        let segments = self.write_segments(memtable, manifest, &mut written).inspect_err(|_| {
            // What cannot be removed now is removed at the next start, as no manifest names it.
            for path in written.into_iter().flat_map(SegmentFiles::all) {
                drop(fs::remove_file(path));
            }
        })?;
        let mut next = manifest.clone();
        next.segments.extend(segments.iter().map(|(_, segment)| segment.entry().clone()));
        next.covered.extend(memtable.next());
        let folder = self.folders.manifest();
        next.write(&folder).map_err(SealError::io(&folder))?;
        *manifest = next;
        Ok(segments)
    }

    fn write_segments(
        self,
        memtable: &Memtable,
        manifest: &mut Manifest,
        written: &mut Vec<SegmentFiles>,
    ) -> Result<NewSegments, SealError> {
        let mut tables: Vec<_> = memtable.tables().collect();
        tables.sort_unstable_by_key(|(key, _)| *key);
        let mut segments = Vec::new();
        for (key, batches) in tables {
            for batches in in_bounds(batches) {
                let id = manifest.next_id;
                manifest.next_id += 1;
                written.push(SegmentFiles::of(&self.folders.table(&key.0, key.1), id));
                segments.push((key.clone(), Arc::new(self.write_segment(id, key, batches)?)));
            }
        }
        Ok(segments)
    }

    fn write_segment(
        self,
        id: u64,
        (tenant, table): &TableKey,
        batches: &[MemtableBatch],
    ) -> Result<Segment, SealError> {
        let (rows, records) = clustered(*table, batches)?;
        let folder = self.folders.table(tenant, *table);
        make_folder(&folder, &self.folders.segments()).map_err(SealError::io(&folder))?;
        let files = SegmentFiles::of(&folder, id);
        let parquet = write_parquet(&files.parquet, *table, &rows)?;
        let directory = rows.directory.to_bytes(&parquet)?;
        let mut size_bytes = parquet.size_bytes;
        size_bytes +=
            write_synced(&files.directory, &directory).map_err(SealError::io(&files.directory))?;
        if *table == Table::Logs {
            let bodies = rows.batch.column_by_name("body").map(AsArray::as_string::<i32>);
            let lines = bodies.into_iter().flatten().map(Option::unwrap_or_default);
            let index = varve_text::build(lines, self.text_block_rows)?;
            size_bytes += write_synced(&files.text, &index).map_err(SealError::io(&files.text))?;
        }
        sync_folder(&folder).map_err(SealError::io(&folder))?;
        let entry = SegmentEntry {
            id,
            tenant: tenant.clone(),
            table: *table,
            rows: rows.batch.num_rows() as u32,
            records,
            time_range: rows.time_range,
            size_bytes,
        };
        Ok(Segment::open(entry, &folder, self.texts)?)
    }
}

/// The batches in runs of at most [`SEGMENT_MAX_BYTES`], or of one batch.
fn in_bounds(batches: &[MemtableBatch]) -> Vec<&[MemtableBatch]> {
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, batch) in batches.iter().enumerate() {
        let more = row_bytes(&batch.batch);
        if at > start && bytes + more > SEGMENT_MAX_BYTES {
            runs.push(&batches[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += more;
    }
    runs.push(&batches[start..]);
    runs
}

/// The batches' rows in the segment's order, and how many there were before.
fn clustered(table: Table, batches: &[MemtableBatch]) -> Result<(Clustered, u64), SealError> {
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
    Ok((cluster(table, &parts).map_err(SegmentError::from)?, records))
}
