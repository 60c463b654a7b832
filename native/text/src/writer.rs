//! Building an index.

use std::collections::HashSet;

use tantivy::{
    Index, TantivyDocument,
    directory::RamDirectory,
    tokenizer::{PreTokenizedString, Token},
};

use crate::{
    TextError, packed, schema,
    tokens::{LONG_TOKEN, TOKEN_MAX_BYTES, tokens},
};

/// What Tantivy may use while it builds one index.
const WRITER_MEMORY_BYTES: usize = 64 << 20;

/// The index of lines in row order, as the bytes of one file. `block_rows` (at least 1) rows are one
/// block.
pub fn build<'a>(
    lines: impl IntoIterator<Item = &'a str>,
    block_rows: u32,
) -> Result<Vec<u8>, TextError> {
    let (schema, field) = schema();
    let directory = RamDirectory::create();
    let mut writer = Index::builder()
        .schema(schema)
        .single_segment_index_writer(directory.clone(), WRITER_MEMORY_BYTES)?;
    let mut lines = lines.into_iter().peekable();
    let mut rows: u64 = 0;
    while lines.peek().is_some() {
        let block = lines.by_ref().take(block_rows.max(1) as usize).inspect(|_| rows += 1);
        let mut document = TantivyDocument::new();
        document.add_pre_tokenized_text(field, block_tokens(block));
        writer.add_document(document)?;
    }
    let index = writer.finalize()?;
    packed::pack(&index, &directory, block_rows.max(1), rows)
}

fn block_tokens<'a>(lines: impl Iterator<Item = &'a str>) -> PreTokenizedString {
    let mut distinct: HashSet<&str> = HashSet::new();
    for line in lines {
        for token in tokens(line) {
            distinct.insert(if token.len() > TOKEN_MAX_BYTES { LONG_TOKEN } else { token });
        }
    }
    let tokens = distinct
        .into_iter()
        .map(|text| Token { text: text.to_owned(), ..Token::default() })
        .collect();
    PreTokenizedString { text: String::new(), tokens }
}
