//! What will happen, in the order of virtual time.

use std::{cmp::Ordering, collections::BinaryHeap};

/// Takes out what comes first; at equal times, what was put in first.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Scheduled<T>>,
    put: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), put: 0 }
    }
}

impl<T> Queue<T> {
    pub(crate) fn put(&mut self, at_us: u64, what: T) {
        self.put += 1;
        self.heap.push(Scheduled { at_us, turn: self.put, what });
    }

    pub(crate) fn take(&mut self) -> Option<(u64, T)> {
        self.heap.pop().map(|scheduled| (scheduled.at_us, scheduled.what))
    }
}

#[derive(Debug)]
struct Scheduled<T> {
    at_us: u64,
    turn: u64,
    what: T,
}

impl<T> Ord for Scheduled<T> {
    /// The heap takes out its greatest, which shall be the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_us, other.turn).cmp(&(self.at_us, self.turn))
    }
}

impl<T> PartialOrd for Scheduled<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Scheduled<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Scheduled<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_is_taken_first_and_equal_times_keep_their_order() {
        let mut queue = Queue::default();
        for (at_us, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b')] {
            queue.put(at_us, what);
        }
        let taken: String = std::iter::from_fn(|| queue.take()).map(|(_, what)| what).collect();
        assert_eq!(taken, "abcd");
    }
}
