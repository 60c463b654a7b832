//! Series from log rows: how many lines or bytes are in each window.

use varve_columnar::answer::Series;

use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Grouping, LogRows, LogWindowFunction},
};

/// A value of `function` for each step `t` over the rows of `(t - offset - range, t - offset]`, by
/// the rows' labels after the pipeline or by `grouping`.
///
/// `steps`: nanoseconds since the epoch, ascending. Series come sorted by labels; a step without a
/// row is absent, and a series has a value at one step at least.
pub(crate) fn log_window(
    _context: &ExecContext,
    _input: &LogRows,
    _function: LogWindowFunction,
    _range_ns: i64,
    _offset_ns: i64,
    _grouping: Option<&Grouping>,
    _steps: &[i64],
) -> Result<Vec<Series>, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'logWindow'"))
}
