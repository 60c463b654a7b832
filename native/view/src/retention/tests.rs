use super::*;

const DAY_MS: i64 = 24 * 3_600_000;

fn segments(days: &[i64]) -> Vec<Age> {
    days.iter().map(|day| Age { newest_ms: day * DAY_MS, size_bytes: 10 }).collect()
}

fn rule(days: i64, max_bytes: u64) -> Retention {
    Retention { max_age_ms: (days * DAY_MS) as u64, max_bytes }
}

#[test]
fn nothing_goes_where_nothing_is_said() {
    assert!(choose(&segments(&[0, 1, 100]), rule(0, 0), 1_000 * DAY_MS).is_empty());
}

#[test]
fn a_segment_goes_once_its_newest_row_is_too_old() {
    assert_eq!(choose(&segments(&[9, 2, 3, 1]), rule(7, 0), 10 * DAY_MS), [1, 3]);
}

#[test]
fn over_the_size_the_oldest_go_first_whatever_their_place() {
    assert_eq!(choose(&segments(&[3, 1, 2]), rule(0, 20), 10 * DAY_MS), [1]);
    assert_eq!(choose(&segments(&[3, 1, 2]), rule(0, 19), 10 * DAY_MS), [1, 2]);
}

#[test]
fn the_newest_stays_even_if_it_alone_is_over_the_size() {
    assert_eq!(choose(&segments(&[3, 1]), rule(0, 1), 10 * DAY_MS), [1]);
}
