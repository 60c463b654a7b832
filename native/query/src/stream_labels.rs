//! Names, values and sets of stream labels, from label sets alone: no row is read for them.

use varve_columnar::answer::Answer;

use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{LabelMatcher, LabelsOf, TimeRange},
};

/// [`Answer::Names`] for names and values, [`Answer::LabelSets`] for sets.
pub(crate) fn run(
    _context: &ExecContext,
    _selectors: &[Vec<LabelMatcher>],
    _range: TimeRange,
    _of: &LabelsOf,
) -> Result<Answer, QueryError> {
    Err(QueryError::invalid("this build does not run the node 'streamLabels'"))
}
