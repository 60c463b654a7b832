//! Rows of the spans table.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, ListArray, RecordBatch, StructArray},
    buffer::{NullBuffer, OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field, Fields, Int32Type, Int64Type, UInt32Type},
};
use varve_types::Table;

use super::{
    AttributeListsBuilder, BuildError, TextColumn, TextDictionary,
    columns::{IdColumn, intern_or_null, numbers},
};
use crate::schema::{event_fields, link_fields, schema_of};

/// One span, but for its attributes, events and links, which are pushed before.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpanRow<'a> {
    /// 16 bytes, not all zero.
    pub trace_id: [u8; 16],
    /// 8 bytes, not all zero.
    pub span_id: [u8; 8],
    /// `None` for a root span.
    pub parent_span_id: Option<[u8; 8]>,
    /// W3C trace state; empty = not set.
    pub trace_state: &'a str,
    /// What the span does.
    pub name: &'a str,
    /// OTLP's `SpanKind`, 0 to 5.
    pub kind: i32,
    /// Nanoseconds since the epoch.
    pub start_unix_nano: i64,
    /// Nanoseconds since the epoch.
    pub end_unix_nano: i64,
    /// OTLP's `StatusCode`: 0 unset, 1 ok, 2 error.
    pub status_code: i32,
    /// Empty = not set.
    pub status_message: &'a str,
    /// OTLP's.
    pub flags: u32,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// How many events the sender left out.
    pub dropped_events_count: u32,
    /// How many links the sender left out.
    pub dropped_links_count: u32,
    /// The resource's `service.name`; empty = it has none.
    pub service_name: &'a str,
    /// From [`SpansBuilder::intern_resource`].
    pub resource: i32,
    /// From [`SpansBuilder::intern_scope`].
    pub scope: i32,
}

/// One event of the span at hand, but for its attributes, which are pushed before.
#[derive(Clone, Copy, Debug)]
pub struct EventRow<'a> {
    /// Nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// What happened.
    pub name: &'a str,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
}

/// One link of the span at hand, but for its attributes, which are pushed before.
#[derive(Clone, Copy, Debug)]
pub struct LinkRow<'a> {
    /// 16 bytes.
    pub trace_id: [u8; 16],
    /// 8 bytes.
    pub span_id: [u8; 8],
    /// W3C trace state; empty = not set.
    pub trace_state: &'a str,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// OTLP's.
    pub flags: u32,
}

/// Builds a batch of the spans table.
#[derive(Debug, Default)]
pub struct SpansBuilder {
    /// The attributes of the span at hand.
    pub attributes: AttributeListsBuilder,
    /// The attributes of the event at hand.
    pub event_attributes: AttributeListsBuilder,
    /// The attributes of the link at hand.
    pub link_attributes: AttributeListsBuilder,
    trace_ids: IdColumn<16>,
    span_ids: IdColumn<8>,
    parent_span_ids: IdColumn<8>,
    trace_states: (TextColumn, Vec<bool>),
    names: (TextDictionary, Vec<i32>),
    kinds: Vec<i32>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    status_codes: Vec<i32>,
    status_messages: (TextDictionary, Vec<i32>),
    flags: Vec<u32>,
    dropped_attributes_counts: Vec<u32>,
    events: Events,
    dropped_events_counts: Vec<u32>,
    links: Links,
    dropped_links_counts: Vec<u32>,
    service_names: (TextDictionary, Vec<i32>),
    resources: (TextDictionary, Vec<i32>),
    scopes: (TextDictionary, Vec<i32>),
}

#[derive(Debug, Default)]
struct Events {
    times: Vec<i64>,
    names: TextColumn,
    dropped_attributes_counts: Vec<u32>,
    /// Where each span's list ends.
    ends: Vec<i32>,
}

#[derive(Debug, Default)]
struct Links {
    trace_ids: IdColumn<16>,
    span_ids: IdColumn<8>,
    trace_states: TextColumn,
    dropped_attributes_counts: Vec<u32>,
    flags: Vec<u32>,
    /// Where each span's list ends.
    ends: Vec<i32>,
}

impl SpansBuilder {
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
        self.starts.len()
    }

    /// Appends an event to the span at hand.
    pub fn push_event(&mut self, event: &EventRow<'_>) {
        self.event_attributes.end_row();
        self.events.times.push(event.time_unix_nano);
        self.events.names.push(event.name);
        self.events.dropped_attributes_counts.push(event.dropped_attributes_count);
    }

    /// Appends a link to the span at hand.
    pub fn push_link(&mut self, link: &LinkRow<'_>) {
        self.link_attributes.end_row();
        self.links.trace_ids.push(Some(link.trace_id));
        self.links.span_ids.push(Some(link.span_id));
        self.links.trace_states.push(link.trace_state);
        self.links.dropped_attributes_counts.push(link.dropped_attributes_count);
        self.links.flags.push(link.flags);
    }

    /// Appends a row with the attributes, events and links pushed since the last one.
    pub fn append(&mut self, row: &SpanRow<'_>) {
        self.attributes.end_row();
        self.events.ends.push(self.events.times.len() as i32);
        self.links.ends.push(self.links.flags.len() as i32);
        self.trace_ids.push(Some(row.trace_id));
        self.span_ids.push(Some(row.span_id));
        self.parent_span_ids.push(row.parent_span_id);
        self.trace_states.0.push(row.trace_state);
        self.trace_states.1.push(!row.trace_state.is_empty());
        self.names.1.push(self.names.0.intern(row.name));
        self.kinds.push(row.kind);
        self.starts.push(row.start_unix_nano);
        self.ends.push(row.end_unix_nano);
        self.status_codes.push(row.status_code);
        let status_message = intern_or_null(&mut self.status_messages.0, row.status_message);
        self.status_messages.1.push(status_message);
        self.flags.push(row.flags);
        self.dropped_attributes_counts.push(row.dropped_attributes_count);
        self.dropped_events_counts.push(row.dropped_events_count);
        self.dropped_links_counts.push(row.dropped_links_count);
        self.service_names.1.push(intern_or_null(&mut self.service_names.0, row.service_name));
        self.resources.1.push(row.resource);
        self.scopes.1.push(row.scope);
    }

    /// Attributes of the span at hand, its events and links included: how many, and the bytes of their
    /// names and values.
    #[must_use]
    pub fn attributes_size(&self) -> (usize, usize) {
        let (mut count, mut bytes) = self.attributes.row_at_hand_size();
        let events = self.events.ends.last().map_or(0, |&end| end as usize);
        let links = self.links.ends.last().map_or(0, |&end| end as usize);
        for (lists, from) in [(&self.event_attributes, events), (&self.link_attributes, links)] {
            let (more, more_bytes) = lists.size_from_row(from);
            count += more;
            bytes += more_bytes;
        }
        (count, bytes)
    }

    /// Forgets the attributes, events and links pushed for the span at hand.
    pub fn drop_row(&mut self) {
        self.attributes.drop_row();
        let events = self.events.ends.last().map_or(0, |&end| end as usize);
        self.event_attributes.truncate(events);
        self.events.times.truncate(events);
        self.events.names.truncate(events);
        self.events.dropped_attributes_counts.truncate(events);
        let links = self.links.ends.last().map_or(0, |&end| end as usize);
        self.link_attributes.truncate(links);
        self.links.trace_ids.truncate(links);
        self.links.span_ids.truncate(links);
        self.links.trace_states.truncate(links);
        self.links.dropped_attributes_counts.truncate(links);
        self.links.flags.truncate(links);
    }

    /// The batch.
    pub fn finish(self) -> Result<RecordBatch, BuildError> {
        let (trace_states, has_trace_state) = self.trace_states;
        let trace_states = nullable(trace_states, has_trace_state)?;
        let dictionaries =
            [self.names, self.status_messages, self.service_names, self.resources, self.scopes];
        let [names, status_messages, service_names, resources, scopes] =
            dictionaries.map(|(dictionary, indexes)| dictionary.finish(indexes));
        Ok(RecordBatch::try_new(
            schema_of(Table::Spans),
            vec![
                self.trace_ids.finish()?,
                self.span_ids.finish()?,
                self.parent_span_ids.finish()?,
                trace_states,
                names?,
                numbers::<Int32Type>(self.kinds),
                numbers::<Int64Type>(self.starts),
                numbers::<Int64Type>(self.ends),
                numbers::<Int32Type>(self.status_codes),
                status_messages?,
                numbers::<UInt32Type>(self.flags),
                self.attributes.finish()?,
                numbers::<UInt32Type>(self.dropped_attributes_counts),
                self.events.finish(self.event_attributes)?,
                numbers::<UInt32Type>(self.dropped_events_counts),
                self.links.finish(self.link_attributes)?,
                numbers::<UInt32Type>(self.dropped_links_counts),
                service_names?,
                resources?,
                scopes?,
            ],
        )?)
    }
}

impl Events {
    fn finish(self, attributes: AttributeListsBuilder) -> Result<ArrayRef, BuildError> {
        let columns: Vec<ArrayRef> = vec![
            numbers::<Int64Type>(self.times),
            Arc::new(self.names.finish()?),
            attributes.finish()?,
            numbers::<UInt32Type>(self.dropped_attributes_counts),
        ];
        lists(event_fields(), columns, &self.ends)
    }
}

impl Links {
    fn finish(self, attributes: AttributeListsBuilder) -> Result<ArrayRef, BuildError> {
        let columns: Vec<ArrayRef> = vec![
            self.trace_ids.finish()?,
            self.span_ids.finish()?,
            Arc::new(self.trace_states.finish()?),
            attributes.finish()?,
            numbers::<UInt32Type>(self.dropped_attributes_counts),
            numbers::<UInt32Type>(self.flags),
        ];
        lists(link_fields(), columns, &self.ends)
    }
}

/// A column of lists of structs: null where a list is empty.
fn lists(fields: Fields, columns: Vec<ArrayRef>, ends: &[i32]) -> Result<ArrayRef, BuildError> {
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0);
    offsets.extend_from_slice(ends);
    let is_set: Vec<bool> = offsets.windows(2).map(|pair| pair[1] > pair[0]).collect();
    let nulls = is_set.contains(&false).then(|| NullBuffer::from(is_set));
    let items = StructArray::try_new(fields.clone(), columns, None)?;
    let field = Arc::new(Field::new("item", DataType::Struct(fields), false));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(items), nulls)?))
}

fn nullable(texts: TextColumn, is_set: Vec<bool>) -> Result<ArrayRef, BuildError> {
    let (offsets, bytes, _) = texts.finish()?.into_parts();
    let nulls = is_set.contains(&false).then(|| NullBuffer::from(is_set));
    Ok(Arc::new(arrow::array::StringArray::try_new(offsets, bytes, nulls)?))
}
