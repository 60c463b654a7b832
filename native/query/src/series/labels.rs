//! What is known of series without their values: names, label values, label sets.

use std::{collections::BTreeSet, ops::RangeInclusive};

use arrow::array::Array as _;
use hashbrown::HashSet;
use varve_columnar::{
    answer::{Answer, QueryStats},
    labels::LabelSet,
};
use varve_types::{Table, TenantId};
use varve_view::Snapshot;

use super::{directory::read_labels, memtable::SampleColumns};
use crate::{
    context::ExecContext,
    error::QueryError,
    fates::Fate,
    matcher::Matchers,
    plan::{LabelMatcher, LabelsOf, TimeRange},
};

const NANOS_PER_MS: i64 = 1_000_000;

/// What tells that an answer was cut.
pub(crate) const TRUNCATED: &str = "results truncated due to limit";

/// Answers [`crate::plan::Plan::SeriesLabels`].
pub(super) fn run(
    context: &ExecContext,
    selectors: &[Vec<LabelMatcher>],
    range: TimeRange,
    of: &LabelsOf,
    limit: u32,
) -> Result<Answer, QueryError> {
    let selectors = selectors
        .iter()
        .map(|matchers| Matchers::compile(matchers))
        .collect::<Result<Vec<_>, _>>()?;
    let range_ms = milliseconds(range);
    let mut sets: BTreeSet<LabelSet> = BTreeSet::new();
    for (tenant, snapshot) in context.snapshots(Table::Samples) {
        collect(context, snapshot, tenant, &range_ms, |labels| {
            let is_asked =
                selectors.is_empty() || selectors.iter().any(|selector| selector.matches(&labels));
            if is_asked {
                sets.insert(labels);
            }
            is_asked
        })?;
    }
    let most = if limit == 0 { usize::MAX } else { limit as usize };
    let names = |names: BTreeSet<&str>| cut(context, names, most).map(str::to_owned).collect();
    Ok(match of {
        LabelsOf::Names => Answer::Names(names(
            sets.iter().flat_map(|set| set.iter().map(|(name, _)| name)).collect(),
        )),
        LabelsOf::Values { name } => Answer::Names(names(
            sets.iter().map(|set| set.get(name)).filter(|value| !value.is_empty()).collect(),
        )),
        LabelsOf::Sets => Answer::LabelSets(cut(context, sets, most).collect()),
    })
}

/// The first entries; the user is told if there were more.
fn cut<T>(context: &ExecContext, entries: BTreeSet<T>, most: usize) -> impl Iterator<Item = T> {
    if entries.len() > most {
        context.warn(TRUNCATED.to_owned());
    }
    entries.into_iter().take(most)
}

/// The milliseconds that are in a range.
pub(super) fn milliseconds(range: TimeRange) -> RangeInclusive<i64> {
    let ceil = |time_ns: i64| {
        time_ns.div_euclid(NANOS_PER_MS) + i64::from(time_ns.rem_euclid(NANOS_PER_MS) > 0)
    };
    ceil(range.from.0)..=ceil(range.to.0).saturating_sub(1)
}

/// Calls `each` once for each distinct label set with a sample in the range; it says whether it asks for
/// it. One that is asked for and only in a segment that the query's position divides is refused.
pub(super) fn collect(
    context: &ExecContext,
    snapshot: &Snapshot,
    tenant: Option<&TenantId>,
    range_ms: &RangeInclusive<i64>,
    mut each: impl FnMut(LabelSet) -> bool,
) -> Result<(), QueryError> {
    let overlaps =
        |(first, last): (i64, i64)| first <= *range_ms.end() && *range_ms.start() <= last;
    let mut seen: HashSet<String> = HashSet::new();
    let mut counted = QueryStats::default();
    // Whether it is asked for and was not known.
    let mut show = |text: &str| -> Result<bool, QueryError> {
        if seen.contains(text) {
            return Ok(false);
        }
        seen.insert(text.to_owned());
        context.budget.add_series(1)?;
        context.budget.charge(text.len() as u64)?;
        Ok(each(read_labels(text, tenant)?))
    };
    let in_time = context.segments_in_time(snapshot, overlaps);
    let (divided, whole): (Vec<_>, Vec<_>) = in_time.into_iter().partition(|one| one.is_divided());
    for segment in whole {
        context.budget.check()?;
        context.tell(segment, Fate::Read);
        for set in segment.label_sets().iter().filter(|set| overlaps(set.time_range)) {
            show(&set.text)?;
        }
    }
    for batch in snapshot.memtable.iter().filter(|batch| overlaps(batch.time_range)) {
        context.budget.check()?;
        let columns = SampleColumns::of(&batch.batch)?;
        let mut present = vec![false; columns.texts.len()];
        for (&key, time_ms) in columns.keys.iter().zip(columns.times_ms) {
            present[key as usize] |= range_ms.contains(time_ms);
        }
        counted.memtable_rows_read += columns.keys.len() as u64;
        counted.rows_read += columns.keys.len() as u64;
        for (text, _) in columns.texts.iter().zip(present).filter(|(_, present)| *present) {
            show(text.unwrap_or_default())?;
        }
    }
    for segment in divided {
        context.budget.check()?;
        context.tell(segment, Fate::Read);
        for set in segment.label_sets().iter().filter(|set| overlaps(set.time_range)) {
            if show(&set.text)? {
                segment.undivided()?;
            }
        }
    }
    context.count(&counted);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Nanos;

    #[test]
    fn a_range_holds_the_milliseconds_from_its_start_up_to_before_its_end() {
        let range = |from, to| milliseconds(TimeRange { from: Nanos(from), to: Nanos(to) });
        assert_eq!(range(1_000_000, 3_000_000), 1..=2);
        assert_eq!(range(1_000_001, 3_000_001), 2..=3);
    }
}
