//! Times as texts.

const DAY_S: i64 = 86_400;

/// An instant in RFC 3339, in UTC, with as many fraction digits as it needs.
pub(super) fn rfc3339(time_ns: i64) -> String {
    let (seconds, fraction) =
        (time_ns.div_euclid(1_000_000_000), time_ns.rem_euclid(1_000_000_000));
    let (year, month, day) = civil(seconds.div_euclid(DAY_S));
    let second = seconds.rem_euclid(DAY_S);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let fraction = match fraction {
        0 => String::new(),
        fraction => format!(".{fraction:09}").trim_end_matches('0').to_owned(),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Reads RFC 3339 with any offset, to nanoseconds since the epoch. `None` if it is not that, or
/// outside the years that 64 bits of nanoseconds hold.
pub(super) fn parse_rfc3339(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let bytes = text.as_bytes();
    let mark = |at: usize, allowed: &[u8]| bytes.get(at).filter(|byte| allowed.contains(byte));
    for (at, allowed) in [(4, &b"-"[..]), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")] {
        mark(at, allowed)?;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_in_range {
        return None;
    }
    let mut at = 19;
    let mut fraction_ns = 0;
    if mark(at, b".").is_some() {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let kept = digits.min(9);
        fraction_ns = number(at + 1, at + 1 + kept)? * 10_i64.pow(9 - kept as u32);
        at += 1 + digits;
    }
    let offset_s = match bytes.get(at)? {
        b'Z' | b'z' if bytes.len() == at + 1 => 0,
        sign @ (b'+' | b'-') if bytes.len() == at + 6 && bytes[at + 3] == b':' => {
            let offset = number(at + 1, at + 3)? * 3_600 + number(at + 4, at + 6)? * 60;
            if *sign == b'+' { offset } else { -offset }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * DAY_S + hour * 3_600 + minute * 60 + second - offset_s;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction_ns)
}

/// The date of a day counted from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date
/// algorithms": years of 400-year eras that start in March).
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// The day of a date, counted from 1970-01-01; the inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_instant_is_written_in_utc() {
        assert_eq!(rfc3339(1_700_000_000_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(-1_500_000_000), "1969-12-31T23:59:58.5Z");
    }

    #[test]
    fn offsets_are_taken_into_account() {
        assert_eq!(parse_rfc3339("2023-11-14T23:13:20+01:00"), Some(1_700_000_000_000_000_000));
        for text in ["2023-11-14", "2023-13-14T22:13:20Z", "2023-11-14T22:13:20", "", "é"] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(time_ns in any::<i64>()) {
            prop_assert_eq!(parse_rfc3339(&rfc3339(time_ns)), Some(time_ns));
        }
    }
}
