//! What is kept, and how much.

use proptest::prelude::*;

use super::*;

fn rows(times: (i64, i64), lines: usize) -> SegmentRows {
    let mut rows = PackedRows::default();
    let mut before = 0;
    for at in 0..lines as i64 {
        rows.push(before, times.0 + at, 7);
        before = times.0 + at;
    }
    SegmentRows {
        times,
        series: vec![SeriesRows { labels: LabelSet::new([("app", "shop")]), rows }],
    }
}

#[test]
fn rows_are_told_to_the_same_question_about_the_same_edition_and_times() {
    let kept = KeptRows::new(1 << 20);
    let (question, other): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    kept.keep(1, &question, rows((100, 200), 3));
    let told = kept.get(1, &question, (150, 200)).unwrap();
    assert_eq!(told.series[0].rows.iter().collect::<Vec<_>>(), [(100, 7), (101, 7), (102, 7)]);
    assert!(kept.get(1, &question, (99, 200)).is_none());
    assert!(kept.get(1, &question, (100, 201)).is_none());
    assert!(kept.get(2, &question, (150, 200)).is_none());
    assert!(kept.get(1, &other, (150, 200)).is_none());
}

#[test]
fn no_more_is_kept_than_there_is_room_for() {
    let kept = KeptRows::new(100_000);
    let question: Arc<str> = "q".into();
    for edition in 0..1_000 {
        kept.keep(edition, &question, rows((0, 1_000_000), 1_000));
        assert!(kept.status().bytes <= 100_000, "{:?}", kept.status());
    }
    assert!(kept.status().bytes > 50_000, "{:?}", kept.status());
    // One that is larger than all the room is not kept at all.
    kept.keep(5_000, &question, rows((0, 1_000_000), 1_000_000));
    assert!(kept.get(5_000, &question, (0, 1)).is_none());
    let none = KeptRows::new(0);
    none.keep(1, &question, rows((0, 10), 3));
    assert!(none.get(1, &question, (0, 10)).is_none());
    assert_eq!(none.status(), KeptRowsStatus::default());
}

proptest! {
    #[test]
    fn packed_rows_are_read_as_they_were_written(
        rows in proptest::collection::vec((any::<i64>(), any::<u64>()), 0..50),
    ) {
        let mut packed = PackedRows::default();
        let mut before = 0;
        for &(time_ns, bytes) in &rows {
            packed.push(before, time_ns, bytes);
            before = time_ns;
        }
        prop_assert_eq!(packed.iter().collect::<Vec<_>>(), rows);
    }
}
