//! Rows of the logs table.

use std::sync::Arc;

use arrow::{
    array::RecordBatch,
    datatypes::{Int32Type, Int64Type, UInt8Type, UInt32Type},
};
use varve_types::Table;

use super::{
    AttributeListsBuilder, BuildError, TextColumn, TextDictionary,
    columns::{IdColumn, NO_TEXT, intern_or_null, numbers},
};
use crate::{attributes::AttributeType, schema::schema_of};

/// One log record, but for its attributes, which are pushed to [`LogsBuilder::attributes`] before.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogRow<'a> {
    /// Nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// 0 = not set.
    pub observed_time_unix_nano: i64,
    /// From [`LogsBuilder::intern_stream`].
    pub stream: i32,
    /// 0 = not set.
    pub severity_number: i32,
    /// Empty = not set.
    pub severity_text: &'a str,
    /// `None` where the sender's own is among the attributes.
    pub detected_level: Option<&'a str>,
    /// The line.
    pub body: &'a str,
    /// What the line's text stands for.
    pub body_type: AttributeType,
    /// `None` = not set.
    pub trace_id: Option<[u8; 16]>,
    /// `None` = not set.
    pub span_id: Option<[u8; 8]>,
    /// OTLP's, 0 = none.
    pub flags: u32,
    /// Empty = not set.
    pub event_name: &'a str,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// From [`LogsBuilder::intern_resource`].
    pub resource: Option<i32>,
    /// From [`LogsBuilder::intern_scope`].
    pub scope: Option<i32>,
}

/// Builds a batch of the logs table.
#[derive(Debug, Default)]
pub struct LogsBuilder {
    /// The attributes of the row at hand: `append` keeps them, `drop_row` of it forgets them.
    pub attributes: AttributeListsBuilder,
    times: Vec<i64>,
    observed_times: Vec<i64>,
    streams: (TextDictionary, Vec<i32>),
    severity_numbers: Vec<i32>,
    severity_texts: (TextDictionary, Vec<i32>),
    detected_levels: (TextDictionary, Vec<i32>),
    bodies: TextColumn,
    body_types: Vec<u8>,
    trace_ids: IdColumn<16>,
    span_ids: IdColumn<8>,
    flags: Vec<u32>,
    event_names: (TextDictionary, Vec<i32>),
    dropped_attributes_counts: Vec<u32>,
    resources: (TextDictionary, Vec<i32>),
    scopes: (TextDictionary, Vec<i32>),
}

impl LogsBuilder {
    /// The number of a stream, given the canonical text of its label set.
    pub fn intern_stream(&mut self, label_set: &str) -> i32 {
        self.streams.0.intern(label_set)
    }

    /// The number of a resource, given its canonical text.
    pub fn intern_resource(&mut self, text: &str) -> i32 {
        self.resources.0.intern(text)
    }

    /// The number of a scope, given its canonical text.
    pub fn intern_scope(&mut self, text: &str) -> i32 {
        self.scopes.0.intern(text)
    }

    /// How many rows were appended.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Appends a row with the attributes pushed since the last one.
    pub fn append(&mut self, row: &LogRow<'_>) {
        self.attributes.end_row();
        self.times.push(row.time_unix_nano);
        self.observed_times.push(row.observed_time_unix_nano);
        self.streams.1.push(row.stream);
        self.severity_numbers.push(row.severity_number);
        let severity_text = intern_or_null(&mut self.severity_texts.0, row.severity_text);
        self.severity_texts.1.push(severity_text);
        let level =
            row.detected_level.map_or(NO_TEXT, |level| self.detected_levels.0.intern(level));
        self.detected_levels.1.push(level);
        self.bodies.push(row.body);
        self.body_types.push(row.body_type as u8);
        self.trace_ids.push(row.trace_id);
        self.span_ids.push(row.span_id);
        self.flags.push(row.flags);
        self.event_names.1.push(intern_or_null(&mut self.event_names.0, row.event_name));
        self.dropped_attributes_counts.push(row.dropped_attributes_count);
        self.resources.1.push(row.resource.unwrap_or(NO_TEXT));
        self.scopes.1.push(row.scope.unwrap_or(NO_TEXT));
    }

    /// The batch.
    pub fn finish(self) -> Result<RecordBatch, BuildError> {
        let text_columns = [
            self.streams,
            self.severity_texts,
            self.detected_levels,
            self.event_names,
            self.resources,
            self.scopes,
        ]
        .map(|(dictionary, indexes)| dictionary.finish(indexes));
        let [streams, severity_texts, detected_levels, event_names, resources, scopes] =
            text_columns;
        Ok(RecordBatch::try_new(
            schema_of(Table::Logs),
            vec![
                numbers::<Int64Type>(self.times),
                numbers::<Int64Type>(self.observed_times),
                streams?,
                numbers::<Int32Type>(self.severity_numbers),
                severity_texts?,
                detected_levels?,
                Arc::new(self.bodies.finish()?),
                numbers::<UInt8Type>(self.body_types),
                self.trace_ids.finish()?,
                self.span_ids.finish()?,
                numbers::<UInt32Type>(self.flags),
                event_names?,
                numbers::<UInt32Type>(self.dropped_attributes_counts),
                self.attributes.finish()?,
                resources?,
                scopes?,
            ],
        )?)
    }
}
