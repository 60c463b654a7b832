//! How often each of a closed set of things happened. A thing that never happened in a long run is a
//! test that does not test: the run fails and names it.

use std::marker::PhantomData;

/// A closed set, numbered from 0.
pub trait Counted: Copy + Ord + std::fmt::Display + 'static {
    /// Every member, in the order of its numbers.
    const ALL: &'static [Self];

    /// The member's number.
    fn index(self) -> usize;
}

/// A counter per member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts<T> {
    times: Vec<u64>,
    of: PhantomData<T>,
}

impl<T: Counted> Default for Counts<T> {
    fn default() -> Self {
        Self { times: vec![0; T::ALL.len()], of: PhantomData }
    }
}

impl<T: Counted> Counts<T> {
    /// It happened.
    pub fn add(&mut self, member: T) {
        self.times[member.index()] += 1;
    }

    /// How often it happened.
    #[must_use]
    pub fn get(&self, member: T) -> u64 {
        self.times[member.index()]
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.times.iter_mut().zip(&other.times) {
            *mine += theirs;
        }
    }

    /// Members that never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<T> {
        T::ALL.iter().copied().filter(|&member| self.get(member) == 0).collect()
    }

    /// Members with their counts, in order.
    pub fn iter(&self) -> impl Iterator<Item = (T, u64)> + '_ {
        T::ALL.iter().map(|&member| (member, self.get(member)))
    }
}
