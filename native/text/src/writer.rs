//! Building an index.

use hashbrown::HashSet;
use memchr::memchr;
use tantivy::{
    Index, TantivyDocument,
    directory::RamDirectory,
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
    let (schema, field) = schema();
    let directory = RamDirectory::create();
    let tokenizers = TokenizerManager::new();
    tokenizers.register(BLOCK_TOKENIZER, BlockTokenizer);
    let mut writer = Index::builder()
        .schema(schema)
        .tokenizers(tokenizers)
        .single_segment_index_writer(directory.clone(), WRITER_MEMORY_BYTES)?;
    let mut lines = lines.into_iter().peekable();
    let mut rows: u64 = 0;
    let mut distinct = HashSet::new();
    let mut block = String::new();
    while lines.peek().is_some() {
        distinct.clear();
        block.clear();
        for line in lines.by_ref().take(block_rows.max(1) as usize) {
            rows += 1;
            add_tokens(line, &mut distinct, &mut block);
        }
        let mut document = TantivyDocument::new();
        document.add_text(field, &block);
        writer.add_document(document)?;
    }
    let index = writer.finalize()?;
    packed::pack(&index, &directory, block_rows.max(1), rows)
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
