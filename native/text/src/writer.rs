//! Building an index.

use crate::{
    TextError, file,
    terms::Terms,
    tokens::{LONG_TOKEN, TOKEN_MAX_BYTES, tokens},
};

/// The index of lines in row order, as the bytes of one file. `block_rows` (at least 1) rows are one
/// block.
pub fn build<'a>(
    lines: impl IntoIterator<Item = &'a str>,
    block_rows: u32,
) -> Result<Vec<u8>, TextError> {
    let mut builder = IndexBuilder::new(block_rows);
    for line in lines {
        builder.add(line);
    }
    builder.finish()
}

/// An index that is built of lines as they come.
pub struct IndexBuilder {
    terms: Terms,
    block_rows: u32,
    rows: u64,
    /// Those of the block that has not ended.
    rows_in_block: u32,
}

impl IndexBuilder {
    /// `block_rows` (at least 1) rows are one block.
    pub fn new(block_rows: u32) -> Self {
        Self { terms: Terms::default(), block_rows: block_rows.max(1), rows: 0, rows_in_block: 0 }
    }

    /// Adds the next line.
    pub fn add(&mut self, line: &str) {
        for token in tokens(line) {
            let token = if token.len() > TOKEN_MAX_BYTES { LONG_TOKEN } else { token };
            self.terms.add(token.as_bytes());
        }
        self.rows += 1;
        self.rows_in_block += 1;
        if self.rows_in_block == self.block_rows {
            self.terms.end_block();
            self.rows_in_block = 0;
        }
    }

    /// The index, as the bytes of one file.
    pub fn finish(mut self) -> Result<Vec<u8>, TextError> {
        if self.rows_in_block > 0 {
            self.terms.end_block();
        }
        file::write(self.terms, self.block_rows, self.rows)
    }
}
