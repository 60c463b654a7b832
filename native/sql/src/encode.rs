//! Answers as bytes.

mod arrow_stream;
mod csv;
mod json;

use arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError};
use serde::Deserialize;
use varve_columnar::answer::QueryStats;

use self::{arrow_stream::ArrowStream, csv::Csv, json::Json};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SqlFormat {
    /// One JSON object with columns, rows, warnings and statistics.
    Json,
    /// RFC 4180, with a line of names.
    Csv,
    /// A stream of Arrow's IPC format.
    Arrow,
}

/// What an answer says besides its rows.
pub(crate) struct Closing<'a> {
    pub(crate) warnings: &'a [String],
    pub(crate) stats: &'a QueryStats,
}

/// An answer on its way.
pub(crate) enum Encoder {
    Json(Json),
    Csv(Csv),
    Arrow(Box<ArrowStream>),
}

impl Encoder {
    pub(crate) fn new(format: SqlFormat, schema: &SchemaRef) -> Result<Self, ArrowError> {
        Ok(match format {
            SqlFormat::Json => Self::Json(Json::new(schema)),
            SqlFormat::Csv => Self::Csv(Csv::new(schema)?),
            SqlFormat::Arrow => Self::Arrow(Box::new(ArrowStream::new(schema)?)),
        })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::Json(json) => json.write(batch),
            Self::Csv(csv) => csv.write(batch),
            Self::Arrow(stream) => stream.write(batch),
        }
    }

    /// How many bytes it has so far.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Json(json) => json.len(),
            Self::Csv(csv) => csv.len(),
            Self::Arrow(stream) => stream.len(),
        }
    }

    /// The whole answer. Only JSON has a place for what is said besides the rows.
    pub(crate) fn finish(self, closing: &Closing<'_>) -> Result<Vec<u8>, ArrowError> {
        match self {
            Self::Json(json) => json.finish(closing),
            Self::Csv(csv) => Ok(csv.finish()),
            Self::Arrow(stream) => stream.finish(),
        }
    }
}
