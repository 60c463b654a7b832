//! What is asked of windows of rows.

use crate::plan::{Grouping, LogWindowFunction, Unwrap};

/// What is computed of windows of rows.
#[derive(Clone, Copy)]
pub(crate) struct LogWindow<'q> {
    pub(crate) function: LogWindowFunction,
    /// The window's length.
    pub(crate) range_ns: i64,
    /// How far back it is moved.
    pub(crate) offset_ns: i64,
    /// The labels that rows are grouped by; all labels otherwise.
    pub(crate) grouping: Option<&'q Grouping>,
    /// The label whose values are the samples.
    pub(crate) unwrap: Option<&'q Unwrap>,
    /// The quantile.
    pub(crate) param: Option<f64>,
}
