//! One segment: rows of one tenant and table, clustered, as a Parquet file and a directory beside it
//! (format: docs/format.md, "Segments").

mod chunk_codec;
mod chunks;
mod cluster;
mod clustered;
mod columns;
mod directory;
mod error;
mod label_set_ranks;
mod parquet_file;

pub use chunks::SampleRun;
pub use cluster::cluster;
pub use clustered::{Clustered, LogPart};
pub use columns::{EPOCH, OFFSET, PARTITION, ROW, stored_schema};
pub use directory::{Directory, LabelSetRange, ParquetSeal, TRACE_STRIDE_ROWS};
pub use error::SegmentError;
pub use parquet_file::{ParquetSegment, write_parquet};
