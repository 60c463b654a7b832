//! Instants of messages that name no zone, or no year.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::message::LocalTime;

/// The moment of receipt, by which what a message leaves out is found.
#[derive(Debug)]
pub(super) struct Receipt<'z> {
    zone: &'z TimeZone,
    received: Timestamp,
}

impl<'z> Receipt<'z> {
    /// `zone`: of the clocks of senders that name none.
    pub(super) fn new(received_ns: i64, zone: &'z TimeZone) -> Self {
        let received = Timestamp::from_nanosecond(i128::from(received_ns));
        Self { zone, received: received.unwrap_or_default() }
    }

    /// The instant in nanoseconds since the epoch; `None` for a day that its month does not have, or
    /// one that 64 bits of nanoseconds do not hold.
    ///
    /// A year that is missing is the one that puts the time closest to the receipt: on New Year's
    /// day a message of December 31st is of the year before, and one that a fast clock stamped
    /// January 1st on the eve is of the year to come. An hour that a change of the clocks repeats is
    /// its first one; one that it leaves out is counted on from before.
    pub(super) fn instant_ns(&self, local: LocalTime) -> Option<i64> {
        let utc = TimeZone::UTC;
        let zone = if local.is_utc { &utc } else { self.zone };
        let date_time = match local.year {
            Some(year) => date_time(local, year)?,
            None => self.nearest(local, zone)?,
        };
        let instant = zone.to_ambiguous_timestamp(date_time).compatible().ok()?;
        i64::try_from(instant.as_nanosecond()).ok()
    }

    fn nearest(&self, local: LocalTime, zone: &TimeZone) -> Option<DateTime> {
        let now = zone.to_datetime(self.received);
        let years = [now.year(), now.year() - 1, now.year() + 1];
        let candidates = years.into_iter().filter_map(|year| date_time(local, year));
        candidates.min_by_key(|candidate| candidate.duration_since(now).unsigned_abs())
    }
}

fn date_time(local: LocalTime, year: i16) -> Option<DateTime> {
    let LocalTime { month, day, hour, minute, second, nanosecond, .. } = local;
    DateTime::new(year, month, day, hour, minute, second, nanosecond).ok()
}

#[cfg(test)]
mod tests;
