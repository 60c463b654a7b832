//! Filters that other parts of the plan make while they run: the bound of a top-k, the keys of a join's
//! smaller side. They only ever narrow, so looking at an older one is right too.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use arrow::{
    array::{ArrayRef, BooleanArray},
    datatypes::SchemaRef,
};
use datafusion::{
    common::{Column, Result, pruning::PruningStatistics},
    physical_expr::{
        expressions::Literal,
        utils::{Guarantee, LiteralGuarantee},
    },
    physical_expr_common::physical_expr::{snapshot_generation, snapshot_physical_expr},
    physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder},
    physical_plan::PhysicalExpr,
    scalar::ScalarValue,
};

use super::Scan;
use crate::{
    conditions::TraceId,
    tables::{TIME, TRACE_ID},
};
use varve_types::shown_id;

/// Filters of one scan, over its filtered columns.
#[derive(Debug)]
pub(crate) struct RuntimeFilters {
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
    /// As they were when they were last looked at, with the sum of their generations then.
    seen: Mutex<Option<(u64, Arc<Bounds>)>>,
}

/// What the filters said at one time.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// Those that are not simply true.
    pub(super) predicates: Vec<Arc<dyn PhysicalExpr>>,
    /// No row of another trace is wanted.
    pub(super) trace_ids: Option<Vec<TraceId>>,
    times: Vec<PruningPredicate>,
    /// Of each tenant, the segments that may have rows of those traces.
    segments: OnceLock<Vec<HashSet<u64>>>,
}

impl RuntimeFilters {
    pub(crate) fn new(exprs: Vec<Arc<dyn PhysicalExpr>>, schema: SchemaRef) -> Self {
        Self { exprs, schema, seen: Mutex::default() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.exprs.len()
    }

    /// As they were made; what they say now is [`Self::now`].
    pub(crate) fn exprs(&self) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
        self.exprs.iter()
    }

    /// The filters as they are now.
    pub(super) fn now(&self) -> Result<Arc<Bounds>> {
        let generation =
            self.exprs.iter().fold(0_u64, |sum, one| sum.wrapping_add(snapshot_generation(one)));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bounds)) = seen.as_ref().filter(|(before, _)| *before == generation) {
            return Ok(bounds.clone());
        }
        let bounds = Arc::new(Bounds::of(&self.exprs, &self.schema)?);
        *seen = Some((generation, bounds.clone()));
        Ok(bounds)
    }
}

impl Bounds {
    fn of(exprs: &[Arc<dyn PhysicalExpr>], schema: &SchemaRef) -> Result<Self> {
        let mut bounds = Self::default();
        for expr in exprs {
            let expr = snapshot_physical_expr(expr.clone())?;
            if is_true(&expr) {
                continue;
            }
            bounds.trace_ids = bounds.trace_ids.or_else(|| trace_ids_of(&expr));
            // One that statistics tell nothing of excludes nothing.
            let pruning = PruningPredicateBuilder::new().with_file_schema(schema.clone());
            bounds.times.extend(pruning.try_build(expr.clone()).ok());
            bounds.predicates.push(expr);
        }
        Ok(bounds)
    }

    /// Whether a segment may have rows of a trace that is wanted.
    pub(super) fn allow(&self, scan: &Scan, tenant: usize, segment: u64) -> bool {
        let Some(ids) = &self.trace_ids else { return true };
        let segments = self.segments.get_or_init(|| scan.tenants.segments_of_traces(ids));
        segments.get(tenant).is_none_or(|of_tenant| of_tenant.contains(&segment))
    }

    /// Whether no row between the first and the last time (both included) can be wanted.
    pub(super) fn exclude(&self, times_ns: (i64, i64)) -> Result<bool> {
        for predicate in &self.times {
            if predicate.prune(&Times(times_ns))?.iter().all(|is_kept| !is_kept) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_true(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.downcast_ref::<Literal>()
        .is_some_and(|literal| *literal.value() == ScalarValue::Boolean(Some(true)))
}

/// The traces whose rows the filter can be true for.
fn trace_ids_of(expr: &Arc<dyn PhysicalExpr>) -> Option<Vec<TraceId>> {
    let says = |one: &LiteralGuarantee| {
        one.column.name == TRACE_ID && matches!(one.guarantee, Guarantee::In)
    };
    let guarantee = LiteralGuarantee::analyze(expr).into_iter().find(says)?;
    let id_of = |value: &ScalarValue| value.try_as_str().flatten().and_then(shown_id);
    Some(guarantee.literals.iter().filter_map(id_of).collect())
}

/// First and last time of one piece, as statistics.
struct Times((i64, i64));

impl Times {
    fn of(column: &Column, time_ns: i64) -> Option<ArrayRef> {
        let time = ScalarValue::TimestampNanosecond(Some(time_ns), Some("UTC".into()));
        (column.name == TIME).then(|| time.to_array().ok()).flatten()
    }
}

impl PruningStatistics for Times {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        Self::of(column, self.0.0)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        Self::of(column, self.0.1)
    }

    fn num_containers(&self) -> usize {
        1
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
