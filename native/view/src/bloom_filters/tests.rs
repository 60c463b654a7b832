use proptest::prelude::*;

use super::*;
use varve_segment::{FilterAttributes, ValueFilter};

/// The filter of a segment with these traces.
fn filter(traces: &[u8]) -> BloomFilter {
    traces.iter().map(|&trace| FilterKey::of(&[trace; 16])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_segment_that_has_a_trace_is_never_left_out(
        segments in prop::collection::vec(prop::collection::vec(0u8..40, 0..6), 0..40),
        gone in 0usize..40,
    ) {
        let mut filters = BloomFilters::default();
        for (id, traces) in (0u64..).zip(&segments) {
            filters.add(id, &filter(traces));
        }
        filters.forget(|id| id >= gone as u64);
        let at_once = BloomFilters::of((0u64..).zip(segments.iter().map(|one| filter(one))));
        for trace in 0u8..40 {
            let key = FilterKey::of(&[trace; 16]);
            let (without, all) = (filters.without(key), at_once.without(key));
            for (id, traces) in (0u64..).zip(&segments) {
                let has = traces.contains(&trace);
                prop_assert!(!has || !(without.contains(&id) || all.contains(&id)));
            }
            prop_assert!(without.is_sorted());
        }
    }
}

#[test]
fn runs_are_joined_as_segments_come_one_by_one() {
    let mut filters = BloomFilters::default();
    for id in 0..1_000 {
        filters.add(id, &filter(&[id as u8]));
    }
    assert!(filters.runs.len() <= 10);
    assert_eq!(filters.without(FilterKey::of(&[255; 16])).len(), 997);
}

#[test]
fn memory_of_segments_that_are_gone_is_given_back() {
    let mut filters = BloomFilters::of((0..100).map(|id| (id, filter(&[1, 2, 3]))));
    let before = filters.bytes();
    filters.forget(|id| id < 10);
    assert!(filters.bytes() < before / 5);
    filters.forget(|_| false);
    assert_eq!(filters.bytes(), 0);
}

/// 10,000 segments with 1,000 traces each, and traces that are in one of them.
#[test]
fn of_ten_thousand_segments_a_look_up_reads_those_that_have_the_trace_and_one_in_a_hundred_others()
{
    let id = |number: u64| {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((u128::from(mixed) << 64) | u128::from(!mixed.rotate_left(29))).to_be_bytes()
    };
    let traces = |segment: u64| (segment * 1_000..(segment + 1) * 1_000).map(id);
    let keys = |segment| traces(segment).map(|trace| FilterKey::of(&trace));
    let of_values = |segment| ValueFilter::of(FilterAttributes::default(), keys(segment)).filter;
    // Of trace ids, and of span ids and values of attributes.
    for of_values in [None, Some(of_values)] {
        let filter_of = |segment| match of_values {
            Some(of_values) => of_values(segment),
            None => keys(segment).collect(),
        };
        let filters = BloomFilters::of((0..10_000).map(|segment| (segment, filter_of(segment))));
        look_up(&filters, id);
    }
}

fn look_up(filters: &BloomFilters, id: impl Fn(u64) -> [u8; 16]) {
    let mut others = 0;
    let started = std::time::Instant::now();
    for look_up in 0..200 {
        let segment = look_up * 49;
        let without = filters.without(FilterKey::of(&id(segment * 1_000 + look_up)));
        assert!(without.binary_search(&segment).is_err());
        others += 10_000 - without.len() - 1;
    }
    let per_look_up = started.elapsed() / 200;
    println!("{} others of 10,000 are read, found in {per_look_up:?}", others as f64 / 200.0);
    assert!(others / 200 <= 100, "{others} in 200 look-ups");
}
