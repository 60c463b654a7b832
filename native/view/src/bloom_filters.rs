//! The filters of many segments side by side in memory, so that a look-up touches memory first and then
//! only the files that have what is looked for.

use std::sync::Arc;

use varve_segment::{BloomFilter, FilterBlock, FilterKey};

/// Neighbouring runs are joined up to this many blocks (4 MiB): a look-up goes over few of them, and
/// joining never keeps appends waiting for longer than copying that takes.
const RUN_MAX_BLOCKS: usize = 131_072;

/// Filters of the segments of one tenant and table. A copy shares the blocks.
#[derive(Clone, Default)]
pub(crate) struct BloomFilters {
    runs: Vec<Arc<Run>>,
}

/// Filters of some segments, one behind the other.
#[derive(Default)]
struct Run {
    parts: Vec<Part>,
    blocks: Vec<FilterBlock>,
}

/// Where one segment's filter is in its run.
#[derive(Clone, Copy)]
struct Part {
    segment: u64,
    start: u32,
    end: u32,
}

impl Run {
    fn of(segment: u64, filter: &BloomFilter) -> Self {
        let mut run = Self::default();
        run.add(segment, filter.blocks());
        run
    }

    fn add(&mut self, segment: u64, blocks: &[FilterBlock]) {
        let start = self.blocks.len() as u32;
        self.blocks.extend_from_slice(blocks);
        self.parts.push(Part { segment, start, end: self.blocks.len() as u32 });
    }

    fn add_all(&mut self, other: &Self, is_kept: impl Fn(u64) -> bool) {
        for (part, blocks) in other.filters().filter(|(part, _)| is_kept(part.segment)) {
            self.add(part.segment, blocks);
        }
    }

    fn filters(&self) -> impl Iterator<Item = (Part, &[FilterBlock])> {
        let blocks = |part: &Part| self.blocks.get(part.start as usize..part.end as usize);
        self.parts.iter().map(move |part| (*part, blocks(part).unwrap_or_default()))
    }

    fn has_room_for(&self, other: &Self) -> bool {
        self.blocks.len() + other.blocks.len() <= RUN_MAX_BLOCKS
    }
}

impl BloomFilters {
    /// The filters of segments, by their ids.
    pub(crate) fn of(filters: impl Iterator<Item = (u64, BloomFilter)>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for (segment, filter) in filters {
            let one = Run::of(segment, &filter);
            match runs.last_mut().filter(|last| last.has_room_for(&one)) {
                Some(last) => last.add(segment, filter.blocks()),
                None => runs.push(one),
            }
        }
        Self { runs: runs.into_iter().map(Arc::new).collect() }
    }

    /// Adds the filter of a segment that is not in here.
    pub(crate) fn add(&mut self, segment: u64, filter: &BloomFilter) {
        let mut run = Run::of(segment, filter);
        // As binary counting carries: each block is copied as often as the run doubles.
        while let Some(before) = self
            .runs
            .pop_if(|before| before.parts.len() <= run.parts.len() && before.has_room_for(&run))
        {
            let mut joined = Run::default();
            joined.add_all(&before, |_| true);
            joined.add_all(&run, |_| true);
            run = joined;
        }
        self.runs.push(Arc::new(run));
    }

    /// Gives back memory of segments that are gone, once it is worth it.
    pub(crate) fn forget(&mut self, is_there: impl Fn(u64) -> bool) {
        for run in &mut self.runs {
            let there = run.parts.iter().filter(|part| is_there(part.segment)).count();
            if 2 * there <= run.parts.len() {
                let mut left = Run::default();
                left.add_all(run, &is_there);
                *run = Arc::new(left);
            }
        }
        self.runs.retain(|run| !run.parts.is_empty());
    }

    /// Segments that certainly have no row with it: their ids, ascending.
    pub(crate) fn without(&self, key: FilterKey) -> Vec<u64> {
        let mut ids: Vec<u64> = self
            .runs
            .iter()
            .flat_map(|run| run.filters())
            .filter(|(_, blocks)| !key.may_be_in(blocks))
            .map(|(part, _)| part.segment)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// What they take of memory.
    pub(crate) fn bytes(&self) -> u64 {
        let of =
            |run: &Arc<Run>| size_of_val(run.parts.as_slice()) + size_of_val(run.blocks.as_slice());
        self.runs.iter().map(of).sum::<usize>() as u64
    }
}

#[cfg(test)]
mod tests;
