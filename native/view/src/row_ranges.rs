//! Rows of a segment as ranges.

use std::ops::Range;

/// The same rows as ranges that neither overlap nor touch, ascending.
#[must_use]
pub fn merged_rows(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u32>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a list of ranges may have one")]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_overlap_or_touch_are_one() {
        assert_eq!(merged_rows(vec![8..12, 0..3, 2..5, 5..6]), [0..6, 8..12]);
        assert_eq!(merged_rows(vec![0..9, 2..3]), [0..9]);
    }
}
