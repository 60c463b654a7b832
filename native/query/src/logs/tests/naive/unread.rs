//! What of a window's steps nobody reads.

use super::{SAMPLE_FUNCTIONS, Step};

/// Whether lines that do not parse are asked for.
pub(super) fn asks_for_errors(steps: &[Step], by: Option<&[&str]>) -> bool {
    by.is_some() && steps.iter().any(|step| matches!(step, Step::Is { name: "__error__", .. }))
}

/// The steps without those that only write a line or labels which nobody reads.
pub(super) fn read_steps(steps: &[Step], function: &str, by: Option<&[&str]>) -> Vec<Step> {
    let mut read = Vec::new();
    let mut is_line_read = function == "bytes_rate";
    for step in steps.iter().rev() {
        match step {
            Step::Line(_) if !is_line_read => continue,
            Step::Contains { .. }
            | Step::Digits { .. }
            | Step::Fits(..)
            | Step::Json
            | Step::Logfmt => is_line_read = true,
            _ => {}
        }
        read.insert(0, step.clone());
    }
    let reads_labels = read.iter().any(|step| {
        matches!(
            step,
            Step::Is { .. }
                | Step::Above { .. }
                | Step::Rename { .. }
                | Step::Write { .. }
                | Step::Line(_)
        )
    });
    if by.is_some_and(<[_]>::is_empty) && !SAMPLE_FUNCTIONS.contains(&function) && !reads_labels {
        read.retain(|step| {
            matches!(step, Step::Contains { .. } | Step::Digits { .. } | Step::Fits(..))
        });
    }
    read
}
