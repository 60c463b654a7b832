//! Log rows: found by stream labels, time and text, changed by pipelines, listed or counted.

mod window;

use varve_columnar::answer::Answer;

use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Direction, LogRows},
};

pub(crate) use window::log_window;

/// The first `limit` lines in the direction, as [`Answer::Streams`].
pub(crate) fn run(
    _context: &ExecContext,
    _input: &LogRows,
    _limit: u32,
    _direction: Direction,
    _interval_ns: i64,
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'logRows'"))
}
