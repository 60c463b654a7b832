//! Names, values and sets of stream labels, from label sets alone: no line is read for them, but of
//! segments that a position divides their times.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use varve_columnar::{
    answer::{Answer, QueryStats},
    labels::LabelSet,
};
use varve_types::Table;
use varve_view::Segment;

use crate::{
    context::ExecContext,
    error::QueryError,
    fates::Fate,
    logs::{LogColumns, StreamDirectory, overlaps, times},
    matcher::Matchers,
    plan::{LabelMatcher, LabelsOf, TimeRange},
};

/// [`Answer::Names`] for names and values, [`Answer::LabelSets`] for sets.
pub(crate) fn run(
    context: &ExecContext,
    selectors: &[Vec<LabelMatcher>],
    range: TimeRange,
    of: &LabelsOf,
) -> Result<Answer, QueryError> {
    let sets = streams(context, selectors, range)?;
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
    Ok(match of {
        LabelsOf::Names => {
            Answer::Names(owned(sets.iter().flat_map(|set| set.iter().map(|(n, _)| n)).collect()))
        }
        LabelsOf::Values { name } => Answer::Names(owned(
            sets.iter().map(|set| set.get(name)).filter(|value| !value.is_empty()).collect(),
        )),
        LabelsOf::Sets => Answer::LabelSets(sets.into_iter().collect()),
    })
}

/// Labels that every page about a system asks for, whatever their values.
const KEPT_LABELS: [&str; 4] = ["cluster", "namespace", "instance", "pod"];

/// [`Answer::DetectedLabels`]: labels with how many values each has. Those whose values are all ids or
/// numbers tell nothing and are left out.
pub(crate) fn detected(
    context: &ExecContext,
    matchers: &[LabelMatcher],
    range: TimeRange,
) -> Result<Answer, QueryError> {
    let selectors: Vec<_> = if matchers.is_empty() { Vec::new() } else { vec![matchers.to_vec()] };
    let sets = streams(context, &selectors, range)?;
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in sets.iter().flat_map(LabelSet::iter) {
        values.entry(name).or_default().insert(value);
    }
    let tells = |name: &str, values: &BTreeSet<&str>| {
        KEPT_LABELS.contains(&name) || values.iter().any(|value| !is_id(value))
    };
    values.retain(|name, values| tells(name, values));
    let counted = values.into_iter().map(|(name, values)| (name.to_owned(), values.len() as u64));
    Ok(Answer::DetectedLabels(counted.collect()))
}

/// Whether a value is a number or a UUID, with or without hyphens and braces.
fn is_id(value: &str) -> bool {
    let hex = value.strip_prefix("urn:uuid:").unwrap_or(value);
    let hex = hex.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(hex);
    let is_hyphen = |at: usize| hex.len() == 36 && matches!(at, 8 | 13 | 18 | 23);
    let is_uuid = matches!(hex.len(), 32 | 36)
        && hex
            .bytes()
            .enumerate()
            .all(|(at, byte)| if is_hyphen(at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    is_uuid || value.parse::<f64>().is_ok()
}

/// The label sets with a line in the range that match one of the selectors.
fn streams(
    context: &ExecContext,
    selectors: &[Vec<LabelMatcher>],
    range: TimeRange,
) -> Result<BTreeSet<LabelSet>, QueryError> {
    let selectors = selectors
        .iter()
        .map(|matchers| Matchers::compile(matchers))
        .collect::<Result<Vec<_>, _>>()?;
    let mut directory = StreamDirectory::new(&selectors);
    let mut found = BTreeSet::new();
    let mut counted = QueryStats::default();
    for (tenant, snapshot) in context.snapshots(Table::Logs) {
        directory.enter(tenant);
        for segment in context.segments_in_time(snapshot, |times| overlaps(times, range)) {
            context.budget.check()?;
            context.tell(segment, Fate::Read);
            let mut streams = Vec::new();
            for set in segment.label_sets().iter().filter(|set| overlaps(set.time_range, range)) {
                if let Some(number) = directory.number_of(context, &set.text)? {
                    streams.push((number, set.rows.clone()));
                }
            }
            found.extend(streams_as_of(context, segment, &mut streams, range)?);
        }
        for batch in snapshot.memtable.iter().filter(|one| overlaps(one.time_range, range)) {
            context.budget.check()?;
            let columns = LogColumns::of(&batch.batch)?;
            let numbers = directory.numbers_of(context, &columns)?;
            let rows = columns.keys.iter().zip(columns.times);
            let rows = rows.filter(|(_, time)| is_in(**time, range));
            found.extend(rows.filter_map(|(&key, _)| numbers[key as usize]));
            counted.rows_read += columns.keys.len() as u64;
            counted.memtable_rows_read += columns.keys.len() as u64;
        }
    }
    context.count(&counted);
    Ok(found
        .into_iter()
        .map(|number| LabelSet::clone(&directory.streams()[number as usize]))
        .collect())
}

/// Those of the streams that had a line in the range at the position that is read: all that have one,
/// unless the segment has later lines.
fn streams_as_of(
    context: &ExecContext,
    segment: &Segment,
    streams: &mut [(u32, Range<u32>)],
    range: TimeRange,
) -> Result<BTreeSet<u32>, QueryError> {
    if !segment.is_divided() {
        return Ok(streams.iter().map(|(stream, _)| *stream).collect());
    }
    streams.sort_unstable_by_key(|(_, rows)| rows.start);
    let there = context.parts_as_of(segment, streams)?;
    let rows: Vec<_> = there.iter().map(|(_, rows)| rows.clone()).collect();
    let mut origins = there.iter().flat_map(|(stream, rows)| rows.clone().map(|_| *stream));
    let mut found = BTreeSet::new();
    if rows.is_empty() {
        return Ok(found);
    }
    for batch in segment.scan(&["time_unix_nano"], &rows)? {
        context.budget.check()?;
        let batch = batch?;
        let rows = times(&batch)?.values().iter().zip(origins.by_ref());
        found.extend(rows.filter(|(time, _)| is_in(**time, range)).map(|(_, stream)| stream));
    }
    Ok(found)
}

fn is_in(time_ns: i64, range: TimeRange) -> bool {
    range.from.0 <= time_ns && time_ns < range.to.0
}
