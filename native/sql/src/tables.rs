//! The tables that statements read: which columns they have, and how each comes from what is stored.

mod convert;
mod logs;
mod nested;
mod samples;
mod spans;

use std::sync::{Arc, LazyLock};

use arrow::{
    array::ArrayRef,
    datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
};
use varve_columnar::schema::dictionary;
use varve_types::Table;

pub(crate) use self::{nested::as_text_map, samples::METRIC};

/// The column of time that every table has.
pub(crate) const TIME: &str = "time";
/// The column of trace ids that logs and spans have.
pub(crate) const TRACE_ID: &str = "trace_id";
/// Of logs and spans.
pub(crate) const SPAN_ID: &str = "span_id";
/// The column of log lines.
pub(crate) const BODY: &str = "body";

/// A table that statements may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SqlTable {
    Logs,
    Spans,
    Samples,
}

/// How a column is made of what is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// Whose the row is.
    Tenant,
    /// Of the row's stream or series.
    LabelSet(LabelSetPart),
    /// Of these stored columns of the row, in this order.
    Stored(&'static [&'static str], Convert),
}

/// What a stream or series has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum LabelSetPart {
    /// Its canonical text.
    Text,
    /// All labels but the metric's name.
    Labels,
    /// One label's value.
    Label(&'static str),
}

/// Makes a column of stored ones.
pub(crate) type Convert = fn(&[ArrayRef]) -> Result<ArrayRef, ArrowError>;

/// A column of a table.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    pub(crate) origin: Origin,
}

impl Column {
    fn new(name: &'static str, data_type: DataType, origin: Origin) -> Self {
        Self { name, data_type, nullable: true, origin }
    }

    fn required(name: &'static str, data_type: DataType, origin: Origin) -> Self {
        Self { nullable: false, ..Self::new(name, data_type, origin) }
    }

    /// One that is stored as it is shown.
    fn stored(column: &'static [&'static str], data_type: DataType) -> Self {
        let name = column.first().copied().unwrap_or_default();
        Self::new(name, data_type, Origin::Stored(column, convert::same))
    }

    fn tenant() -> Self {
        Self::required("tenant", dictionary(), Origin::Tenant)
    }
}

/// A table's columns and schema.
#[derive(Debug)]
struct Layout {
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl Layout {
    fn of(columns: Vec<Column>) -> Self {
        let field =
            |column: &Column| Field::new(column.name, column.data_type.clone(), column.nullable);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Fields>()));
        Self { columns, schema }
    }
}

static LAYOUTS: LazyLock<[Layout; 3]> = LazyLock::new(|| {
    [Layout::of(logs::columns()), Layout::of(spans::columns()), Layout::of(samples::columns())]
});

impl SqlTable {
    pub(crate) const ALL: [Self; 3] = [Self::Logs, Self::Spans, Self::Samples];

    /// As statements name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Spans => "spans",
            Self::Samples => "samples",
        }
    }

    /// The table of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Where its rows are stored.
    pub(crate) const fn stored(self) -> Table {
        match self {
            Self::Logs => Table::Logs,
            Self::Spans => Table::Spans,
            Self::Samples => Table::Samples,
        }
    }

    /// The stored column that says which stream or series a row is of.
    pub(crate) const fn label_set_column(self) -> Option<&'static str> {
        match self {
            Self::Logs => Some("stream"),
            Self::Spans => None,
            Self::Samples => Some("series"),
        }
    }

    /// How many nanoseconds one unit of its stored times is.
    pub(crate) const fn time_unit_ns(self) -> i64 {
        match self {
            Self::Logs | Self::Spans => 1,
            Self::Samples => 1_000_000,
        }
    }

    /// Its columns, in the order of its schema.
    pub(crate) fn columns(self) -> &'static [Column] {
        &self.layout().columns
    }

    /// The column of that name.
    pub(crate) fn column(self, name: &str) -> Option<&'static Column> {
        self.columns().iter().find(|column| column.name == name)
    }

    /// As statements see it.
    pub(crate) fn schema(self) -> SchemaRef {
        self.layout().schema.clone()
    }

    fn layout(self) -> &'static Layout {
        &LAYOUTS[self as usize]
    }
}

/// A point in time.
pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

/// Texts by name.
pub(crate) fn text_map() -> DataType {
    DataType::Map(
        Arc::new(Field::new("entries", DataType::Struct(text_map_fields()), false)),
        false,
    )
}

/// What an entry of [`text_map`] has.
pub(crate) fn text_map_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
    ])
}
