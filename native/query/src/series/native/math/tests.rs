use proptest::prelude::*;
use varve_columnar::histogram::SCHEMA_CUSTOM;

use super::*;

fn histogram(positive: &[(i32, f64)]) -> NativeHistogram {
    let count = positive.iter().map(|(_, count)| count).sum();
    NativeHistogram { count, sum: count, positive: positive.to_vec(), ..NativeHistogram::default() }
}

fn custom(bounds: &[f64], positive: &[(i32, f64)]) -> NativeHistogram {
    NativeHistogram { schema: SCHEMA_CUSTOM, custom_bounds: bounds.to_vec(), ..histogram(positive) }
}

#[test]
fn a_wider_zero_bucket_takes_in_what_is_within_it() {
    let mut narrow = histogram(&[(0, 1.0), (1, 2.0), (3, 4.0)]);
    let wide = NativeHistogram { zero_threshold: 1.5, zero_count: 5.0, ..histogram(&[]) };
    add(&mut narrow, &wide, 1.0).unwrap();
    // The bucket (1, 2] reaches over 1.5, so that all of it belongs to zero.
    assert_eq!(narrow.zero_threshold.to_string(), "2");
    assert_eq!(narrow.zero_count.to_string(), "8");
    assert_eq!(narrow.positive, [(3, 4.0)]);
}

#[test]
fn bounds_that_only_one_has_are_given_up() {
    let mut all = custom(&[1.0, 2.0, 3.0], &[(0, 1.0), (1, 2.0), (3, 4.0)]);
    add(&mut all, &custom(&[1.0, 3.0], &[(1, 10.0)]), 1.0).unwrap();
    assert_eq!(all.custom_bounds, [1.0, 3.0]);
    assert_eq!(all.positive, [(0, 1.0), (1, 12.0), (2, 4.0)]);
    assert_eq!(add(&mut all, &histogram(&[]), 1.0), Err(Incompatible));
}

#[test]
fn a_bucket_that_shrinks_is_a_reset_and_a_hint_stands_before_that() {
    let before = histogram(&[(1, 2.0)]);
    assert!(is_reset(&histogram(&[(1, 1.0), (2, 5.0)]), &before));
    assert!(!is_reset(&histogram(&[(1, 2.0), (2, 5.0)]), &before));
    let told = NativeHistogram { reset: ResetHint::NotReset, ..histogram(&[]) };
    assert!(!is_reset(&told, &before));
}

proptest! {
    #[test]
    fn what_is_added_and_taken_away_again_leaves_what_was(
        a in proptest::collection::btree_map(-20_i32..20, 1_u32..100, 0..10),
        b in proptest::collection::btree_map(-20_i32..20, 1_u32..100, 0..10),
    ) {
        let of = |map: &std::collections::BTreeMap<i32, u32>| {
            let buckets: Vec<_> = map.iter().map(|(&at, &count)| (at, f64::from(count))).collect();
            histogram(&buckets)
        };
        let (a, b) = (of(&a), of(&b));
        let mut sum = a.clone();
        add(&mut sum, &b, 1.0).unwrap();
        prop_assert!(!is_reset(&sum, &a));
        add(&mut sum, &b, -1.0).unwrap();
        prop_assert_eq!(sum, a);
    }
}
