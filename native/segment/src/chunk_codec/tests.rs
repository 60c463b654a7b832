use proptest::prelude::*;

use super::*;

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Values as metrics have them, and any bits at all.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let decimal = (-100_000i64..100_000, 0usize..7).prop_map(|(n, k)| n as f64 / POWERS[k]);
    let one = prop_oneof![
        4 => (0u32..1_000).prop_map(f64::from),
        4 => decimal,
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => prop::sample::select(vec![-0.0, f64::NAN, f64::INFINITY, f64::MIN, 9e15, 0.1 + 0.2]),
    ];
    let alike = prop_oneof![
        prop::collection::vec((0u32..1_000).prop_map(f64::from), 1..300),
        prop::collection::vec((-9_999i64..9_999).prop_map(|n| n as f64 / 100.0), 1..300),
    ];
    prop_oneof![prop::collection::vec(one, 1..300), alike]
}

proptest! {
    #[test]
    fn every_bit_of_the_values_comes_back(values in values()) {
        let bytes = pack_values(&values).unwrap();
        prop_assert_eq!(bits(&unpack_values(&bytes, values.len()).unwrap()), bits(&values));
    }

    #[test]
    fn every_time_comes_back(times in prop::collection::vec(any::<i64>(), 0..100)) {
        prop_assert_eq!(&unpack_times(&pack_times(&times), times.len()).unwrap(), &times);
    }

    #[test]
    fn damaged_bytes_give_an_error_or_values_but_no_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        count in 0usize..40,
    ) {
        for encoding in [PCO, SECOND_DELTAS, DECIMAL_DELTAS, 255] {
            let bytes: Vec<u8> = std::iter::once(encoding).chain(bytes.iter().copied()).collect();
            prop_assert!(unpack_times(&bytes, count).is_ok_and(|all| all.len() == count)
                || unpack_times(&bytes, count).is_err());
            prop_assert!(unpack_values(&bytes, count).is_ok_and(|all| all.len() == count)
                || unpack_values(&bytes, count).is_err());
        }
    }
}

#[test]
fn a_stale_marker_keeps_its_bits() {
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let bytes = pack_values(&[1.0, stale]).unwrap();
    assert_eq!(bits(&unpack_values(&bytes, 2).unwrap()), bits(&[1.0, stale]));
}

#[test]
fn a_counter_scraped_at_even_times_takes_a_byte_and_a_bit_each() {
    let times: Vec<i64> = (0..40).map(|at| 1_790_000_000_000 + at * 15_000).collect();
    let values: Vec<f64> = (0..40u32).map(|at| f64::from(at * 50)).collect();
    assert!(pack_times(&times).len() <= 1 + 6 + 6 + 38);
    assert!(pack_values(&values).unwrap().len() <= 1 + 80);
}

#[test]
fn a_chunk_of_another_length_than_said_is_refused() {
    let bytes = pack_times(&[1, 2, 3]);
    assert!(unpack_times(&bytes, 2).is_err());
    assert!(unpack_times(&bytes, 4).is_err());
    assert!(unpack_times(&[], 0).is_err());
    assert!(unpack_values(&[7], 0).is_err());
}
