//! Rows of the samples, exemplars and metadata tables.

use std::sync::Arc;

use arrow::{
    array::{BinaryArray, RecordBatch},
    buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
    datatypes::{Float64Type, Int64Type},
};
use varve_types::Table;

use super::{BuildError, TextColumn, TextDictionary, columns::numbers};
use crate::schema::schema_of;

/// One sample of one series.
#[derive(Clone, Copy, Debug)]
pub struct SampleRow<'a> {
    /// From [`SamplesBuilder::intern_series`].
    pub series: i32,
    /// Milliseconds since the epoch.
    pub time_unix_ms: i64,
    /// Bit-exact; 0 where `histogram` is set.
    pub value: f64,
    /// `prometheus.Histogram` in protobuf.
    pub histogram: Option<&'a [u8]>,
}

/// Builds a batch of the samples table.
#[derive(Debug, Default)]
pub struct SamplesBuilder {
    series: (TextDictionary, Vec<i32>),
    times: Vec<i64>,
    values: Vec<f64>,
    histograms: Vec<u8>,
    histogram_ends: Vec<i32>,
    has_histogram: Vec<bool>,
}

impl SamplesBuilder {
    /// The number of a series, given the canonical text of its label set.
    pub fn intern_series(&mut self, label_set: &str) -> i32 {
        self.series.0.intern(label_set)
    }

    /// How many rows were appended.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Appends a row.
    pub fn append(&mut self, row: &SampleRow<'_>) {
        self.series.1.push(row.series);
        self.times.push(row.time_unix_ms);
        self.values.push(row.value);
        self.histograms.extend_from_slice(row.histogram.unwrap_or_default());
        self.histogram_ends.push(self.histograms.len() as i32);
        self.has_histogram.push(row.histogram.is_some());
    }

    /// The batch.
    pub fn finish(self) -> Result<RecordBatch, BuildError> {
        if i32::try_from(self.histograms.len()).is_err() {
            return Err(BuildError::TooLarge { bytes: self.histograms.len() });
        }
        let mut offsets = Vec::with_capacity(self.histogram_ends.len() + 1);
        offsets.push(0);
        offsets.extend_from_slice(&self.histogram_ends);
        let histograms = BinaryArray::try_new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from_vec(self.histograms),
            Some(NullBuffer::from(self.has_histogram)),
        )?;
        let (series, indexes) = self.series;
        Ok(RecordBatch::try_new(
            schema_of(Table::Samples),
            vec![
                series.finish(indexes)?,
                numbers::<Int64Type>(self.times),
                numbers::<Float64Type>(self.values),
                Arc::new(histograms),
            ],
        )?)
    }
}

/// Builds a batch of the exemplars table.
#[derive(Debug, Default)]
pub struct ExemplarsBuilder {
    series: (TextDictionary, Vec<i32>),
    times: Vec<i64>,
    values: Vec<f64>,
    labels: TextColumn,
}

impl ExemplarsBuilder {
    /// How many rows were appended.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Appends a row; `series` and `labels` are canonical texts of label sets.
    pub fn append(&mut self, series: &str, time_unix_ms: i64, value: f64, labels: &str) {
        self.series.1.push(self.series.0.intern(series));
        self.times.push(time_unix_ms);
        self.values.push(value);
        self.labels.push(labels);
    }

    /// The batch.
    pub fn finish(self) -> Result<RecordBatch, BuildError> {
        let (series, indexes) = self.series;
        Ok(RecordBatch::try_new(
            schema_of(Table::Exemplars),
            vec![
                series.finish(indexes)?,
                numbers::<Int64Type>(self.times),
                numbers::<Float64Type>(self.values),
                Arc::new(self.labels.finish()?),
            ],
        )?)
    }
}

/// Builds a batch of the metadata table.
#[derive(Debug, Default)]
pub struct MetadataBuilder {
    names: TextColumn,
    kinds: (TextDictionary, Vec<i32>),
    helps: TextColumn,
    units: TextColumn,
}

impl MetadataBuilder {
    /// How many rows were appended.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.names.len()
    }

    /// Appends a row; `kind` as Prometheus names types.
    pub fn append(&mut self, name: &str, kind: &str, help: &str, unit: &str) {
        self.names.push(name);
        self.kinds.1.push(self.kinds.0.intern(kind));
        self.helps.push(help);
        self.units.push(unit);
    }

    /// The batch.
    pub fn finish(self) -> Result<RecordBatch, BuildError> {
        let (kinds, indexes) = self.kinds;
        Ok(RecordBatch::try_new(
            schema_of(Table::Metadata),
            vec![
                Arc::new(self.names.finish()?),
                kinds.finish(indexes)?,
                Arc::new(self.helps.finish()?),
                Arc::new(self.units.finish()?),
            ],
        )?)
    }
}
