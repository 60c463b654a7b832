//! One sealed segment, as queries read it.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use arrow::array::RecordBatch;
use varve_segment::{Directory, LabelSetRange, ParquetSegment, SampleRun};
use varve_text::TextIndex;
use varve_types::Table;

use crate::{error::SegmentReadError, manifest::SegmentEntry};

/// One sealed segment. Its files are opened when they are first asked for.
pub struct Segment {
    entry: SegmentEntry,
    files: SegmentFiles,
    parquet: OnceLock<ParquetSegment>,
    directory: Directory,
}

/// The files of a segment: `<id>.parquet`, `<id>.directory` and, for logs, `<id>.text`.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFiles {
    pub(crate) parquet: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) text: PathBuf,
}

impl SegmentFiles {
    pub(crate) fn of(folder: &Path, id: u64) -> Self {
        let file = |extension: &str| folder.join(format!("{id:016}.{extension}"));
        Self { parquet: file("parquet"), directory: file("directory"), text: file("text") }
    }
}

impl Segment {
    /// Reads the directory; the rest when it is needed.
    pub(crate) fn open(entry: SegmentEntry, folder: &Path) -> Result<Self, SegmentReadError> {
        let files = SegmentFiles::of(folder, entry.id);
        let directory = Directory::read(&files.directory)?;
        if !files.parquet.exists() {
            return Err(SegmentReadError(format!("{} is missing", files.parquet.display())));
        }
        Ok(Self { entry, files, parquet: OnceLock::new(), directory })
    }

    pub(crate) fn entry(&self) -> &SegmentEntry {
        &self.entry
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

    /// `false`: no row of this segment (spans, logs) has the trace id. `true`: probably one has.
    pub fn may_hold_trace(&self, trace_id: &[u8; 16]) -> bool {
        // A filter that cannot be read excludes nothing; reading the rows then says what is wrong.
        self.parquet().and_then(|file| Ok(file.may_hold_trace(trace_id)?)).unwrap_or(true)
    }

    /// Where a trace's rows can be (spans are clustered by trace id); no false negatives.
    pub fn trace_rows(&self, trace_id: &[u8; 16]) -> Result<Vec<Range<u32>>, SegmentReadError> {
        let rows = if self.entry.table == Table::Spans {
            self.directory.trace_rows(trace_id, self.entry.rows)
        } else {
            0..self.entry.rows
        };
        Ok(if rows.is_empty() { Vec::new() } else { vec![rows] })
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
        TextIndex::open(&self.files.text)
            .and_then(|index| index.rows_with_text(needle))
            .map_err(|error| SegmentReadError::text(&self.files.text, &error))
    }

    /// Columns of some rows (`None` for all), in row order, as batches of at most 8,192 rows.
    /// Besides the table's columns there are `_epoch: UInt32`, `_offset: UInt64`, `_row: UInt32` and
    /// `_partition: UInt32`: the log position, for order and deduplication.
    pub fn read(
        &self,
        columns: &[&str],
        rows: Option<&[Range<u32>]>,
    ) -> Result<Vec<RecordBatch>, SegmentReadError> {
        Ok(self.parquet()?.read(columns, rows)?)
    }

    /// Samples of some series (indexes into [`Self::label_sets`]) in a range (both included).
    pub fn samples(
        &self,
        label_sets: &[usize],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<SampleRun>, SegmentReadError> {
        let sets: Vec<_> =
            label_sets.iter().map(|&set| (set, &self.directory.label_sets[set])).collect();
        Ok(self.parquet()?.samples(&sets, (from_ms, to_ms))?)
    }

    fn parquet(&self) -> Result<&ParquetSegment, SegmentReadError> {
        if let Some(open) = self.parquet.get() {
            return Ok(open);
        }
        let opened = ParquetSegment::open(&self.files.parquet)?;
        Ok(self.parquet.get_or_init(|| opened))
    }
}
