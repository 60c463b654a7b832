//! Attribute lists read from a batch.

use arrow::{
    array::{
        Array, ArrayRef, AsArray, DictionaryArray, Int32Array, ListArray, StringArray, UInt8Array,
    },
    datatypes::{Int32Type, UInt8Type},
};

use super::{AttributeType, decode};
use crate::answer::Value;

/// The lists of a column of attributes (see `schema`), read without copying.
#[derive(Clone, Debug)]
pub struct AttributeColumn {
    lists: ListArray,
    keys: DictionaryArray<Int32Type>,
    key_texts: StringArray,
    types: UInt8Array,
    values: StringArray,
}

/// One attribute of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeRef<'a> {
    /// Its name.
    pub key: &'a str,
    /// Where the name stands in [`AttributeColumn::key_texts`]: what follows from a name is worked
    /// out once per batch, not once per row.
    pub key_index: usize,
    /// What the text stands for.
    pub kind: AttributeType,
    /// The value's text.
    pub text: &'a str,
}

impl AttributeRef<'_> {
    /// The value as the sender typed it.
    #[must_use]
    pub fn value(&self) -> Value {
        decode(self.kind, self.text)
    }
}

impl AttributeColumn {
    /// `None` if the array is not of the type `schema::attributes` gives.
    #[must_use]
    pub fn new(array: &ArrayRef) -> Option<Self> {
        let lists = array.as_list_opt::<i32>()?.clone();
        let items = lists.values().as_struct_opt()?;
        let keys = items.column_by_name("key")?.as_dictionary_opt::<Int32Type>()?.clone();
        Some(Self {
            key_texts: keys.values().as_string_opt::<i32>()?.clone(),
            types: items.column_by_name("type")?.as_primitive_opt::<UInt8Type>()?.clone(),
            values: items.column_by_name("value")?.as_string_opt::<i32>()?.clone(),
            keys,
            lists,
        })
    }

    /// The distinct names of the batch.
    #[must_use]
    pub fn key_texts(&self) -> &StringArray {
        &self.key_texts
    }

    /// The index of every attribute's name in `key_texts`, all rows' lists one after the other.
    #[must_use]
    pub fn key_indexes(&self) -> &Int32Array {
        self.keys.keys()
    }

    /// Whether a value is a list, of values or of pairs.
    #[must_use]
    pub fn has_nested(&self) -> bool {
        let mut types = self.types.values().iter();
        types
            .any(|&number| AttributeType::from_number(number).is_some_and(AttributeType::is_nested))
    }

    /// The attributes of a row in the sender's order; none for a row without a list.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = AttributeRef<'_>> {
        let offsets = self.lists.value_offsets();
        let range = if self.lists.is_null(row) {
            0..0
        } else {
            offsets[row] as usize..offsets[row + 1] as usize
        };
        range.map(|at| self.item(at))
    }

    /// A row's attribute of this name, if it has one; the first if it has several.
    #[must_use]
    pub fn get(&self, row: usize, key: &str) -> Option<AttributeRef<'_>> {
        self.row(row).find(|attribute| attribute.key == key)
    }

    fn item(&self, at: usize) -> AttributeRef<'_> {
        let key_index = self.keys.keys().value(at) as usize;
        AttributeRef {
            key: self.key_texts.value(key_index),
            key_index,
            kind: AttributeType::from_number(self.types.value(at)).unwrap_or(AttributeType::String),
            text: self.values.value(at),
        }
    }
}
