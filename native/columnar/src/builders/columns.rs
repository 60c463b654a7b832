//! Columns of texts, plain and as dictionaries.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, DictionaryArray, FixedSizeBinaryArray, Int32Array, StringArray},
    buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
};
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::BuildError;

/// Texts one after the other.
#[derive(Debug)]
pub struct TextColumn {
    /// Where each text starts, and where the last ends. Only `finish` looks whether they overflowed.
    offsets: Vec<i32>,
    texts: String,
}

impl Default for TextColumn {
    fn default() -> Self {
        Self { offsets: vec![0], texts: String::new() }
    }
}

impl TextColumn {
    /// How many texts there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text at `index`, which must be there.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> &str {
        &self.texts[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }

    /// Bytes of the texts from `index` on.
    #[must_use]
    #[inline]
    pub(super) fn bytes_from(&self, index: usize) -> usize {
        self.texts.len() - self.offsets[index] as usize
    }

    /// Appends a text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.texts.push_str(text);
        self.offsets.push(self.texts.len() as i32);
    }

    /// Appends the text that `write` writes at the end of the string it is given, and answers with
    /// what `write` does.
    #[inline]
    pub fn push_with<T>(&mut self, write: impl FnOnce(&mut String) -> T) -> T {
        let start = self.texts.len();
        let answer = write(&mut self.texts);
        debug_assert!(self.texts.len() >= start, "a text only grows the column");
        self.offsets.push(self.texts.len() as i32);
        answer
    }

    /// Keeps the first `len` texts.
    pub fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.texts.truncate(self.offsets.last().map_or(0, |&end| end as usize));
    }

    pub(super) fn finish(self) -> Result<StringArray, BuildError> {
        if i32::try_from(self.texts.len()).is_err() {
            return Err(BuildError::TooLarge { bytes: self.texts.len() });
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let texts = Buffer::from_vec(self.texts.into_bytes());
        // SAFETY: the bytes are those of a String, and every offset is where a `&str` pushed onto it
        // ended, so each text is UTF-8; the offsets ascend (checked above and by `OffsetBuffer`) and
        // the last is the length.
        Ok(unsafe { StringArray::new_unchecked(offsets, texts, None) })
    }
}

/// Distinct texts, found again by their bytes.
#[derive(Debug, Default)]
pub struct TextDictionary {
    texts: TextColumn,
    table: HashTable<i32>,
    /// The index answered last: neighbouring rows mostly share a text.
    last: i32,
}

impl TextDictionary {
    /// The index of a text, which is the same for the same text.
    pub fn intern(&mut self, text: &str) -> i32 {
        if self.is(self.last, text) {
            return self.last;
        }
        let Self { texts, table, last } = self;
        let hash = xxh3_64(text.as_bytes());
        let entry = table.entry(
            hash,
            |&index| texts.get(index as usize) == text,
            |&index| xxh3_64(texts.get(index as usize).as_bytes()),
        );
        *last = match entry {
            hashbrown::hash_table::Entry::Occupied(found) => *found.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let index = texts.len() as i32;
                texts.push(text);
                free.insert(index);
                index
            }
        };
        *last
    }

    /// Whether the text at `index` is this one; false where there is none.
    #[must_use]
    #[inline]
    pub fn is(&self, index: i32, text: &str) -> bool {
        (index as usize) < self.texts.len() && self.texts.get(index as usize) == text
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text at `index`, which must be there.
    #[must_use]
    #[inline]
    pub fn get(&self, index: i32) -> &str {
        self.texts.get(index as usize)
    }

    /// A dictionary column of these indexes, -1 for null.
    pub(super) fn finish(self, indexes: Vec<i32>) -> Result<ArrayRef, BuildError> {
        let nulls = nulls_where_negative(&indexes);
        let keys = match nulls {
            None => Int32Array::from(indexes),
            Some(nulls) => {
                // What stands at a null is not looked at, but must not point outside either.
                let indexes: Vec<i32> = indexes.into_iter().map(|index| index.max(0)).collect();
                Int32Array::new(indexes.into(), Some(nulls))
            }
        };
        Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(self.texts.finish()?))?))
    }
}

/// What stands in an index column for a row without a text.
pub(super) const NO_TEXT: i32 = -1;

/// Interns a text that is null when empty.
pub(super) fn intern_or_null(dictionary: &mut TextDictionary, text: &str) -> i32 {
    if text.is_empty() { NO_TEXT } else { dictionary.intern(text) }
}

fn nulls_where_negative(indexes: &[i32]) -> Option<NullBuffer> {
    if indexes.iter().all(|&index| index >= 0) {
        return None;
    }
    Some(indexes.iter().map(|&index| index >= 0).collect())
}

/// Ids of `N` bytes, some of which may be missing.
#[derive(Debug)]
pub(super) struct IdColumn<const N: usize> {
    bytes: Vec<u8>,
    is_set: Vec<bool>,
    any_missing: bool,
}

impl<const N: usize> Default for IdColumn<N> {
    fn default() -> Self {
        Self { bytes: Vec::new(), is_set: Vec::new(), any_missing: false }
    }
}

impl<const N: usize> IdColumn<N> {
    pub(super) fn push(&mut self, id: Option<[u8; N]>) {
        self.bytes.extend_from_slice(&id.unwrap_or([0; N]));
        self.is_set.push(id.is_some());
        self.any_missing |= id.is_none();
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len * N);
        self.is_set.truncate(len);
    }

    pub(super) fn finish(self) -> Result<ArrayRef, BuildError> {
        let nulls = self.any_missing.then(|| NullBuffer::from(self.is_set));
        let bytes = Buffer::from_vec(self.bytes);
        Ok(Arc::new(FixedSizeBinaryArray::try_new(N as i32, bytes, nulls)?))
    }
}

/// A column of numbers.
pub(super) fn numbers<T>(values: Vec<T::Native>) -> ArrayRef
where
    T: arrow::datatypes::ArrowPrimitiveType,
{
    Arc::new(arrow::array::PrimitiveArray::<T>::new(values.into(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_held_once() {
        let mut dictionary = TextDictionary::default();
        let indexes = ["a", "b", "a", "", "b"].map(|text| dictionary.intern(text));
        assert_eq!(indexes, [0, 1, 0, 2, 1]);
        assert_eq!(dictionary.len(), 3);
    }

    #[test]
    fn a_truncated_column_forgets_its_texts() {
        let mut column = TextColumn::default();
        for text in ["one", "two", "three"] {
            column.push(text);
        }
        column.truncate(1);
        column.push("four");
        let array = column.finish().unwrap();
        assert_eq!(array, StringArray::from(vec!["one", "four"]));
    }
}
