use super::*;
use crate::decode::time::{parse_rfc3339, rfc3339};

fn local(month: i8, day: i8, hour: i8) -> LocalTime {
    let (minute, second, nanosecond) = (30, 0, 0);
    LocalTime { year: None, month, day, hour, minute, second, nanosecond, is_utc: false }
}

fn resolved(received: &str, zone: &str, local: LocalTime) -> String {
    let zone = TimeZone::get(zone).unwrap();
    let receipt = Receipt::new(parse_rfc3339(received).unwrap(), &zone);
    receipt.instant_ns(local).map_or("none".to_owned(), rfc3339)
}

#[test]
fn the_year_is_the_one_that_comes_closest_to_the_receipt() {
    let new_year = "2026-01-01T00:00:05Z";
    assert_eq!(resolved(new_year, "UTC", local(12, 31, 23)), "2025-12-31T23:30:00Z");
    assert_eq!(resolved(new_year, "UTC", local(1, 1, 0)), "2026-01-01T00:30:00Z");
    let eve = "2025-12-31T23:59:55Z";
    assert_eq!(resolved(eve, "UTC", local(1, 1, 0)), "2026-01-01T00:30:00Z");
    assert_eq!(resolved(eve, "UTC", local(9, 15, 0)), "2025-09-15T00:30:00Z");
}

#[test]
fn a_day_of_leap_years_only_is_of_the_one_that_has_it() {
    assert_eq!(resolved("2025-03-01T00:00:00Z", "UTC", local(2, 29, 0)), "2024-02-29T00:30:00Z");
    assert_eq!(resolved("2026-03-01T00:00:00Z", "UTC", local(2, 29, 0)), "none");
    assert_eq!(resolved("2026-03-01T00:00:00Z", "UTC", local(4, 31, 0)), "none");
}

#[test]
fn the_zone_is_the_one_that_is_set_unless_the_message_says_utc() {
    let received = "2026-07-01T12:00:00Z";
    assert_eq!(resolved(received, "Europe/Berlin", local(7, 1, 14)), "2026-07-01T12:30:00Z");
    assert_eq!(resolved(received, "Europe/Berlin", local(1, 15, 14)), "2026-01-15T13:30:00Z");
    let utc = LocalTime { is_utc: true, ..local(7, 1, 14) };
    assert_eq!(resolved(received, "Europe/Berlin", utc), "2026-07-01T14:30:00Z");
}

#[test]
fn an_hour_that_the_clocks_repeat_or_leave_out_has_an_instant() {
    let received = "2026-10-25T03:00:00Z";
    assert_eq!(resolved(received, "Europe/Berlin", local(10, 25, 2)), "2026-10-25T00:30:00Z");
    let received = "2026-03-29T03:00:00Z";
    assert_eq!(resolved(received, "Europe/Berlin", local(3, 29, 2)), "2026-03-29T01:30:00Z");
}
