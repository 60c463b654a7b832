//! What is made anew of a segment's own rows: all of it but the rows.

use std::path::Path;

use arrow::array::AsArray;
use varve_segment::{ParquetSeal, ParquetSegment, TraceIds, Values, index_rows};
use varve_text::IndexBuilder;
use varve_types::Table;

use super::report::RepairSettings;
use crate::{check::UpkeepError, entry::SegmentEntry};

/// What belongs beside the rows of a Parquet file.
pub(super) struct Rebuilt {
    /// The directory's bytes.
    pub(super) directory: Vec<u8>,
    /// The text index's, of logs.
    pub(super) text: Option<Vec<u8>>,
    /// What the manifest shall say; but for the size of the files.
    pub(super) entry: SegmentEntry,
}

impl Rebuilt {
    /// Reads the rows, which are sound.
    pub(super) fn of(
        entry: &SegmentEntry,
        parquet: &Path,
        settings: &RepairSettings,
    ) -> Result<Self, UpkeepError> {
        let seal = ParquetSeal::of_file(parquet)?;
        let file = ParquetSegment::open(parquet, seal.blocks.clone())?;
        let mut trace_ids = TraceIds::default();
        let mut values = Values::new(entry.table, &settings.filter_attributes);
        let is_filtered = matches!(entry.table, Table::Logs | Table::Spans);
        let mut text =
            (entry.table == Table::Logs).then(|| IndexBuilder::new(settings.text_block_rows));
        let mut index = index_rows(entry.table, &file, &mut |batch| {
            if is_filtered {
                trace_ids.add(batch);
                values.add(batch);
            }
            let bodies = batch.column_by_name("body").map(AsArray::as_string::<i32>);
            if let Some(text) = &mut text {
                bodies.into_iter().flatten().for_each(|line| text.add(line.unwrap_or_default()));
            }
        })?;
        if is_filtered {
            index.directory.trace_filter = Some(trace_ids.into_filter());
            index.directory.value_filter = Some(values.into_filter());
        }
        let is_metadata = entry.table == Table::Metadata;
        Ok(Self {
            directory: index.directory.to_bytes(&seal)?,
            text: text.map(IndexBuilder::finish).transpose()?,
            entry: SegmentEntry {
                rows: index.rows,
                // What a sender repeats of its metadata is counted and not stored.
                records: if is_metadata { entry.records } else { index.records },
                time_range: index.time_range,
                checksum: Some(seal.checksum),
                ..entry.clone()
            },
        })
    }
}
