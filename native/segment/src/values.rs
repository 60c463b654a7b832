//! Which span ids, and which values of some attributes, a segment may hold.
//!
//! Of logs these are values of structured metadata, by the names of the labels that LogQL has for them; of
//! spans those of their own attributes and of their resources, by the names as they were sent.

use std::{borrow::Cow, sync::Arc};

use arrow::{
    array::{Array as _, AsArray, RecordBatch},
    datatypes::Int32Type,
};
use varve_columnar::{
    answer::Value,
    attributes::{AttributeColumn, AttributeType, decode},
    label_names::loki_label_name,
    resource::Resource,
    structured_metadata::LogMetadata,
};
use varve_types::Table;

use crate::bloom::{BloomFilter, FilterKey};

/// 12 bits for each value answer wrongly about once in 200 look-ups (BloomFilter.md, the table of sizes).
/// There are many more span ids than trace ids, and all of them stand in memory.
const BITS_PER_VALUE: u64 = 12;

/// Labels that the columns of ids have. An attribute may have such a name too.
const ID_LABELS: [&str; 2] = ["trace_id", "span_id"];

/// Names of the attributes whose values are in the filters of segments; ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterAttributes(Arc<[Box<str>]>);

impl<T: Into<Box<str>>> FromIterator<T> for FilterAttributes {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        let mut names: Vec<Box<str>> = names.into_iter().map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        Self(names.into())
    }
}

impl FilterAttributes {
    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether a name is among them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.binary_search_by(|one| (**one).cmp(name)).is_ok()
    }

    /// As the rows of a table have them: logs by their labels.
    fn of_table(&self, table: Table) -> Self {
        if table != Table::Logs {
            return self.clone();
        }
        let labels = self.iter().filter_map(loki_label_name).map(Cow::into_owned);
        labels.chain(ID_LABELS.map(str::to_owned)).collect()
    }
}

/// What a segment may hold besides trace ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFilter {
    /// The attributes whose values are in it; of logs the labels.
    pub attributes: FilterAttributes,
    /// Of all span ids and of these values.
    pub filter: BloomFilter,
}

/// Collects values of rows on their way into a file.
pub struct Values {
    table: Table,
    attributes: FilterAttributes,
    keys: Vec<FilterKey>,
}

impl ValueFilter {
    /// The filter of these.
    #[must_use]
    pub fn of(attributes: FilterAttributes, keys: impl IntoIterator<Item = FilterKey>) -> Self {
        Self { attributes, filter: BloomFilter::with_bits(keys, BITS_PER_VALUE) }
    }
}

impl Values {
    /// Of a table's rows: span ids and values of these attributes, as they were sent.
    #[must_use]
    pub fn new(table: Table, attributes: &FilterAttributes) -> Self {
        Self::by_names(table, attributes.of_table(table))
    }

    /// The same by the names that a filter has.
    #[must_use]
    pub fn by_names(table: Table, attributes: FilterAttributes) -> Self {
        Self { table, attributes, keys: Vec::new() }
    }

    /// Adds those of a batch.
    pub fn add(&mut self, rows: &RecordBatch) {
        if let Some(ids) =
            rows.column_by_name("span_id").and_then(|ids| ids.as_fixed_size_binary_opt())
            && ids.null_count() < ids.len()
        {
            self.keys.extend(ids.iter().flatten().map(FilterKey::of));
        }
        match self.table {
            Table::Logs => self.add_labels(rows),
            Table::Spans if !self.attributes.0.is_empty() => {
                self.add_attributes(rows);
                self.add_resources(rows);
            }
            _ => {}
        }
    }

    /// The keys that were collected since this was asked last.
    pub fn take(&mut self) -> Vec<FilterKey> {
        std::mem::take(&mut self.keys)
    }

    /// The filter of them.
    #[must_use]
    pub fn into_filter(self) -> ValueFilter {
        ValueFilter::of(self.attributes, self.keys)
    }

    fn push(&mut self, name: &str, value: &str) {
        self.keys.push(FilterKey::of_value(name, value));
    }

    fn add_labels(&mut self, rows: &RecordBatch) {
        // The columns of ids are in filters as they are.
        let schema = rows.schema();
        let others = schema.fields().iter().enumerate();
        let others = others.filter(|(_, field)| !ID_LABELS.contains(&field.name().as_str()));
        let others: Vec<usize> = others.map(|(at, _)| at).collect();
        let Ok(rows) = rows.project(&others) else { return };
        let metadata = LogMetadata::new(&rows);
        let names = self.attributes.clone();
        if !metadata.may_hold(|name| names.contains(name) && !ID_LABELS.contains(&name))
            && !metadata.may_hold_attribute(|name| names.contains(name))
        {
            return;
        }
        let attributes = rows.column_by_name("attributes").and_then(AttributeColumn::new);
        let keys = attributes.iter().flat_map(|column| column.key_texts().iter());
        let labels = keys.map(|key| loki_label_name(key?).filter(|name| names.contains(name)));
        let labels: Vec<_> = labels.collect();
        for row in 0..rows.num_rows() {
            metadata.visit(row, &mut |name, value| {
                if names.contains(name) {
                    self.push(name, value);
                }
            });
            // SQL looks at attributes as they were sent, whatever becomes of them as labels.
            for attribute in attributes.iter().flat_map(|column| column.row(row)) {
                if let Some(Some(name)) = labels.get(attribute.key_index) {
                    self.push(name, attribute.text);
                }
            }
        }
    }

    fn add_attributes(&mut self, rows: &RecordBatch) {
        let Some(column) = rows.column_by_name("attributes").and_then(AttributeColumn::new) else {
            return;
        };
        let names = self.attributes.clone();
        let is_wanted = |key: Option<&str>| key.is_some_and(|key| names.contains(key));
        let wanted: Vec<bool> = column.key_texts().iter().map(is_wanted).collect();
        if !wanted.contains(&true) {
            return;
        }
        for row in 0..rows.num_rows() {
            for attribute in column.row(row) {
                if wanted.get(attribute.key_index) == Some(&true) {
                    self.add_value(attribute.key, attribute.kind, attribute.text);
                }
            }
        }
    }

    fn add_resources(&mut self, rows: &RecordBatch) {
        let column = rows.column_by_name("resource");
        let column = column.and_then(|one| one.as_dictionary_opt::<Int32Type>());
        let texts = column.and_then(|one| one.values().as_string_opt::<i32>());
        for text in texts.into_iter().flatten().flatten() {
            let Ok(resource) = serde_json::from_str::<Resource>(text) else { continue };
            for (key, number, text) in &resource.attributes {
                if self.attributes.contains(key) {
                    let kind = AttributeType::from_number(*number);
                    self.add_value(key, kind.unwrap_or(AttributeType::String), text);
                }
            }
        }
    }

    /// Adds a value as its text, and of a list each text in it: TraceQL compares with any of them.
    fn add_value(&mut self, name: &str, kind: AttributeType, text: &str) {
        self.push(name, text);
        if kind.is_nested() {
            self.add_texts_in(name, &decode(kind, text));
        }
    }

    fn add_texts_in(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(text) => self.push(name, text),
            Value::Array(items) => items.iter().for_each(|item| self.add_texts_in(name, item)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
