//! Series: windows over samples and log rows, aggregations, joins, functions; and what is known of
//! series without their samples.

use varve_columnar::answer::Answer;

use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Dialect, LabelMatcher, LabelsOf, SeriesExpr, Steps, TimeRange},
};

/// Values over time: [`Answer::Matrix`], or [`Answer::Vector`], [`Answer::Scalar`] or
/// [`Answer::Text`] where `steps` is one instant.
pub(crate) fn run(
    _context: &ExecContext,
    _expr: &SeriesExpr,
    _steps: Steps,
    _dialect: Dialect,
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'series'"))
}

/// Names, values or whole sets of series labels.
pub(crate) fn labels(
    _context: &ExecContext,
    _selectors: &[Vec<LabelMatcher>],
    _range: TimeRange,
    _of: &LabelsOf,
    _limit: u32,
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'seriesLabels'"))
}

/// Type, help and unit by metric name.
pub(crate) fn metadata(
    _context: &ExecContext,
    _metric: Option<&str>,
    _limit: u32,
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'metricMetadata'"))
}
