//! Reading the Parquet file of a segment.

use std::{
    ops::Range,
    path::Path,
    sync::{Arc, OnceLock},
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema},
};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder, RowSelection,
        },
    },
    bloom_filter::Sbbf,
    errors::ParquetError,
};

use crate::{
    SegmentError,
    block_file::BlockFile,
    chunks::{self, PACKED_COLUMNS, SampleRun},
    dictionaries,
    directory::LabelSetRange,
};

/// Rows of one batch that is read.
const BATCH_ROWS: usize = 8_192;

/// A Parquet file that is open for reading. Its metadata is read once; every read opens the file
/// anew, so that reads run side by side.
pub struct ParquetSegment {
    path: Box<Path>,
    checksums: Option<Arc<[u32]>>,
    metadata: ArrowReaderMetadata,
    /// The same, with lines as views of the pages that they are in.
    with_views: ArrowReaderMetadata,
    trace_filters: OnceLock<Vec<Option<Sbbf>>>,
}

impl ParquetSegment {
    /// Reads the file's metadata. All that is read of it, now and later, is compared with the checksums
    /// of its blocks ([`crate::ParquetSeal::blocks`]), if they are given.
    pub fn open(path: &Path, checksums: Option<Arc<[u32]>>) -> Result<Self, SegmentError> {
        let file = BlockFile::open(path, checksums.clone()).map_err(SegmentError::io(path))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(true.into());
        let failed = |error| SegmentError::parquet(path, error);
        let metadata = ArrowReaderMetadata::load(&file, options.clone()).map_err(failed)?;
        let options = options.with_schema(Arc::new(with_views(metadata.schema())));
        let with_views = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
            .map_err(failed)?;
        let trace_filters = OnceLock::new();
        Ok(Self { path: path.into(), checksums, metadata, with_views, trace_filters })
    }

    /// How many rows the file has.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.metadata.metadata().file_metadata().num_rows() as u32
    }

    /// Columns of some rows (`None` for all), in row order, as batches of at most 8,192 rows.
    pub fn read(
        &self,
        columns: &[&str],
        rows: Option<&[Range<u32>]>,
    ) -> Result<Vec<RecordBatch>, SegmentError> {
        self.stream(columns, rows, BATCH_ROWS)?.collect()
    }

    /// The same one batch of at most `batch_rows` after the other, each read when it is asked for.
    pub fn stream(
        &self,
        columns: &[&str],
        rows: Option<&[Range<u32>]>,
        batch_rows: usize,
    ) -> Result<RowStream, SegmentError> {
        self.stream_as(&self.metadata, columns, rows, batch_rows)
    }

    /// Columns of some rows in batches of at most 8,192, each read when it is asked for. Lines come as
    /// `Utf8View`, which copies none of them.
    pub fn scan(&self, columns: &[&str], rows: &[Range<u32>]) -> Result<RowStream, SegmentError> {
        self.stream_as(&self.with_views, columns, Some(rows), BATCH_ROWS)
    }

    /// The distinct values of a leaf column (`attributes.list.item.key`), as Parquet stores them plainly;
    /// `None` where that would take reading the column. A value may come twice.
    pub fn distinct(&self, column: &str) -> Result<Option<Vec<Box<[u8]>>>, SegmentError> {
        let file = self.file()?;
        dictionaries::distinct(&file, self.metadata.metadata(), column)
            .map_err(|error| SegmentError::parquet(&*self.path, error))
    }

    fn stream_as(
        &self,
        metadata: &ArrowReaderMetadata,
        columns: &[&str],
        rows: Option<&[Range<u32>]>,
        batch_rows: usize,
    ) -> Result<RowStream, SegmentError> {
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file()?, metadata.clone());
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let mut builder = builder.with_projection(mask).with_batch_size(batch_rows);
        if let Some(rows) = rows {
            let ranges = rows.iter().map(|range| range.start as usize..range.end as usize);
            let total = self.rows() as usize;
            builder =
                builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, total));
        }
        let reader = builder.build().map_err(|error| SegmentError::parquet(&*self.path, error))?;
        Ok(RowStream { path: self.path.clone(), reader })
    }

    /// `false`: no row has the trace id. `true`: probably one has, or the file has no filter of its own:
    /// those of older versions do, of others the directory has it.
    pub fn may_hold_trace(&self, trace_id: &[u8; 16]) -> Result<bool, SegmentError> {
        let filters = if let Some(filters) = self.trace_filters.get() {
            filters
        } else {
            let read = self.read_trace_filters()?;
            self.trace_filters.get_or_init(|| read)
        };
        let holds = |filter: &Option<Sbbf>| {
            filter.as_ref().is_none_or(|filter| filter.check(trace_id.as_slice()))
        };
        Ok(filters.iter().any(holds))
    }

    /// Float samples of some series in a range (both ends included), in the order of the ranges.
    pub fn samples(
        &self,
        label_sets: &[(usize, &LabelSetRange)],
        range_ms: (i64, i64),
    ) -> Result<Vec<SampleRun>, SegmentError> {
        let mut wanted: Vec<_> = label_sets.to_vec();
        wanted.sort_unstable_by_key(|(_, set)| set.rows.start);
        let rows = union(wanted.iter().map(|(_, set)| &set.rows));
        let batches = self.read(&PACKED_COLUMNS, Some(&rows))?;
        let mut chunks = rows.into_iter().flatten().zip(
            batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |chunk| (batch, chunk))),
        );
        let mut runs = Vec::with_capacity(wanted.len());
        // The chunks that are read and may be wanted again.
        let mut held: Vec<(u32, (&RecordBatch, usize))> = Vec::new();
        for (label_set, set) in wanted {
            let mut run = SampleRun { label_set, ..SampleRun::default() };
            held.retain(|(row, _)| *row >= set.rows.start);
            while held.last().is_none_or(|(row, _)| *row + 1 < set.rows.end) {
                let Some(next) = chunks.next() else { break };
                if next.0 >= set.rows.start {
                    held.push(next);
                }
            }
            let range_ms = (range_ms.0.max(set.time_range.0), range_ms.1.min(set.time_range.1));
            for &(_, (batch, chunk)) in held.iter().filter(|(row, _)| *row < set.rows.end) {
                chunks::unpack(batch, chunk, range_ms, &mut run)
                    .map_err(|error| SegmentError::damaged(&*self.path, error))?;
            }
            runs.push(run);
        }
        Ok(runs)
    }

    fn read_trace_filters(&self) -> Result<Vec<Option<Sbbf>>, SegmentError> {
        let builder = self.builder()?;
        let failed = |error: ParquetError| SegmentError::parquet(&*self.path, error);
        let schema = builder.parquet_schema();
        let Some(column) = (0..schema.num_columns())
            .find(|&index| schema.column(index).path().string() == "trace_id")
        else {
            return Ok(Vec::new());
        };
        (0..self.metadata.metadata().num_row_groups())
            .map(|group| builder.get_row_group_column_bloom_filter(group, column).map_err(failed))
            .collect()
    }

    pub(crate) fn damaged(&self, reason: impl std::fmt::Display) -> SegmentError {
        SegmentError::damaged(&*self.path, reason)
    }

    fn builder(&self) -> Result<ParquetRecordBatchReaderBuilder<BlockFile>, SegmentError> {
        let metadata = self.metadata.clone();
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(self.file()?, metadata))
    }

    fn file(&self) -> Result<BlockFile, SegmentError> {
        BlockFile::open(&self.path, self.checksums.clone()).map_err(SegmentError::io(&*self.path))
    }
}

/// The schema with the lines of logs as views.
fn with_views(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        if field.name() == "body" && field.data_type() == &DataType::Utf8 {
            Arc::new(Field::clone(field).with_data_type(DataType::Utf8View))
        } else {
            Arc::clone(field)
        }
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

/// Ranges that come in the order of their starts, without what they share.
fn union<'a>(ranges: impl Iterator<Item = &'a Range<u32>>) -> Vec<Range<u32>> {
    let mut union: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match union.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => union.push(range.clone()),
        }
    }
    union
}

/// Rows of a Parquet file, batch by batch.
pub struct RowStream {
    path: Box<Path>,
    reader: ParquetRecordBatchReader,
}

impl Iterator for RowStream {
    type Item = Result<RecordBatch, SegmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|error| SegmentError::damaged(&*self.path, error)))
    }
}
