//! Which spans a request is about.

use std::collections::HashSet;

use arrow::{
    array::{ArrayRef, AsArray, BooleanArray, DictionaryArray, RecordBatch},
    buffer::BooleanBuffer,
    datatypes::Int32Type,
    error::ArrowError,
};
use serde::{Deserialize, Serialize};
use varve_columnar::{
    attributes::{AttributeColumn, AttributeType},
    resource::Resource,
};

use super::selector::{Condition, InvalidPattern, MatchKind, label_condition};

/// What of a span a condition is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "camelCase", deny_unknown_fields)]
pub enum SpanField {
    /// 32 lower-case hex digits.
    TraceId,
    /// Its name.
    Name,
    /// OTLP's number, in decimal.
    Kind,
    /// OTLP's number, in decimal.
    Status,
    /// An attribute of its resource.
    Resource {
        /// The attribute's name.
        key: String,
    },
    /// An attribute of its own.
    Span {
        /// The attribute's name.
        key: String,
    },
}

/// What an attribute has to be to be compared: TraceQL takes `"1"` and `1` for different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueType {
    /// Text; also of the fields that are no attributes.
    String,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
}

/// A condition on a span; one that lacks the attribute is not meant, whatever the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanMatch {
    /// What is compared …
    pub field: SpanField,
    /// … how; patterns match the whole text …
    pub kind: MatchKind,
    /// … with what.
    pub value: String,
    /// What kind of value that is.
    pub value_type: ValueType,
}

/// Compiled conditions; all must hold.
pub(super) struct SpanSelector {
    conditions: Vec<(SpanField, AttributeType, Condition)>,
    columns: Vec<&'static str>,
}

impl SpanSelector {
    pub(super) fn compile(spans: &[SpanMatch]) -> Result<Self, InvalidPattern> {
        let compiled = |one: &SpanMatch| {
            let value_type = match one.value_type {
                ValueType::String => AttributeType::String,
                ValueType::Int => AttributeType::Int,
                ValueType::Bool => AttributeType::Bool,
            };
            Ok((one.field.clone(), value_type, label_condition(one.kind, &one.value)?))
        };
        let conditions = spans.iter().map(compiled).collect::<Result<Vec<_>, _>>()?;
        let columns = conditions.iter().map(|(field, ..)| column_of(field)).collect::<HashSet<_>>();
        Ok(Self { conditions, columns: columns.into_iter().collect() })
    }

    /// What it looks at.
    pub(super) fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// For each span of a batch whether it is meant.
    pub(super) fn matches(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let mut all = BooleanBuffer::new_set(batch.num_rows());
        for (field, value_type, condition) in &self.conditions {
            all = &all & &one(batch, field, *value_type, condition)?;
        }
        Ok(BooleanArray::new(all, None))
    }
}

/// The trace ids that the conditions leave; `None` where they leave any.
pub(super) fn trace_ids(spans: &[SpanMatch]) -> Option<Vec<[u8; 16]>> {
    let one =
        spans.iter().find(|one| one.field == SpanField::TraceId && one.kind == MatchKind::Equal)?;
    // A text that is no id is of no span.
    Some(u128::from_str_radix(&one.value, 16).ok().map(u128::to_be_bytes).into_iter().collect())
}

const fn column_of(field: &SpanField) -> &'static str {
    match field {
        SpanField::TraceId => "trace_id",
        SpanField::Name => "name",
        SpanField::Kind => "kind",
        SpanField::Status => "status_code",
        SpanField::Resource { .. } => "resource",
        SpanField::Span { .. } => "attributes",
    }
}

fn one(
    batch: &RecordBatch,
    field: &SpanField,
    value_type: AttributeType,
    condition: &Condition,
) -> Result<BooleanBuffer, ArrowError> {
    let name = column_of(field);
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))?;
    let rows = batch.num_rows();
    Ok(match field {
        SpanField::TraceId => {
            let ids = column.as_fixed_size_binary();
            BooleanBuffer::collect_bool(rows, |row| {
                let id = <[u8; 16]>::try_from(ids.value(row)).map(u128::from_be_bytes);
                id.is_ok_and(|id| condition.holds(&format!("{id:032x}")))
            })
        }
        SpanField::Kind | SpanField::Status => {
            let numbers = column.as_primitive::<Int32Type>();
            BooleanBuffer::collect_bool(rows, |row| {
                condition.holds(&numbers.value(row).to_string())
            })
        }
        SpanField::Name => by_text(column, &|text| condition.holds(text))?,
        SpanField::Resource { key } => by_text(column, &|text| {
            serde_json::from_str::<Resource>(text).is_ok_and(|resource| {
                let own = resource.attributes.iter().find(|(name, ..)| name == key);
                own.is_some_and(|(_, number, text)| {
                    *number == value_type as u8 && condition.holds(text)
                })
            })
        })?,
        SpanField::Span { key } => {
            let lists = AttributeColumn::new(column)
                .ok_or_else(|| ArrowError::SchemaError(format!("{name} are not attributes")))?;
            BooleanBuffer::collect_bool(rows, |row| {
                lists
                    .get(row, key)
                    .is_some_and(|one| one.kind == value_type && condition.holds(one.text))
            })
        }
    })
}

/// Each different text of a column is looked at once.
fn by_text(column: &ArrayRef, holds: &dyn Fn(&str) -> bool) -> Result<BooleanBuffer, ArrowError> {
    let wrong = || ArrowError::SchemaError("the column has no dictionary of texts".to_owned());
    let column: &DictionaryArray<Int32Type> = column.as_dictionary_opt().ok_or_else(wrong)?;
    let texts = column.values().as_string_opt::<i32>().ok_or_else(wrong)?;
    let told: Vec<bool> = texts.iter().map(|text| text.is_some_and(holds)).collect();
    let of_row = |row| column.key(row).and_then(|key| told.get(key)).copied().unwrap_or(false);
    Ok(BooleanBuffer::collect_bool(column.len(), of_row))
}

#[cfg(test)]
mod tests;
