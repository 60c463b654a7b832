//! Batches built row by row, straight from a sender's bytes.
//!
//! Arrow's own builders check and branch per value; these are the bare buffers of the columns that
//! `schema` fixes, so that a record costs the copy of its texts and little else.

mod attribute_lists;
mod columns;
mod logs;
mod samples;
mod spans;

pub use attribute_lists::AttributeListsBuilder;
pub use columns::{TextColumn, TextDictionary};
pub use logs::{LogRow, LogsBuilder};
pub use samples::{ExemplarsBuilder, MetadataBuilder, SampleRow, SamplesBuilder};
pub use spans::{EventRow, LinkRow, SpanRow, SpansBuilder};

/// Why rows could not become a batch. Nothing of them is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Arrow counts the bytes of a column in 31 bits.
    #[error("the texts of one column take {bytes} bytes; a batch holds 2 GiB, send less at once")]
    TooLarge {
        /// What they take.
        bytes: usize,
    },
    /// A fault of a builder: the columns do not fit the schema.
    #[error("the columns do not make a batch: {0}")]
    Columns(#[from] arrow::error::ArrowError),
}
