//! Which segments are merged next. Pure: what is known of segments in, a job out.

use std::{collections::BTreeMap, ops::RangeInclusive};

use varve_types::Table;

/// The most segments that are merged at once: each takes some megabytes of memory.
const INPUTS_MAX: usize = 32;
/// The most windows that one merge tells apart; more are told apart step by step.
const OUTPUTS_MAX: i64 = 16;
/// Segments are alike in size if the larger is less than this many times the smaller.
const TIER_FACTOR: u64 = 8;
/// Below this size all segments are alike.
const TIER_MIN_BYTES: u64 = 64 << 10;
/// From this many segments on they are merged once they reach half of the largest size.
const LARGE_MIN: usize = 3;

/// What a plan knows of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) size_bytes: u64,
    pub(crate) rows: u32,
    /// Both included.
    pub(crate) times: (i64, i64),
    pub(crate) sealed_at_ms: i64,
    /// Whether it may be merged now: not after it failed.
    pub(crate) is_free: bool,
}

/// What a plan is made by. Times of rows are in the table's unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) segment_size_bytes: u64,
    /// So many small segments are merged.
    pub(crate) segments_min: usize,
    pub(crate) window: Window,
    pub(crate) now_ms: i64,
    /// A window that ended, and got no segment, for this long is merged as far as it goes.
    pub(crate) quiet_ms: i64,
}

/// Stretches of time that compaction keeps apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// In the table's unit; `None` where rows have no time.
    length: Option<i64>,
    unit_per_ms: i64,
}

impl Window {
    pub(crate) fn new(table: Table, window_ms: u64) -> Self {
        let unit_per_ms = match table {
            Table::Logs | Table::Spans => 1_000_000,
            Table::Samples | Table::Exemplars | Table::Metadata => 1,
        };
        let length = i64::try_from(window_ms).unwrap_or(i64::MAX).saturating_mul(unit_per_ms);
        let has_time = table != Table::Metadata;
        Self { length: has_time.then_some(length.max(1)), unit_per_ms }
    }

    fn of(self, time: i64) -> i64 {
        self.length.map_or(0, |length| time.div_euclid(length))
    }

    /// When a window ends, in milliseconds.
    fn end_ms(self, window: i64) -> i64 {
        self.length
            .map_or(0, |length| window.saturating_add(1).saturating_mul(length) / self.unit_per_ms)
    }

    fn is_apart(self, times: (i64, i64)) -> bool {
        self.of(times.0) != self.of(times.1)
    }

    /// Ranges of time that cover `times`, each a window or, of very many windows, some of them.
    pub(crate) fn ranges(self, times: (i64, i64)) -> Vec<RangeInclusive<i64>> {
        let Some(length) = self.length else { return vec![i64::MIN..=i64::MAX] };
        let (first, last) = (self.of(times.0), self.of(times.1));
        let windows = last.saturating_sub(first).saturating_add(1);
        let step = (windows.saturating_add(OUTPUTS_MAX - 1) / OUTPUTS_MAX).max(1);
        let mut ranges = Vec::new();
        let mut from = first;
        while from <= last {
            let next = from.saturating_add(step);
            let start = from.saturating_mul(length);
            ranges.push(start..=next.saturating_mul(length).saturating_sub(1));
            if next == from {
                break;
            }
            from = next;
        }
        ranges
    }
}

/// Segments to be merged next, by their place in the list: ascending; `None` if all is well. The
/// merged ones take the place of the first, so none is moved over one that has rows of its times and
/// is not merged: of rows with equal times the later segment's are the later ones.
pub(crate) fn next_job(segments: &[Candidate], rules: &Rules) -> Option<Vec<usize>> {
    let mut windows: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (at, segment) in segments.iter().enumerate() {
        let is_small = segment.size_bytes < rules.segment_size_bytes / 2;
        if segment.is_free && (is_small || rules.window.is_apart(segment.times)) {
            windows.entry(rules.window.of(segment.times.1)).or_default().push(at);
        }
    }
    windows.iter().rev().find_map(|(&window, small)| {
        alike(segments, small, rules).or_else(|| leftover(segments, window, small, rules))
    })
}

/// Neighbours of about one size that are enough to be merged.
fn alike(segments: &[Candidate], small: &[usize], rules: &Rules) -> Option<Vec<usize>> {
    let mut tiers: Vec<u64> = small.iter().map(|&at| tier(segments, at)).collect();
    let of_small = tiers.clone();
    tiers.sort_unstable();
    tiers.dedup();
    tiers.into_iter().find_map(|most| {
        let mut start = 0;
        while start < small.len() {
            let length = of_small.iter().skip(start).take_while(|tier| **tier <= most).count();
            if length == 0 {
                start += 1;
                continue;
            }
            let job = bounded(segments, &small[start..start + length], rules);
            let bytes = bytes_of(segments, &job);
            let is_large = job.len() >= LARGE_MIN && bytes >= rules.segment_size_bytes / 2;
            if job.len() >= rules.segments_min.max(2) || is_large {
                return Some(job);
            }
            start += length;
        }
        None
    })
}

/// What is left of a window in which nothing happens any more.
fn leftover(
    segments: &[Candidate],
    window: i64,
    small: &[usize],
    rules: &Rules,
) -> Option<Vec<usize>> {
    let quiet_since = rules.now_ms - rules.quiet_ms;
    let is_quiet = rules.window.end_ms(window) <= quiet_since
        && small.iter().all(|&at| segments[at].sealed_at_ms <= quiet_since);
    if !is_quiet {
        return None;
    }
    let job = bounded(segments, small, rules);
    if job.len() > 1 {
        return Some(job);
    }
    small.iter().find(|&&at| rules.window.is_apart(segments[at].times)).map(|&at| vec![at])
}

/// As many of the segments, from the first on, as one merge may take.
fn bounded(segments: &[Candidate], of: &[usize], rules: &Rules) -> Vec<usize> {
    let mut job: Vec<usize> = Vec::new();
    let (mut bytes, mut rows) = (0, 0u64);
    for &at in of.iter().take(INPUTS_MAX) {
        bytes += segments[at].size_bytes;
        rows += u64::from(segments[at].rows);
        let fits = bytes <= rules.segment_size_bytes && rows <= u64::from(u32::MAX / 2);
        let moves_over = job.first().map_or(at..at, |&first| first..at);
        let is_free_to_move = moves_over
            .filter(|other| !job.contains(other))
            .all(|other| are_apart(segments[other].times, segments[at].times));
        let is_taken = job.is_empty() || (fits && is_free_to_move);
        if !is_taken {
            break;
        }
        job.push(at);
    }
    job
}

fn are_apart(a: (i64, i64), b: (i64, i64)) -> bool {
    a.1 < b.0 || b.1 < a.0
}

fn bytes_of(segments: &[Candidate], job: &[usize]) -> u64 {
    job.iter().map(|&at| segments[at].size_bytes).sum()
}

fn tier(segments: &[Candidate], at: usize) -> u64 {
    u64::from((segments[at].size_bytes / TIER_MIN_BYTES).max(1).ilog(TIER_FACTOR))
}

#[cfg(test)]
mod tests;
