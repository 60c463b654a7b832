//! One sealed segment, as queries read it.

mod as_of;
mod editions;
mod hides;

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::array::RecordBatch;
use parking_lot::Mutex;
use varve_columnar::structured_metadata::MetadataNames;
use varve_segment::{
    BloomFilter, Directory, FilterAttributes, LabelSetRange, MergeInput, ParquetSegment, SampleRun,
    SegmentError, common_rows, merged_rows,
};
use varve_text::{FoundRows, Search, TextError, TextIndex};
use varve_types::Table;

use self::hides::Hides;
use crate::{
    entry::SegmentEntry,
    error::{DamagedSegment, SegmentReadError},
    files::SegmentFiles,
    label_texts::LabelTexts,
    position::Position,
};

/// Number of the next segment that is opened.
static NEXT_EDITION: AtomicU64 = AtomicU64::new(0);

/// One sealed segment. Its files are opened when they are first asked for.
pub struct Segment {
    entry: SegmentEntry,
    edition: u64,
    files: SegmentFiles,
    directory: Arc<Directory>,
    /// Of the Parquet file.
    checksums: Option<Arc<[u32]>>,
    /// Until it has its place among the filters of other segments.
    trace_filter: Mutex<Option<BloomFilter>>,
    has_trace_filter: bool,
    /// The same of span ids and attributes.
    value_filter: Mutex<Option<BloomFilter>>,
    /// The attributes whose values are in that; `None` where it has none.
    filtered: Option<FilterAttributes>,
    opened: Arc<Opened>,
    /// Of spans: the rows of the file that are shown, ascending; `None` for all. Of other tables the
    /// directory says it.
    shown_rows: Option<Arc<[Range<u32>]>>,
    /// Of spans, where the rows were looked at.
    first_shown_time: Option<i64>,
    hides: Hides,
    /// A position among its records, of which rows that came there or later are not seen.
    as_of: Option<Arc<Position>>,
}

/// Files that were asked for; what hides rows of a segment does not open them again.
#[derive(Default)]
struct Opened {
    parquet: OnceLock<ParquetSegment>,
    /// `None` where only the rows tell.
    metadata_names: OnceLock<Option<MetadataNames>>,
    /// `None` where it is damaged.
    text: OnceLock<Option<TextIndex>>,
}

/// Why rows of a segment are hidden.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why {
    /// A request to erase asks for it.
    Request(u64),
    /// They are over their age, or size, since then (milliseconds since the epoch).
    Due(i64),
}

impl Segment {
    /// Reads the directory; the rest when it is needed.
    pub(crate) fn open(
        entry: SegmentEntry,
        folder: &Path,
        texts: &LabelTexts,
    ) -> Result<Self, SegmentError> {
        let files = SegmentFiles::of(folder, entry.id);
        let (mut directory, parquet) = Directory::read(&files.directory)?;
        let path = || files.parquet.clone();
        let size_bytes = fs::metadata(&files.parquet)
            .map_err(|source| SegmentError::Io { path: path(), source })?
            .len();
        if size_bytes != parquet.size_bytes {
            let reason = format!("it has {size_bytes} bytes of {}", parquet.size_bytes);
            return Err(SegmentError::Damaged { path: path(), reason });
        }
        texts.share(&mut directory);
        let trace_filter = directory.trace_filter.take();
        let values = directory.value_filter.take();
        let (filtered, value_filter) =
            values.map(|values| (values.attributes, values.filter)).unzip();
        Ok(Self {
            entry,
            edition: NEXT_EDITION.fetch_add(1, Ordering::Relaxed),
            files,
            directory: Arc::new(directory),
            checksums: parquet.blocks,
            has_trace_filter: trace_filter.is_some(),
            trace_filter: Mutex::new(trace_filter),
            value_filter: Mutex::new(value_filter),
            filtered,
            opened: Arc::default(),
            shown_rows: None,
            first_shown_time: None,
            hides: Hides::default(),
            as_of: None,
        })
    }

    pub(crate) fn entry(&self) -> &SegmentEntry {
        &self.entry
    }

    /// Unique in a store; a segment that is made later has a greater one.
    pub fn id(&self) -> u64 {
        self.entry.id
    }

    /// What is read of one edition never changes. Another one has another number in this process, be it
    /// that of the same segment with other rows hidden.
    pub fn edition(&self) -> u64 {
        self.edition
    }

    /// First and last time of its rows, in the table's unit (both included).
    pub fn time_range(&self) -> (i64, i64) {
        self.entry.time_range
    }

    /// How many rows the file has (for samples: chunks).
    pub fn rows(&self) -> u32 {
        self.entry.rows
    }

    /// Its size on disk, indexes included.
    pub fn size_bytes(&self) -> u64 {
        self.entry.size_bytes
    }

    /// Streams or series, sorted by text; empty for spans and metadata. Read at opening, no I/O.
    pub fn label_sets(&self) -> &[LabelSetRange] {
        &self.directory.label_sets
    }

    /// The filter of trace ids, once: it is looked up where those of all segments are.
    pub(crate) fn take_trace_filter(&self) -> Option<BloomFilter> {
        self.trace_filter.lock().take()
    }

    /// The filter of span ids and attributes, likewise.
    pub(crate) fn take_value_filter(&self) -> Option<BloomFilter> {
        self.value_filter.lock().take()
    }

    /// Whether it has a filter that values of this attribute are in; of logs of this label.
    pub(crate) fn filters_attribute(&self, name: &str) -> bool {
        self.filtered.as_ref().is_some_and(|names| names.contains(name))
    }

    /// What the Parquet file of an older version tells: `false` if no row has the trace id.
    pub(crate) fn may_hold_trace(&self, trace_id: &[u8; 16]) -> bool {
        if self.has_trace_filter {
            return true;
        }
        // A filter that cannot be read excludes nothing; reading the rows then says what is wrong.
        self.parquet().and_then(|file| Ok(file.may_hold_trace(trace_id)?)).unwrap_or(true)
    }

    /// Where rows of these traces can be (spans are clustered by trace id): ascending, neither
    /// overlapping nor touching, no false negatives.
    #[must_use]
    pub fn rows_of_traces(&self, trace_ids: &[[u8; 16]]) -> Vec<Range<u32>> {
        let rows_of = |trace_id| match self.entry.table {
            Table::Spans => self.directory.trace_rows(trace_id, self.entry.rows),
            _ => 0..self.entry.rows,
        };
        let rows = trace_ids.iter().map(rows_of).filter(|rows| !rows.is_empty());
        self.shown_of(merged_rows(rows.collect()))
    }

    /// The rows that are shown, of tables without label sets: ascending, neither overlapping nor
    /// touching.
    #[must_use]
    pub fn shown_rows(&self) -> Vec<Range<u32>> {
        match &self.shown_rows {
            Some(rows) => rows.to_vec(),
            None => Some(0..self.entry.rows).into_iter().filter(|rows| !rows.is_empty()).collect(),
        }
    }

    /// Those of the rows that are shown.
    #[must_use]
    pub fn shown_of(&self, rows: Vec<Range<u32>>) -> Vec<Range<u32>> {
        match &self.shown_rows {
            Some(shown) => common_rows(&rows, shown),
            None => rows,
        }
    }

    /// Rows whose body may contain the text, from the text index: sorted, not overlapping, no false
    /// negatives. `None`: the index cannot tell (needle too short, no index), read all.
    pub fn rows_with_text(
        &self,
        needle: &str,
    ) -> Result<Option<Vec<Range<u32>>>, SegmentReadError> {
        if self.entry.table != Table::Logs {
            return Ok(None);
        }
        let Some(index) = self.text()? else { return Ok(None) };
        index
            .rows_with_text(needle)
            .map_err(|error| SegmentReadError::text(&self.files.text, &error))
    }

    /// Rows (of logs) that a search may find, from the text index: sorted, not overlapping, no false
    /// negatives; and how many of its blocks have each word. `None`: no index, read all.
    pub fn rows_found(&self, search: &Search) -> Result<Option<FoundRows>, SegmentReadError> {
        if self.entry.table != Table::Logs {
            return Ok(None);
        }
        let Some(index) = self.text()? else { return Ok(None) };
        let found = index.rows_found(search);
        found.map(Some).map_err(|error| SegmentReadError::text(&self.files.text, &error))
    }

    /// Whether the text index turned out damaged; then all rows are read instead.
    pub(crate) fn is_text_damaged(&self) -> bool {
        matches!(self.opened.text.get(), Some(None))
    }

    /// The text index; `None` where it is damaged. It only speeds up: without it answers are the same.
    fn text(&self) -> Result<Option<&TextIndex>, SegmentReadError> {
        if let Some(opened) = self.opened.text.get() {
            return Ok(opened.as_ref());
        }
        let opened = match TextIndex::open(&self.files.text) {
            Ok(index) => Some(index),
            Err(TextError::Damaged(_)) => None,
            Err(error) => return Err(SegmentReadError::text(&self.files.text, &error)),
        };
        Ok(self.opened.text.get_or_init(|| opened).as_ref())
    }

    /// Columns of some rows (`None` for all), in row order, as batches of at most 8,192 rows.
    /// Besides the table's columns there are `_epoch: UInt32`, `_offset: UInt64`, `_row: UInt32` and
    /// `_partition: UInt32`: the log position, for order and deduplication.
    pub fn read(
        &self,
        columns: &[&str],
        rows: Option<&[Range<u32>]>,
    ) -> Result<Vec<RecordBatch>, SegmentReadError> {
        let shown = self.shown_rows.as_deref().map(|shown| match rows {
            Some(rows) => common_rows(rows, shown),
            None => shown.to_vec(),
        });
        let rows = shown.as_deref().or(rows);
        self.parquet()?.read(columns, rows).map_err(|error| self.failed(&error))
    }

    /// The same, each batch read when it is asked for, and lines (`body`) as `Utf8View`.
    pub fn scan(
        &self,
        columns: &[&str],
        rows: &[Range<u32>],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, SegmentReadError>>, SegmentReadError> {
        let stream = self.parquet()?.scan(columns, rows).map_err(|error| self.failed(&error))?;
        Ok(stream.map(|batch| batch.map_err(|error| self.failed(&error))))
    }

    /// The labels that its rows (of logs) can have as structured metadata; `None` where only the rows
    /// tell.
    pub fn metadata_names(&self) -> Result<Option<&MetadataNames>, SegmentReadError> {
        if let Some(known) = self.opened.metadata_names.get() {
            return Ok(known.as_ref());
        }
        let parquet = self.parquet()?;
        let names = MetadataNames::of(|column| parquet.distinct(column))
            .map_err(|error| self.failed(&error))?;
        Ok(self.opened.metadata_names.get_or_init(|| names).as_ref())
    }

    /// Samples of some series (indexes into [`Self::label_sets`]) in a range (both included).
    pub fn samples(
        &self,
        label_sets: &[usize],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<SampleRun>, SegmentReadError> {
        debug_assert!(!self.is_divided(), "of samples nothing tells which were there");
        let sets: Vec<_> =
            label_sets.iter().map(|&set| (set, &self.directory.label_sets[set])).collect();
        self.parquet()?.samples(&sets, (from_ms, to_ms)).map_err(|error| self.failed(&error))
    }

    /// No row that is shown is earlier, in the table's unit.
    pub(crate) fn first_shown_time(&self) -> i64 {
        let sets = self.directory.label_sets.iter().map(|set| set.time_range.0);
        sets.min().or(self.first_shown_time).unwrap_or(self.entry.time_range.0)
    }

    /// Whether rows of it are shown.
    pub(crate) fn shows_rows(&self) -> bool {
        match self.entry.table {
            Table::Spans => self.shown_rows.as_ref().is_none_or(|rows| !rows.is_empty()),
            Table::Metadata => true,
            _ => !self.directory.label_sets.is_empty(),
        }
    }

    pub(crate) fn has_file(&self, path: &Path) -> bool {
        self.files.clone().all().iter().any(|file| file == path)
    }

    pub(crate) fn as_damaged(&self) -> DamagedSegment {
        DamagedSegment::of(&self.entry)
    }

    /// Its rows, to be merged with others'.
    pub(crate) fn merge_input(&self) -> Result<MergeInput<'_>, SegmentReadError> {
        Ok(MergeInput {
            parquet: self.parquet()?,
            directory: &self.directory,
            time_range: self.entry.time_range,
            rows: self.shown_rows.as_deref(),
        })
    }

    /// Removes its files, once nobody reads it; how many bytes that frees. A file that cannot be
    /// removed now is removed at the next start, as no manifest names it.
    pub(crate) fn remove_files(&self) -> u64 {
        let remove = |path: PathBuf| {
            let bytes = fs::metadata(&path).map_or(0, |file| file.len());
            if fs::remove_file(&path).is_ok() { bytes } else { 0 }
        };
        self.files.clone().all().into_iter().map(remove).sum()
    }

    fn failed(&self, error: &SegmentError) -> SegmentReadError {
        SegmentReadError::of(error, &self.entry)
    }

    fn parquet(&self) -> Result<&ParquetSegment, SegmentReadError> {
        if let Some(open) = self.opened.parquet.get() {
            return Ok(open);
        }
        let opened = ParquetSegment::open(&self.files.parquet, self.checksums.clone())
            .map_err(|error| self.failed(&error))?;
        Ok(self.opened.parquet.get_or_init(|| opened))
    }
}
