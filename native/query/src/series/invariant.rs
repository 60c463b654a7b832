//! Expressions that are the same at every step.

use crate::plan::{Function, SeriesExpr};

/// Whether an expression is worth the same at all steps, as Prometheus tells it: every selector in it has
/// a fixed time, and no function reads the step's. It evaluates those once, as at one instant.
pub(super) fn is_invariant(expr: &SeriesExpr) -> bool {
    match expr {
        SeriesExpr::Number { .. } | SeriesExpr::Text { .. } => true,
        SeriesExpr::Selector { select, .. } => select.at.is_some(),
        SeriesExpr::Window { select, args, .. } => {
            select.at.is_some() && args.iter().all(is_invariant)
        }
        SeriesExpr::Subquery { at, args, .. } => at.is_some() && args.iter().all(is_invariant),
        SeriesExpr::Aggregate { input, param, .. } => {
            is_invariant(input) && param.as_deref().is_none_or(is_invariant)
        }
        SeriesExpr::Binary { left, right, .. } => is_invariant(left) && is_invariant(right),
        SeriesExpr::Negate { input }
        | SeriesExpr::LabelReplace { input, .. }
        | SeriesExpr::LabelJoin { input, .. }
        | SeriesExpr::Absent { input, .. } => is_invariant(input),
        SeriesExpr::Call { function, args, .. } => {
            *function != Function::Time && args.iter().all(is_invariant)
        }
        SeriesExpr::Info { .. } | SeriesExpr::LogWindow { .. } => false,
    }
}
