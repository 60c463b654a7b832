use std::time::{Duration, Instant};

use super::*;
use crate::timeline::Timeline;

fn position(text: &str) -> Position {
    Position::parse(text).unwrap()
}

fn range(partition: u32, first: u64, last: u64) -> LogRange {
    LogRange { partition, first: Lsn::new(1, first), last: Lsn::new(1, last) }
}

#[test]
fn a_position_is_read_as_it_is_written() {
    let text = "logs/0=1:40,spans/3=2:7";
    assert_eq!(position(text).to_string(), text);
    assert_eq!(position(""), Position::default());
}

#[test]
fn the_position_of_an_empty_store_is_a_text_that_is_accepted() {
    let nothing = Position::default().to_string();
    assert_eq!(nothing, "logs/0=1:0");
    let read = position(&nothing);
    assert!(read.check(&BTreeMap::new()).is_ok());
    assert_eq!(read.sees_all(Table::Logs, &[range(0, 0, 5), range(1, 0, 0)]), Some(false));
}

#[test]
fn what_is_no_position_is_refused_with_what_is_wrong() {
    let cases = [
        ("yesterday", "a '=' is missing"),
        ("logs=1:2", "a '/' is missing"),
        ("tx/0=1:2", "the log is none of logs, spans, samples"),
        ("logs/x=1:2", "the partition is no number"),
        ("logs/0=12", "a ':' is missing"),
        ("logs/0=1:2,logs/0=1:3", "a partition is there twice"),
    ];
    for (text, reason) in cases {
        let error = Position::parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_segment_is_seen_whole_or_not_at_all_where_its_records_are_on_one_side() {
    let position = position("logs/0=1:10,logs/1=1:5");
    let seen = |ranges: &[LogRange]| position.sees_all(Table::Logs, ranges);
    assert_eq!(seen(&[range(0, 3, 9), range(1, 0, 4)]), Some(true));
    assert_eq!(seen(&[range(0, 10, 12), range(2, 0, 4)]), Some(false));
    assert_eq!(seen(&[range(0, 9, 10)]), None);
    assert_eq!(seen(&[range(0, 3, 9), range(1, 5, 6)]), None);
    assert_eq!(seen(&[]), None);
}

#[test]
fn a_place_that_the_log_has_not_reached_is_refused() {
    let stored = position("logs/0=1:10").0;
    assert!(position("logs/0=1:10").check(&stored).is_ok());
    let ahead = position("logs/0=1:11").check(&stored).unwrap_err().to_string();
    assert!(ahead.contains("the log ends at 1:10"), "{ahead}");
    assert!(position("logs/7=1:1").check(&stored).is_err());
}

/// A manifest of a billion rows: 10,000 segments of 100,000 records over 10 partitions, and a timeline as
/// long as it may become.
#[test]
fn a_time_is_located_among_a_billion_rows_within_five_milliseconds() {
    let mut timeline = Timeline::default();
    for second in 0..50_000 {
        let end = |number: u32| {
            (PartitionId { log: LogId::Logs, number }, Lsn::new(1, second as u64 * 2_000))
        };
        timeline.note(
            second * 2_000,
            [end(second as u32 % 10), end((second as u32 + 1) % 10)].into_iter(),
        );
    }
    let segments: Vec<Vec<LogRange>> = (0..10_000u64)
        .map(|at| (0..10).map(|number| range(number, at * 10_000, at * 10_000 + 9_999)).collect())
        .collect();
    let took = (0..20).map(|try_number| {
        let started = Instant::now();
        let position = timeline.at(2_000 * (25_000 + try_number)).unwrap();
        let parts = segments.iter().filter(|one| position.sees_all(Table::Logs, one).is_none());
        assert!((1..=4).contains(&parts.count()));
        started.elapsed()
    });
    let fastest = took.min().unwrap();
    println!("located in {fastest:?}");
    assert!(fastest < Duration::from_millis(5), "{fastest:?}");
}
