use varve_types::LogId;

use super::*;

fn end(number: u32, offset: u64) -> (PartitionId, Lsn) {
    (PartitionId { log: LogId::Logs, number }, Lsn::new(1, offset))
}

fn noted(notes: &[(i64, u32, u64)]) -> Timeline {
    let mut timeline = Timeline::default();
    for &(at_ms, number, offset) in notes {
        timeline.note(at_ms, std::iter::once(end(number, offset)));
    }
    timeline
}

fn at(timeline: &Timeline, at_ms: i64) -> String {
    timeline.at(at_ms).map_or_else(|error| error.to_string(), |position| position.to_string())
}

#[test]
fn a_time_leads_to_the_last_position_that_is_no_later() {
    let timeline = noted(&[(1_000, 0, 1), (3_000, 1, 1), (5_000, 0, 4)]);
    assert_eq!(at(&timeline, 1_000), "logs/0=1:1");
    assert_eq!(at(&timeline, 4_999), "logs/0=1:1,logs/1=1:1");
    assert_eq!(at(&timeline, 9_999), "logs/0=1:4,logs/1=1:1");
}

#[test]
fn a_time_before_the_first_is_refused_with_that() {
    let wrong =
        "as of 999 ms: positions are known from 1000 ms since 1970 on; ask for a later time";
    assert_eq!(at(&noted(&[(1_000, 0, 1)]), 999), wrong);
    assert!(at(&Timeline::default(), 5).ends_with("no position is known of any time yet"));
}

#[test]
fn what_comes_within_a_second_is_one_point_that_counts_from_its_last_record_on() {
    let timeline = noted(&[(1_000, 0, 1), (1_900, 0, 2), (2_100, 0, 3)]);
    assert_eq!(at(&timeline, 1_900), "logs/0=1:2");
    assert!(at(&timeline, 1_899).contains("positions are known from 1900 ms"));
    assert_eq!(at(&timeline, 2_100), "logs/0=1:3");
}

#[test]
fn a_clock_that_is_put_back_leaves_times_ascending() {
    let timeline = noted(&[(9_000, 0, 1), (2_000, 0, 2)]);
    assert_eq!(at(&timeline, 9_000), "logs/0=1:2");
}

#[test]
fn older_points_become_coarser_and_are_never_told_too_early() {
    let minutes = 3 * 24 * 60;
    let notes: Vec<_> = (0..minutes).map(|minute| (minute * MINUTE_MS, 0, minute as u64)).collect();
    let mut timeline = noted(&notes);
    timeline.thin(minutes * MINUTE_MS);
    assert!(timeline.points.len() < 24 * 60 + 2 * 24 * 12 + 100, "{}", timeline.points.len());
    for minute in (0..minutes).step_by(7) {
        let told = at(&timeline, minute * MINUTE_MS);
        let offset: i64 = told.strip_prefix("logs/0=1:").unwrap().parse().unwrap();
        assert!(offset <= minute && minute - offset <= 6, "{minute}: {told}");
    }
}

#[test]
fn what_is_noted_while_older_points_are_thinned_is_kept() {
    let notes: Vec<_> = (0..600).map(|second| (second * SECOND_MS, 0, second as u64)).collect();
    let mut timeline = noted(&notes);
    let thinned = timeline.thinned(2 * HOUR_MS);
    timeline.note(599_900, std::iter::once(end(0, 700)));
    timeline.note(700_000, std::iter::once(end(1, 5)));
    timeline.adopt(thinned);
    assert!(timeline.points.len() < 70, "{}", timeline.points.len());
    assert_eq!(at(&timeline, 599_900), "logs/0=1:700");
    assert_eq!(at(&timeline, 700_000), "logs/0=1:700,logs/1=1:5");
    assert_eq!(at(&timeline, 0), "logs/0=1:0");
}

#[test]
fn it_is_read_back_as_it_was_written_and_not_at_all_if_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let timeline = noted(&[(1_000, 0, 1), (3_000, 1, 1), (5_000, 0, 4)]);
    timeline.write(folder.path()).unwrap();
    assert_eq!(Timeline::read(folder.path()), timeline);
    let path = folder.path().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(Timeline::read(folder.path()), Timeline::default());
}
