use proptest::prelude::*;

use super::*;

/// The filter of a segment with these traces.
fn filter(traces: &[u8]) -> TraceFilter {
    traces.iter().map(|&trace| TraceKey::of(&[trace; 16])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_segment_that_has_a_trace_is_never_left_out(
        segments in prop::collection::vec(prop::collection::vec(0u8..40, 0..6), 0..40),
        gone in 0usize..40,
    ) {
        let mut filters = TraceFilters::default();
        for (id, traces) in (0u64..).zip(&segments) {
            filters.add(id, &filter(traces));
        }
        filters.forget(|id| id >= gone as u64);
        let at_once = TraceFilters::of((0u64..).zip(segments.iter().map(|one| filter(one))));
        for trace in 0u8..40 {
            let key = TraceKey::of(&[trace; 16]);
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
    let mut filters = TraceFilters::default();
    for id in 0..1_000 {
        filters.add(id, &filter(&[id as u8]));
    }
    assert!(filters.runs.len() <= 10);
    assert_eq!(filters.without(TraceKey::of(&[255; 16])).len(), 997);
}

#[test]
fn memory_of_segments_that_are_gone_is_given_back() {
    let mut filters = TraceFilters::of((0..100).map(|id| (id, filter(&[1, 2, 3]))));
    let before = filters.bytes();
    filters.forget(|id| id < 10);
    assert!(filters.bytes() < before / 5);
    filters.forget(|_| false);
    assert_eq!(filters.bytes(), 0);
}
