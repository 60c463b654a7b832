//! A segment's directory: which rows belong to which stream, series or trace. Kept beside the Parquet
//! file, and read whole (format: docs/format.md, "Directory").

use std::{fs, io::Cursor, ops::Range, path::Path, sync::Arc};

use arrow::{
    array::{
        AsArray, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray, UInt32Array,
        UInt64Array,
    },
    datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, UInt32Type, UInt64Type},
    error::ArrowError,
    ipc::{
        CompressionType,
        reader::FileReader,
        writer::{FileWriter, IpcWriteOptions},
    },
};

use xxhash_rust::xxh3::xxh3_64;

use crate::{
    SegmentError, block_file::BLOCK_BYTES, bloom::BloomFilter, parquet_seal::ParquetSeal,
    values::ValueFilter,
};

const MAGIC: &[u8; 8] = b"VARVEDIR";
const VERSION: u32 = 3;
/// The first with a filter of trace ids and checksums of blocks.
const VERSION_BLOCKS: u32 = 2;
/// The first with a filter of other values.
const VERSION_VALUES: u32 = 3;
const VERSION_OLDEST: u32 = 1;
/// Magic, version, blocks of the filter, size and checksum of the Parquet file.
const HEADER_BYTES: usize = 32;
const FILTER_BLOCK_BYTES: usize = 32;

/// Every this many rows of a spans segment the directory has a trace id.
pub const TRACE_STRIDE_ROWS: u32 = 1_024;

/// Where one stream's (or series') rows are in a segment. They are neighbours: rows are clustered
/// by label set, then time, then log position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSetRange {
    /// The label set's canonical text.
    pub text: Arc<str>,
    /// Its rows; for samples these are chunks.
    pub rows: Range<u32>,
    /// First and last time of them, in the table's unit (both included).
    pub time_range: (i64, i64),
    /// How many records they are: log lines or samples.
    pub count: u64,
    /// Bytes of their lines (logs); 0 otherwise.
    pub bytes: u64,
}

/// Where to look in a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Sorted by text; empty for spans and metadata.
    pub label_sets: Vec<LabelSetRange>,
    /// For spans: the trace id of rows 0, [`TRACE_STRIDE_ROWS`], twice that, …; ascending.
    pub trace_marks: Vec<[u8; 16]>,
    /// For logs and spans: of all trace ids; `None` where an older version wrote the segment.
    pub trace_filter: Option<BloomFilter>,
    /// For logs and spans: of span ids and attributes; `None` where an older version wrote the segment.
    pub value_filter: Option<ValueFilter>,
}

impl Directory {
    pub(crate) fn label_sets(label_sets: Vec<LabelSetRange>) -> Self {
        Self { label_sets, ..Self::default() }
    }

    pub(crate) fn traces(trace_marks: Vec<[u8; 16]>) -> Self {
        Self { trace_marks, ..Self::default() }
    }

    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Rows among which a trace's spans can be, of `rows` in the segment: none if it is before the
    /// first.
    #[must_use]
    pub fn trace_rows(&self, trace_id: &[u8; 16], rows: u32) -> Range<u32> {
        // The stride before the first mark that is not smaller may end with the trace's spans.
        let from = self.trace_marks.partition_point(|mark| mark < trace_id).saturating_sub(1);
        let to = self.trace_marks.partition_point(|mark| mark <= trace_id);
        let start = (from as u32 * TRACE_STRIDE_ROWS).min(rows);
        start..(to as u32 * TRACE_STRIDE_ROWS).min(rows).max(start)
    }

    /// The file's bytes; they also say how the Parquet file was written.
    pub fn to_bytes(&self, parquet: &ParquetSeal) -> Result<Vec<u8>, SegmentError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        let filter_blocks = self.trace_filter.as_ref().map_or(0, |one| one.blocks().len() + 1);
        bytes.extend_from_slice(&(filter_blocks as u32).to_le_bytes());
        bytes.extend_from_slice(&parquet.size_bytes.to_le_bytes());
        bytes.extend_from_slice(&parquet.checksum.to_le_bytes());
        bytes.extend(self.trace_filter.iter().flat_map(BloomFilter::to_bytes));
        put_values(&mut bytes, self.value_filter.as_ref());
        let blocks = parquet.blocks.as_deref().unwrap_or_default();
        debug_assert_eq!(blocks.len() as u64, parquet.size_bytes.div_ceil(BLOCK_BYTES as u64));
        bytes.extend(blocks.iter().flat_map(|checksum| checksum.to_le_bytes()));
        let batch =
            if self.trace_marks.is_empty() { self.label_batch()? } else { self.mark_batch()? };
        let options =
            IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD))?;
        let mut content = Vec::new();
        let mut writer = FileWriter::try_new_with_options(&mut content, &batch.schema(), options)?;
        writer.write(&batch)?;
        writer.finish()?;
        drop(writer);
        bytes.append(&mut content);
        let checksum = xxh3_64(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }

    /// Reads the file back.
    pub fn read(path: &Path) -> Result<(Self, ParquetSeal), SegmentError> {
        let bytes = fs::read(path).map_err(SegmentError::io(path))?;
        Self::from_bytes(&bytes).map_err(|reason| SegmentError::damaged(path, reason))
    }

    /// Reads the file's bytes back; the error is what is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, ParquetSeal), String> {
        let (sealed, checksum) = bytes.split_last_chunk::<8>().ok_or("it is too short")?;
        if xxh3_64(sealed) != u64::from_le_bytes(*checksum) {
            return Err("its checksum is another".to_owned());
        }
        let (header, content) =
            sealed.split_first_chunk::<HEADER_BYTES>().ok_or("it is too short")?;
        let number = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(field)
        };
        if !header.starts_with(MAGIC) {
            return Err("it is not a segment's directory".to_owned());
        }
        let (version, filter_blocks) = (number(8) as u32, (number(8) >> 32) as usize);
        if !(VERSION_OLDEST..=VERSION).contains(&version) {
            return Err(format!(
                "it has version {version}, this program reads {VERSION_OLDEST} to {VERSION}"
            ));
        }
        let mut parquet =
            ParquetSeal { size_bytes: number(16), checksum: number(24), blocks: None };
        let filter_bytes = filter_blocks.saturating_sub(1) * FILTER_BLOCK_BYTES;
        let (filter, mut content) =
            content.split_at_checked(filter_bytes).ok_or("it is too short")?;
        let mut value_filter = None;
        if version >= VERSION_VALUES {
            (value_filter, content) = take_values(content).ok_or("it is too short")?;
        }
        if version >= VERSION_BLOCKS {
            let blocks_bytes = parquet.size_bytes.div_ceil(BLOCK_BYTES as u64) as usize * 4;
            let (blocks, rest) = content.split_at_checked(blocks_bytes).ok_or("it is too short")?;
            let blocks = blocks.as_chunks::<4>().0.iter().copied().map(u32::from_le_bytes);
            parquet.blocks = Some(blocks.collect());
            content = rest;
        }
        let mut directory = Self::from_ipc(content).map_err(|error| error.to_string())?;
        directory.trace_filter = (filter_blocks > 0).then(|| BloomFilter::from_bytes(filter));
        directory.value_filter = value_filter;
        Ok((directory, parquet))
    }

    fn from_ipc(content: &[u8]) -> Result<Self, ArrowError> {
        let mut directory = Self::default();
        for batch in FileReader::try_new(Cursor::new(content), None)? {
            let batch = batch?;
            if batch.schema() == label_schema() {
                directory.add_label_sets(&batch);
            } else if batch.schema() == mark_schema() {
                let marks = batch.column(0).as_fixed_size_binary();
                directory.trace_marks.extend(
                    marks.iter().flatten().filter_map(|mark| <[u8; 16]>::try_from(mark).ok()),
                );
            } else {
                return Err(ArrowError::SchemaError("not a directory's columns".to_owned()));
            }
        }
        Ok(directory)
    }

    fn add_label_sets(&mut self, batch: &RecordBatch) {
        let texts = batch.column(0).as_string::<i32>();
        let numbers = |column: usize| batch.column(column).as_primitive::<UInt32Type>().values();
        let times = |column: usize| batch.column(column).as_primitive::<Int64Type>().values();
        let sizes = |column: usize| batch.column(column).as_primitive::<UInt64Type>().values();
        self.label_sets.extend((0..batch.num_rows()).map(|row| LabelSetRange {
            text: Arc::from(texts.value(row)),
            rows: numbers(1)[row]..numbers(2)[row],
            time_range: (times(3)[row], times(4)[row]),
            count: sizes(5)[row],
            bytes: sizes(6)[row],
        }));
    }

    fn label_batch(&self) -> Result<RecordBatch, ArrowError> {
        let sets = || self.label_sets.iter();
        RecordBatch::try_new(
            label_schema(),
            vec![
                Arc::new(StringArray::from_iter_values(sets().map(|set| &*set.text))),
                Arc::new(UInt32Array::from_iter_values(sets().map(|set| set.rows.start))),
                Arc::new(UInt32Array::from_iter_values(sets().map(|set| set.rows.end))),
                Arc::new(Int64Array::from_iter_values(sets().map(|set| set.time_range.0))),
                Arc::new(Int64Array::from_iter_values(sets().map(|set| set.time_range.1))),
                Arc::new(UInt64Array::from_iter_values(sets().map(|set| set.count))),
                Arc::new(UInt64Array::from_iter_values(sets().map(|set| set.bytes))),
            ],
        )
    }

    fn mark_batch(&self) -> Result<RecordBatch, ArrowError> {
        let marks = FixedSizeBinaryArray::try_from_iter(self.trace_marks.iter())?;
        RecordBatch::try_new(mark_schema(), vec![Arc::new(marks)])
    }
}

/// Writes how many blocks the filter has and one, 0 for none; then the names and the blocks.
fn put_values(bytes: &mut Vec<u8>, values: Option<&ValueFilter>) {
    let blocks = values.map_or(0, |values| values.filter.blocks().len() + 1);
    bytes.extend_from_slice(&(blocks as u32).to_le_bytes());
    let Some(values) = values else { return };
    bytes.extend_from_slice(&(values.attributes.iter().count() as u32).to_le_bytes());
    for name in values.attributes.iter() {
        bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
    }
    bytes.extend(values.filter.to_bytes());
}

/// Reads that back, and gives what is behind it.
fn take_values(bytes: &[u8]) -> Option<(Option<ValueFilter>, &[u8])> {
    let number = |bytes: &mut &[u8]| {
        let (number, rest) = bytes.split_first_chunk::<4>()?;
        *bytes = rest;
        Some(u32::from_le_bytes(*number) as usize)
    };
    let mut rest = bytes;
    let Some(blocks) = number(&mut rest)?.checked_sub(1) else { return Some((None, rest)) };
    let mut names = Vec::new();
    for _ in 0..number(&mut rest)? {
        let length = number(&mut rest)?;
        let (name, behind) = rest.split_at_checked(length)?;
        names.push(String::from_utf8_lossy(name).into_owned());
        rest = behind;
    }
    let (filter, rest) = rest.split_at_checked(blocks.checked_mul(FILTER_BLOCK_BYTES)?)?;
    let filter = BloomFilter::from_bytes(filter);
    Some((Some(ValueFilter { attributes: names.into_iter().collect(), filter }), rest))
}

fn label_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("label_set", DataType::Utf8, false),
        Field::new("rows_start", DataType::UInt32, false),
        Field::new("rows_end", DataType::UInt32, false),
        Field::new("first_time", DataType::Int64, false),
        Field::new("last_time", DataType::Int64, false),
        Field::new("count", DataType::UInt64, false),
        Field::new("bytes", DataType::UInt64, false),
    ]))
}

fn mark_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("trace_id", DataType::FixedSizeBinary(16), false)]))
}
