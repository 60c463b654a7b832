//! Arithmetic of native histograms, as Prometheus does it (its `model/histogram`).

use std::sync::Arc;

use varve_columnar::histogram::{NativeHistogram, ResetHint};

/// Two histograms of which one has exponential buckets and the other its own bounds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Incompatible;

/// What the user is to be told of an addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Added {
    /// One histogram said that its counter began anew, the other that it did not.
    pub(super) resets_collide: bool,
    /// Bounds that only one of both had were given up.
    pub(super) bounds_differ: bool,
}

/// Each count and the sum, times a factor. Less than nothing is no counter.
pub(super) fn scale(histogram: &mut NativeHistogram, factor: f64) {
    each_count(histogram, |count| *count *= factor);
    drop_empty(histogram);
    if factor < 0.0 {
        histogram.reset = ResetHint::Gauge;
    }
}

/// Each count and the sum, by a divisor. By zero no bucket is left.
pub(super) fn divide(histogram: &mut NativeHistogram, divisor: f64) {
    each_count(histogram, |count| *count /= divisor);
    if divisor == 0.0 {
        histogram.positive.clear();
        histogram.negative.clear();
    }
    drop_empty(histogram);
    if divisor < 0.0 {
        histogram.reset = ResetHint::Gauge;
    }
}

/// Changes each count and the sum.
pub(super) fn each_count(histogram: &mut NativeHistogram, change: impl Fn(&mut f64)) {
    for count in [&mut histogram.zero_count, &mut histogram.count, &mut histogram.sum] {
        change(count);
    }
    for (_, count) in histogram.positive.iter_mut().chain(&mut histogram.negative) {
        change(count);
    }
}

/// Takes away the buckets that hold nothing.
pub(super) fn drop_empty(histogram: &mut NativeHistogram) {
    histogram.positive.retain(|&(_, count)| count != 0.0);
    histogram.negative.retain(|&(_, count)| count != 0.0);
}

/// Adds `other` times `factor`; the coarser of both schemas and the wider zero bucket stay.
pub(super) fn add(
    into: &mut NativeHistogram,
    other: &NativeHistogram,
    factor: f64,
) -> Result<Added, Incompatible> {
    let mut other = other.clone();
    let added = align(into, &mut other)?;
    into.count += other.count * factor;
    into.sum += other.sum * factor;
    into.zero_count += other.zero_count * factor;
    into.positive = joined(&into.positive, &other.positive, factor);
    into.negative = joined(&into.negative, &other.negative, factor);
    drop_empty(into);
    Ok(added)
}

/// Gives both the same bucket bounds, and `into` what is known of resets of both.
pub(super) fn align(
    into: &mut NativeHistogram,
    other: &mut NativeHistogram,
) -> Result<Added, Incompatible> {
    if into.has_custom_bounds() != other.has_custom_bounds() {
        return Err(Incompatible);
    }
    let mut added = Added::default();
    if into.has_custom_bounds() {
        added.bounds_differ = share_bounds(into, other);
    } else {
        let schema = into.schema.min(other.schema);
        into.reduce_to(schema);
        other.reduce_to(schema);
        share_zero(into, other);
    }
    into.reset = match (into.reset, other.reset) {
        (a, b) if a == b => a,
        (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => ResetHint::Gauge,
        (ResetHint::Unknown, _) | (_, ResetHint::Unknown) => ResetHint::Unknown,
        _ => {
            added.resets_collide = true;
            ResetHint::Unknown
        }
    };
    Ok(added)
}

/// Buckets of both, those of `other` times a factor; both ascend.
pub(super) fn joined(into: &[(i32, f64)], other: &[(i32, f64)], factor: f64) -> Vec<(i32, f64)> {
    let mut all: Vec<(i32, f64)> = Vec::with_capacity(into.len() + other.len());
    all.extend_from_slice(into);
    all.extend(other.iter().map(|&(index, count)| (index, count * factor)));
    // Two ascending runs: the sort finds and merges them.
    all.sort_by_key(|&(index, _)| index);
    let mut sums: Vec<(i32, f64)> = Vec::with_capacity(all.len());
    for (index, count) in all {
        match sums.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => sums.push((index, count)),
        }
    }
    sums
}

/// Leaves both only the bounds that both have, so that their buckets can be compared. Whether any
/// were given up.
fn share_bounds(a: &mut NativeHistogram, b: &mut NativeHistogram) -> bool {
    if a.custom_bounds == b.custom_bounds {
        return false;
    }
    let shared: Vec<f64> = a
        .custom_bounds
        .iter()
        .copied()
        .filter(|bound| b.custom_bounds.iter().any(|other| other.total_cmp(bound).is_eq()))
        .collect();
    for histogram in [a, b] {
        rebound(histogram, &shared);
    }
    true
}

/// Gives a histogram fewer of its bounds; its buckets become parts of wider ones.
pub(super) fn rebound(histogram: &mut NativeHistogram, bounds: &[f64]) {
    let old = std::mem::replace(&mut histogram.custom_bounds, bounds.to_vec());
    let buckets = std::mem::take(&mut histogram.positive);
    let moved: Vec<(i32, f64)> = buckets
        .into_iter()
        .map(|(index, count)| {
            let bound = old.get(index as usize).copied().unwrap_or(f64::INFINITY);
            (bounds.partition_point(|&have| have < bound) as i32, count)
        })
        .collect();
    histogram.positive = joined(&[], &moved, 1.0);
}

/// Widens the zero bucket of both to the same width, which takes in what is within it.
fn share_zero(a: &mut NativeHistogram, b: &mut NativeHistogram) {
    // A bucket that reaches over the edge widens it once more; each turn takes one bucket at least.
    while a.zero_threshold.total_cmp(&b.zero_threshold).is_ne() {
        if a.zero_threshold < b.zero_threshold {
            widen_zero(a, b.zero_threshold);
        } else {
            widen_zero(b, a.zero_threshold);
        }
    }
}

/// Makes the zero bucket at least so wide.
pub(super) fn widen_zero(histogram: &mut NativeHistogram, threshold: f64) {
    let mut edge = threshold;
    loop {
        let before = edge;
        for &(index, count) in histogram.positive.iter().chain(&histogram.negative) {
            let (lower, upper) = histogram.bounds_of(index);
            // A bucket that holds nothing may be cut in two.
            if count != 0.0 && lower < edge && upper > edge {
                edge = upper;
            }
        }
        if edge.total_cmp(&before).is_eq() {
            break;
        }
    }
    for positive in [true, false] {
        let side = if positive { &histogram.positive } else { &histogram.negative };
        let inside = side.partition_point(|&(index, _)| histogram.bounds_of(index).0 < edge);
        let side = if positive { &mut histogram.positive } else { &mut histogram.negative };
        let taken: f64 = side.drain(..inside).map(|(_, count)| count).sum();
        histogram.zero_count += taken;
    }
    histogram.zero_threshold = edge;
}

/// Says of each histogram of a series, ascending by time, whether its counter began anew, so that
/// windows need not find it out again. Where it did, that is left to be seen by whoever compares:
/// Prometheus' store does not tell it either, so that sums over series with and without a reset do
/// not collide.
pub(crate) fn settle_resets(histograms: &mut [(i64, Arc<NativeHistogram>)]) {
    for at in 0..histograms.len() {
        let (before, rest) = histograms.split_at_mut(at);
        let Some((_, now)) = rest.first_mut() else { return };
        let hint = match (now.reset, before.last()) {
            (ResetHint::Gauge, _) => ResetHint::Gauge,
            (told, None) => {
                if told == ResetHint::Reset {
                    told
                } else {
                    ResetHint::Unknown
                }
            }
            (told, Some((_, before))) => match (falls_below(now, before), told) {
                (true, _) => ResetHint::Unknown,
                (false, ResetHint::Reset) => ResetHint::Reset,
                (false, _) => ResetHint::NotReset,
            },
        };
        if now.reset != hint {
            Arc::make_mut(now).reset = hint;
        }
    }
}

/// A histogram of which nothing is said of resets: a subquery may leave out the one with the reset,
/// or take it more than once.
pub(crate) fn without_hint(histogram: &Arc<NativeHistogram>) -> Arc<NativeHistogram> {
    match histogram.reset {
        ResetHint::Unknown | ResetHint::Gauge => Arc::clone(histogram),
        ResetHint::Reset | ResetHint::NotReset => Arc::new(NativeHistogram {
            reset: ResetHint::Unknown,
            ..NativeHistogram::clone(histogram)
        }),
    }
}

/// Whether a counter began anew between the two.
pub(super) fn is_reset(now: &NativeHistogram, before: &NativeHistogram) -> bool {
    match now.reset {
        ResetHint::Reset => true,
        ResetHint::NotReset => false,
        ResetHint::Unknown | ResetHint::Gauge => falls_below(now, before),
    }
}

/// Whether any count is less than it was.
fn falls_below(now: &NativeHistogram, before: &NativeHistogram) -> bool {
    if now.count < before.count
        || now.has_custom_bounds() != before.has_custom_bounds()
        || (!now.has_custom_bounds() && now.schema > before.schema)
        || now.zero_threshold < before.zero_threshold
    {
        return true;
    }
    if now.schema == before.schema
        && now.zero_threshold.total_cmp(&before.zero_threshold).is_eq()
        && now.custom_bounds == before.custom_bounds
    {
        return any_falls(now, before);
    }
    let (mut now, mut before) = (now.clone(), before.clone());
    if now.has_custom_bounds() {
        share_bounds(&mut now, &mut before);
    } else {
        before.reduce_to(now.schema);
        if before.zero_threshold < now.zero_threshold {
            widen_zero(&mut before, now.zero_threshold);
            if before.zero_threshold > now.zero_threshold {
                return true;
            }
        }
    }
    any_falls(&now, &before)
}

fn any_falls(now: &NativeHistogram, before: &NativeHistogram) -> bool {
    now.zero_count < before.zero_count
        || side_falls(&now.positive, &before.positive)
        || side_falls(&now.negative, &before.negative)
}

fn side_falls(now: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    before.iter().any(|&(index, count)| {
        let found = now.binary_search_by_key(&index, |&(index, _)| index);
        let missing = found.is_err() && count != 0.0;
        missing || found.is_ok_and(|at| now[at].1 < count)
    })
}

/// Whether both hold the same observations, bit by bit.
pub(super) fn are_equal(a: &NativeHistogram, b: &NativeHistogram) -> bool {
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
    let same_buckets = |a: &[(i32, f64)], b: &[(i32, f64)]| {
        let held = |buckets: &[(i32, f64)]| -> Vec<(i32, u64)> {
            let held = buckets.iter().filter(|(_, count)| *count != 0.0);
            held.map(|&(index, count)| (index, count.to_bits())).collect()
        };
        held(a) == held(b)
    };
    a.schema == b.schema
        && same(a.count, b.count)
        && same(a.sum, b.sum)
        && same(a.zero_count, b.zero_count)
        && a.zero_threshold.total_cmp(&b.zero_threshold).is_eq()
        && a.custom_bounds == b.custom_bounds
        && same_buckets(&a.positive, &b.positive)
        && same_buckets(&a.negative, &b.negative)
}

#[cfg(test)]
mod tests;
