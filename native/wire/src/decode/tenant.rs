//! What one tenant may send, and which of its streams and series are active.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::tz::TimeZone;

use super::{
    DecodeError, Decoded, Encoding, Format, Gate, Limits, MetricTranslation, decode_under,
};

/// A full set is looked through for idle members at most so often.
const PRUNE_EVERY_MS: i64 = 10_000;

/// A tenant, as the decoders see it.
#[derive(Debug)]
pub struct Tenant {
    limits: Limits,
    metrics: Arc<MetricTranslation>,
    syslog_zone: TimeZone,
    active: Active,
}

/// Streams and series that had a record not long ago.
#[derive(Debug, Default)]
pub(super) struct Active {
    pub(super) streams: ActiveSet,
    pub(super) series: ActiveSet,
}

/// How many of something are active, and how many may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveCount {
    /// Now.
    pub active: usize,
    /// The setting.
    pub max: usize,
    /// Past the part of the limit from which its owner is warned.
    pub is_near: bool,
}

impl Tenant {
    /// A tenant of which nothing is active yet; its metrics are translated as Prometheus does where
    /// nothing is configured, and its syslog senders' clocks show UTC.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let metrics = Arc::new(MetricTranslation::DEFAULT);
        Self { limits, metrics, syslog_zone: TimeZone::UTC, active: Active::default() }
    }

    /// The same, with another translation of OTLP's metrics.
    #[must_use]
    pub fn with_metrics(self, metrics: Arc<MetricTranslation>) -> Self {
        Self { metrics, ..self }
    }

    /// The same, with the zone of the clocks of syslog senders that name none.
    #[must_use]
    pub fn with_syslog_zone(self, syslog_zone: TimeZone) -> Self {
        Self { syslog_zone, ..self }
    }

    /// [`super::decode`] under this tenant's limits, those over time included; also the size of the
    /// body after decompression.
    pub fn decode(
        &self,
        format: Format,
        encoding: Encoding,
        body: &[u8],
        received_ns: i64,
    ) -> Result<(Decoded, usize), DecodeError> {
        self.decode_for(format, encoding, "", body, received_ns)
    }

    /// The same, where the request's path says to what its records belong: for Elasticsearch's bulk
    /// body the index of those that name none.
    pub fn decode_for(
        &self,
        format: Format,
        encoding: Encoding,
        target: &str,
        body: &[u8],
        received_ns: i64,
    ) -> Result<(Decoded, usize), DecodeError> {
        let Self { limits, metrics, syslog_zone, active } = self;
        let gate = Gate { limits, metrics, syslog_zone, target, active: Some(active), received_ns };
        decode_under(format, encoding, body, gate)
    }

    /// Active streams.
    #[must_use]
    pub fn streams(&self, now_ms: i64) -> ActiveCount {
        self.count(&self.active.streams, self.limits.streams_max, now_ms)
    }

    /// Active series.
    #[must_use]
    pub fn series(&self, now_ms: i64) -> ActiveCount {
        self.count(&self.active.series, self.limits.series_max, now_ms)
    }

    fn count(&self, set: &ActiveSet, max: usize, now_ms: i64) -> ActiveCount {
        let active = set.len(now_ms, self.limits.active_window_ms);
        let is_near = active.saturating_mul(100) > max.saturating_mul(self.limits.soft_percent);
        ActiveCount { active, max, is_near }
    }
}

/// Members with the time of their last record. They are known by a keyed hash: two that share one
/// count as one, which is good enough for a limit and costs 16 bytes a member, whatever its labels.
#[derive(Debug, Default)]
pub(super) struct ActiveSet {
    hasher: RandomState,
    members: Mutex<Members>,
}

#[derive(Debug, Default)]
struct Members {
    last_ms: HashMap<u64, i64>,
    pruned_ms: i64,
}

impl ActiveSet {
    /// Notes a record of `member`. False if that is not active and `max` others are: it must be refused.
    pub(super) fn admit(&self, member: &str, now_ms: i64, max: usize, window_ms: u64) -> bool {
        let hash = self.hasher.hash_one(member);
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last_ms) = members.last_ms.get_mut(&hash) {
            *last_ms = now_ms;
            return true;
        }
        if members.last_ms.len() >= max {
            members.prune(now_ms, window_ms);
            if members.last_ms.len() >= max {
                return false;
            }
        }
        members.last_ms.insert(hash, now_ms);
        true
    }

    fn len(&self, now_ms: i64, window_ms: u64) -> usize {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.prune(now_ms, window_ms);
        members.last_ms.len()
    }
}

impl Members {
    fn prune(&mut self, now_ms: i64, window_ms: u64) {
        if now_ms.saturating_sub(self.pruned_ms) < PRUNE_EVERY_MS {
            return;
        }
        self.pruned_ms = now_ms;
        let oldest_ms = now_ms.saturating_sub(i64::try_from(window_ms).unwrap_or(i64::MAX));
        self.last_ms.retain(|_, last_ms| *last_ms >= oldest_ms);
    }
}

#[cfg(test)]
mod tests;
