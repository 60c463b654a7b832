//! How long the rows of one tenant and table are kept, by their label sets. Pure.

use std::time::Duration;

use varve_types::{Table, TenantId};

use crate::settings::{Retention, RetentionSettings, StreamRetention};

/// Rows are hidden this part of their age before they are too old, so that none is shown after, …
const AHEAD_PART: u64 = 10;
/// … but no longer before, …
pub(super) const AHEAD_MAX_MS: u64 = 60_000;
/// … and no shorter.
const AHEAD_MIN_MS: u64 = 2_000;

/// The rules of one tenant and table.
pub(crate) struct Policy<'a> {
    pub(super) table: Table,
    /// Of rows whose label set no rule matches, and over all of them.
    pub(super) standard: Retention,
    pub(super) streams: Vec<&'a StreamRetention>,
}

impl<'a> Policy<'a> {
    pub(crate) fn of(settings: &'a RetentionSettings, tenant: &TenantId, table: Table) -> Self {
        // Metadata has no time; it is small, and says what series mean that are still there.
        let standard = match table {
            Table::Metadata => Retention::default(),
            _ => settings.of(tenant, table),
        };
        Self { table, standard, streams: settings.of_streams(tenant, table).collect() }
    }

    /// Whether nothing goes.
    pub(crate) fn keeps_all(&self) -> bool {
        self.standard == Retention::default() && self.streams.is_empty()
    }

    /// The number of the rule for a label set: of those that match the one with the highest priority, of
    /// equals that which keeps shortest (as Loki decides).
    pub(super) fn rule_of(&self, label_set: &str) -> Option<usize> {
        let age = |age_ms: u64| if age_ms == 0 { u64::MAX } else { age_ms };
        self.streams
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.matches(label_set))
            .max_by_key(|(_, rule)| (rule.priority, std::cmp::Reverse(age(rule.kept.max_age_ms))))
            .map(|(number, _)| number)
    }

    /// How old rows of a rule (`None`: of none) may become; 0: any age.
    pub(super) fn max_age_ms(&self, rule: Option<usize>) -> u64 {
        let rule = rule.and_then(|number| self.streams.get(number));
        rule.map_or(self.standard.max_age_ms, |rule| rule.kept.max_age_ms)
    }

    /// The last time, in the table's unit, at which rows of this age are too old; `None`: none is.
    pub(super) fn last_due(&self, max_age_ms: u64, now_ms: i64, ahead: Ahead) -> Option<i64> {
        let ahead_ms = match ahead {
            Ahead::No => 0,
            Ahead::Yes => ahead_ms(max_age_ms),
        };
        let age_ms = i64::try_from(max_age_ms.saturating_sub(ahead_ms)).unwrap_or(i64::MAX);
        let oldest_ms = now_ms.saturating_sub(age_ms);
        (max_age_ms > 0).then(|| oldest_ms.saturating_mul(self.unit_per_ms()).saturating_sub(1))
    }

    /// When a row of this time, in the table's unit, is too old; milliseconds since the epoch.
    pub(super) fn due_ms(&self, time: i64, max_age_ms: u64) -> i64 {
        let age_ms = i64::try_from(max_age_ms).unwrap_or(i64::MAX);
        let time_ms = time.div_euclid(self.unit_per_ms());
        if age_ms == 0 { i64::MAX } else { time_ms.saturating_add(age_ms) }
    }

    const fn unit_per_ms(&self) -> i64 {
        match self.table {
            Table::Logs | Table::Spans => 1_000_000,
            Table::Samples | Table::Exemplars | Table::Metadata => 1,
        }
    }

    /// The shortest age that any rule has; 0: none has one.
    pub(super) fn shortest_age_ms(&self) -> u64 {
        let ages = self.streams.iter().map(|rule| rule.kept.max_age_ms);
        ages.chain([self.standard.max_age_ms]).filter(|age| *age > 0).min().unwrap_or(0)
    }

    /// Whether rules have sizes.
    pub(super) fn has_stream_sizes(&self) -> bool {
        self.streams.iter().any(|rule| rule.kept.max_bytes > 0)
    }
}

/// How long before they are too old rows of this age are hidden.
fn ahead_ms(max_age_ms: u64) -> u64 {
    (max_age_ms / AHEAD_PART).clamp(AHEAD_MIN_MS, AHEAD_MAX_MS)
}

/// How often is looked for what is due: twice in the shortest time that rows are hidden ahead.
pub(super) fn tick(settings: &RetentionSettings) -> Duration {
    let ages = settings.all().map(|kept| kept.max_age_ms).filter(|age_ms| *age_ms > 0);
    Duration::from_millis(ages.map(ahead_ms).min().unwrap_or(AHEAD_MAX_MS) / 2)
}

/// Whether rows count as too old that will be so before one looks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    No,
    Yes,
}

#[cfg(test)]
mod tests;
