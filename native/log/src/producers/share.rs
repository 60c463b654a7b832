//! How many keys each partition may keep when all have too many together.

/// Of so many keys that partitions have, how many each may keep, so that they have no more than a
/// sixteenth less than `total_max` together; `None` while they have no more than that. Who has fewer than
/// this keeps them all: one partition with many requests takes nothing from the others.
///
/// A sixteenth less, so that it is asked for now and then, not for each key.
#[must_use]
pub fn fair_share(lens: &[usize], total_max: u32) -> Option<usize> {
    let total_max = total_max as usize;
    if lens.iter().sum::<usize>() <= total_max {
        return None;
    }
    let wanted = total_max - total_max / 16;
    let kept = |share: usize| lens.iter().map(|&len| len.min(share)).sum::<usize>();
    // The largest share of which all together are not too many.
    let (mut fits, mut too_many) = (0, lens.iter().max().copied().unwrap_or_default());
    while too_many - fits > 1 {
        let between = fits.midpoint(too_many);
        if kept(between) <= wanted {
            fits = between;
        } else {
            too_many = between;
        }
    }
    Some(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_forgotten_while_there_is_room() {
        assert_eq!(fair_share(&[10, 6], 16), None);
        assert_eq!(fair_share(&[], 0), None);
    }

    #[test]
    fn who_has_most_gives_most() {
        assert_eq!(fair_share(&[100, 7, 0, 3], 100), Some(84));
        assert_eq!(fair_share(&[100, 70, 3], 100), Some(45));
        assert_eq!(fair_share(&[5, 5], 0), Some(0));
    }

    proptest! {
        #[test]
        fn all_together_keep_no_more_than_they_may_and_not_much_less(
            lens in prop::collection::vec(0_usize..3_000, 1..40), total_max in 0_u32..20_000,
        ) {
            let kept = |share: usize| lens.iter().map(|len| *len.min(&share)).sum::<usize>();
            let wanted = total_max as usize - total_max as usize / 16;
            match fair_share(&lens, total_max) {
                None => prop_assert!(kept(usize::MAX) <= total_max as usize),
                Some(share) => prop_assert!(kept(share) <= wanted && wanted < kept(share + 1)),
            }
        }
    }
}
