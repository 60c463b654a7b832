//! A set of spans of one trace.

use varve_columnar::answer::Value;

/// Spans that match together.
#[derive(Clone, Default)]
pub(super) struct Set {
    /// Their places in the trace, ascending; never empty.
    pub(super) places: Vec<usize>,
    /// Groups and aggregates.
    pub(super) attributes: Vec<(String, Value)>,
}
