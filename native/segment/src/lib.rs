//! One segment: rows of one tenant and table, clustered, as a Parquet file and a directory beside it
//! (format: docs/format.md, "Segments").

mod block_file;
mod bloom;
mod chunk_codec;
mod chunks;
mod cluster;
mod clustered;
mod columns;
mod dictionaries;
mod directory;
mod erase;
mod error;
mod label_set_ranks;
mod merge;
mod parquet_file;
mod parquet_seal;
mod parquet_writer;
mod row_index;
mod row_ranges;
mod values;

pub use bloom::{BloomFilter, FilterBlock, FilterKey, TraceIds};
pub use chunks::SampleRun;
pub use cluster::cluster;
pub use clustered::{Clustered, LogPart};
pub use columns::{EPOCH, OFFSET, PARTITION, ROW, stored_schema};
pub use directory::{Directory, LabelSetRange, TRACE_STRIDE_ROWS};
pub use erase::{Counts, Erasure, Left, RowTest, erase};
pub use error::SegmentError;
pub use merge::{MergeInput, Merged, merge};
pub use parquet_file::{ParquetSegment, RowStream};
pub use parquet_seal::ParquetSeal;
pub use parquet_writer::{Effort, ParquetFileWriter, Written, write_parquet};
pub use row_index::{RowIndex, index_rows};
pub use row_ranges::{common_parts, common_rows, merged_rows};
pub use values::{FilterAttributes, ValueFilter, Values};
