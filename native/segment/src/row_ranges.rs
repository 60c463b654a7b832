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

/// Rows that are in both; each ascending, without overlaps.
#[must_use]
pub fn common_rows(rows: &[Range<u32>], others: &[Range<u32>]) -> Vec<Range<u32>> {
    let mut common = Vec::new();
    let mut others = others.iter().peekable();
    for rows in rows {
        while let Some(other) = others.peek() {
            let both = rows.start.max(other.start)..rows.end.min(other.end);
            if !both.is_empty() {
                common.push(both);
            }
            if other.end > rows.end {
                break;
            }
            others.next();
        }
    }
    common
}

/// Rows that belong to something, such as their stream, as far as they are in `rows`; both ascending,
/// without overlaps.
#[must_use]
pub fn common_parts<T: Copy>(
    parts: &[(T, Range<u32>)],
    rows: &[Range<u32>],
) -> Vec<(T, Range<u32>)> {
    let mut common = Vec::new();
    let mut first = 0;
    for (of, part) in parts {
        let rest = rows.get(first..).unwrap_or_default();
        first += rest.partition_point(|one| one.end <= part.start);
        let overlapping = rows.iter().skip(first).take_while(|one| one.start < part.end);
        common
            .extend(overlapping.map(|one| (*of, one.start.max(part.start)..one.end.min(part.end))));
    }
    common
}

/// Rows of the first that are not in the second, which has no others.
pub(crate) fn rows_without(rows: &[Range<u32>], gone: &[Range<u32>]) -> Vec<Range<u32>> {
    let mut left = Vec::new();
    let mut gone = gone.iter().peekable();
    for rows in rows {
        let mut start = rows.start;
        while let Some(next) = gone.next_if(|next| next.start < rows.end) {
            if start < next.start {
                left.push(start..next.start);
            }
            start = next.end;
        }
        if start < rows.end {
            left.push(start..rows.end);
        }
    }
    left
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

    #[test]
    fn rows_of_both_lists_are_found_whichever_ends_first() {
        assert_eq!(common_rows(&[0..4, 6..9], &[2..7, 8..20]), [2..4, 6..7, 8..9]);
        assert_eq!(common_rows(&[0..100], &[1..2, 5..6]), [1..2, 5..6]);
        assert!(common_rows(&[0..4], &[4..9]).is_empty());
    }

    #[test]
    fn parts_keep_what_they_belong_to() {
        let parts = [(0, 0..10), (1, 10..20), (2, 30..40)];
        assert_eq!(
            common_parts(&parts, &[2..4, 8..12, 25..28, 39..50]),
            [(0, 2..4), (0, 8..10), (1, 10..12), (2, 39..40)]
        );
    }

    #[test]
    fn rows_that_are_gone_split_what_is_left() {
        assert_eq!(rows_without(&[0..4, 6..9], &[0..1, 2..4, 7..8]), [1..2, 6..7, 8..9]);
        assert_eq!(rows_without(&[0..4], &[]), [0..4]);
        assert!(rows_without(&[0..4], &[0..4]).is_empty());
    }
}
