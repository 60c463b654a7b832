//! Sums over log windows, counted by the sum's labels from the start.

use super::unread;
use crate::plan::{AggregateOp, Grouping, LogWindowFunction, SeriesExpr};

/// The same expression, where a sum over windows of log rows has the windows count by the labels that
/// the sum keeps, and do nothing that nobody reads. Otherwise `sum by (app) (rate(…))` would first make a series of every trace id.
pub(crate) fn push_down_sums(mut expr: SeriesExpr) -> SeriesExpr {
    push(&mut expr);
    expr
}

/// Whether the sum of a group's values is the value of all of its rows.
pub(super) fn adds_up(function: LogWindowFunction) -> bool {
    match function {
        LogWindowFunction::Rate
        | LogWindowFunction::CountOverTime
        | LogWindowFunction::BytesRate
        | LogWindowFunction::BytesOverTime
        | LogWindowFunction::SumOverTime => true,
        LogWindowFunction::RateCounter
        | LogWindowFunction::AvgOverTime
        | LogWindowFunction::MinOverTime
        | LogWindowFunction::MaxOverTime
        | LogWindowFunction::StddevOverTime
        | LogWindowFunction::StdvarOverTime
        | LogWindowFunction::QuantileOverTime
        | LogWindowFunction::FirstOverTime
        | LogWindowFunction::LastOverTime => false,
    }
}

fn push(expr: &mut SeriesExpr) {
    match expr {
        SeriesExpr::Aggregate { op, input, grouping, .. } => {
            if let (
                AggregateOp::Sum,
                SeriesExpr::LogWindow { grouping: counted @ None, function, .. },
            ) = (*op, &mut **input)
                && adds_up(*function)
            {
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
        | SeriesExpr::Info { input, .. } => push(input),
        SeriesExpr::Absent { input, .. } => {
            if let SeriesExpr::LogWindow { grouping: counted @ None, .. } = &mut **input {
                *counted = Some(one_group());
            }
            push(input);
        }
        SeriesExpr::LogWindow { input, function, grouping, unwrap, .. } => {
            unread::leave_out(&mut input.stages, *function, grouping.as_ref(), unwrap.is_some());
        }
        SeriesExpr::Number { .. }
        | SeriesExpr::Text { .. }
        | SeriesExpr::Selector { .. }
        | SeriesExpr::Window { .. } => {}
    }
}

/// All rows together.
fn one_group() -> Grouping {
    Grouping { without: false, labels: Vec::new() }
}
