//! An answer as JSON: rows are arrays, as two columns may have the same name.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, RecordBatch},
    compute::cast,
    datatypes::{DataType, FieldRef, SchemaRef},
    error::ArrowError,
    json::writer::{EncoderOptions, make_encoder},
};
use serde::Serialize;

use super::Closing;

pub(crate) struct Json {
    out: Vec<u8>,
    rows: u64,
}

#[derive(Serialize)]
struct ColumnHead<'a> {
    name: &'a str,
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tail<'a> {
    row_count: u64,
    warnings: &'a [String],
    stats: Stats,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    segments_total: u64,
    segments_read: u64,
    left_out: LeftOut,
    rows_read: u64,
    bytes_read: u64,
    elapsed_ns: u64,
}

/// Segments that were not read, by what left them out.
#[derive(Serialize)]
struct LeftOut {
    #[serde(rename = "byTime")]
    time: u64,
    #[serde(rename = "byLabels")]
    labels: u64,
    #[serde(rename = "byTraceFilter")]
    trace_filter: u64,
    #[serde(rename = "byText")]
    text: u64,
}

impl Json {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let head = |field: &FieldRef| {
            serde_json::to_value(ColumnHead {
                name: field.name(),
                r#type: type_name(field.data_type()),
            })
            .unwrap_or_default()
        };
        let columns: Vec<_> = schema.fields().iter().map(head).collect();
        let out = format!("{{\"columns\":{},\"rows\":[", serde_json::Value::from(columns));
        Self { out: out.into_bytes(), rows: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let options = EncoderOptions::default().with_explicit_nulls(true);
        let schema = batch.schema();
        let columns: Vec<ArrayRef> =
            batch.columns().iter().map(encodable).collect::<Result<_, _>>()?;
        let mut encoders = Vec::with_capacity(columns.len());
        for (field, column) in schema.fields().iter().zip(&columns) {
            encoders.push(make_encoder(field, column, &options)?);
        }
        for row in 0..batch.num_rows() {
            self.out.extend_from_slice(if self.rows == 0 { b"\n[" } else { b",\n[" });
            for (at, encoder) in encoders.iter_mut().enumerate() {
                if at > 0 {
                    self.out.push(b',');
                }
                if encoder.is_null(row) {
                    self.out.extend_from_slice(b"null");
                } else {
                    encoder.encode(row, &mut self.out);
                }
            }
            self.out.push(b']');
            self.rows += 1;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, closing: &Closing<'_>) -> Result<Vec<u8>, ArrowError> {
        let stats = closing.stats;
        let tail = Tail {
            row_count: self.rows,
            warnings: closing.warnings,
            stats: Stats {
                segments_total: stats.segments_total,
                segments_read: stats.segments_read,
                left_out: LeftOut {
                    time: stats.left_out.by_time,
                    labels: stats.left_out.by_labels,
                    trace_filter: stats.left_out.by_trace_filter,
                    text: stats.left_out.by_text,
                },
                rows_read: stats.rows_read,
                bytes_read: stats.bytes_read,
                elapsed_ns: stats.elapsed_ns,
            },
        };
        let tail = serde_json::to_string(&tail)
            .map_err(|error| ArrowError::JsonError(error.to_string()))?;
        self.out.extend_from_slice(b"],");
        self.out.extend_from_slice(tail.strip_prefix('{').unwrap_or(&tail).as_bytes());
        self.out.push(b'\n');
        Ok(self.out)
    }
}

/// A column whose values Arrow's JSON knows how to write.
fn encodable(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Interval(_) => cast(column, &DataType::Utf8),
        _ => Ok(column.clone()),
    }
}

/// One value as JSON text; `None` for null.
pub(super) fn texts(
    field: &FieldRef,
    column: &ArrayRef,
) -> Result<Vec<Option<String>>, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let column = encodable(column)?;
    let mut encoder = make_encoder(field, &column, &options)?;
    let mut texts = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        texts.push(if encoder.is_null(row) {
            None
        } else {
            let mut text = Vec::new();
            encoder.encode(row, &mut text);
            Some(
                String::from_utf8(text)
                    .map_err(|error| ArrowError::JsonError(error.to_string()))?,
            )
        });
    }
    Ok(texts)
}

/// What a type is called in answers.
fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "null",
        DataType::Boolean => "boolean",
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => "integer",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "float",
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "decimal",
        DataType::Timestamp(..) => "timestamp",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Duration(_) => "duration",
        DataType::Interval(_) => "interval",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "binary",
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => "list",
        DataType::Struct(_) => "struct",
        DataType::Map(..) => "map",
        DataType::Union(..) => "union",
        DataType::Dictionary(_, values) => type_name(values),
        DataType::RunEndEncoded(_, values) => type_name(values.data_type()),
    }
}

/// A column of JSON texts.
pub(super) fn as_text_column(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(arrow::array::StringArray::from(texts(field, column)?)))
}
