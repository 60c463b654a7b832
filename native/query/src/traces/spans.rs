//! Columns of the spans table, and one span in them.

use std::cell::OnceCell;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int32Array, Int64Array, ListArray,
        RecordBatch, StringArray,
    },
    datatypes::{Int32Type, Int64Type},
};
use varve_columnar::{
    attributes::AttributeColumn,
    resource::{Resource, Scope},
};
use varve_view::SegmentReadError;

use crate::error::QueryError;

/// 16 bytes.
pub(super) type TraceId = [u8; 16];

/// What conditions and summaries read of every span; events and links are read where they are asked
/// for.
pub(super) const SUMMARY_COLUMNS: [&str; 13] = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "kind",
    "start_unix_nano",
    "end_unix_nano",
    "status_code",
    "status_message",
    "attributes",
    "service_name",
    "resource",
    "scope",
];

/// One batch with at least [`SUMMARY_COLUMNS`].
pub(super) struct SpanColumns {
    pub(super) batch: RecordBatch,
    pub(super) span_ids: FixedSizeBinaryArray,
    pub(super) parent_span_ids: FixedSizeBinaryArray,
    pub(super) names: Texts,
    pub(super) kinds: Int32Array,
    pub(super) starts: Int64Array,
    pub(super) ends: Int64Array,
    pub(super) status_codes: Int32Array,
    pub(super) status_messages: Texts,
    pub(super) attributes: AttributeColumn,
    pub(super) service_names: Texts,
    pub(super) resources: Described<Resource>,
    pub(super) scopes: Described<Scope>,
    pub(super) events: Option<Events>,
    pub(super) links: Option<Links>,
}

/// A column of texts that rows share.
pub(super) struct Texts {
    keys: Int32Array,
    pub(super) texts: StringArray,
}

impl Texts {
    /// The text of a row; `None` for null.
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.key(row).map(|key| self.texts.value(key))
    }

    /// Where the text of a row stands among the distinct ones.
    pub(super) fn key(&self, row: usize) -> Option<usize> {
        (!self.keys.is_null(row)).then(|| self.keys.value(row) as usize)
    }
}

/// A column of resources or scopes, each read from its text when it is first asked for.
pub(super) struct Described<T> {
    pub(super) texts: Texts,
    read: Vec<OnceCell<T>>,
}

impl<T: Default + serde::de::DeserializeOwned> Described<T> {
    /// Of a column of canonical texts.
    pub(super) fn new(texts: Texts) -> Self {
        let read = (0..texts.texts.len()).map(|_| OnceCell::new()).collect();
        Self { texts, read }
    }

    /// What a row belongs to; the empty one for null.
    pub(super) fn get(&self, row: usize) -> Option<&T> {
        self.texts.key(row).map(|key| self.distinct(key))
    }

    /// One of the distinct ones.
    pub(super) fn distinct(&self, key: usize) -> &T {
        // Only damage could make the text unreadable; then the span is shown without it.
        let read = || serde_json::from_str(self.texts.texts.value(key)).unwrap_or_default();
        self.read[key].get_or_init(read)
    }
}

/// The events of each span.
pub(super) struct Events {
    lists: ListArray,
    pub(super) times: Int64Array,
    pub(super) names: StringArray,
    pub(super) attributes: AttributeColumn,
}

/// The links of each span.
pub(super) struct Links {
    lists: ListArray,
    pub(super) trace_ids: FixedSizeBinaryArray,
    pub(super) span_ids: FixedSizeBinaryArray,
    pub(super) attributes: AttributeColumn,
}

impl Events {
    /// Where a span's events are.
    pub(super) fn of(&self, row: usize) -> std::ops::Range<usize> {
        range(&self.lists, row)
    }
}

impl Links {
    /// Where a span's links are.
    pub(super) fn of(&self, row: usize) -> std::ops::Range<usize> {
        range(&self.lists, row)
    }
}

fn range(lists: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = lists.value_offsets();
    if lists.is_null(row) { 0..0 } else { offsets[row] as usize..offsets[row + 1] as usize }
}

impl SpanColumns {
    /// Fails for a batch that is not of the spans table or lacks one of [`SUMMARY_COLUMNS`].
    pub(super) fn new(batch: &RecordBatch) -> Result<Self, QueryError> {
        Ok(Self {
            span_ids: ids(batch, "span_id")?,
            parent_span_ids: ids(batch, "parent_span_id")?,
            names: texts(batch, "name")?,
            kinds: i32s(batch, "kind")?,
            starts: times(batch, "start_unix_nano")?,
            ends: times(batch, "end_unix_nano")?,
            status_codes: i32s(batch, "status_code")?,
            status_messages: texts(batch, "status_message")?,
            attributes: attributes(batch, "attributes")?,
            service_names: texts(batch, "service_name")?,
            resources: Described::new(texts(batch, "resource")?),
            scopes: Described::new(texts(batch, "scope")?),
            events: batch.column_by_name("events").map(events).transpose()?,
            links: batch.column_by_name("links").map(links).transpose()?,
            batch: batch.clone(),
        })
    }
}

/// The trace ids of a batch.
pub(super) fn trace_ids(batch: &RecordBatch) -> Result<FixedSizeBinaryArray, QueryError> {
    ids(batch, "trace_id")
}

/// The ids of a batch's spans.
pub(super) fn span_ids(batch: &RecordBatch) -> Result<FixedSizeBinaryArray, QueryError> {
    ids(batch, "span_id")
}

/// The id of a row.
pub(super) fn trace_id_at(ids: &FixedSizeBinaryArray, row: usize) -> TraceId {
    let mut id = TraceId::default();
    id.copy_from_slice(ids.value(row));
    id
}

/// A column of times.
pub(super) fn times(batch: &RecordBatch, name: &str) -> Result<Int64Array, QueryError> {
    typed(column(batch, name)?.as_primitive_opt::<Int64Type>().cloned(), name)
}

/// A column of OTLP's enumerations.
pub(super) fn i32s(batch: &RecordBatch, name: &str) -> Result<Int32Array, QueryError> {
    typed(column(batch, name)?.as_primitive_opt::<Int32Type>().cloned(), name)
}

/// A column of texts that rows share.
pub(super) fn texts(batch: &RecordBatch, name: &str) -> Result<Texts, QueryError> {
    let dictionary = column(batch, name)?.as_dictionary_opt::<Int32Type>();
    let texts = dictionary.and_then(|dictionary| {
        let texts = dictionary.values().as_string_opt::<i32>()?.clone();
        Some(Texts { keys: dictionary.keys().clone(), texts })
    });
    typed(texts, name)
}

/// A column of attribute lists.
pub(super) fn attributes(batch: &RecordBatch, name: &str) -> Result<AttributeColumn, QueryError> {
    typed(AttributeColumn::new(column(batch, name)?), name)
}

fn ids(batch: &RecordBatch, name: &str) -> Result<FixedSizeBinaryArray, QueryError> {
    typed(column(batch, name)?.as_fixed_size_binary_opt().cloned(), name)
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef, QueryError> {
    typed(batch.column_by_name(name), name)
}

fn events(array: &ArrayRef) -> Result<Events, QueryError> {
    let read = || {
        let lists = array.as_list_opt::<i32>()?.clone();
        let items = lists.values().as_struct_opt()?;
        Some(Events {
            times: items.column_by_name("time_unix_nano")?.as_primitive_opt()?.clone(),
            names: items.column_by_name("name")?.as_string_opt()?.clone(),
            attributes: AttributeColumn::new(items.column_by_name("attributes")?)?,
            lists,
        })
    };
    typed(read(), "events")
}

fn links(array: &ArrayRef) -> Result<Links, QueryError> {
    let read = || {
        let lists = array.as_list_opt::<i32>()?.clone();
        let items = lists.values().as_struct_opt()?;
        Some(Links {
            trace_ids: items.column_by_name("trace_id")?.as_fixed_size_binary_opt()?.clone(),
            span_ids: items.column_by_name("span_id")?.as_fixed_size_binary_opt()?.clone(),
            attributes: AttributeColumn::new(items.column_by_name("attributes")?)?,
            lists,
        })
    };
    typed(read(), "links")
}

fn typed<T>(column: Option<T>, name: &str) -> Result<T, QueryError> {
    column.ok_or_else(|| {
        let message = format!("a batch of spans has no column '{name}' of the table's type");
        SegmentReadError::new(message).into()
    })
}
