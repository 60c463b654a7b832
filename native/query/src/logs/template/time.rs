//! Functions of times.

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveDateTime, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;

use super::{
    functions::{
        Args, Function,
        Param::{Any, Text, Time},
        plain,
    },
    layout::{self, Fields},
    value::Value,
};

pub(super) const FUNCTIONS: &[Function] = &[
    plain("now", &[], |_| Ok(Value::Time(Moment(Utc::now().with_timezone(&Tz::UTC))))),
    plain("date", &[Text, Any], |args| {
        let moment = match args.any(1) {
            Value::Time(moment) => *moment,
            Value::Int(seconds) => Moment::utc(seconds.saturating_mul(NANOS)),
            _ => Moment(Utc::now().with_timezone(&Tz::UTC)),
        };
        Ok(Value::text(layout::format(args.text(0), &moment.fields())))
    }),
    plain("toDate", &[Text, Text], |args| {
        Ok(Value::Time(Moment::parse(args.text(0), args.text(1), Tz::UTC)))
    }),
    plain("toDateInZone", &[Text, Text, Text], |args| {
        let zone = args.text(1).parse().unwrap_or(Tz::UTC);
        Ok(Value::Time(Moment::parse(args.text(0), args.text(2), zone)))
    }),
    plain("unixEpoch", &[Time], |args| Ok(Value::text(args.time(0).0.timestamp().to_string()))),
    plain("unixEpochMillis", &[Time], |args| {
        Ok(Value::text(args.time(0).0.timestamp_millis().to_string()))
    }),
    plain("unixEpochNanos", &[Time], |args| Ok(Value::text(args.time(0).nanos().to_string()))),
    plain("unixToTime", &[Text], unix_to_time),
];

const NANOS: i64 = 1_000_000_000;

/// A point in time, with the zone in which it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(DateTime<Tz>);

impl Moment {
    /// A time in UTC.
    pub(super) fn utc(time_ns: i64) -> Self {
        Self(DateTime::from_timestamp_nanos(time_ns).with_timezone(&Tz::UTC))
    }

    /// Go's time of no time: the year 1.
    pub(super) fn zero() -> Self {
        let day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default();
        Self(Tz::UTC.from_utc_datetime(&day.and_time(chrono::NaiveTime::MIN)))
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

    fn fields(&self) -> Fields {
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
    fn parse(written: &str, text: &str, zone: Tz) -> Self {
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

/// Seconds, milliseconds, microseconds or nanoseconds, or days, by how many digits there are.
fn unix_to_time<'r>(args: &Args<'_, 'r>) -> Result<Value<'r>, String> {
    let text = args.text(0);
    let number: i64 = text.parse().map_err(|_| {
        format!("unable to parse time '{text}': strconv.ParseInt: parsing {text:?}: invalid syntax")
    })?;
    let unit = match text.len() {
        5 => 86_400 * NANOS,
        10 => NANOS,
        13 => 1_000_000,
        16 => 1_000,
        19 => 1,
        _ => return Err(format!("unable to parse time '{text}'")),
    };
    Ok(Value::Time(Moment::utc(number.saturating_mul(unit))))
}
