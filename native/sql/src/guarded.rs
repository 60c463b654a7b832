//! Where statements are stopped between two batches: above every node that can make any number of rows of
//! few, as nothing below it is asked meanwhile.

use std::{fmt, sync::Arc};

use datafusion::{
    common::{
        Result, Statistics,
        config::ConfigOptions,
        internal_datafusion_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    execution::{SendableRecordBatchStream, TaskContext},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr,
        PlanProperties, ReplaceChildrenOptions, statistics::StatisticsArgs,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::StreamExt as _;

use crate::{guard::Guard, scan::external};

/// Nodes with one input or none of which the same is true.
const MULTIPLYING: [&str; 2] = ["LazyMemoryExec", "UnnestExec"];

/// Puts a [`GuardExec`] where it is needed.
#[derive(Debug)]
pub(crate) struct GuardJoins(pub(crate) Arc<Guard>);

impl PhysicalOptimizerRule for GuardJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let guarded = plan.transform_up(|node| {
            let multiplies = node.children().len() > 1 || MULTIPLYING.contains(&node.name());
            Ok(if multiplies {
                let guarded: Arc<dyn ExecutionPlan> =
                    Arc::new(GuardExec { input: node, guard: self.0.clone() });
                Transformed::yes(guarded)
            } else {
                Transformed::no(node)
            })
        });
        guarded.map(|transformed| transformed.data)
    }

    fn name(&self) -> &'static str {
        "guard_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Passes batches on as long as the statement may go on.
#[derive(Debug)]
struct GuardExec {
    input: Arc<dyn ExecutionPlan>,
    guard: Arc<Guard>,
}

impl DisplayAs for GuardExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardExec")
    }
}

impl ExecutionPlan for GuardExec {
    fn name(&self) -> &'static str {
        "GuardExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next();
        let input = input.ok_or_else(|| internal_datafusion_err!("a guard without an input"))?;
        Ok(Arc::new(Self { input, guard: self.guard.clone() }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let guard = self.guard.clone();
        let batches = self.input.execute(partition, context)?.map(move |batch| {
            guard.check().map_err(|error| guard.keep(external(error)))?;
            batch
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let input = inputs.first().cloned();
        input.ok_or_else(|| internal_datafusion_err!("a guard without an input"))
    }
}
