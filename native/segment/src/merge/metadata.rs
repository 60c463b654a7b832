//! Metadata of several segments: of rows that say the same the newest is kept. They are few.

use arrow::{
    array::{AsArray, RecordBatch, UInt32Array},
    compute::{cast, concat_batches, take_record_batch},
    datatypes::DataType,
    error::ArrowError,
};
use hashbrown::HashMap;
use varve_types::Table;

use super::{MergeInput, Merged, output::stored};
use crate::{SegmentError, clustered::column, columns::stored_schema, directory::Directory};

/// See [`super::merge`].
pub(super) fn merge<E: From<SegmentError>>(
    inputs: &[MergeInput<'_>],
    out: &mut dyn FnMut(&RecordBatch) -> Result<(), E>,
) -> Result<Merged, E> {
    let schema = stored_schema(Table::Metadata);
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut batches = Vec::new();
    for input in inputs {
        for batch in input.parquet.read(&names, input.rows)? {
            batches.push(stored(Table::Metadata, &batch, None).map_err(SegmentError::from)?);
        }
    }
    let rows = concat_batches(&schema, &batches).map_err(SegmentError::from)?;
    let rows = newest(&rows).map_err(SegmentError::from)?;
    if rows.num_rows() > 0 {
        out(&rows)?;
    }
    Ok(Merged {
        directory: Directory::none(),
        time_range: (0, 0),
        rows: rows.num_rows() as u32,
        records: rows.num_rows() as u64,
    })
}

fn newest(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let texts = |name| cast(column(rows, name)?, &DataType::Utf8);
    let (names, kinds) = (texts("name")?, texts("type")?);
    let (help, units) = (texts("help")?, texts("unit")?);
    let (names, kinds) = (names.as_string::<i32>(), kinds.as_string::<i32>());
    let (help, units) = (help.as_string::<i32>(), units.as_string::<i32>());
    let mut newest = HashMap::new();
    for row in 0..rows.num_rows() {
        let said = (names.value(row), kinds.value(row), help.value(row), units.value(row));
        newest.insert(said, row as u32);
    }
    let mut kept: Vec<u32> = newest.into_values().collect();
    kept.sort_unstable_by_key(|&row| (names.value(row as usize), row));
    take_record_batch(rows, &UInt32Array::from(kept))
}
