//! Why rows that are in a segment's file are not shown.

use super::Segment;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hides {
    /// Requests to erase.
    pub(super) requests: Vec<u64>,
    /// Since when retention has the file rewritten without rows of it, milliseconds since the epoch.
    pub(super) due_since_ms: Option<i64>,
    /// Numbers of the rules for streams whose rows are over their size, in the order in which they were
    /// found to be. Unlike an age, that cannot be told of a segment alone.
    over_rules: Vec<usize>,
}

impl Segment {
    /// The requests to erase that hide rows of it.
    pub(crate) fn requests(&self) -> &[u64] {
        &self.hides.requests
    }

    /// Since when it hides rows for retention; `None` where it hides none.
    pub(crate) fn due_since_ms(&self) -> Option<i64> {
        self.hides.due_since_ms
    }

    /// The rules for streams that hide rows of it because they are over their size.
    pub(crate) fn over_rules(&self) -> &[usize] {
        &self.hides.over_rules
    }

    /// Notes that rows are hidden because these rules are over their size.
    pub(crate) fn note_over(&mut self, rules: &[usize]) {
        self.hides.over_rules.extend_from_slice(rules);
    }
}
