//! Which stores get a record.

use std::num::NonZeroU64;
use varve_types::{Epoch, Offset};

use super::quorum::{Nodeset, StoreSet};

/// How a partition spreads its records over an epoch's stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copysets {
    /// All stores get every record.
    All,
    /// The first N in rendezvous order (Thaler and Ravishankar, 1998), by stripes of so many offsets.
    PerStripe(NonZeroU64),
}

impl Copysets {
    /// The stores of a record: its copyset without the stores that fail, for each of which the next in
    /// order comes in, and so many `more`. `seed`: the partition's.
    #[must_use]
    pub fn choose(
        self,
        nodeset: &Nodeset,
        (seed, epoch, offset): (u64, Epoch, Offset),
        failing: StoreSet,
        more: usize,
    ) -> StoreSet {
        let mut chosen = StoreSet::EMPTY;
        match self {
            Self::All => {
                let indices = nodeset.iter().map(|(index, _)| index);
                indices.filter(|&index| !failing.contains(index)).for_each(|index| {
                    chosen.insert(index);
                });
            }
            Self::PerStripe(offsets) => {
                let stripe = mixed(mixed(seed ^ u64::from(epoch.0)) ^ (offset.0 / offsets));
                let wanted = nodeset.replication_factor() + more;
                // N is small, and so is n: the highest weight among those that are left, N times.
                while chosen.len() < wanted {
                    let left = nodeset
                        .iter()
                        .filter(|&(index, _)| !failing.contains(index) && !chosen.contains(index));
                    let next = left.max_by_key(|(_, store)| mixed(stripe ^ u64::from(store.0)));
                    let Some((index, _)) = next else { break };
                    chosen.insert(index);
                }
            }
        }
        chosen
    }
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood, 2014): every bit of the input changes half of
/// the output's.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::quorum::NodeId;
    use super::*;

    fn ten() -> Nodeset {
        Nodeset::new(&(0..10).map(NodeId).collect::<Vec<_>>(), 2, 3).unwrap()
    }

    fn chosen(offset: u64, failing: StoreSet, more: usize) -> StoreSet {
        let stripes = Copysets::PerStripe(NonZeroU64::new(4).unwrap());
        stripes.choose(&ten(), (7, Epoch(2), Offset(offset)), failing, more)
    }

    #[test]
    fn a_stripe_has_one_copyset_of_n_stores_and_stripes_are_spread_over_all() {
        let mut records = [0; 10];
        for offset in 0..4_000 {
            let set = chosen(offset, StoreSet::EMPTY, 0);
            assert_eq!(set.len(), 3);
            assert_eq!(set, chosen(offset / 4 * 4, StoreSet::EMPTY, 0));
            set.iter().for_each(|index| records[index] += 1);
        }
        assert!(records.iter().all(|&n| (900..1_500).contains(&n)), "{records:?}");
    }

    #[test]
    fn a_store_that_fails_is_replaced_and_the_others_stay() {
        let whole = chosen(0, StoreSet::EMPTY, 0);
        let mut failing = StoreSet::EMPTY;
        failing.insert(whole.iter().next().unwrap());
        let without = chosen(0, failing, 0);
        assert_eq!(without.len(), 3);
        assert_eq!(whole.iter().filter(|&index| without.contains(index)).count(), 2);
        assert_eq!(chosen(0, StoreSet::EMPTY, 1).len(), 4);
    }

    #[test]
    fn all_stores_but_the_failing_ones_get_a_record_where_there_are_no_copysets() {
        let mut failing = StoreSet::EMPTY;
        failing.insert(3);
        let set = Copysets::All.choose(&ten(), (7, Epoch(2), Offset(0)), failing, 0);
        assert_eq!((set.len(), set.contains(3)), (9, false));
    }
}
