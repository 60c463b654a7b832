//! A time as templates have it.

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveDateTime, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;

use super::layout::{self, Fields};

/// A point in time, with the zone in which it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(DateTime<Tz>);

impl Moment {
    /// The clock's time, in UTC.
    pub(super) fn now() -> Self {
        Self(Utc::now().with_timezone(&Tz::UTC))
    }

    /// A time in UTC.
    pub(super) fn utc(time_ns: i64) -> Self {
        Self(DateTime::from_timestamp_nanos(time_ns).with_timezone(&Tz::UTC))
    }

    /// Go's time of no time: the year 1.
    pub(super) fn zero() -> Self {
        let day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default();
        Self(Tz::UTC.from_utc_datetime(&day.and_time(chrono::NaiveTime::MIN)))
    }

    /// Seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        self.0.timestamp()
    }

    /// Milliseconds since 1970.
    pub(super) fn millis(&self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Nanoseconds since 1970, as many as fit.
    pub(super) fn nanos(&self) -> i64 {
        self.0.timestamp_nanos_opt().unwrap_or(if self.0.year() < 1970 {
            i64::MIN
        } else {
            i64::MAX
        })
    }

    /// As Go's `String` method says it.
    pub(super) fn show(&self) -> String {
        layout::format("2006-01-02 15:04:05.999999999 -0700 MST", &self.fields())
    }

    pub(super) fn fields(&self) -> Fields {
        use chrono::Offset as _;
        use chrono_tz::OffsetName as _;
        let offset = self.0.offset();
        Fields {
            year: self.0.year(),
            month: self.0.month(),
            day: self.0.day(),
            day_of_year: self.0.ordinal(),
            weekday: self.0.weekday().num_days_from_sunday(),
            hour: self.0.hour(),
            minute: self.0.minute(),
            second: self.0.second(),
            nanos: self.0.nanosecond() % 1_000_000_000,
            offset_seconds: Some(offset.fix().local_minus_utc()),
            zone: offset.abbreviation().unwrap_or("UTC").to_owned(),
        }
    }

    /// Reads a time; what cannot be read is the time of no time.
    pub(super) fn parse(written: &str, text: &str, zone: Tz) -> Self {
        Self::read(written, text, zone).unwrap_or_else(Self::zero)
    }

    fn read(written: &str, text: &str, zone: Tz) -> Option<Self> {
        let fields = layout::parse(written, text)?;
        let day = NaiveDate::from_ymd_opt(fields.year, fields.month, fields.day)?;
        let time = day.and_hms_nano_opt(fields.hour, fields.minute, fields.second, fields.nanos)?;
        if let Some(offset) = fields.offset_seconds {
            let utc: NaiveDateTime =
                time.checked_sub_signed(chrono::TimeDelta::seconds(offset.into()))?;
            return Some(Self(zone.from_utc_datetime(&utc)));
        }
        zone.from_local_datetime(&time).earliest().map(Self)
    }
}
