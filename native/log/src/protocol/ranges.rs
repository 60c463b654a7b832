//! Which offsets of an epoch are somewhere, as ranges: what a store holds is mostly one.

use std::ops::Range;
use varve_types::Offset;

/// A set of offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetRanges {
    /// In order, apart from each other, none empty.
    ranges: Vec<Range<u64>>,
}

impl OffsetRanges {
    /// Whether the offset is in.
    #[must_use]
    pub fn contains(&self, offset: Offset) -> bool {
        self.run_end(offset).is_some()
    }

    /// The first offset from here on that is not in; `None` if this one is not.
    #[must_use]
    pub fn run_end(&self, offset: Offset) -> Option<Offset> {
        let after = self.ranges.partition_point(|range| range.start <= offset.0);
        let range = self.ranges.get(after.checked_sub(1)?)?;
        (offset.0 < range.end).then_some(Offset(range.end))
    }

    /// The first offset in, from here on.
    #[must_use]
    pub fn next(&self, offset: Offset) -> Option<Offset> {
        let at = self.ranges.partition_point(|range| range.end <= offset.0);
        self.ranges.get(at).map(|range| Offset(range.start.max(offset.0)))
    }

    /// The first offset above all that are in.
    #[must_use]
    pub fn end(&self) -> Offset {
        Offset(self.ranges.last().map_or(0, |range| range.end))
    }

    /// The lowest offset in.
    #[must_use]
    pub fn first(&self) -> Option<Offset> {
        self.ranges.first().map(|range| Offset(range.start))
    }

    /// Whether none is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Adds an offset. The one after the last costs nothing.
    pub fn insert(&mut self, offset: Offset) {
        match self.ranges.last_mut() {
            Some(last) if offset.0 == last.end => last.end += 1,
            Some(last) if offset.0 > last.end => self.ranges.push(offset.0..offset.0 + 1),
            None => self.ranges.push(offset.0..offset.0 + 1),
            Some(_) => self.insert_range(offset, Offset(offset.0 + 1)),
        }
    }

    /// Adds the offsets of [from, to).
    pub fn insert_range(&mut self, from: Offset, to: Offset) {
        if from >= to {
            return;
        }
        let first = self.ranges.partition_point(|range| range.end < from.0);
        let after = self.ranges.partition_point(|range| range.start <= to.0);
        let touched = self.ranges.get(first..after).unwrap_or_default();
        let start = touched.first().map_or(from.0, |range| range.start.min(from.0));
        let end = touched.last().map_or(to.0, |range| range.end.max(to.0));
        self.ranges.splice(first..after, std::iter::once(start..end));
    }

    /// Takes an offset out.
    pub fn remove(&mut self, offset: Offset) {
        let Some(end) = self.run_end(offset) else { return };
        let at = self.ranges.partition_point(|range| range.end <= offset.0);
        let Some(start) = self.ranges.get(at).map(|range| range.start) else { return };
        let parts = [start..offset.0, offset.0 + 1..end.0];
        self.ranges.splice(at..=at, parts.into_iter().filter(|part| !part.is_empty()));
    }

    /// Keeps only offsets of [from, to).
    pub fn keep(&mut self, from: Offset, to: Offset) {
        self.ranges.retain_mut(|range| {
            *range = range.start.max(from.0)..range.end.min(to.0);
            !range.is_empty()
        });
    }
}

impl FromIterator<Offset> for OffsetRanges {
    fn from_iter<T: IntoIterator<Item = Offset>>(offsets: T) -> Self {
        let mut ranges = Self::default();
        offsets.into_iter().for_each(|offset| ranges.insert(offset));
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Debug)]
    enum Change {
        Insert(u64),
        InsertRange(u64, u64),
        Remove(u64),
        Keep(u64, u64),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let offset = 0..40_u64;
        prop::collection::vec(
            prop_oneof![
                offset.clone().prop_map(Change::Insert),
                (offset.clone(), offset.clone()).prop_map(|(a, b)| Change::InsertRange(a, b)),
                offset.clone().prop_map(Change::Remove),
                (0..8_u64, 30..40_u64).prop_map(|(a, b)| Change::Keep(a, b)),
            ],
            0..60,
        )
    }

    proptest! {
        #[test]
        fn ranges_are_the_set_that_was_made(changes in changes()) {
            let (mut ranges, mut set) = (OffsetRanges::default(), BTreeSet::new());
            for change in changes {
                match change {
                    Change::Insert(at) => {
                        ranges.insert(Offset(at));
                        set.insert(at);
                    }
                    Change::InsertRange(from, to) => {
                        ranges.insert_range(Offset(from), Offset(to));
                        set.extend(from..to);
                    }
                    Change::Remove(at) => {
                        ranges.remove(Offset(at));
                        set.remove(&at);
                    }
                    Change::Keep(from, to) => {
                        ranges.keep(Offset(from), Offset(to));
                        set.retain(|at| (from..to).contains(at));
                    }
                }
                for pair in ranges.ranges.windows(2) {
                    prop_assert!(pair[0].end < pair[1].start, "{ranges:?}");
                }
                prop_assert_eq!(ranges.end().0, set.last().map_or(0, |last| last + 1));
                prop_assert_eq!(ranges.first().map(|first| first.0), set.first().copied());
                for at in 0..41 {
                    prop_assert_eq!(ranges.contains(Offset(at)), set.contains(&at));
                    let next = ranges.next(Offset(at)).map(|next| next.0);
                    prop_assert_eq!(next, set.range(at..).next().copied());
                    let run = (at..=41).find(|at| !set.contains(at)).filter(|&end| end > at);
                    prop_assert_eq!(ranges.run_end(Offset(at)).map(|end| end.0), run);
                }
            }
        }
    }
}
