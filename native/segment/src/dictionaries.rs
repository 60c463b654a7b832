//! What a column can hold, told by its dictionaries alone: one page for each group of rows.

use std::sync::Arc;

use parquet::{
    basic::{Encoding, Type},
    column::page::{Page, PageReader as _},
    errors::{ParquetError, Result},
    file::{
        metadata::{ColumnChunkMetaData, ParquetMetaData},
        serialized_reader::SerializedPageReader,
        statistics::Statistics,
    },
};

use crate::block_file::BlockFile;

/// The distinct values of a leaf column (`attributes.list.item.key`) as they are stored plainly: texts as their
/// bytes, numbers as theirs, the lowest first. `None` where a page is written without a dictionary, or
/// there is no such column; a value may come twice.
pub(crate) fn distinct(
    file: &BlockFile,
    metadata: &ParquetMetaData,
    column: &str,
) -> Result<Option<Vec<Box<[u8]>>>> {
    let mut values = Vec::new();
    for group in metadata.row_groups() {
        let chunk = group.columns().iter().find(|chunk| chunk.column_path().string() == column);
        let Some(chunk) = chunk else { return Ok(None) };
        if is_empty(chunk) {
            continue;
        }
        if !is_in_dictionary(chunk) {
            return Ok(None);
        }
        let rows = group.num_rows() as usize;
        let mut pages = SerializedPageReader::new(Arc::new(file.clone()), chunk, rows, None)?;
        let Some(Page::DictionaryPage { buf, num_values, .. }) = pages.get_next_page()? else {
            return Ok(None);
        };
        if !read_plain(&buf, num_values, chunk.column_type(), &mut values) {
            return Err(ParquetError::General(format!("the dictionary of {column} ends early")));
        }
    }
    Ok(Some(values))
}

fn is_empty(chunk: &ColumnChunkMetaData) -> bool {
    let nulls = chunk.statistics().and_then(Statistics::null_count_opt);
    nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(chunk.num_values()))
}

fn is_in_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    chunk.dictionary_page_offset().is_some()
        && chunk.page_encoding_stats_mask().is_some_and(|pages| {
            pages.is_only(Encoding::RLE_DICTIONARY) || pages.is_only(Encoding::PLAIN_DICTIONARY)
        })
}

/// Values in Parquet's `PLAIN` encoding, which the parquet crate decodes only with the column's other pages; `false` where there are fewer, or of a type that no column of
/// names has.
fn read_plain(mut page: &[u8], count: u32, kind: Type, values: &mut Vec<Box<[u8]>>) -> bool {
    for _ in 0..count {
        let length = match kind {
            Type::INT32 => size_of::<i32>(),
            Type::BYTE_ARRAY => {
                let Some((length, rest)) = page.split_first_chunk::<4>() else { return false };
                page = rest;
                u32::from_le_bytes(*length) as usize
            }
            _ => return false,
        };
        let Some((value, rest)) = page.split_at_checked(length) else { return false };
        values.push(value.into());
        page = rest;
    }
    true
}
