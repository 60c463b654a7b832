//! The full-text index of a segment: which blocks of rows may hold a text. Tantivy in one file.
//!
//! A document is a block of neighbouring rows with its distinct tokens, not a row: lines of one stream
//! repeat themselves, so postings, CPU and bytes shrink by one to two orders, and the column is
//! looked at afterwards anyway. A token is a maximal run of letters and digits, case kept.

mod packed;
mod reader;
mod search;
mod tokens;
mod writer;

pub use reader::{FoundRows, TextIndex};
pub use search::{Scored, Search, SearchError, TermCounts, TextQuery};
pub use writer::{IndexBuilder, build};

use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};

/// Why an index cannot be built or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Tantivy's own reason.
    #[error("full-text index: {0}")]
    Tantivy(#[from] tantivy::TantivyError),
    /// The file could not be read.
    #[error("full-text index: {0}")]
    Io(#[from] std::io::Error),
    /// The file's bytes are not what was written.
    #[error("full-text index is damaged: {0}")]
    Damaged(&'static str),
}

/// The name by which the schema refers to `writer`'s way of taking a block apart.
const BLOCK_TOKENIZER: &str = "block";

/// The index's only field: the tokens of a block.
fn schema() -> (Schema, Field) {
    let mut builder = Schema::builder();
    // Neither frequencies nor positions: a hit only selects blocks.
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(BLOCK_TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let field =
        builder.add_text_field("tokens", TextOptions::default().set_indexing_options(indexing));
    (builder.build(), field)
}
