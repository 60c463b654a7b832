//! Parts of a date in UTC.

/// A part of a date or time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CalendarField {
    Minute,
    Hour,
    DayOfMonth,
    /// 0 is Sunday.
    DayOfWeek,
    /// 1 is the first of January.
    DayOfYear,
    DaysInMonth,
    Month,
    Year,
}

const DAY_S: i64 = 86_400;

/// A part of the date at this many seconds since the epoch; fractions are cut off. NaN for a time
/// that is none.
pub(super) fn read(field: CalendarField, time_s: f64) -> f64 {
    if !time_s.is_finite() {
        return f64::NAN;
    }
    let seconds = time_s as i64;
    let days = seconds.div_euclid(DAY_S);
    let second_of_day = seconds.rem_euclid(DAY_S);
    let date = Date::of(days);
    let value = match field {
        CalendarField::Minute => second_of_day / 60 % 60,
        CalendarField::Hour => second_of_day / 3600,
        CalendarField::DayOfMonth => date.day,
        // The epoch was a Thursday.
        CalendarField::DayOfWeek => (days + 4).rem_euclid(7),
        CalendarField::DayOfYear => days - days_before(date.year, 1) + 1,
        CalendarField::DaysInMonth => {
            let (year, month) =
                if date.month == 12 { (date.year + 1, 1) } else { (date.year, date.month + 1) };
            days_before(year, month) - days_before(date.year, date.month)
        }
        CalendarField::Month => date.month,
        CalendarField::Year => date.year,
    };
    value as f64
}

/// A day of the Gregorian calendar.
#[derive(Debug, PartialEq, Eq)]
struct Date {
    year: i64,
    /// 1 to 12.
    month: i64,
    /// 1 to 31.
    day: i64,
}

/// Days of 400 years; the calendar repeats after them.
const CYCLE_DAYS: i64 = 146_097;

/// From the first of March of year 0, where cycles start here, to the epoch.
const EPOCH_DAYS: i64 = 719_468;

impl Date {
    /// The date of a day, counted from the epoch. Years start in March here, so that the leap day
    /// is a year's last and months have a regular pattern (153 days in 5 of them).
    fn of(days: i64) -> Self {
        let days = days.saturating_add(EPOCH_DAYS);
        let (cycle, day) = (days.div_euclid(CYCLE_DAYS), days.rem_euclid(CYCLE_DAYS));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self {
            year: cycle * 400 + year + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
        }
    }
}

/// Days from the epoch to the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, march_month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (cycle, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = (153 * march_month + 2) / 5 + 365 * year + year / 4 - year / 100;
    cycle * CYCLE_DAYS + day - EPOCH_DAYS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_day_is_read_in_all_its_parts() {
        // 2024-02-29T21:34:56Z, a Thursday.
        let read = |field| read(field, 1_709_242_496.0) as i64;
        assert_eq!(read(CalendarField::Year), 2024);
        assert_eq!(read(CalendarField::Month), 2);
        assert_eq!(read(CalendarField::DayOfMonth), 29);
        assert_eq!(read(CalendarField::DaysInMonth), 29);
        assert_eq!(read(CalendarField::DayOfYear), 60);
        assert_eq!(read(CalendarField::DayOfWeek), 4);
        assert_eq!(read(CalendarField::Hour), 21);
        assert_eq!(read(CalendarField::Minute), 34);
    }

    #[test]
    fn every_day_of_nine_centuries_follows_the_one_before() {
        let mut before = Date::of(-200_000);
        for days in -199_999..130_000 {
            let date = Date::of(days);
            let next_day = Date { day: before.day + 1, ..before };
            let starts_month = date.day == 1 && before.day >= 28;
            assert!(date == next_day || starts_month, "{before:?} is followed by {date:?}");
            assert_eq!(days_before(date.year, date.month) + date.day - 1, days);
            before = date;
        }
    }

    #[test]
    fn a_time_that_is_none_has_no_date() {
        assert!(read(CalendarField::Year, f64::NAN).is_nan());
        assert_eq!(read(CalendarField::Year, -1.0).to_string(), "1969");
    }
}
