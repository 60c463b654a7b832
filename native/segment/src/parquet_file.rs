//! The Parquet file of a segment.

use std::{fs::File, io, ops::Range, path::Path, sync::OnceLock};

use arrow::array::RecordBatch;
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
        },
    },
    basic::{Compression, Encoding, ZstdLevel},
    bloom_filter::Sbbf,
    errors::ParquetError,
    file::properties::{EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};
use varve_types::Table;
use xxhash_rust::xxh3::Xxh3Default;

use crate::{
    Clustered, SegmentError,
    chunks::{self, PACKED_COLUMNS, SampleRun},
    columns::{OFFSET, ROW},
    directory::{LabelSetRange, ParquetSeal},
};

/// Rows of one row group. A selection reads pages, so groups only bound the writer's memory.
const ROW_GROUP_ROWS: usize = 131_072;
/// Rows of one data page: what is read at least for one row of a column.
const PAGE_ROWS: usize = 2_048;
/// As many chunks of samples; one has as many bytes as a hundred rows of numbers.
const PAGE_CHUNKS: usize = 512;
/// Rows of one batch that is read.
const BATCH_ROWS: usize = 8_192;
/// Bloom filter answers "maybe" wrongly about once in this many look-ups.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Writes and syncs the file; the caller syncs its folder.
pub fn write_parquet(
    path: &Path,
    table: Table,
    rows: &Clustered,
) -> Result<ParquetSeal, SegmentError> {
    let file = File::create(path).map_err(SegmentError::io(path))?;
    let failed = |error| SegmentError::parquet(path, error);
    let file = Hashing { file, size_bytes: 0, hash: Xxh3Default::new() };
    let mut writer =
        ArrowWriter::try_new(file, rows.batch.schema(), Some(properties(table))).map_err(failed)?;
    writer.write(&rows.batch).map_err(failed)?;
    let Hashing { file, size_bytes, hash } = writer.into_inner().map_err(failed)?;
    file.sync_all().map_err(SegmentError::io(path))?;
    Ok(ParquetSeal { size_bytes, checksum: hash.digest() })
}

/// A file whose bytes are hashed on their way.
struct Hashing {
    file: File,
    size_bytes: u64,
    hash: Xxh3Default,
}

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn properties(table: Table) -> WriterProperties {
    let level = ZstdLevel::try_new(3).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for name in match table {
        Table::Logs => &["time_unix_nano"][..],
        Table::Spans => &["trace_id", "start_unix_nano"],
        Table::Samples | Table::Metadata | Table::Exemplars => &[],
    } {
        properties = properties
            .set_column_statistics_enabled(ColumnPath::from(*name), EnabledStatistics::Page);
    }
    if matches!(table, Table::Logs | Table::Spans) {
        let trace_id = ColumnPath::from("trace_id");
        properties = properties
            .set_column_bloom_filter_enabled(trace_id.clone(), true)
            .set_column_bloom_filter_fpp(trace_id.clone(), BLOOM_FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(trace_id, ROW_GROUP_ROWS as u64);
    }
    for name in match table {
        Table::Logs => &["time_unix_nano", "observed_time_unix_nano", ROW, OFFSET][..],
        Table::Spans => &["start_unix_nano", "end_unix_nano", ROW, OFFSET],
        Table::Samples | Table::Metadata | Table::Exemplars => &[],
    } {
        // Numbers that go up within a stream or trace: a third of what their dictionary takes.
        let column = ColumnPath::from(*name);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    if table == Table::Samples {
        // Series that are scraped together have the same times: the dictionary holds them once.
        properties = properties
            .set_data_page_row_count_limit(PAGE_CHUNKS)
            .set_write_batch_size(PAGE_CHUNKS)
            .set_column_dictionary_enabled(ColumnPath::from("values"), false);
    }
    properties.build()
}

/// A Parquet file that is open for reading. Its metadata is read once; every read opens the file
/// anew, so that reads run side by side.
pub struct ParquetSegment {
    path: Box<Path>,
    metadata: ArrowReaderMetadata,
    trace_filters: OnceLock<Vec<Option<Sbbf>>>,
}

impl ParquetSegment {
    /// Reads the file's metadata.
    pub fn open(path: &Path) -> Result<Self, SegmentError> {
        let file = File::open(path).map_err(SegmentError::io(path))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(true.into());
        let metadata = ArrowReaderMetadata::load(&file, options)
            .map_err(|error| SegmentError::parquet(path, error))?;
        Ok(Self { path: path.into(), metadata, trace_filters: OnceLock::new() })
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
        let failed = |error| SegmentError::parquet(&*self.path, error);
        let builder = self.builder()?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let mut builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        if let Some(rows) = rows {
            let ranges = rows.iter().map(|range| range.start as usize..range.end as usize);
            let total = self.rows() as usize;
            builder =
                builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, total));
        }
        builder
            .build()
            .map_err(failed)?
            .collect::<Result<_, _>>()
            .map_err(|error| SegmentError::damaged(&*self.path, error))
    }

    /// `false`: no row has the trace id. `true`: probably one has.
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
        let rows: Vec<_> = wanted.iter().map(|(_, set)| set.rows.clone()).collect();
        let batches = self.read(&PACKED_COLUMNS, Some(&rows))?;
        let mut chunks =
            batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |chunk| (batch, chunk)));
        let mut runs = Vec::with_capacity(wanted.len());
        for (label_set, set) in wanted {
            let mut run = SampleRun { label_set, ..SampleRun::default() };
            for (batch, chunk) in chunks.by_ref().take(set.rows.len()) {
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

    fn builder(&self) -> Result<ParquetRecordBatchReaderBuilder<File>, SegmentError> {
        let file = File::open(&self.path).map_err(SegmentError::io(&*self.path))?;
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone()))
    }
}
