//! What becomes of the segments of one tenant and table.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use varve_segment::{Counts, Erasure, LabelSetRange};

use super::{
    known::Retiring,
    policy::{AHEAD_MAX_MS, Ahead, Policy},
};
use crate::{
    error::{SegmentReadError, panic_text},
    segment::{Segment, Why},
};

/// Since when rows are hidden that are to leave the disk without delay.
pub(super) const AT_ONCE_MS: i64 = i64::MIN / 2;

/// What happens to a segment.
pub(super) enum Fate {
    /// No row of it is left.
    Gone(Arc<Segment>),
    /// Some are.
    InPart {
        whole: Arc<Segment>,
        left: Arc<Segment>,
        /// That are not.
        records: u64,
    },
}

/// One look at the segments.
pub(super) struct Sweep<'a> {
    pub(super) policy: &'a Policy<'a>,
    pub(super) known: &'a mut Retiring,
    pub(super) now_ms: i64,
    pub(super) ahead: Ahead,
}

impl Sweep<'_> {
    /// Those of the segments that do not stay as they are. Of one that cannot be read, which is told, the
    /// fate is not known; it is nothing to the others.
    pub(super) fn run(
        self,
        segments: &[Arc<Segment>],
        failed: &mut Vec<SegmentReadError>,
    ) -> Vec<Fate> {
        let policy = self.policy;
        let mut fates = Vec::new();
        if policy.keeps_all() {
            return fates;
        }
        let mut by_age: Vec<&Arc<Segment>> = segments.iter().collect();
        by_age.sort_by_key(|one| std::cmp::Reverse(one.time_range().1));
        let (mut bytes, mut bytes_by_rule) = (0u64, vec![0u64; policy.streams.len()]);
        for (place, &segment) in by_age.iter().enumerate() {
            bytes = bytes.saturating_add(segment.size_bytes());
            // The newest always stays.
            let max_bytes = policy.standard.max_bytes;
            if max_bytes > 0 && place > 0 && bytes > max_bytes {
                fates.push(Fate::Gone(segment.clone()));
                continue;
            }
            let known = self.known.of(policy, segment);
            let mut over = Vec::new();
            for (number, more) in known.bytes_by_rule.iter().enumerate() {
                let sum = &mut bytes_by_rule[number];
                *sum = sum.saturating_add(*more);
                let max_bytes = policy.streams[number].kept.max_bytes;
                if max_bytes > 0 && place > 0 && *sum > max_bytes && *more > 0 {
                    over.push(number);
                }
            }
            if known.next_due_ms > self.now_ms.saturating_add_unsigned(AHEAD_MAX_MS)
                && over.is_empty()
            {
                continue;
            }
            // As in sealing, a row that makes a library panic must not end retention for good.
            let fate = catch_unwind(AssertUnwindSafe(|| self.fate_of(segment, &over)));
            match fate.unwrap_or_else(|panic| Err(panicked(segment, &panic_text(&*panic)))) {
                Ok(fate) => fates.extend(fate),
                Err(error) => failed.push(error),
            }
        }
        fates
    }

    fn fate_of(
        &self,
        segment: &Arc<Segment>,
        over: &[usize],
    ) -> Result<Option<Fate>, SegmentReadError> {
        #[cfg(test)]
        assert!(self.known.panics_at != Some(segment.id()), "a row that nobody expects");
        if is_past(self.policy, segment, self.now_ms, self.ahead) {
            return Ok(Some(Fate::Gone(segment.clone())));
        }
        let found = without_due(self.policy, segment, over, self.now_ms, self.ahead)?;
        Ok(match found {
            // What a request hides is there until that is due.
            Some((left, _)) if !left.shows_rows() && left.requests().is_empty() => {
                Some(Fate::Gone(segment.clone()))
            }
            Some((left, records)) => {
                Some(Fate::InPart { whole: segment.clone(), left: Arc::new(left), records })
            }
            None if !segment.shows_rows() && segment.requests().is_empty() => {
                Some(Fate::Gone(segment.clone()))
            }
            None => None,
        })
    }
}

fn panicked(segment: &Segment, text: &str) -> SegmentReadError {
    SegmentReadError::new(format!(
        "looking for what is due in segment {} panicked: {text}",
        segment.id()
    ))
}

/// Whether every row of the segment is too old, whatever rule it is under; from what the manifest says.
fn is_past(policy: &Policy<'_>, segment: &Segment, now_ms: i64, ahead: Ahead) -> bool {
    let ages = policy.streams.iter().map(|rule| rule.kept.max_age_ms);
    let ages: Vec<u64> = ages.chain([policy.standard.max_age_ms]).collect();
    // Where some rows are kept for good it is not known from there.
    let longest = if ages.contains(&0) { None } else { ages.into_iter().max() };
    let last_due = longest.and_then(|age_ms| policy.last_due(age_ms, now_ms, ahead));
    last_due.is_some_and(|last_due| segment.time_range().1 <= last_due)
}

/// The segment without rows that are too old or of rules that are over their size, and how many records
/// those are; `None` where there are none.
pub(super) fn without_due(
    policy: &Policy<'_>,
    segment: &Segment,
    over: &[usize],
    now_ms: i64,
    ahead: Ahead,
) -> Result<Option<(Segment, u64)>, SegmentReadError> {
    let last_due = policy.last_due(policy.shortest_age_ms(), now_ms, ahead);
    let last = if over.is_empty() { last_due } else { Some(i64::MAX) };
    let Some(last) = last.filter(|last| segment.first_shown_time() <= *last) else {
        return Ok(None);
    };
    let times_of = |label_set: &str| {
        let rule = policy.rule_of(label_set);
        if rule.is_some_and(|number| over.contains(&number)) {
            return Some((i64::MIN, i64::MAX));
        }
        let last = policy.last_due(policy.max_age_ms(rule), now_ms, ahead)?;
        Some((i64::MIN, last))
    };
    let erasure = Erasure {
        times: (i64::MIN, last),
        times_of: &times_of,
        test: None,
        among: None,
        counts: Counts::Estimated,
    };
    // What is over a size is to free space: it is written anew at once.
    let since_ms = if over.is_empty() { due_since_ms(policy, segment) } else { AT_ONCE_MS };
    let mut found = segment.without(&erasure, Why::Due(since_ms))?;
    if let Some((left, _)) = &mut found {
        left.note_over(over);
    }
    Ok(found)
}

/// When the first row that is shown is too old, by the rule that it is under.
fn due_since_ms(policy: &Policy<'_>, segment: &Segment) -> i64 {
    let sets = segment.label_sets();
    if policy.streams.is_empty() || sets.is_empty() {
        return policy.due_ms(segment.first_shown_time(), policy.standard.max_age_ms);
    }
    let due_ms = |set: &LabelSetRange| {
        policy.due_ms(set.time_range.0, policy.max_age_ms(policy.rule_of(&set.text)))
    };
    sets.iter().map(due_ms).min().unwrap_or(i64::MAX)
}
