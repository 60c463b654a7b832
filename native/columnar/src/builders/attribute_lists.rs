//! A column of attribute lists.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, ListArray, StructArray},
    buffer::{NullBuffer, OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field, UInt8Type},
};

use super::{BuildError, TextColumn, TextDictionary, columns};
use crate::{
    answer::Value,
    attributes::{AttributeType, encode_into},
    schema,
};

/// Attribute lists, one per row. Attributes are pushed as they come; `end_row` closes the row's list,
/// `drop_row` forgets it. A key's bytes that are not UTF-8 become U+FFFD.
#[derive(Debug)]
pub struct AttributeListsBuilder {
    keys: TextDictionary,
    key_indexes: Vec<i32>,
    types: Vec<u8>,
    values: TextColumn,
    offsets: Vec<i32>,
    is_set: Vec<bool>,
    /// The key that stood last at each place of a list. Records of one sender list the same keys in
    /// the same order, so one comparison finds the key without hashing.
    key_at_place: Vec<i32>,
}

impl Default for AttributeListsBuilder {
    fn default() -> Self {
        Self {
            keys: TextDictionary::default(),
            key_indexes: Vec::new(),
            types: Vec::new(),
            values: TextColumn::default(),
            offsets: vec![0],
            is_set: Vec::new(),
            key_at_place: Vec::new(),
        }
    }
}

impl AttributeListsBuilder {
    /// Appends an attribute to the row at hand; `text` must be what `kind` says.
    #[inline]
    pub fn push(&mut self, key: impl AsRef<[u8]>, kind: AttributeType, text: &str) {
        self.push_key(key.as_ref());
        self.types.push(kind as u8);
        self.values.push(text);
    }

    /// Appends an attribute whose text `write` writes.
    #[inline]
    pub fn push_with(
        &mut self,
        key: impl AsRef<[u8]>,
        kind: AttributeType,
        write: impl FnOnce(&mut String),
    ) {
        self.push_key(key.as_ref());
        self.types.push(kind as u8);
        self.values.push_with(write);
    }

    /// Appends an attribute.
    pub fn push_value(&mut self, key: impl AsRef<[u8]>, value: &Value) {
        self.push_key(key.as_ref());
        let kind = self.values.push_with(|out| encode_into(value, out));
        self.types.push(kind as u8);
    }

    /// The attributes pushed for the row at hand: key index (see `key`), type, text.
    pub fn row_at_hand(&self) -> impl Iterator<Item = (i32, AttributeType, &str)> {
        (self.row_start()..self.key_indexes.len()).map(|at| {
            let kind = AttributeType::from_number(self.types[at]);
            (self.key_indexes[at], kind.unwrap_or(AttributeType::String), self.values.get(at))
        })
    }

    /// How many attributes the row at hand has, and the bytes of their names and values.
    #[must_use]
    #[inline]
    pub fn row_at_hand_size(&self) -> (usize, usize) {
        self.size_from(self.row_start())
    }

    /// The same of the rows from `row` on.
    #[must_use]
    pub(super) fn size_from_row(&self, row: usize) -> (usize, usize) {
        self.size_from(self.offsets[row] as usize)
    }

    fn size_from(&self, start: usize) -> (usize, usize) {
        let names = self.key_indexes[start..].iter().map(|&key| self.keys.get(key).len());
        (self.key_indexes.len() - start, names.sum::<usize>() + self.values.bytes_from(start))
    }

    /// The name with this index.
    #[must_use]
    pub fn key(&self, index: i32) -> &str {
        self.keys.get(index)
    }

    /// How many distinct names there are.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Closes the row's list: null if nothing was pushed.
    pub fn end_row(&mut self) {
        self.is_set.push(self.key_indexes.len() > self.row_start());
        self.offsets.push(self.key_indexes.len() as i32);
    }

    /// Forgets what was pushed for the row at hand.
    pub fn drop_row(&mut self) {
        self.truncate_items(self.row_start());
    }

    /// How many rows were ended.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.is_set.len()
    }

    /// Keeps the first `rows` rows, and nothing of the one at hand.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.is_set.truncate(rows);
        self.offsets.truncate(rows + 1);
        self.truncate_items(self.row_start());
    }

    pub(super) fn finish(self) -> Result<ArrayRef, BuildError> {
        let items = StructArray::try_new(
            schema::attribute_fields(),
            vec![
                self.keys.finish(self.key_indexes)?,
                columns::numbers::<UInt8Type>(self.types),
                Arc::new(self.values.finish()?),
            ],
            None,
        )?;
        let field = Field::new("item", DataType::Struct(schema::attribute_fields()), false);
        let any_missing = self.is_set.contains(&false);
        let nulls = any_missing.then(|| NullBuffer::from(self.is_set));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Ok(Arc::new(ListArray::try_new(Arc::new(field), offsets, Arc::new(items), nulls)?))
    }

    #[inline]
    fn row_start(&self) -> usize {
        self.offsets.last().map_or(0, |&start| start as usize)
    }

    fn truncate_items(&mut self, len: usize) {
        self.key_indexes.truncate(len);
        self.types.truncate(len);
        self.values.truncate(len);
    }

    #[inline]
    fn push_key(&mut self, key: &[u8]) {
        let place = self.key_indexes.len() - self.row_start();
        let index = match self.key_at_place.get(place) {
            Some(&index) if self.keys.get(index).as_bytes() == key => index,
            _ => self.find_key(place, key),
        };
        self.key_indexes.push(index);
    }

    /// The index of a key that is not the one that stood last at its place.
    #[cold]
    fn find_key(&mut self, place: usize, key: &[u8]) -> i32 {
        let index = self.keys.intern(&String::from_utf8_lossy(key));
        if place < self.key_at_place.len() {
            self.key_at_place[place] = index;
        } else {
            self.key_at_place.push(index);
        }
        index
    }
}
