//! Which tables a query needs snapshots of.

use varve_types::Table;

use crate::plan::{Plan, SeriesExpr};

/// The tables that a plan reads.
pub(crate) fn tables_of(plan: &Plan) -> &'static [Table] {
    match plan {
        Plan::LogRows { .. }
        | Plan::StreamLabels { .. }
        | Plan::LogTotals { .. }
        | Plan::LogVolume { .. }
        | Plan::DetectedLabels { .. }
        | Plan::DetectedFields { .. }
        | Plan::LogPatterns { .. }
        | Plan::LogSearch { .. }
        | Plan::LogTail { .. } => &[Table::Logs],
        Plan::Series { expr, .. } => Leaves::of(expr).tables(),
        Plan::Samples { .. } | Plan::SeriesLabels { .. } | Plan::SeriesCardinality { .. } => {
            &[Table::Samples]
        }
        Plan::Exemplars { .. } => &[Table::Exemplars],
        Plan::MetricMetadata { .. } => &[Table::Metadata],
        Plan::TraceSearch { .. }
        | Plan::SpanSeries { .. }
        | Plan::TraceById { .. }
        | Plan::SpanTags { .. }
        | Plan::SpanTagValues { .. } => &[Table::Spans],
    }
}

/// What the series of an expression are made of.
#[derive(Clone, Copy, Default)]
struct Leaves {
    samples: bool,
    logs: bool,
}

impl Leaves {
    fn of(expr: &SeriesExpr) -> Self {
        let mut leaves = Self::default();
        leaves.add(expr);
        leaves
    }

    fn add(&mut self, expr: &SeriesExpr) {
        match expr {
            SeriesExpr::Number { .. } | SeriesExpr::Text { .. } => {}
            SeriesExpr::Selector { .. } => self.samples = true,
            SeriesExpr::Window { args, .. } => {
                self.samples = true;
                self.add_all(args);
            }
            SeriesExpr::LogWindow { .. } => self.logs = true,
            SeriesExpr::Subquery { input, args, .. } => {
                self.add(input);
                self.add_all(args);
            }
            SeriesExpr::Aggregate { input, param, .. } => {
                self.add(input);
                self.add_all(param.as_deref());
            }
            SeriesExpr::Binary { left, right, .. } => {
                self.add(left);
                self.add(right);
            }
            SeriesExpr::Call { args, .. } => self.add_all(args),
            SeriesExpr::Info { input, .. } => {
                self.samples = true;
                self.add(input);
            }
            SeriesExpr::Negate { input }
            | SeriesExpr::LabelReplace { input, .. }
            | SeriesExpr::LabelJoin { input, .. }
            | SeriesExpr::Absent { input, .. } => self.add(input),
        }
    }

    fn add_all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e SeriesExpr>) {
        for expr in exprs {
            self.add(expr);
        }
    }

    fn tables(self) -> &'static [Table] {
        match (self.samples, self.logs) {
            (true, true) => &[Table::Samples, Table::Logs],
            (true, false) => &[Table::Samples],
            (false, true) => &[Table::Logs],
            (false, false) => &[],
        }
    }
}
