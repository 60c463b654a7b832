//! Traces: search by span sets, look-up by id, and what tags and values spans have.

use varve_columnar::answer::Answer;

use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{AttributeScope, Field, FieldExpr, SpansetExpr, TimeRange},
};

/// Traces that match, newest first.
pub(crate) fn search(
    _context: &ExecContext,
    _spanset: &SpansetExpr,
    _range: TimeRange,
    _limit: u32,
    _spans_per_set: u32,
    _select: &[Field],
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'traceSearch'"))
}

/// All spans of one trace.
pub(crate) fn by_id(
    _context: &ExecContext,
    _trace_id: &str,
    _range: Option<TimeRange>,
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'traceById'"))
}

/// Names of attributes by scope.
pub(crate) fn tags(
    _context: &ExecContext,
    _scope: Option<AttributeScope>,
    _filter: Option<&FieldExpr>,
    _range: TimeRange,
    _limit: u32,
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'spanTags'"))
}

/// Values of one field.
pub(crate) fn tag_values(
    _context: &ExecContext,
    _field: &Field,
    _filter: Option<&FieldExpr>,
    _range: TimeRange,
    _limit: u32,
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'spanTagValues'"))
}
