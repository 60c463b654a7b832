//! Sealing: a memtable's rows become segments, then the manifest names them.

use std::{
    any::Any,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use arrow::array::AsArray;
use varve_segment::{
    Clustered, FilterAttributes, LogPart, SegmentError, Written, cluster, write_parquet,
};
use varve_text::TextError;
use varve_types::Table;

use crate::{
    clock::now_ms,
    entry::{LogRange, SegmentEntry},
    error::panic_text,
    files::{Folders, SegmentFiles, make_folder, sync_folder, write_synced},
    label_texts::LabelTexts,
    manifest::Manifest,
    memtable::{Memtable, TableKey, row_bytes},
    priority::Priority,
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
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        Self::Panicked(panic_text(panic))
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
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
    pub(crate) filter_attributes: &'a FilterAttributes,
    /// How many segments are written side by side, at least 1.
    pub(crate) workers: usize,
    /// Of those who write them.
    pub(crate) priority: Priority,
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
        let jobs = jobs(memtable, manifest);
        let segments = self.write_segments(&jobs).inspect_err(|_| {
            // What cannot be removed now is removed at the next start, as no manifest names it.
            for Job { id, key, .. } in &jobs {
                for path in SegmentFiles::of(&self.folders.table(&key.0, key.1), *id).all() {
                    drop(fs::remove_file(path));
                }
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

    fn write_segments(self, jobs: &[Job<'_>]) -> Result<NewSegments, SealError> {
        let workers = self.workers.min(jobs.len());
        let next = AtomicUsize::new(0);
        let work = || {
            self.priority.take();
            let mut written = Vec::new();
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                match self.write_segment(job) {
                    Ok(segment) => written.push((job.key.clone(), Arc::new(segment))),
                    Err(error) => {
                        // The others need not begin what will be thrown away.
                        next.store(jobs.len(), Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
            Ok(written)
        };
        let mut segments: NewSegments = thread::scope(|scope| {
            // All in threads of their own: this one has its priority for good.
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let written = workers.into_iter().map(|worker| {
                worker.join().unwrap_or_else(|panic| Err(SealError::of_panic(&*panic)))
            });
            // Every one is waited for before the first error is looked at.
            let written: Vec<_> = written.collect();
            written.into_iter().collect::<Result<Vec<_>, _>>().map(|parts| parts.concat())
        })?;
        segments.sort_unstable_by_key(|(_, segment)| segment.entry().id);
        Ok(segments)
    }

    fn write_segment(self, job: &Job<'_>) -> Result<Segment, SealError> {
        let &Job { id, key: (tenant, table), batches } = job;
        let (rows, records) = clustered(*table, batches)?;
        let entry = SegmentEntry {
            id,
            tenant: tenant.clone(),
            table: *table,
            rows: rows.batch.num_rows() as u32,
            records,
            time_range: rows.time_range,
            size_bytes: 0,
            sealed_at_ms: now_ms(),
            checksum: None,
            log: log_ranges(batches),
        };
        let entry =
            write_rows(self.folders, entry, rows, (self.text_block_rows, self.filter_attributes))?;
        let folder = self.folders.table(tenant, *table);
        Ok(Segment::open(entry, &folder, self.texts)?)
    }
}

/// Writes and syncs the files of a segment; its entry as the manifest shall have it.
pub(crate) fn write_rows(
    folders: &Folders,
    mut entry: SegmentEntry,
    mut rows: Clustered,
    (text_block_rows, filter_attributes): (u32, &FilterAttributes),
) -> Result<SegmentEntry, SealError> {
    let folder = folders.table(&entry.tenant, entry.table);
    make_folder(&folder, &folders.segments()).map_err(SealError::io(&folder))?;
    let files = folders.segment(&entry);
    let Written { parquet, trace_filter, value_filter } =
        write_parquet(&files.parquet, entry.table, filter_attributes, &rows)?;
    rows.directory.trace_filter = trace_filter;
    rows.directory.value_filter = value_filter;
    let directory = rows.directory.to_bytes(&parquet)?;
    entry.checksum = Some(parquet.checksum);
    entry.size_bytes = parquet.size_bytes;
    entry.size_bytes +=
        write_synced(&files.directory, &directory).map_err(SealError::io(&files.directory))?;
    if entry.table == Table::Logs {
        let bodies = rows.batch.column_by_name("body").map(AsArray::as_string::<i32>);
        let lines = bodies.into_iter().flatten().map(Option::unwrap_or_default);
        let index = varve_text::build(lines, text_block_rows)?;
        entry.size_bytes +=
            write_synced(&files.text, &index).map_err(SealError::io(&files.text))?;
    }
    sync_folder(&folder).map_err(SealError::io(&folder))?;
    Ok(entry)
}

/// Where in the log the batches are.
fn log_ranges(batches: &[MemtableBatch]) -> Vec<LogRange> {
    LogRange::hull(batches.iter().map(|one| LogRange {
        partition: one.partition.number,
        first: one.lsn,
        last: one.lsn,
    }))
}

/// One segment to be written.
struct Job<'a> {
    id: u64,
    key: &'a TableKey,
    batches: &'a [MemtableBatch],
}

/// The memtable's rows by tenant and table, in the bounds of a segment, each with an id.
fn jobs<'a>(memtable: &'a Memtable, manifest: &mut Manifest) -> Vec<Job<'a>> {
    let mut tables: Vec<_> = memtable.tables().collect();
    tables.sort_unstable_by_key(|(key, _)| *key);
    let mut jobs = Vec::new();
    for (key, batches) in tables {
        for batches in in_bounds(batches) {
            jobs.push(Job { id: manifest.take_id(), key, batches });
        }
    }
    jobs
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

#[cfg(test)]
mod tests;
