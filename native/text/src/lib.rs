//! The full-text index of a segment: which blocks of rows may hold a text.
//!
//! Tokens lead to blocks of neighbouring rows, not to rows: lines of one stream repeat themselves, so
//! postings, CPU and bytes shrink by one to two orders, and the column is looked at afterwards anyway. So
//! of Tantivy's parts its dictionary is what is needed. A token is a maximal run of letters and digits,
//! case kept.

mod file;
mod reader;
mod search;
mod terms;
mod tokens;
mod writer;

pub use reader::{FoundRows, TextIndex};
pub use search::{Scored, Search, SearchError, TermCounts, TextQuery};
pub use writer::{IndexBuilder, build};

/// Why an index cannot be built or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The file could not be read.
    #[error("full-text index: {0}")]
    Io(#[from] std::io::Error),
    /// The file's bytes are not what was written.
    #[error("full-text index is damaged: {0}")]
    Damaged(&'static str),
}
