//! What a text index can be asked of a pipeline.

use super::pipeline::changes_line;
use crate::plan::{LineFilterOp, Stage};

/// Texts of which each line of the answer holds one, for each filter that says so: what a text index
/// can be asked. Only filters of the line as it was sent count, not those behind a stage that writes
/// it anew.
pub(super) fn needles(stages: &[Stage]) -> Vec<Vec<&str>> {
    stages
        .iter()
        .take_while(|stage| !changes_line(stage))
        .filter_map(|stage| match stage {
            Stage::LineFilter { op: LineFilterOp::Contains, patterns } => Some(patterns),
            _ => None,
        })
        .filter(|patterns| patterns.iter().all(|one| !one.ip && !one.text.is_empty()))
        .map(|patterns| patterns.iter().map(|one| one.text.as_str()).collect())
        .collect()
}
