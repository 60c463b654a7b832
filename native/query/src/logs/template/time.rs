//! Functions of times.

use chrono_tz::Tz;

use super::{
    function::{
        Args, Function,
        Param::{Any, Text, Time},
        plain,
    },
    layout,
    moment::Moment,
    value::Value,
};

pub(super) const FUNCTIONS: &[Function] = &[
    plain("now", &[], |_| Ok(Value::Time(Moment::now()))),
    plain("date", &[Text, Any], |args| {
        let moment = match args.any(1) {
            Value::Time(moment) => *moment,
            Value::Int(seconds) => Moment::utc(seconds.saturating_mul(NANOS)),
            _ => Moment::now(),
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
    plain("unixEpoch", &[Time], |args| Ok(Value::text(args.time(0).seconds().to_string()))),
    plain("unixEpochMillis", &[Time], |args| Ok(Value::text(args.time(0).millis().to_string()))),
    plain("unixEpochNanos", &[Time], |args| Ok(Value::text(args.time(0).nanos().to_string()))),
    plain("unixToTime", &[Text], unix_to_time),
];

const NANOS: i64 = 1_000_000_000;

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
