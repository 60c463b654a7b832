//! Writing the Parquet file of a segment.

use std::{fs::File, io, path::Path};

use arrow::array::RecordBatch;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};
use varve_types::Table;
use xxhash_rust::xxh3::Xxh3Default;

use crate::{
    Clustered, SegmentError,
    block_file::BlockChecksums,
    bloom::{BloomFilter, TraceIds},
    columns::{OFFSET, ROW, stored_schema},
    parquet_seal::ParquetSeal,
    values::{FilterAttributes, ValueFilter, Values},
};

/// Rows of one row group. A selection reads pages, so groups only bound the writer's memory.
const ROW_GROUP_ROWS: usize = 131_072;
/// Rows of one data page: what is read at least for one row of a column.
const PAGE_ROWS: usize = 2_048;
/// As many chunks of samples; one has as many bytes as a hundred rows of numbers.
const PAGE_CHUNKS: usize = 512;
/// Of the values of spans' attributes. Whoever reads one trace decodes the dictionary of its row group as
/// a whole; with the usual 1 MiB that took longer than all else of it. It costs 2 bytes a span.
const SPAN_VALUES_DICTIONARY_BYTES: usize = 64 << 10;
/// The level of zstd for all columns but lines: 1 takes a sixth more bytes of them, 7 saves none.
const ZSTD_LEVEL: i32 = 3;

/// How hard it is tried to make lines small, which are half of a segment of logs.
///
/// By pyarrow on the benchmark's lines of 190 bytes: level 1 31.3 bytes a line in 340 ns, level 3 31.3 in 450,
/// level 7 26.8 in 1,380, level 9 25.3 in 1,990. All are read in the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For what senders wait behind: a memtable that is sealed.
    Quick,
    /// For what is kept: segments that are merged, when there is time.
    Thorough,
}

impl Effort {
    fn zstd_level_of_lines(self) -> i32 {
        match self {
            Self::Quick => 1,
            Self::Thorough => 7,
        }
    }
}

/// So much goes to the disk at once. All of a segment in one sync at its end would keep the journal's syncs,
/// which senders wait for, behind it in the disk's queue.
const SYNC_EVERY_BYTES: usize = 1 << 20;

/// A Parquet file that was written, for the directory beside it.
pub struct Written {
    /// By which damage to the file is known.
    pub parquet: ParquetSeal,
    /// Of logs and spans.
    pub trace_filter: Option<BloomFilter>,
    /// Of logs and spans.
    pub value_filter: Option<ValueFilter>,
}

/// Writes and syncs the file of rows that are sealed; the caller syncs its folder. Values of some attributes are in its filter.
pub fn write_parquet(
    path: &Path,
    table: Table,
    attributes: &FilterAttributes,
    rows: &Clustered,
) -> Result<Written, SegmentError> {
    let mut writer = ParquetFileWriter::create(path, table, Effort::Quick, attributes)?;
    writer.write(&rows.batch)?;
    writer.finish()
}

/// A Parquet file that is being written, batch by batch.
pub struct ParquetFileWriter {
    path: Box<Path>,
    writer: ArrowWriter<Hashing>,
    filtered: Option<(TraceIds, Values)>,
}

impl ParquetFileWriter {
    /// Makes the file, or empties it. Values of some attributes are in its filter.
    pub fn create(
        path: &Path,
        table: Table,
        effort: Effort,
        attributes: &FilterAttributes,
    ) -> Result<Self, SegmentError> {
        let file = File::create(path).map_err(SegmentError::io(path))?;
        let (hash, blocks) = (Xxh3Default::new(), BlockChecksums::default());
        let file = Hashing { file, size_bytes: 0, unsynced_bytes: 0, hash, blocks };
        let writer =
            ArrowWriter::try_new(file, stored_schema(table), Some(properties(table, effort)))
                .map_err(|error| SegmentError::parquet(path, error))?;
        let is_filtered = matches!(table, Table::Logs | Table::Spans);
        let filtered = is_filtered.then(|| (TraceIds::default(), Values::new(table, attributes)));
        Ok(Self { path: path.into(), writer, filtered })
    }

    /// Adds rows of [`stored_schema`], in the segment's order.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), SegmentError> {
        if let Some((trace_ids, values)) = &mut self.filtered {
            trace_ids.add(rows);
            values.add(rows);
        }
        self.writer.write(rows).map_err(|error| SegmentError::parquet(&*self.path, error))
    }

    /// Writes the footer and syncs the file; the caller syncs its folder.
    pub fn finish(self) -> Result<Written, SegmentError> {
        let Hashing { file, size_bytes, hash, blocks, .. } =
            self.writer.into_inner().map_err(|error| SegmentError::parquet(&*self.path, error))?;
        file.sync_all().map_err(SegmentError::io(&*self.path))?;
        let blocks = Some(blocks.finish());
        let parquet = ParquetSeal { size_bytes, checksum: hash.digest(), blocks };
        let (trace_ids, values) = self.filtered.unzip();
        Ok(Written {
            parquet,
            trace_filter: trace_ids.map(TraceIds::into_filter),
            value_filter: values.map(Values::into_filter),
        })
    }
}

/// A file whose bytes are hashed on their way, and put on the disk as they come.
struct Hashing {
    file: File,
    size_bytes: u64,
    unsynced_bytes: usize,
    hash: Xxh3Default,
    blocks: BlockChecksums,
}

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.blocks.update(&bytes[..written]);
        self.size_bytes += written as u64;
        self.unsynced_bytes += written;
        if self.unsynced_bytes >= SYNC_EVERY_BYTES {
            self.file.sync_data()?;
            self.unsynced_bytes = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn zstd(level: i32) -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default())
}

fn properties(table: Table, effort: Effort) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(zstd(ZSTD_LEVEL))
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
    if table == Table::Logs {
        // Lines differ, and where they do not zstd sees it: as small without a dictionary, which would have to
        // be decoded for each line that is found.
        let body = ColumnPath::from("body");
        properties = properties
            .set_column_dictionary_enabled(body.clone(), false)
            .set_column_compression(body, zstd(effort.zstd_level_of_lines()));
    }
    if table == Table::Spans {
        let values = ["attributes", "list", "item", "value"].map(str::to_owned).to_vec();
        properties = properties.set_column_dictionary_page_size_limit(
            ColumnPath::new(values),
            SPAN_VALUES_DICTIONARY_BYTES,
        );
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
