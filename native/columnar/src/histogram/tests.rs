use proptest::prelude::*;

use super::*;
use crate::protobuf::Message;

fn buckets() -> impl Strategy<Value = Buckets> {
    proptest::collection::btree_map(-3_000_i32..3_000, 1_u32..1_000, 0..30)
        .prop_map(|map| map.into_iter().map(|(index, count)| (index, f64::from(count))).collect())
}

#[test]
fn the_bounds_of_a_bucket_are_powers_of_two_to_the_schemas_fraction() {
    let bounds = [(0, 0), (1, 0), (-1, 0), (1, 1), (2, 1), (1, -1), (-1, -1), (4_096, 2)];
    let values = bounds.map(|(index, schema)| exponential_bound(index, schema));
    let expected = [1.0, 2.0, 0.5, std::f64::consts::SQRT_2, 2.0, 4.0, 0.25, f64::MAX];
    assert_eq!(values.map(f64::to_bits), expected.map(f64::to_bits));
    assert!(exponential_bound(4_097, 2).is_infinite());
    assert_eq!(exponential_bound(-1_074, 0).to_bits(), 1);
}

#[test]
fn buckets_come_in_the_order_of_their_bounds_and_give_way_to_zeros() {
    let histogram = NativeHistogram {
        zero_threshold: 0.75,
        zero_count: 2.0,
        positive: vec![(0, 1.0), (1, 3.0)],
        negative: vec![(1, 4.0), (2, 5.0)],
        ..NativeHistogram::default()
    };
    let shown: Vec<_> =
        histogram.buckets().iter().map(|at| (at.lower, at.upper, at.count)).collect();
    let expected = [
        (-4.0, -2.0, 5.0),
        (-2.0, -1.0, 4.0),
        (-0.75, 0.75, 2.0),
        (0.75, 1.0, 1.0),
        (1.0, 2.0, 3.0),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn custom_bounds_reach_from_minus_to_plus_infinity() {
    let histogram = NativeHistogram {
        schema: SCHEMA_CUSTOM,
        custom_bounds: vec![1.0, 2.0],
        positive: vec![(0, 1.0), (2, 3.0)],
        ..NativeHistogram::default()
    };
    let shown: Vec<_> =
        histogram.buckets().iter().map(|at| (at.lower, at.upper, at.lower_inclusive)).collect();
    assert_eq!(shown, [(f64::NEG_INFINITY, 1.0, true), (2.0, f64::INFINITY, false)]);
}

proptest! {
    #[test]
    fn a_histogram_comes_back_as_it_was_written(
        positive in buckets(),
        negative in buckets(),
        schema in SCHEMA_MIN..=SCHEMA_MAX,
        time_unix_ms in 0_i64..1 << 50,
        sum in -1e9..1e9,
    ) {
        let histogram = NativeHistogram {
            schema, positive, negative, sum, zero_threshold: 0.5, zero_count: 3.0, count: 1e6,
            reset: ResetHint::Gauge, start_ms: 7, ..NativeHistogram::default()
        };
        let bytes = histogram.to_protobuf(time_unix_ms);
        let read = NativeHistogram::from_protobuf(Message::new(&bytes)).unwrap().unwrap();
        prop_assert_eq!(read, TimedHistogram { time_unix_ms, histogram, reduced: false });
    }

    #[test]
    fn coarser_buckets_hold_the_same_observations_within_wider_bounds(
        positive in buckets(),
        schema in -3..=SCHEMA_MAX,
        by in 1_i32..4,
    ) {
        let fine = NativeHistogram { schema, positive, ..NativeHistogram::default() };
        let mut coarse = fine.clone();
        coarse.reduce_to((schema - by).max(SCHEMA_MIN));
        let total = |histogram: &NativeHistogram| -> f64 {
            histogram.positive.iter().map(|(_, count)| count).sum()
        };
        prop_assert_eq!(total(&fine) as u64, total(&coarse) as u64);
        for bucket in fine.buckets() {
            let is_within = coarse.buckets().iter().any(|wide| {
                wide.lower <= bucket.lower * (1.0 + 1e-12)
                    && bucket.upper <= wide.upper * (1.0 + 1e-12)
            });
            prop_assert!(is_within);
        }
    }

    #[test]
    fn bytes_that_are_no_histogram_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = NativeHistogram::from_protobuf(Message::new(&bytes));
    }
}
