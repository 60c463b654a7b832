//! A scan as a leaf of a physical plan.

use std::{collections::VecDeque, fmt, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::SchemaRef,
};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::{
    common::{
        Result, Statistics, config::ConfigOptions, internal_err, stats::Precision,
        tree_node::TreeNodeRecursion,
    },
    execution::{
        SendableRecordBatchStream, TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::{EquivalenceProperties, utils::reassign_expr_columns},
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning,
        PhysicalExpr, PlanProperties, ReplaceChildrenOptions, apply_expression_roots,
        execution_plan::{Boundedness, EmissionType},
        filter_pushdown::{
            ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
        },
        metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
        statistics::StatisticsArgs,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::stream;

use super::{Piece, Projected, Scan, prune::external, runtime_filters::RuntimeFilters};

/// Reads a table.
#[derive(Debug)]
pub(crate) struct ScanExec {
    scan: Arc<Scan>,
    runtime_filters: Arc<RuntimeFilters>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ScanExec {
    /// A scan that is read in at most so many parts at once.
    pub(crate) fn new(scan: Scan, partitions_max: usize) -> Self {
        let partitions = scan.pieces.len().clamp(1, partitions_max.max(1));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.shown.schema.clone()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let filters = RuntimeFilters::new(Vec::new(), scan.filtered.schema.clone());
        Self {
            scan: Arc::new(scan),
            runtime_filters: Arc::new(filters),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    fn partitions(&self) -> usize {
        self.properties.partitioning.partition_count()
    }

    /// The same scan, which also looks at filters that are over its shown columns.
    fn with_runtime_filters(&self, filters: Vec<Arc<dyn PhysicalExpr>>) -> Result<Self> {
        let mut scan = Scan::clone(&self.scan);
        for column in filters.iter().flat_map(collect_columns) {
            if let Some(&at) = scan.shown.columns.get(column.index()) {
                scan.filtered = scan.filtered.and(&scan.table.schema(), at)?;
            }
        }
        let schema = scan.filtered.schema.clone();
        let over_filtered = filters.into_iter().map(|one| reassign_expr_columns(one, &schema));
        let filters = RuntimeFilters::new(over_filtered.collect::<Result<_>>()?, schema);
        Ok(Self {
            scan: Arc::new(scan),
            runtime_filters: Arc::new(filters),
            properties: self.properties.clone(),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl Projected {
    /// With one more column behind the others, unless it is there.
    fn and(&self, table: &SchemaRef, column: usize) -> Result<Self> {
        if self.columns.contains(&column) {
            return Ok(self.clone());
        }
        let mut columns = self.columns.clone();
        columns.push(column);
        Self::of(table, columns)
    }

    /// Some columns of a table.
    pub(crate) fn of(table: &SchemaRef, columns: Vec<usize>) -> Result<Self> {
        let schema = Arc::new(table.project(&columns)?);
        Ok(Self { columns, schema })
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scan { table, pruned, predicates, shown, .. } = &*self.scan;
        if matches!(format, DisplayFormatType::TreeRender) {
            return write!(f, "table={}", table.name());
        }
        let names: Vec<_> = shown.schema.fields().iter().map(|one| one.name().as_str()).collect();
        write!(f, "VarveScan: table={}, columns=[{}], {pruned}", table.name(), names.join(", "))?;
        if !predicates.is_empty() {
            let texts: Vec<_> = predicates.iter().map(|one| one.expr.to_string()).collect();
            write!(f, ", filters=[{}]", texts.join(" AND "))?;
        }
        if let Some(limit) = self.scan.limit {
            write!(f, ", limit={limit}")?;
        }
        if self.runtime_filters.len() > 0 {
            write!(f, ", runtime_filters={}", self.runtime_filters.len())?;
        }
        Ok(())
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "VarveScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        // A join only fills the filter that it made if it finds it below.
        let predicates = self.scan.predicates.iter().map(|one| &one.expr);
        apply_expression_roots(predicates.chain(self.runtime_filters.exprs()), f)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
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
        if partition >= self.partitions() {
            return internal_err!("part {partition} of a scan in {}", self.partitions());
        }
        let pieces = self.scan.pieces.iter().skip(partition).step_by(self.partitions());
        let part = Part {
            scan: self.scan.clone(),
            runtime_filters: self.runtime_filters.clone(),
            pieces: pieces.cloned().collect(),
            ready: VecDeque::new(),
            left: self.scan.limit.unwrap_or(usize::MAX),
            held: MemoryConsumer::new(format!("VarveScan[{partition}]"))
                .register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = stream::try_unfold(part, async |mut part: Part| {
            Ok(part.next()?.map(|batch| (batch, part)))
        });
        let schema = self.scan.shown.schema.clone();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let rows = self.scan.pieces.iter().map(|piece| piece.rows as usize).sum::<usize>();
        let rows = args.partition().map_or(rows, |_| rows / self.partitions());
        let statistics = Statistics::new_unknown(&self.scan.shown.schema);
        Ok(Arc::new(statistics.with_num_rows(Precision::Inexact(rows))))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        pushed: ChildPushdownResult,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        // Whoever made them filters as well: they may change after a row was read.
        let mut answer =
            FilterPushdownPropagation::with_parent_pushdown_result(vec![
                PushedDown::No;
                pushed.parent_filters.len()
            ]);
        if matches!(phase, FilterPushdownPhase::Post) && !pushed.parent_filters.is_empty() {
            let filters = pushed.parent_filters.into_iter().map(|one| one.filter).collect();
            let updated: Arc<dyn ExecutionPlan> = Arc::new(self.with_runtime_filters(filters)?);
            answer = answer.with_updated_node(updated);
        }
        Ok(answer)
    }
}

/// One part of a scan while it is read.
struct Part {
    scan: Arc<Scan>,
    runtime_filters: Arc<RuntimeFilters>,
    pieces: VecDeque<Arc<Piece>>,
    ready: VecDeque<RecordBatch>,
    /// Rows that are still asked for.
    left: usize,
    /// What `ready` takes.
    held: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Part {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let elapsed = self.metrics.elapsed_compute().clone();
        let _timer = elapsed.timer();
        loop {
            if let Some(batch) = self.ready.pop_front() {
                let batch = batch.slice(0, batch.num_rows().min(self.left));
                self.left -= batch.num_rows();
                self.metrics.record_output(batch.num_rows());
                return Ok(Some(batch));
            }
            self.held.free();
            if self.left == 0 {
                return Ok(None);
            }
            let Some(piece) = self.pieces.pop_front() else { return Ok(None) };
            self.read(&piece).map_err(|error| self.scan.guard.keep(error))?;
        }
    }

    fn read(&mut self, piece: &Piece) -> Result<()> {
        self.scan.guard.check().map_err(external)?;
        let bounds = self.runtime_filters.now()?;
        if bounds.exclude(piece.times_ns)? {
            return Ok(());
        }
        let limit = self.scan.limit.map(|_| self.left);
        let batches = self.scan.read(piece, &bounds, limit)?;
        let bytes = batches.iter().map(bytes_of).sum();
        self.held.try_resize(bytes)?;
        self.ready.extend(batches.into_iter().filter(|batch| batch.num_rows() > 0));
        Ok(())
    }
}

/// What a batch's rows take; it may be a slice of a larger one.
fn bytes_of(batch: &RecordBatch) -> usize {
    let of_column = |column: &ArrayRef| {
        let data = column.to_data();
        // It only fails for types without a size, of which no table has one.
        data.get_slice_memory_size().unwrap_or_else(|_| data.get_buffer_memory_size())
    };
    batch.columns().iter().map(of_column).sum()
}
