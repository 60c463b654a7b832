//! Which pieces a scan reads: by time, label sets, trace ids and the text index, in this order.

use std::{collections::HashSet, ops::Range, sync::Arc};

use arrow::{array::AsArray, datatypes::Int32Type};
use datafusion::{
    common::{DataFusionError, Result},
    physical_plan::PhysicalExpr,
};
use varve_query::QueryError;
use varve_view::{Segment, SegmentReadError, Snapshot, common_parts, merged_rows};

use super::{
    pieces::{PIECE_ROWS, Piece, Pruned, SetRows, Source, count, cut},
    segments_of_traces,
};
use crate::{
    conditions::Conditions,
    guard::Guard,
    label_sets::LabelSets,
    tables::{LabelSetPart, SqlTable},
};

/// What is to be read of one tenant.
pub(crate) struct Wanted<'a> {
    pub(crate) table: SqlTable,
    pub(crate) conditions: &'a Conditions,
    /// Those of `conditions.of_label_sets`.
    pub(crate) label_set_predicates: &'a [Arc<dyn PhysicalExpr>],
    /// What else will be asked of the label sets.
    pub(crate) parts: &'a [LabelSetPart],
    pub(crate) guard: &'a Guard,
}

/// Adds a tenant's pieces, and counts what they are not.
pub(crate) fn plan(
    wanted: &Wanted<'_>,
    tenant: usize,
    snapshot: &Snapshot,
    sets: &mut LabelSets,
    (pieces, pruned): (&mut Vec<Arc<Piece>>, &mut Pruned),
) -> Result<()> {
    pruned.segments += snapshot.segments.len() as u64;
    let in_time: Vec<&Arc<Segment>> =
        snapshot.segments.iter().filter(|one| wanted.overlaps(one.time_range())).collect();
    pruned.by_time += (snapshot.segments.len() - in_time.len()) as u64;
    let memtable: Vec<_> =
        snapshot.memtable.iter().filter(|one| wanted.overlaps(one.time_range)).collect();
    // All label sets are known before any is asked about: predicates look at them in columns.
    for segment in &in_time {
        wanted.check()?;
        for set in segment.label_sets().iter().filter(|set| wanted.overlaps(set.time_range)) {
            sets.number_of(&set.text);
        }
    }
    let mut keys = Vec::with_capacity(memtable.len());
    for one in &memtable {
        keys.push(numbers_of(wanted.table, &one.batch, sets)?);
    }
    sets.prepare(wanted.parts.iter().copied())?;
    let matching = sets.matching(wanted.table, wanted.label_set_predicates)?;
    let is_wanted = |number: u32| matching.get(number as usize).copied().unwrap_or(false);
    let of_traces = wanted.segments_of_traces(snapshot);
    let without = wanted.segments_without_values(snapshot);
    for segment in in_time {
        wanted.check()?;
        let before = pieces.len();
        if of_traces.as_ref().is_some_and(|ids| !ids.contains(&segment.id())) {
            pruned.by_trace_id += 1;
            continue;
        }
        if without.contains(&segment.id()) {
            pruned.by_value += 1;
            continue;
        }
        let found = if wanted.table == SqlTable::Samples {
            wanted.series(tenant, segment, sets, &is_wanted, pieces)?;
            Found::Rows
        } else {
            wanted.rows(tenant, segment, sets, &is_wanted, pieces)?
        };
        match found {
            Found::Rows if pieces.len() > before => pruned.read += 1,
            Found::NoText => pruned.by_text += 1,
            Found::NoTrace => pruned.by_trace_id += 1,
            Found::Rows => pruned.by_labels += 1,
        }
    }
    for (one, keys) in memtable.into_iter().zip(keys) {
        let numbers: Vec<_> =
            keys.into_iter().map(|key| Some(key).filter(|&key| is_wanted(key))).collect();
        if numbers.is_empty() || numbers.iter().any(Option::is_some) {
            pruned.memtable_batches += 1;
            pieces.push(Arc::new(Piece {
                tenant,
                times_ns: wanted.in_ns(one.time_range),
                rows: one.batch.num_rows() as u64,
                source: Source::Memtable(one.batch.clone(), numbers),
            }));
        }
    }
    Ok(())
}

/// What there is of a segment.
enum Found {
    Rows,
    NoText,
    NoTrace,
}

/// By key of a batch's column of label sets, their numbers; empty where the table has none.
fn numbers_of(
    table: SqlTable,
    batch: &arrow::array::RecordBatch,
    sets: &mut LabelSets,
) -> Result<Vec<u32>> {
    let Some(column) = table.label_set_column() else { return Ok(Vec::new()) };
    let texts = batch.column_by_name(column).and_then(|column| {
        column.as_dictionary_opt::<Int32Type>()?.values().as_string_opt::<i32>()
    });
    let texts = texts.ok_or_else(|| {
        let text = format!("a batch of {} has no column '{column}'", table.name());
        DataFusionError::Execution(text)
    })?;
    Ok(texts.iter().map(|text| sets.number_of(&text.unwrap_or_default().into())).collect())
}

impl Wanted<'_> {
    fn check(&self) -> Result<()> {
        self.guard.check().map_err(external)
    }

    /// Stored times in nanoseconds.
    fn in_ns(&self, (first, last): (i64, i64)) -> (i64, i64) {
        let unit = self.table.time_unit_ns();
        (first.saturating_mul(unit), last.saturating_mul(unit))
    }

    fn overlaps(&self, stored: (i64, i64)) -> bool {
        self.conditions.times.overlap(self.in_ns(stored))
    }

    /// The ids of segments that may have rows of the traces; `None`: any may.
    fn segments_of_traces(&self, snapshot: &Snapshot) -> Option<HashSet<u64>> {
        let ids = self.conditions.trace_ids.as_ref()?;
        Some(segments_of_traces(snapshot, ids))
    }

    /// The ids of segments that have no row with the values that every wanted row has.
    fn segments_without_values(&self, snapshot: &Snapshot) -> HashSet<u64> {
        let values = self.conditions.values.iter();
        values.flat_map(|value| snapshot.segments_without(value)).collect()
    }

    /// Pieces of a segment of logs or spans.
    fn rows(
        &self,
        tenant: usize,
        segment: &Arc<Segment>,
        sets: &mut LabelSets,
        is_wanted: &impl Fn(u32) -> bool,
        pieces: &mut Vec<Arc<Piece>>,
    ) -> Result<Found> {
        let (mut ranges, times) = if self.table == SqlTable::Spans {
            (segment.shown_rows().into_iter().map(|rows| (0, rows)).collect(), segment.time_range())
        } else {
            self.ranges_of_sets(segment, sets, is_wanted)
        };
        if let Some(ids) = self.conditions.trace_ids.as_ref().filter(|_| !ranges.is_empty()) {
            ranges = common_parts(&ranges, &segment.rows_of_traces(ids));
            if ranges.is_empty() {
                return Ok(Found::NoTrace);
            }
        }
        for texts in &self.conditions.needles {
            if ranges.is_empty() {
                break;
            }
            if let Some(hits) = rows_with_one_of(segment, texts).map_err(read_failed)? {
                ranges = common_parts(&ranges, &hits);
                if ranges.is_empty() {
                    return Ok(Found::NoText);
                }
            }
        }
        for ranges in cut(ranges) {
            pieces.push(Arc::new(Piece {
                tenant,
                times_ns: self.in_ns(times),
                rows: count(&ranges),
                source: Source::Rows(segment.clone(), ranges),
            }));
        }
        Ok(Found::Rows)
    }

    /// Rows of the wanted streams, ascending, and their first and last time.
    fn ranges_of_sets(
        &self,
        segment: &Segment,
        sets: &mut LabelSets,
        is_wanted: &impl Fn(u32) -> bool,
    ) -> (Vec<SetRows>, (i64, i64)) {
        let mut ranges = Vec::new();
        let mut times = (i64::MAX, i64::MIN);
        for set in segment.label_sets().iter().filter(|set| self.overlaps(set.time_range)) {
            let number = sets.number_of(&set.text);
            if is_wanted(number) {
                ranges.push((number, set.rows.clone()));
                times = (times.0.min(set.time_range.0), times.1.max(set.time_range.1));
            }
        }
        ranges.sort_unstable_by_key(|(_, rows)| rows.start);
        (ranges, times)
    }

    /// Pieces of a segment of samples.
    fn series(
        &self,
        tenant: usize,
        segment: &Arc<Segment>,
        sets: &mut LabelSets,
        is_wanted: &impl Fn(u32) -> bool,
        pieces: &mut Vec<Arc<Piece>>,
    ) -> Result<()> {
        let mut piece = Piece {
            tenant,
            times_ns: (i64::MAX, i64::MIN),
            rows: 0,
            source: Source::Series(segment.clone(), Vec::new()),
        };
        for (at, set) in segment.label_sets().iter().enumerate() {
            if !self.overlaps(set.time_range) {
                continue;
            }
            let number = sets.number_of(&set.text);
            if !is_wanted(number) {
                continue;
            }
            segment.undivided().map_err(|error| external(error.into()))?;
            if piece.rows > 0 && piece.rows + set.count > PIECE_ROWS {
                let source = Source::Series(segment.clone(), Vec::new());
                let next = Piece { tenant, times_ns: (i64::MAX, i64::MIN), rows: 0, source };
                pieces.push(Arc::new(std::mem::replace(&mut piece, next)));
            }
            let times = self.in_ns(set.time_range);
            piece.times_ns = (piece.times_ns.0.min(times.0), piece.times_ns.1.max(times.1));
            piece.rows += set.count;
            if let Source::Series(_, series) = &mut piece.source {
                series.push((at, number));
            }
        }
        if piece.rows > 0 {
            pieces.push(Arc::new(piece));
        }
        Ok(())
    }
}

/// Rows whose body may hold one of the texts; `None` if the index cannot tell.
fn rows_with_one_of(
    segment: &Segment,
    texts: &[String],
) -> Result<Option<Vec<Range<u32>>>, SegmentReadError> {
    let mut hits = Vec::new();
    for text in texts {
        let Some(rows) = segment.rows_with_text(text)? else { return Ok(None) };
        hits.extend(rows);
    }
    Ok(Some(merged_rows(hits)))
}

/// An error of ours on its way through DataFusion.
pub(crate) fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

pub(super) fn read_failed(error: SegmentReadError) -> DataFusionError {
    external(QueryError::Read(error))
}
