//! Writing the segments that take the place of others.

use std::{fs, ops::RangeInclusive, sync::Arc};

use arrow::array::{AsArray, RecordBatch};
use varve_segment::{Effort, MergeInput, ParquetFileWriter, Written, merge};
use varve_text::IndexBuilder;
use varve_types::Table;

use super::{error::CompactError, pace::Pace, plan::Window};
use crate::{
    entry::{LogRange, SegmentEntry},
    files::{SegmentFiles, make_folder, sync_folder, write_synced},
    memtable::TableKey,
    segment::Segment,
    state::Shared,
};

/// What one job makes of its inputs.
pub(crate) struct Merging<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) key: &'a TableKey,
    pub(crate) inputs: &'a [Arc<Segment>],
    pub(crate) now_ms: i64,
}

impl Merging<'_> {
    /// Writes and syncs a segment for each window that has rows. When it fails its files are removed.
    pub(crate) fn write(&self, pace: &mut Pace<'_>) -> Result<Vec<Arc<Segment>>, CompactError> {
        let times = self.inputs.iter().map(|input| input.time_range());
        let first = times.clone().map(|(first, _)| first).min().unwrap_or_default();
        let last = times.map(|(_, last)| last).max().unwrap_or_default();
        let window = Window::new(self.key.1, self.shared.settings.upkeep.window_ms);
        let mut outputs: Vec<Arc<Segment>> = Vec::new();
        for times in window.ranges((first, last)) {
            let id = self.shared.manifest.lock().take_id();
            match self.write_segment(id, &times, pace) {
                Ok(output) => outputs.extend(output.map(Arc::new)),
                Err(error) => {
                    self.remove(id);
                    self.discard(&outputs);
                    return Err(error);
                }
            }
        }
        Ok(outputs)
    }

    /// Removes segments that will not be named.
    pub(crate) fn discard(&self, outputs: &[Arc<Segment>]) {
        for output in outputs {
            self.remove(output.entry().id);
        }
    }

    fn files(&self, id: u64) -> SegmentFiles {
        SegmentFiles::of(&self.shared.folders.table(&self.key.0, self.key.1), id)
    }

    /// Among which records of the log the rows are; those of rows that are erased now count among them.
    fn log_ranges(&self) -> Vec<LogRange> {
        if self.inputs.iter().any(|input| input.entry().log.is_empty()) {
            return Vec::new();
        }
        LogRange::hull(self.inputs.iter().flat_map(|input| input.entry().log.iter().copied()))
    }

    /// What cannot be removed now is removed at the next start, as no manifest names it.
    fn remove(&self, id: u64) {
        for path in self.files(id).all() {
            drop(fs::remove_file(path));
        }
    }

    fn write_segment(
        &self,
        id: u64,
        times: &RangeInclusive<i64>,
        pace: &mut Pace<'_>,
    ) -> Result<Option<Segment>, CompactError> {
        let table = self.key.1;
        let folder = self.shared.folders.table(&self.key.0, table);
        make_folder(&folder, &self.shared.folders.segments()).map_err(CompactError::io(&folder))?;
        let files = self.files(id);
        let mut parquet = ParquetFileWriter::create(
            &files.parquet,
            table,
            Effort::Thorough,
            &self.shared.settings.filter_attributes,
        )?;
        let mut text =
            (table == Table::Logs).then(|| IndexBuilder::new(self.shared.settings.text_block_rows));
        let inputs: Vec<MergeInput<'_>> =
            self.inputs.iter().map(|input| input.merge_input()).collect::<Result<_, _>>()?;
        let mut take = |rows: &RecordBatch| {
            parquet.write(rows)?;
            if let Some(text) = &mut text {
                add_bodies(rows, text);
            }
            pace.breathe()
        };
        let mut merged = merge(table, &inputs, (*times.start(), *times.end()), &mut take)?;
        if merged.rows == 0 {
            self.remove(id);
            return Ok(None);
        }
        let Written { parquet, trace_filter, value_filter } = parquet.finish()?;
        let mut size_bytes = parquet.size_bytes;
        merged.directory.trace_filter = trace_filter;
        merged.directory.value_filter = value_filter;
        let directory = merged.directory.to_bytes(&parquet)?;
        size_bytes += write_synced(&files.directory, &directory)
            .map_err(CompactError::io(&files.directory))?;
        if let Some(text) = text {
            size_bytes += write_synced(&files.text, &text.finish()?)
                .map_err(CompactError::io(&files.text))?;
        }
        sync_folder(&folder).map_err(CompactError::io(&folder))?;
        let entry = SegmentEntry {
            id,
            tenant: self.key.0.clone(),
            table,
            rows: merged.rows,
            records: merged.records,
            time_range: merged.time_range,
            size_bytes,
            sealed_at_ms: self.now_ms,
            checksum: Some(parquet.checksum),
            log: self.log_ranges(),
        };
        Ok(Some(Segment::open(entry, &folder, &self.shared.texts)?))
    }
}

fn add_bodies(rows: &RecordBatch, text: &mut IndexBuilder) {
    let bodies = rows.column_by_name("body").map(AsArray::as_string::<i32>);
    for line in bodies.into_iter().flatten() {
        text.add(line.unwrap_or_default());
    }
}
