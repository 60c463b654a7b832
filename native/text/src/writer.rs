//! Building an index.

use hashbrown::HashSet;
use memchr::memchr;
use tantivy::{
    Index, SingleSegmentIndexWriter, TantivyDocument,
    directory::RamDirectory,
    schema::Field,
    tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager},
};

use crate::{
    BLOCK_TOKENIZER, TextError, packed, schema,
    tokens::{LONG_TOKEN, TOKEN_MAX_BYTES, tokens},
};

/// What Tantivy may use while it builds one index.
const WRITER_MEMORY_BYTES: usize = 64 << 20;
/// Between the tokens of a block. No token holds it.
const SEPARATOR: u8 = b'\n';

/// The index of lines in row order, as the bytes of one file. `block_rows` (at least 1) rows are one
/// block.
pub fn build<'a>(
    lines: impl IntoIterator<Item = &'a str>,
    block_rows: u32,
) -> Result<Vec<u8>, TextError> {
    let mut builder = IndexBuilder::new(block_rows)?;
    let mut lines = lines.into_iter().peekable();
    while lines.peek().is_some() {
        builder.add_block(lines.by_ref().take(block_rows.max(1) as usize))?;
    }
    builder.finish()
}

/// An index that is built of lines as they come.
pub struct IndexBuilder {
    writer: SingleSegmentIndexWriter<TantivyDocument>,
    directory: RamDirectory,
    field: Field,
    block_rows: u32,
    rows: u64,
    /// The lines of a block that is not full, one after the other, and where each ends.
    waiting: String,
    ends: Vec<usize>,
    block: String,
    /// Distinct tokens of the last block: the next has about as many.
    distinct: usize,
}

impl IndexBuilder {
    /// `block_rows` (at least 1) rows are one block.
    pub fn new(block_rows: u32) -> Result<Self, TextError> {
        let (schema, field) = schema();
        let directory = RamDirectory::create();
        let tokenizers = TokenizerManager::new();
        tokenizers.register(BLOCK_TOKENIZER, BlockTokenizer);
        let writer = Index::builder()
            .schema(schema)
            .tokenizers(tokenizers)
            .single_segment_index_writer(directory.clone(), WRITER_MEMORY_BYTES)?;
        Ok(Self {
            writer,
            directory,
            field,
            block_rows: block_rows.max(1),
            rows: 0,
            waiting: String::new(),
            ends: Vec::new(),
            block: String::new(),
            distinct: 0,
        })
    }

    /// Adds the next line.
    pub fn add(&mut self, line: &str) -> Result<(), TextError> {
        self.waiting.push_str(line);
        self.ends.push(self.waiting.len());
        if self.ends.len() == self.block_rows as usize { self.add_waiting() } else { Ok(()) }
    }

    fn add_waiting(&mut self) -> Result<(), TextError> {
        let (waiting, ends) = (std::mem::take(&mut self.waiting), std::mem::take(&mut self.ends));
        let starts = std::iter::once(0).chain(ends.iter().copied());
        self.add_block(starts.zip(&ends).map(|(start, &end)| &waiting[start..end]))?;
        (self.waiting, self.ends) = (waiting, ends);
        self.waiting.clear();
        self.ends.clear();
        Ok(())
    }

    fn add_block<'a>(&mut self, lines: impl Iterator<Item = &'a str>) -> Result<(), TextError> {
        let mut distinct = HashSet::with_capacity(self.distinct);
        self.block.clear();
        for line in lines {
            self.rows += 1;
            add_tokens(line, &mut distinct, &mut self.block);
        }
        self.distinct = distinct.len();
        let mut document = TantivyDocument::new();
        document.add_text(self.field, &self.block);
        self.writer.add_document(document)?;
        Ok(())
    }

    /// The index, as the bytes of one file.
    pub fn finish(mut self) -> Result<Vec<u8>, TextError> {
        if !self.ends.is_empty() {
            self.add_waiting()?;
        }
        let index = self.writer.finalize()?;
        packed::pack(&index, &self.directory, self.block_rows, self.rows)
    }
}

/// Adds the tokens that the block does not have yet.
fn add_tokens<'a>(line: &'a str, distinct: &mut HashSet<&'a str>, block: &mut String) {
    for token in tokens(line) {
        let token = if token.len() > TOKEN_MAX_BYTES { LONG_TOKEN } else { token };
        if distinct.insert(token) {
            block.push_str(token);
            block.push(char::from(SEPARATOR));
        }
    }
}

/// Gives Tantivy the tokens of a block without a string for each.
#[derive(Clone)]
struct BlockTokenizer;

struct BlockTokens<'a> {
    rest: &'a str,
    token: Token,
}

impl Tokenizer for BlockTokenizer {
    type TokenStream<'a> = BlockTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> BlockTokens<'a> {
        BlockTokens { rest: text, token: Token::default() }
    }
}

impl TokenStream for BlockTokens<'_> {
    fn advance(&mut self) -> bool {
        let Some(end) = memchr(SEPARATOR, self.rest.as_bytes()) else { return false };
        self.token.text.clear();
        self.token.text.push_str(&self.rest[..end]);
        self.rest = &self.rest[end + 1..];
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
