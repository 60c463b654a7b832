//! Rows of the spans table as OTLP nests them: by resource, then by scope.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, ListArray, RecordBatch, StringArray},
    datatypes::{Int32Type, Int64Type, UInt32Type},
};
use varve_columnar::{
    attributes::{AttributeColumn, AttributeRef, AttributeType, decode},
    resource::{AttributeText, Resource, Scope},
};

use varve_columnar::answer::Value;

/// OTLP's `ResourceSpans`.
pub(super) struct ResourceSpans<'a> {
    pub(super) resource: Resource,
    pub(super) scopes: Vec<ScopeSpans<'a>>,
}

/// OTLP's `ScopeSpans`; spans by start.
pub(super) struct ScopeSpans<'a> {
    pub(super) scope: Scope,
    pub(super) spans: Vec<Span<'a>>,
}

/// OTLP's `Span`. An id that is not there is empty.
pub(super) struct Span<'a> {
    pub(super) trace_id: &'a [u8],
    pub(super) id: &'a [u8],
    pub(super) parent_span_id: &'a [u8],
    pub(super) trace_state: &'a str,
    pub(super) name: &'a str,
    pub(super) kind: i32,
    pub(super) start_unix_nano: i64,
    pub(super) end_unix_nano: i64,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) dropped_attributes_count: u32,
    pub(super) events: Vec<Event<'a>>,
    pub(super) dropped_events_count: u32,
    pub(super) links: Vec<Link<'a>>,
    pub(super) dropped_links_count: u32,
    pub(super) status_code: i32,
    pub(super) status_message: &'a str,
    pub(super) flags: u32,
}

/// OTLP's `Span.Event`.
pub(super) struct Event<'a> {
    pub(super) time_unix_nano: i64,
    pub(super) name: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) dropped_attributes_count: u32,
}

/// OTLP's `Span.Link`.
pub(super) struct Link<'a> {
    pub(super) trace_id: &'a [u8],
    pub(super) span_id: &'a [u8],
    pub(super) trace_state: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) dropped_attributes_count: u32,
    pub(super) flags: u32,
}

/// OTLP's `KeyValue`, its value still in column form.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) key: &'a str,
    kind: AttributeType,
    text: &'a str,
}

impl Attribute<'_> {
    pub(super) fn value(&self) -> Value {
        decode(self.kind, self.text)
    }
}

impl<'a> From<AttributeRef<'a>> for Attribute<'a> {
    fn from(AttributeRef { key, kind, text, .. }: AttributeRef<'a>) -> Self {
        Self { key, kind, text }
    }
}

/// The attributes of a resource or scope.
pub(super) fn shared(attributes: &[AttributeText]) -> Vec<Attribute<'_>> {
    let kind = |number| AttributeType::from_number(number).unwrap_or(AttributeType::String);
    attributes
        .iter()
        .map(|(key, number, text)| Attribute { key, kind: kind(*number), text })
        .collect()
}

/// The columns of one batch of spans.
pub(super) struct SpanColumns<'a> {
    batch: &'a RecordBatch,
    attributes: AttributeColumn,
    events: Option<EventColumns>,
    links: Option<LinkColumns>,
}

struct EventColumns {
    lists: ListArray,
    attributes: AttributeColumn,
}

struct LinkColumns {
    lists: ListArray,
    attributes: AttributeColumn,
}

impl<'a> SpanColumns<'a> {
    /// `None` for a batch that is not of the spans table.
    pub(super) fn new(batch: &'a RecordBatch) -> Option<Self> {
        if !spans_schema_fits(batch) {
            return None;
        }
        let lists = |name: &str| {
            let lists = batch.column_by_name(name)?.as_list_opt::<i32>()?.clone();
            let attributes = lists.values().as_struct_opt()?.column_by_name("attributes")?;
            Some((AttributeColumn::new(attributes)?, lists))
        };
        Some(Self {
            batch,
            attributes: AttributeColumn::new(batch.column_by_name("attributes")?)?,
            events: lists("events").map(|(attributes, lists)| EventColumns { lists, attributes }),
            links: lists("links").map(|(attributes, lists)| LinkColumns { lists, attributes }),
        })
    }

    fn column(&self, name: &str) -> &ArrayRef {
        // `new` has checked that all are there.
        &self.batch[name]
    }

    fn id(&self, name: &str, row: usize) -> &[u8] {
        let ids: &FixedSizeBinaryArray = self.column(name).as_fixed_size_binary();
        if ids.is_null(row) { &[] } else { ids.value(row) }
    }

    fn text(&self, name: &str, row: usize) -> &str {
        let column = self.column(name);
        let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else {
            return text_at(column.as_string(), row);
        };
        match dictionary.key(row) {
            Some(key) => dictionary.values().as_string::<i32>().value(key),
            None => "",
        }
    }

    fn i32(&self, name: &str, row: usize) -> i32 {
        self.column(name).as_primitive::<Int32Type>().value(row)
    }

    fn i64(&self, name: &str, row: usize) -> i64 {
        self.column(name).as_primitive::<Int64Type>().value(row)
    }

    fn u32(&self, name: &str, row: usize) -> u32 {
        self.column(name).as_primitive::<UInt32Type>().value(row)
    }

    fn span(&self, row: usize) -> Span<'_> {
        Span {
            trace_id: self.id("trace_id", row),
            id: self.id("span_id", row),
            parent_span_id: self.id("parent_span_id", row),
            trace_state: self.text("trace_state", row),
            name: self.text("name", row),
            kind: self.i32("kind", row),
            start_unix_nano: self.i64("start_unix_nano", row),
            end_unix_nano: self.i64("end_unix_nano", row),
            attributes: self.attributes.row(row).map(Attribute::from).collect(),
            dropped_attributes_count: self.u32("dropped_attributes_count", row),
            events: self.events.as_ref().map_or_else(Vec::new, |events| events.row(row)),
            dropped_events_count: self.u32("dropped_events_count", row),
            links: self.links.as_ref().map_or_else(Vec::new, |links| links.row(row)),
            dropped_links_count: self.u32("dropped_links_count", row),
            status_code: self.i32("status_code", row),
            status_message: self.text("status_message", row),
            flags: self.u32("flags", row),
        }
    }
}

impl EventColumns {
    fn row(&self, row: usize) -> Vec<Event<'_>> {
        let items = self.lists.values().as_struct();
        let times = items.column(0).as_primitive::<Int64Type>();
        let names: &StringArray = items.column(1).as_string();
        let dropped = items.column(3).as_primitive::<UInt32Type>();
        range(&self.lists, row)
            .map(|at| Event {
                time_unix_nano: times.value(at),
                name: text_at(names, at),
                attributes: self.attributes.row(at).map(Attribute::from).collect(),
                dropped_attributes_count: dropped.value(at),
            })
            .collect()
    }
}

impl LinkColumns {
    fn row(&self, row: usize) -> Vec<Link<'_>> {
        let items = self.lists.values().as_struct();
        let (trace_ids, span_ids) =
            (items.column(0).as_fixed_size_binary(), items.column(1).as_fixed_size_binary());
        let trace_states: &StringArray = items.column(2).as_string();
        let dropped = items.column(4).as_primitive::<UInt32Type>();
        let flags = items.column(5).as_primitive::<UInt32Type>();
        range(&self.lists, row)
            .map(|at| Link {
                trace_id: trace_ids.value(at),
                span_id: span_ids.value(at),
                trace_state: text_at(trace_states, at),
                attributes: self.attributes.row(at).map(Attribute::from).collect(),
                dropped_attributes_count: dropped.value(at),
                flags: flags.value(at),
            })
            .collect()
    }
}

fn text_at(texts: &StringArray, row: usize) -> &str {
    if texts.is_null(row) { "" } else { texts.value(row) }
}

fn range(lists: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = lists.value_offsets();
    if lists.is_null(row) { 0..0 } else { offsets[row] as usize..offsets[row + 1] as usize }
}

fn spans_schema_fits(batch: &RecordBatch) -> bool {
    let table = varve_columnar::schema::schema_of(varve_types::Table::Spans);
    table.fields().iter().all(|field| {
        batch
            .column_by_name(field.name())
            .is_some_and(|column| column.data_type() == field.data_type())
    })
}

/// Regroups spans as their senders nested them, groups in the order of their first row.
pub(super) fn nested<'a>(batches: &'a [SpanColumns<'a>]) -> Vec<ResourceSpans<'a>> {
    let mut groups: Vec<ResourceSpans<'a>> = Vec::new();
    let mut resources = HashMap::new();
    let mut scopes = HashMap::new();
    for columns in batches {
        for row in 0..columns.batch.num_rows() {
            let resource_text = columns.text("resource", row);
            let resource = *resources.entry(resource_text).or_insert_with(|| {
                let resource = serde_json::from_str(resource_text).unwrap_or_default();
                groups.push(ResourceSpans { resource, scopes: Vec::new() });
                groups.len() - 1
            });
            let group = &mut groups[resource].scopes;
            let scope_text = columns.text("scope", row);
            let scope = *scopes.entry((resource, scope_text)).or_insert_with(|| {
                let scope = serde_json::from_str(scope_text).unwrap_or_default();
                group.push(ScopeSpans { scope, spans: Vec::new() });
                group.len() - 1
            });
            group[scope].spans.push(columns.span(row));
        }
    }
    for scope in groups.iter_mut().flat_map(|group| &mut group.scopes) {
        scope.spans.sort_by_key(|span| span.start_unix_nano);
    }
    groups
}
