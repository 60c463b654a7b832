//! Retention: segments whose rows are all too old, or that are over a size, go; in one manifest.

use std::sync::Arc;

use serde::Serialize;
use varve_types::{Table, TenantId};

use crate::{
    compaction::CompactError,
    deletes,
    memtable::TableKey,
    segment::Segment,
    settings::{Retention, RetentionSettings},
    state::Shared,
};

const NS_PER_MS: i64 = 1_000_000;

/// Segments of one tenant and table that retention lets go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expired {
    /// Whose.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
    /// How many segments.
    pub segments: u64,
    /// Records in them.
    pub records: u64,
    /// Their size on disk.
    pub bytes: u64,
}

/// What a choice knows of a segment.
#[derive(Clone, Copy, Debug)]
struct Age {
    /// Of its newest row, milliseconds since the epoch.
    newest_ms: i64,
    size_bytes: u64,
}

impl Shared {
    /// What retention by these settings would let go now.
    pub(crate) fn expired(&self, settings: &RetentionSettings, now_ms: i64) -> Vec<Expired> {
        self.expired_segments(settings, now_ms)
            .into_iter()
            .map(|((tenant, table), segments)| Expired {
                tenant,
                table,
                segments: segments.len() as u64,
                records: segments.iter().map(|one| one.entry().records).sum(),
                bytes: segments.iter().map(|one| one.size_bytes()).sum(),
            })
            .collect()
    }

    /// Lets it go: one manifest without the segments, then no query sees them, then their files are
    /// removed.
    pub(crate) fn expire(&self, now_ms: i64) -> Result<(), CompactError> {
        let settings = &self.settings.upkeep.retention;
        if self.expired_segments(settings, now_ms).is_empty() {
            return Ok(());
        }
        let mut manifest = self.manifest.lock();
        // Again, as a merge may have come between.
        let expired = self.expired_segments(settings, now_ms);
        let ids: Vec<u64> = expired
            .iter()
            .flat_map(|(_, segments)| segments)
            .map(|segment| segment.entry().id)
            .collect();
        let mut next = manifest.clone();
        next.replace(&ids, std::iter::empty());
        deletes::settle(&mut next, &ids, now_ms);
        let folder = self.folders.manifest();
        next.write(&folder).map_err(CompactError::io(&folder))?;
        *manifest = next;
        let mut state = self.state.write();
        for (key, gone) in &expired {
            if let Some(segments) = state.segments.get_mut(key) {
                segments.replace(&ids, &[]);
            }
            state.expired_bytes_total += gone.iter().map(|one| one.size_bytes()).sum::<u64>();
        }
        drop(state);
        self.retired.lock().extend(expired.into_iter().flat_map(|(_, segments)| segments));
        Ok(())
    }

    fn expired_segments(
        &self,
        settings: &RetentionSettings,
        now_ms: i64,
    ) -> Vec<(TableKey, Vec<Arc<Segment>>)> {
        let state = self.state.read();
        let mut expired = Vec::new();
        for (key, segments) in &state.segments {
            // Metadata has no time; it is small, and says what series mean that are still there.
            if key.1 == Table::Metadata {
                continue;
            }
            let ages: Vec<Age> = segments.iter().map(|segment| age(key.1, segment)).collect();
            let rule = settings.of(&key.0, key.1);
            let gone: Vec<_> = choose(&ages, rule, now_ms)
                .into_iter()
                .filter_map(|at| segments.get(at).cloned())
                .collect();
            if !gone.is_empty() {
                expired.push((key.clone(), gone));
            }
        }
        expired.sort_by(|a, b| a.0.cmp(&b.0));
        expired
    }
}

fn age(table: Table, segment: &Segment) -> Age {
    let (_, newest) = segment.time_range();
    let newest_ms = match table {
        Table::Logs | Table::Spans => newest.div_euclid(NS_PER_MS),
        Table::Samples | Table::Exemplars | Table::Metadata => newest,
    };
    Age { newest_ms, size_bytes: segment.size_bytes() }
}

/// Places of the segments that go: those whose rows are all too old, and of what is left the oldest
/// ones, until the rest is within the size. The newest always stays.
fn choose(segments: &[Age], rule: Retention, now_ms: i64) -> Vec<usize> {
    let mut by_age: Vec<usize> = (0..segments.len()).collect();
    by_age.sort_by_key(|&at| std::cmp::Reverse(segments.get(at).map(|one| one.newest_ms)));
    let oldest_ms = now_ms.saturating_sub(i64::try_from(rule.max_age_ms).unwrap_or(i64::MAX));
    let mut bytes = 0u64;
    let mut gone: Vec<usize> = by_age
        .into_iter()
        .enumerate()
        .filter(|&(place, at)| {
            let Some(one) = segments.get(at) else { return false };
            bytes = bytes.saturating_add(one.size_bytes);
            let is_too_old = rule.max_age_ms > 0 && one.newest_ms < oldest_ms;
            let is_too_much = rule.max_bytes > 0 && place > 0 && bytes > rule.max_bytes;
            is_too_old || is_too_much
        })
        .map(|(_, at)| at)
        .collect();
    gone.sort_unstable();
    gone
}

#[cfg(test)]
mod tests;
