//! Sums over log windows, counted by the sum's labels from the start.

use crate::plan::{AggregateOp, Grouping, SeriesExpr};

/// The same expression, where a sum over windows of log rows has the windows count by the labels that
/// the sum keeps. Otherwise `sum by (app) (rate(…))` would first make a series of every trace id.
pub(crate) fn push_down_sums(mut expr: SeriesExpr) -> SeriesExpr {
    push(&mut expr);
    expr
}

fn push(expr: &mut SeriesExpr) {
    match expr {
        SeriesExpr::Aggregate { op, input, grouping, .. } => {
            if let (AggregateOp::Sum, SeriesExpr::LogWindow { grouping: counted @ None, .. }) =
                (*op, &mut **input)
            {
                let one_group = || Grouping { without: false, labels: Vec::new() };
                *counted = Some(grouping.clone().unwrap_or_else(one_group));
            }
            push(input);
        }
        SeriesExpr::Binary { left, right, .. } => {
            push(left);
            push(right);
        }
        SeriesExpr::Call { args, .. } => args.iter_mut().for_each(push),
        SeriesExpr::Subquery { input, .. }
        | SeriesExpr::Negate { input }
        | SeriesExpr::LabelReplace { input, .. }
        | SeriesExpr::LabelJoin { input, .. }
        | SeriesExpr::Absent { input, .. } => push(input),
        SeriesExpr::Number { .. }
        | SeriesExpr::Text { .. }
        | SeriesExpr::Selector { .. }
        | SeriesExpr::Window { .. }
        | SeriesExpr::LogWindow { .. } => {}
    }
}
