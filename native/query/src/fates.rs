//! What became of the segments of a query.

use hashbrown::HashMap;
use varve_columnar::answer::QueryStats;

/// How far a query came with a segment: what left it out, in the order in which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// All of its rows are of another time.
    OtherTime,
    /// It has no stream or series that matches.
    OtherLabels,
    /// Its filters know that it has no rows of the traces, or with the values, that are looked for.
    OtherTraces,
    /// Its text index knows of no row.
    OtherText,
    /// It may have rows, but the answer was whole without them.
    TooLate,
    /// What counts of its rows is known from an earlier query.
    Kept,
    /// It was opened.
    Read,
}

/// By segment the furthest that any part of the query came with it: each is counted once, however
/// many selectors look at it.
#[derive(Debug, Default)]
pub(crate) struct Fates(HashMap<u64, Fate>);

impl Fates {
    pub(crate) fn tell(&mut self, segment: u64, fate: Fate) {
        let known = self.0.entry(segment).or_insert(fate);
        *known = fate.max(*known);
    }

    /// Writes how many segments have which fate.
    pub(crate) fn count(&self, stats: &mut QueryStats) {
        for fate in self.0.values() {
            let left_out = &mut stats.left_out;
            *match fate {
                Fate::OtherTime => &mut left_out.by_time,
                Fate::OtherLabels => &mut left_out.by_labels,
                Fate::OtherTraces => &mut left_out.by_trace_filter,
                Fate::OtherText => &mut left_out.by_text,
                Fate::TooLate => &mut left_out.by_limit,
                Fate::Kept => &mut left_out.by_kept,
                Fate::Read => &mut stats.segments_read,
            } += 1;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
