//! What retention has found out about segments, so that one at which nothing is due costs nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use super::policy::Policy;
use crate::segment::Segment;

/// What is known of segments, by their ids.
#[derive(Default)]
pub(crate) struct Retiring {
    known: HashMap<u64, (Weak<Segment>, Known)>,
    /// The segment at which tests have a look panic.
    #[cfg(test)]
    pub(crate) panics_at: Option<u64>,
}

/// Of one segment as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Before that no row of it is too old; milliseconds since the epoch.
    pub(super) next_due_ms: i64,
    /// About how much on disk is under each rule for streams; empty where no rule has a size.
    pub(super) bytes_by_rule: Vec<u64>,
}

impl Retiring {
    /// What is known of a segment, found out if it is not.
    pub(super) fn of(&mut self, policy: &Policy<'_>, segment: &Arc<Segment>) -> Known {
        let is_it = |one: &Weak<Segment>| std::ptr::eq(one.as_ptr(), Arc::as_ptr(segment));
        if let Some((_, known)) = self.known.get(&segment.id()).filter(|(one, _)| is_it(one)) {
            return known.clone();
        }
        let known = Known::of(policy, segment);
        self.known.insert(segment.id(), (Arc::downgrade(segment), known.clone()));
        known
    }

    /// Forgets segments that are there no more.
    pub(super) fn forget_gone(&mut self) {
        self.known.retain(|_, (segment, _)| segment.strong_count() > 0);
    }
}

impl Known {
    fn of(policy: &Policy<'_>, segment: &Segment) -> Self {
        if policy.streams.is_empty() || !segment.shows_rows() {
            let next_due_ms = policy.due_ms(segment.first_shown_time(), policy.standard.max_age_ms);
            let next_due_ms = if segment.shows_rows() { next_due_ms } else { i64::MIN };
            return Self { next_due_ms, bytes_by_rule: Vec::new() };
        }
        let mut next_due_ms = i64::MAX;
        let mut count_by_rule = vec![0u64; policy.streams.len()];
        for set in segment.label_sets() {
            let rule = policy.rule_of(&set.text);
            next_due_ms = next_due_ms.min(policy.due_ms(set.time_range.0, policy.max_age_ms(rule)));
            if let Some(count) = rule.and_then(|number| count_by_rule.get_mut(number)) {
                *count += set.count;
            }
        }
        let records = u128::from(segment.entry().records.max(1));
        let bytes = |count: &u64| {
            let bytes = u128::from(*count) * u128::from(segment.size_bytes()) / records;
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        let bytes_by_rule = if policy.has_stream_sizes() {
            count_by_rule.iter().map(bytes).collect()
        } else {
            Vec::new()
        };
        Self { next_due_ms, bytes_by_rule }
    }
}
