//! What bodies and records are held against.

use jiff::tz::TimeZone;
use varve_columnar::resource::AttributeText;

use super::{DecodeError, Limits, MetricTranslation, tenant::Active, time};

/// What one body and its records are held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate<'l> {
    pub(super) limits: &'l Limits,
    /// Of OTLP's metrics.
    pub(super) metrics: &'l MetricTranslation,
    /// Of the clocks of syslog senders that name none.
    pub(super) syslog_zone: &'l TimeZone,
    /// Where the request's path says that its records belong, for those that do not say it; or empty.
    pub(super) target: &'l str,
    /// `None` where streams and series are not limited.
    pub(super) active: Option<&'l Active>,
    pub(super) received_ns: i64,
}

/// A record's time is outside what is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untimely {
    TooOld,
    TooNew,
}

impl Untimely {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::TooOld => "tooOld",
            Self::TooNew => "tooNew",
        }
    }
}

impl Gate<'_> {
    /// Whether a time, in nanoseconds since the epoch, is one that is taken.
    pub(super) fn check_time(self, time_ns: i64) -> Result<(), Untimely> {
        if time_ns > self.newest_ns() {
            return Err(Untimely::TooNew);
        }
        if self.limits.record_max_age_ms != 0 && time_ns < self.oldest_ns() {
            return Err(Untimely::TooOld);
        }
        Ok(())
    }

    /// Refuses a body that makes more rows than it may. Sinks stop at the first row too many.
    pub(super) fn check_rows(self, rows: usize) -> Result<(), DecodeError> {
        let max = self.limits.body_records_max;
        if rows > max { Err(DecodeError::TooManyRecords { max }) } else { Ok(()) }
    }

    /// Whether a stream, by its canonical text, may have records now.
    pub(super) fn admits_stream(self, stream: &str) -> bool {
        let Limits { streams_max, active_window_ms, .. } = *self.limits;
        let now_ms = self.received_ns / 1_000_000;
        self.active.is_none_or(|active| {
            active.streams.admit(stream, now_ms, streams_max, active_window_ms)
        })
    }

    /// Whether a series, by its canonical text, may have samples now.
    pub(super) fn admits_series(self, series: &str) -> bool {
        let Limits { series_max, active_window_ms, .. } = *self.limits;
        let now_ms = self.received_ns / 1_000_000;
        self.active
            .is_none_or(|active| active.series.admit(series, now_ms, series_max, active_window_ms))
    }

    /// The rule that the attributes of a resource or scope break, and with it every record below.
    pub(super) fn subject_rule(
        self,
        whose: &str,
        attributes: &[AttributeText],
    ) -> Option<(&'static str, String)> {
        let bytes = attributes.iter().map(|(key, _, text)| key.len() + text.len()).sum();
        self.attributes_rule(whose, attributes.len(), bytes)
    }

    /// The rule that attributes break, with whose they are, how many there are and how long they are.
    pub(super) fn attributes_rule(
        self,
        whose: &str,
        count: usize,
        bytes: usize,
    ) -> Option<(&'static str, String)> {
        let Limits { attributes_max, attributes_max_bytes, .. } = *self.limits;
        if count > attributes_max {
            let message = format!(
                "a {whose} has {count} attributes, over limits.attributes_max = {attributes_max}"
            );
            return Some(("attributesTooMany", message));
        }
        (bytes > attributes_max_bytes).then(|| {
            let message = format!(
                "a {whose}'s attributes have {bytes} bytes, over limits.attributes_max_bytes = \
                 {attributes_max_bytes}"
            );
            ("attributesTooLarge", message)
        })
    }

    /// The sentence about a record of `whose` (`stream '{…}'`) at a time that is not taken.
    pub(super) fn time_message(self, why: Untimely, whose: &str, time_ns: i64) -> String {
        let at = time::rfc3339(time_ns);
        match why {
            Untimely::TooOld => format!(
                "entry for {whose} has timestamp too old: {at}, oldest acceptable timestamp is: \
                 {} (limits.record_max_age_ms = {})",
                time::rfc3339(self.oldest_ns()),
                self.limits.record_max_age_ms
            ),
            Untimely::TooNew => format!(
                "entry for {whose} has timestamp too new: {at} (limits.record_max_ahead_ms = {})",
                self.limits.record_max_ahead_ms
            ),
        }
    }

    fn oldest_ns(self) -> i64 {
        self.received_ns.saturating_sub(nanoseconds(self.limits.record_max_age_ms))
    }

    fn newest_ns(self) -> i64 {
        self.received_ns.saturating_add(nanoseconds(self.limits.record_max_ahead_ms))
    }
}

fn nanoseconds(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
}
