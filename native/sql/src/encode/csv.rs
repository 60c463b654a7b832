//! An answer as CSV. What is nested is written as JSON text.

use std::sync::Arc;

use arrow::{
    array::RecordBatch,
    csv::{Writer, WriterBuilder},
    datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
    error::ArrowError,
};

use super::json;

pub(crate) struct Csv {
    out: Vec<u8>,
    schema: SchemaRef,
}

impl Csv {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, ArrowError> {
        let flat = |field: &FieldRef| {
            let data_type =
                if is_written_as_json(field) { &DataType::Utf8 } else { field.data_type() };
            Field::new(field.name(), data_type.clone(), true)
        };
        let flat = Arc::new(Schema::new(schema.fields().iter().map(flat).collect::<Vec<_>>()));
        let mut csv = Self { out: Vec::new(), schema: flat };
        csv.append(&RecordBatch::new_empty(csv.schema.clone()), true)?;
        Ok(csv)
    }

    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let schema = batch.schema();
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            columns.push(if is_written_as_json(field) {
                json::as_text_column(field, column)?
            } else {
                column.clone()
            });
        }
        self.append(&RecordBatch::try_new(self.schema.clone(), columns)?, false)
    }

    fn append(&mut self, batch: &RecordBatch, header: bool) -> Result<(), ArrowError> {
        let mut writer: Writer<_> = WriterBuilder::new().with_header(header).build(&mut self.out);
        writer.write(batch)
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }
}

fn is_written_as_json(field: &FieldRef) -> bool {
    field.data_type().is_nested()
}
