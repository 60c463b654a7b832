//! Reads a piece: first the columns that decide which rows are shown, then the others of those rows only.

use std::{borrow::Cow, ops::Range, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int64Array, RecordBatch,
        RecordBatchOptions, UInt32Array,
    },
    compute::{and, filter, filter_record_batch, prep_null_mask_filter},
    datatypes::{DataType, Field, Int32Type, Schema},
};
use datafusion::{
    common::{Result, cast::as_boolean_array, internal_datafusion_err},
    physical_plan::PhysicalExpr,
};
use varve_view::{SampleRun, Segment, common_parts};

use super::{
    Projected, Scan,
    pieces::{Piece, SetRows, Source},
    prune::{external, read_failed},
    runtime_filters::Bounds,
};
use crate::tables::Origin;

/// Rows of one batch that is made without reading.
const BATCH_ROWS: usize = 8_192;

/// Rows as they are stored, with the number of each one's label set.
struct Stored {
    batch: RecordBatch,
    sets: UInt32Array,
}

impl Stored {
    fn filter(&self, mask: &BooleanArray) -> Result<Self> {
        let sets = filter(&self.sets, mask)?;
        let sets = sets.as_primitive().clone();
        Ok(Self { batch: filter_record_batch(&self.batch, mask)?, sets })
    }
}

impl Scan {
    /// The rows of a piece that are shown, and not more than `limit`.
    pub(super) fn read(
        &self,
        piece: &Piece,
        bounds: &Bounds,
        limit: Option<usize>,
    ) -> Result<Vec<RecordBatch>> {
        let within = self.times.hold(piece.times_ns);
        let predicates = self.predicates.iter().filter(|one| !(within && one.only_times));
        let mut predicates: Vec<_> = predicates.map(|one| one.expr.clone()).collect();
        predicates.extend(bounds.predicates.iter().cloned());
        let reading = Reading { scan: self, piece, predicates, limit };
        match &piece.source {
            Source::Memtable(batch, numbers) => reading.memtable(batch, numbers),
            Source::Series(segment, series) => reading.series(segment, series),
            Source::Rows(segment, ranges) => match &bounds.trace_ids {
                Some(_) if !bounds.allow(self, piece.tenant, segment.id()) => Ok(Vec::new()),
                Some(ids) => {
                    reading.rows(segment, &common_parts(ranges, &segment.rows_of_traces(ids)))
                }
                None => reading.rows(segment, ranges),
            },
        }
    }
}

/// One piece on its way.
struct Reading<'a> {
    scan: &'a Scan,
    piece: &'a Piece,
    predicates: Vec<Arc<dyn PhysicalExpr>>,
    limit: Option<usize>,
}

impl Reading<'_> {
    fn memtable(&self, batch: &RecordBatch, numbers: &[Option<u32>]) -> Result<Vec<RecordBatch>> {
        let mut columns = self.scan.stored_columns(&self.scan.shown);
        if !self.predicates.is_empty() {
            columns.extend(self.scan.stored_columns(&self.scan.filtered));
        }
        let stored = project(batch, &columns)?;
        let Some(column) = self.scan.table.label_set_column() else {
            let sets = UInt32Array::from(vec![0; batch.num_rows()]);
            return self.in_memory(Stored { batch: stored, sets }, true);
        };
        let keys =
            batch.column_by_name(column).and_then(|one| one.as_dictionary_opt::<Int32Type>());
        let keys = keys.ok_or_else(|| internal_datafusion_err!("no column '{column}'"))?.keys();
        let number_of = |key: &i32| numbers.get(*key as usize).copied().flatten();
        let sets: UInt32Array =
            keys.values().iter().map(|key| number_of(key).unwrap_or(0)).collect();
        let stored = Stored { batch: stored, sets };
        if numbers.iter().all(Option::is_some) {
            return self.in_memory(stored, true);
        }
        let wanted: BooleanArray =
            keys.values().iter().map(|key| Some(number_of(key).is_some())).collect();
        self.in_memory(stored.filter(&wanted)?, true)
    }

    fn series(&self, segment: &Segment, series: &[(usize, u32)]) -> Result<Vec<RecordBatch>> {
        let times = self.scan.times;
        let unit = self.scan.table.time_unit_ns();
        let (from, to) = (times.from_ns.div_euclid(unit), times.to_ns.div_euclid(unit));
        let places: Vec<usize> = series.iter().map(|&(at, _)| at).collect();
        let runs = segment.samples(&places, from, to).map_err(read_failed)?;
        let number_of = |at: usize| {
            let found = series.binary_search_by_key(&at, |&(at, _)| at).ok();
            found.and_then(|found| series.get(found)).map_or(0, |&(_, number)| number)
        };
        self.in_memory(samples(&runs, number_of)?, false)
    }

    fn rows(&self, segment: &Segment, ranges: &[SetRows]) -> Result<Vec<RecordBatch>> {
        let ranges = &*self.as_of(segment, ranges)?;
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.scan.stored_columns(&self.scan.filtered);
        let shown = self.scan.stored_columns(&self.scan.shown);
        if self.predicates.is_empty() {
            return self.read_shown(segment, &shown, &self.limited(ranges.to_vec()));
        }
        let is_all_there = shown.iter().all(|column| first.contains(column));
        let mut answer = Vec::new();
        let mut passed = Vec::new();
        let mut origins = ranges.iter().flat_map(|(set, rows)| rows.clone().map(|row| (*set, row)));
        for stored in self.stored(segment, &first, ranges)? {
            self.scan.guard.check().map_err(super::prune::external)?;
            let mask = self.mask(&stored)?;
            if is_all_there {
                let stored = mask.map(|mask| stored.filter(&mask)).transpose()?.unwrap_or(stored);
                answer.push(self.scan.batch(&self.scan.shown, self.piece, &stored)?);
                continue;
            }
            let rows = origins.by_ref().take(stored.sets.len()).enumerate();
            let is_kept = |at: usize| mask.as_ref().is_none_or(|mask| mask.value(at));
            passed.extend(rows.filter(|(at, _)| is_kept(*at)).map(|(_, row)| row));
        }
        if is_all_there {
            return Ok(answer);
        }
        self.read_shown(segment, &shown, &self.limited(runs(&passed)))
    }

    /// Those of the rows that were there at the statement's position.
    fn as_of<'r>(&self, segment: &Segment, ranges: &'r [SetRows]) -> Result<Cow<'r, [SetRows]>> {
        if !segment.is_divided() {
            return Ok(Cow::Borrowed(ranges));
        }
        let guard = &self.scan.guard;
        let rows: Vec<_> = ranges.iter().map(|(_, rows)| rows.clone()).collect();
        let there = segment.rows_as_of(&rows, |batch, _| {
            guard.count_rows(0, batch.get_array_memory_size() as u64, false);
            guard.check()
        });
        Ok(Cow::Owned(common_parts(ranges, &there.map_err(external)?)))
    }

    fn read_shown(
        &self,
        segment: &Segment,
        columns: &[&'static str],
        ranges: &[SetRows],
    ) -> Result<Vec<RecordBatch>> {
        let stored = self.stored(segment, columns, ranges)?;
        stored.iter().map(|one| self.scan.batch(&self.scan.shown, self.piece, one)).collect()
    }

    /// Not more rows than are asked for.
    fn limited(&self, mut ranges: Vec<SetRows>) -> Vec<SetRows> {
        let Some(limit) = self.limit else { return ranges };
        let mut left = u32::try_from(limit).unwrap_or(u32::MAX);
        for (_, rows) in &mut ranges {
            rows.end = rows.end.min(rows.start.saturating_add(left));
            left -= rows.end - rows.start;
        }
        ranges.retain(|(_, rows)| !rows.is_empty());
        ranges
    }

    /// Columns of rows of a segment; the file is left alone where none is asked for.
    fn stored(
        &self,
        segment: &Segment,
        columns: &[&'static str],
        ranges: &[SetRows],
    ) -> Result<Vec<Stored>> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let sets = ranges.iter().flat_map(|(set, rows)| rows.clone().map(|_| *set));
        let sets = UInt32Array::from_iter_values(sets);
        let mut from = 0;
        let mut next_sets = |rows: usize| {
            from += rows;
            sets.slice(from - rows, rows)
        };
        if columns.is_empty() {
            let lengths =
                (0..sets.len()).step_by(BATCH_ROWS).map(|at| BATCH_ROWS.min(sets.len() - at));
            return lengths
                .map(|rows| Ok(Stored { batch: no_columns(rows)?, sets: next_sets(rows) }))
                .collect();
        }
        let rows: Vec<Range<u32>> = ranges.iter().map(|(_, rows)| rows.clone()).collect();
        let batches = segment.read(columns, Some(&rows)).map_err(read_failed)?;
        let stored = batches.into_iter().map(|batch| {
            let bytes = batch.get_array_memory_size() as u64;
            self.scan.guard.count_rows(batch.num_rows() as u64, bytes, false);
            let sets = next_sets(batch.num_rows());
            Stored { batch, sets }
        });
        Ok(stored.collect())
    }

    /// The shown ones of rows that are in memory.
    fn in_memory(&self, stored: Stored, is_memtable: bool) -> Result<Vec<RecordBatch>> {
        let rows = stored.batch.num_rows();
        self.scan.guard.count_rows(rows as u64, 0, is_memtable);
        let stored = match self.mask(&stored)? {
            Some(mask) => stored.filter(&mask)?,
            None => stored,
        };
        let shown = self.scan.batch(&self.scan.shown, self.piece, &stored)?;
        let rows = shown.num_rows().min(self.limit.unwrap_or(usize::MAX));
        let slice = |at: usize| shown.slice(at, BATCH_ROWS.min(rows - at));
        Ok((0..rows).step_by(BATCH_ROWS).map(slice).collect())
    }

    /// Which rows all predicates hold for; `None`: all rows.
    fn mask(&self, stored: &Stored) -> Result<Option<BooleanArray>> {
        if self.predicates.is_empty() {
            return Ok(None);
        }
        let batch = self.scan.batch(&self.scan.filtered, self.piece, stored)?;
        let mut mask: Option<BooleanArray> = None;
        for predicate in &self.predicates {
            let holds = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
            let holds = as_boolean_array(&holds)?;
            // Null is not true.
            let holds = match holds.nulls() {
                Some(_) => prep_null_mask_filter(holds),
                None => holds.clone(),
            };
            mask = Some(match mask {
                Some(before) => and(&before, &holds)?,
                None => holds,
            });
        }
        Ok(mask.filter(|mask| mask.true_count() < mask.len()))
    }
}

impl Scan {
    /// The stored columns that some columns are made of.
    fn stored_columns(&self, projected: &Projected) -> Vec<&'static str> {
        let mut stored: Vec<&'static str> = Vec::new();
        let columns = self.table.columns();
        for column in projected.columns.iter().filter_map(|&at| columns.get(at)) {
            if let Origin::Stored(names, _) = column.origin {
                for name in names.iter().copied() {
                    if !stored.contains(&name) {
                        stored.push(name);
                    }
                }
            }
        }
        stored
    }

    /// Columns of the table, made of stored rows.
    fn batch(&self, projected: &Projected, piece: &Piece, stored: &Stored) -> Result<RecordBatch> {
        let rows = stored.batch.num_rows();
        let sets = self.label_sets.get(piece.tenant);
        let sets = sets.ok_or_else(|| internal_datafusion_err!("a piece of no tenant"))?;
        let of_table = self.table.columns();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(projected.columns.len());
        for column in projected.columns.iter().filter_map(|&at| of_table.get(at)) {
            columns.push(match column.origin {
                Origin::Tenant => sets.tenant_column(rows),
                Origin::LabelSet(part) => sets.column(part, &stored.sets)?,
                Origin::Stored(names, convert) => {
                    let column_of = |name: &&str| stored.batch.column_by_name(name).cloned();
                    let inputs: Option<Vec<ArrayRef>> = names.iter().map(column_of).collect();
                    let missing = || internal_datafusion_err!("{names:?} were not read");
                    convert(&inputs.ok_or_else(missing)?)?
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(projected.schema.clone(), columns, &options)?)
    }
}

fn no_columns(rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
}

fn project(batch: &RecordBatch, columns: &[&'static str]) -> Result<RecordBatch> {
    let schema = batch.schema_ref();
    let mut places: Vec<usize> =
        columns.iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>()?;
    places.sort_unstable();
    places.dedup();
    Ok(batch.project(&places)?)
}

/// Rows as ranges; they are ascending.
fn runs(rows: &[(u32, u32)]) -> Vec<SetRows> {
    let mut runs: Vec<SetRows> = Vec::new();
    for &(set, row) in rows {
        match runs.last_mut() {
            Some((of, run)) if *of == set && run.end == row => run.end += 1,
            _ => runs.push((set, row..row + 1)),
        }
    }
    runs
}

/// Samples as the memtable has them.
fn samples(runs: &[SampleRun], number_of: impl Fn(usize) -> u32) -> Result<Stored> {
    let rows = runs.iter().map(|run| run.times_ms.len() + run.histograms.len()).sum();
    let mut sets = Vec::with_capacity(rows);
    let mut times = Vec::with_capacity(rows);
    let mut values = Vec::with_capacity(rows);
    let mut histograms: Vec<Option<&[u8]>> = Vec::with_capacity(rows);
    for run in runs {
        let number = number_of(run.label_set);
        times.extend_from_slice(&run.times_ms);
        values.extend_from_slice(&run.values);
        histograms.resize(times.len(), None);
        for (time, histogram) in &run.histograms {
            times.push(*time);
            values.push(0.0);
            histograms.push(Some(histogram));
        }
        sets.resize(times.len(), number);
    }
    let schema = Schema::new(vec![
        Field::new("time_unix_ms", DataType::Int64, false),
        Field::new("value", DataType::Float64, false),
        Field::new("histogram", DataType::Binary, true),
    ]);
    let batch = RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int64Array::from(times)),
            Arc::new(Float64Array::from(values)),
            Arc::new(BinaryArray::from(histograms)),
        ],
    )?;
    Ok(Stored { batch, sets: UInt32Array::from(sets) })
}
