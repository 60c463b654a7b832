//! What is wrong with one segment.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use arrow::array::{Array as _, AsArray, RecordBatch};
use varve_segment::{
    BloomFilter, Directory, FilterKey, ParquetSeal, ParquetSegment, RowIndex, SegmentError, Values,
    index_rows,
};
use varve_text::{TextError, TextIndex};
use varve_types::Table;

use super::{Depth, Part, UpkeepError};
use crate::{
    entry::SegmentEntry,
    error::{is_io_damage, panic_text},
    files::SegmentFiles,
};

/// Of how many lines of a segment the text index has to know every word.
const LINES_LOOKED_UP: u32 = 64;

/// One thing that is wrong with a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) part: Part,
    pub(crate) path: PathBuf,
    pub(crate) what: String,
}

/// What a look at a segment gave.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) faults: Vec<Fault>,
    /// Of its files.
    pub(crate) bytes: u64,
    /// That were decoded.
    pub(crate) rows: u64,
}

impl Verdict {
    pub(crate) fn has(&self, part: Part) -> bool {
        self.faults.iter().any(|fault| fault.part == part)
    }

    /// What is wrong with its parts, in one sentence.
    pub(crate) fn reason(&self) -> String {
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let faults = self.faults.iter();
        let said: Vec<_> =
            faults.map(|fault| format!("{}: {}", name(&fault.path), fault.what)).collect();
        said.join("; ")
    }
}

/// Looks at a segment's files, wherever they are. An error says that they could not be read for a reason
/// that is not in them.
pub(crate) fn verify(
    files: &SegmentFiles,
    entry: &SegmentEntry,
    depth: Depth,
    manifest: &Path,
) -> Result<Verdict, UpkeepError> {
    let mut verifying = Verifying { files, entry, depth, manifest, verdict: Verdict::default() };
    verifying.run()?;
    Ok(verifying.verdict)
}

struct Verifying<'a> {
    files: &'a SegmentFiles,
    entry: &'a SegmentEntry,
    depth: Depth,
    manifest: &'a Path,
    verdict: Verdict,
}

/// What was seen of the rows on the way.
#[derive(Default)]
struct Seen {
    /// Trace ids that the filter does not have.
    ids_missing: u64,
    /// The same of span ids and attributes.
    values_missing: u64,
    /// Lines by their row.
    lines: Vec<(u32, String)>,
}

impl Verifying<'_> {
    fn run(&mut self) -> Result<(), UpkeepError> {
        let directory = match damage_of(Directory::read(&self.files.directory))? {
            Ok(directory) => Some(directory),
            Err(what) => {
                self.fault(Part::Directory, what);
                None
            }
        };
        let seen = match damage_of(ParquetSeal::of_file(&self.files.parquet))? {
            Ok(found) => self.check_rows(directory.as_ref(), &found)?,
            Err(what) => {
                self.fault(Part::Parquet, what);
                None
            }
        };
        if self.entry.table == Table::Logs {
            self.check_text(&seen.unwrap_or_default())?;
        }
        self.check_size()
    }

    fn fault(&mut self, part: Part, what: impl Into<String>) {
        let path = match part {
            Part::Directory => &self.files.directory,
            Part::Text => &self.files.text,
            Part::Manifest => self.manifest,
            Part::Parquet | Part::Quarantine | Part::Leftover => &self.files.parquet,
        };
        let (path, what) = (path.to_owned(), what.into());
        self.verdict.faults.push(Fault { part, path, what });
    }

    /// `None` where the Parquet file is damaged.
    fn check_rows(
        &mut self,
        directory: Option<&(Directory, ParquetSeal)>,
        found: &ParquetSeal,
    ) -> Result<Option<Seen>, UpkeepError> {
        let is_as_named = self.entry.checksum.is_none_or(|checksum| checksum == found.checksum);
        match directory.and_then(|(_, seal)| seal.difference(found)) {
            Some(_) if is_as_named && self.entry.checksum.is_some() => {
                self.fault(Part::Directory, "it is of another Parquet file");
            }
            Some(what) => {
                self.fault(Part::Parquet, what);
                return Ok(None);
            }
            None if !is_as_named => {
                self.fault(Part::Parquet, "its checksum is not that in the manifest");
                return Ok(None);
            }
            None => {}
        }
        let directory = directory.map(|(directory, _)| directory);
        let mut seen = Seen::default();
        let read = catch_unwind(AssertUnwindSafe(|| {
            let parquet = ParquetSegment::open(&self.files.parquet, found.blocks.clone())?;
            match self.depth {
                Depth::Checksums => Ok((parquet.rows(), None)),
                Depth::Rows => {
                    let index = self.index(&parquet, directory, &mut seen)?;
                    Ok((index.rows, Some(index)))
                }
            }
        }));
        let read = read.unwrap_or_else(|panic| {
            let reason = format!("reading it panics: {}", panic_text(&*panic));
            Err(SegmentError::Damaged { path: self.files.parquet.clone(), reason })
        });
        match damage_of(read)? {
            Ok((rows, index)) => self.compare(rows, index.as_ref(), directory),
            Err(what) => {
                self.fault(Part::Parquet, what);
                return Ok(None);
            }
        }
        if seen.ids_missing > 0 {
            let what =
                format!("its filter does not have {} trace ids of the rows", seen.ids_missing);
            self.fault(Part::Directory, what);
        }
        if seen.values_missing > 0 {
            let what = format!(
                "its filter does not have {} span ids and values of the rows",
                seen.values_missing
            );
            self.fault(Part::Directory, what);
        }
        Ok(Some(seen))
    }

    fn index(
        &self,
        parquet: &ParquetSegment,
        directory: Option<&Directory>,
        seen: &mut Seen,
    ) -> Result<RowIndex, SegmentError> {
        let filter = directory.and_then(|directory| directory.trace_filter.as_ref());
        let values = directory.and_then(|directory| directory.value_filter.as_ref());
        let mut values = values
            .map(|one| (&one.filter, Values::by_names(self.entry.table, one.attributes.clone())));
        let stride = (parquet.rows() / LINES_LOOKED_UP).max(1);
        let (mut rows, table) = (0, self.entry.table);
        index_rows(table, parquet, &mut |batch| {
            if let Some(filter) = filter {
                seen.ids_missing += ids_missing(batch, filter);
            }
            if let Some((filter, values)) = &mut values {
                values.add(batch);
                let missing = |key: &FilterKey| !key.may_be_in(filter.blocks());
                seen.values_missing +=
                    values.take().iter().filter(|key| missing(key)).count() as u64;
            }
            if table == Table::Logs {
                seen.lines.extend(lines(batch, rows, stride));
            }
            rows += batch.num_rows() as u32;
        })
    }

    /// What the manifest and the directory say, with the rows.
    fn compare(&mut self, rows: u32, index: Option<&RowIndex>, directory: Option<&Directory>) {
        let entry = self.entry;
        if rows != entry.rows {
            let what = format!("it says {} rows, the file has {rows}", entry.rows);
            self.fault(Part::Manifest, what);
        }
        if let Some(index) = index {
            self.verdict.rows += u64::from(index.rows);
            // What a sender repeats of its metadata is counted and not stored.
            if index.records != entry.records && entry.table != Table::Metadata {
                let what =
                    format!("it says {} records, the file has {}", entry.records, index.records);
                self.fault(Part::Manifest, what);
            }
            if index.time_range != entry.time_range {
                let ((first, last), (from, to)) = (entry.time_range, index.time_range);
                let what = format!("it says times {first} to {last}, the file has {from} to {to}");
                self.fault(Part::Manifest, what);
            }
        }
        let Some(directory) = directory else { return };
        let differs = match index {
            Some(index) => {
                index.directory.label_sets != directory.label_sets
                    || index.directory.trace_marks != directory.trace_marks
            }
            None => !is_of(directory, entry),
        };
        if differs {
            self.fault(Part::Directory, "what it says of streams, series or traces is not so");
        }
    }

    fn check_text(&mut self, seen: &Seen) -> Result<(), UpkeepError> {
        let index = match TextIndex::open(&self.files.text) {
            Ok(index) => index,
            Err(TextError::Io(source)) if !is_io_damage(&source) => {
                return Err(TextError::Io(source).into());
            }
            Err(TextError::Damaged(what)) => {
                self.fault(Part::Text, what);
                return Ok(());
            }
            Err(error) => {
                self.fault(Part::Text, error.to_string());
                return Ok(());
            }
        };
        if index.rows() != self.entry.rows {
            let what = format!("it is of {} rows, there are {}", index.rows(), self.entry.rows);
            self.fault(Part::Text, what);
            return Ok(());
        }
        let lost =
            seen.lines.iter().find(|(row, line)| !matches!(index.leads_to(line, *row), Ok(true)));
        if let Some((row, _)) = lost {
            self.fault(Part::Text, format!("it does not lead to the words of row {row}"));
        }
        Ok(())
    }

    fn check_size(&mut self) -> Result<(), UpkeepError> {
        let failed = UpkeepError::io(&self.files.parquet);
        self.verdict.bytes = self.files.total_bytes().map_err(failed)?;
        // A file that is damaged or gone is named already.
        if self.verdict.faults.is_empty() && self.verdict.bytes != self.entry.size_bytes {
            let (said, bytes) = (self.entry.size_bytes, self.verdict.bytes);
            self.fault(Part::Manifest, format!("it says {said} bytes, the files have {bytes}"));
        }
        Ok(())
    }
}

/// Whether a directory can be that of a segment, as far as that is known without its rows.
fn is_of(directory: &Directory, entry: &SegmentEntry) -> bool {
    let sets = &directory.label_sets;
    match entry.table {
        Table::Metadata => sets.is_empty(),
        Table::Spans => {
            let strides = entry.rows.div_ceil(varve_segment::TRACE_STRIDE_ROWS);
            directory.trace_marks.len() as u64 == u64::from(strides)
        }
        Table::Logs | Table::Samples | Table::Exemplars => {
            let first = sets.iter().map(|set| set.time_range.0).min().unwrap_or_default();
            let last = sets.iter().map(|set| set.time_range.1).max().unwrap_or_default();
            sets.iter().map(|set| set.count).sum::<u64>() == entry.records
                && sets.last().map_or(0, |set| set.rows.end) == entry.rows
                && (first, last) == entry.time_range
        }
    }
}

fn ids_missing(batch: &RecordBatch, filter: &BloomFilter) -> u64 {
    let Some(ids) = batch.column_by_name("trace_id") else { return 0 };
    let ids = ids.as_fixed_size_binary();
    if ids.null_count() == ids.len() {
        return 0;
    }
    let missing = |id: &&[u8]| !FilterKey::of(id).may_be_in(filter.blocks());
    ids.iter().flatten().filter(missing).count() as u64
}

/// Every so many lines of a batch that begins with a row.
fn lines(batch: &RecordBatch, first: u32, stride: u32) -> Vec<(u32, String)> {
    let Some(bodies) = batch.column_by_name("body") else { return Vec::new() };
    let bodies = bodies.as_string::<i32>();
    let rows = (first..).zip(bodies.iter());
    rows.filter(|(row, _)| row.is_multiple_of(stride))
        .map(|(row, line)| (row, line.unwrap_or_default().to_owned()))
        .collect()
}

/// What a file that was read is, or what is wrong with it; an error that is not in the file goes on.
fn damage_of<T>(read: Result<T, SegmentError>) -> Result<Result<T, String>, SegmentError> {
    match read {
        Ok(found) => Ok(Ok(found)),
        Err(SegmentError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Err("it is missing".to_owned()))
        }
        Err(SegmentError::Io { source, .. }) if is_io_damage(&source) => {
            Ok(Err(format!("it cannot be read: {source}")))
        }
        Err(SegmentError::Damaged { reason, .. }) => Ok(Err(reason)),
        Err(SegmentError::Rows(error)) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}
