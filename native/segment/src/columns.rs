//! Columns of the Parquet file: the table's, and where in the log each row came from.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use varve_columnar::schema::{dictionary, schema_of};
use varve_types::Table;

/// Number of the partition that a row was appended to.
pub const PARTITION: &str = "_partition";
/// Epoch of its record.
pub const EPOCH: &str = "_epoch";
/// Offset of its record.
pub const OFFSET: &str = "_offset";
/// Its place within the record.
pub const ROW: &str = "_row";

/// The position columns, in this order after the table's.
pub(crate) fn position_fields() -> [Field; 4] {
    [
        Field::new(PARTITION, DataType::UInt32, false),
        Field::new(EPOCH, DataType::UInt32, false),
        Field::new(OFFSET, DataType::UInt64, false),
        Field::new(ROW, DataType::UInt32, false),
    ]
}

/// Samples are stored as chunks: one row is a run of one series, ascending by time.
static CHUNKS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let blobs = DataType::List(Arc::new(Field::new("item", DataType::Binary, false)));
    Arc::new(Schema::new(vec![
        Field::new("series", dictionary(), false),
        Field::new("first_unix_ms", DataType::Int64, false),
        Field::new("last_unix_ms", DataType::Int64, false),
        Field::new("count", DataType::UInt32, false),
        // `chunk_codec`, of milliseconds.
        Field::new("times", DataType::Binary, false),
        // `chunk_codec`; null where the chunk holds native histograms.
        Field::new("values", DataType::Binary, true),
        // `prometheus.Histogram` messages, as many as `count`; null where it holds floats.
        Field::new("histograms", blobs, true),
    ]))
});

static WITH_POSITIONS: LazyLock<[SchemaRef; Table::ALL.len()]> = LazyLock::new(|| {
    Table::ALL.map(|table| match table {
        Table::Samples => CHUNKS.clone(),
        Table::Logs | Table::Spans | Table::Metadata | Table::Exemplars => {
            let mut fields: Vec<_> = schema_of(table).fields().iter().cloned().collect();
            fields.extend(position_fields().map(Arc::new));
            Arc::new(Schema::new(fields))
        }
    })
});

/// The schema of a table's Parquet file.
#[must_use]
pub fn stored_schema(table: Table) -> SchemaRef {
    WITH_POSITIONS[table as usize - 1].clone()
}
