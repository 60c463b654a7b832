//! One segment: rows of one tenant and table, clustered, as a Parquet file and a directory beside it
//! (format: docs/format.md, "Segments").

mod chunk_codec;
mod chunks;
mod cluster;
mod columns;
mod directory;
mod error;
mod parquet_file;

pub use chunks::SampleRun;
pub use cluster::{Clustered, LogPart, cluster};
pub use columns::{EPOCH, OFFSET, PARTITION, ROW, stored_schema};
pub use directory::{Directory, LabelSetRange, TRACE_STRIDE_ROWS};
pub use error::SegmentError;
pub use parquet_file::{ParquetSeal, ParquetSegment, write_parquet};
