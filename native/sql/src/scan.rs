//! Reading a table: which segments and rows, and what of them is shown.

mod exec;
mod pieces;
mod prune;
mod read;
mod runtime_filters;

pub(crate) use self::{
    exec::ScanExec,
    pieces::{Piece, Pruned},
    prune::{Wanted, external, plan},
};

use std::{collections::HashSet, fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::PhysicalExpr;
use varve_types::TenantId;
use varve_view::Snapshot;

use crate::{
    conditions::{TimeBounds, TraceId},
    guard::Guard,
    label_sets::LabelSets,
    tables::SqlTable,
};

/// A scan of one table, planned: what is read in which pieces, what is filtered, what is shown.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) table: SqlTable,
    pub(crate) tenants: Tenants,
    /// Of each tenant.
    pub(crate) label_sets: Arc<[LabelSets]>,
    /// Those with the latest rows first.
    pub(crate) pieces: Arc<[Arc<Piece>]>,
    /// Samples outside of it are not read, and pieces within need not be asked for their times.
    pub(crate) times: TimeBounds,
    pub(crate) pruned: Pruned,
    /// Hold for each row that is shown; over `filtered`.
    pub(crate) predicates: Vec<RowPredicate>,
    /// The columns that the predicates look at.
    pub(crate) filtered: Projected,
    /// The columns that are shown.
    pub(crate) shown: Projected,
    /// Rows that are asked for; more are of no use.
    pub(crate) limit: Option<usize>,
    pub(crate) guard: Arc<Guard>,
}

/// A condition on rows.
#[derive(Clone, Debug)]
pub(crate) struct RowPredicate {
    pub(crate) expr: Arc<dyn PhysicalExpr>,
    /// It is true for all rows of pieces whose times are within the scan's.
    pub(crate) only_times: bool,
}

/// Some columns of a table.
#[derive(Clone, Debug)]
pub(crate) struct Projected {
    /// Their places in the table's schema.
    pub(crate) columns: Vec<usize>,
    pub(crate) schema: SchemaRef,
}

/// Each tenant's rows of one table.
#[derive(Clone)]
pub(crate) struct Tenants(pub(crate) Arc<[(TenantId, Snapshot)]>);

impl Tenants {
    /// The ids of segments that may have rows of the traces, of each tenant.
    fn segments_of_traces(&self, ids: &[TraceId]) -> Vec<HashSet<u64>> {
        let of_tenant = |(_, snapshot): &(TenantId, Snapshot)| segments_of_traces(snapshot, ids);
        self.0.iter().map(of_tenant).collect()
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(tenant, _)| tenant)).finish()
    }
}

fn segments_of_traces(snapshot: &Snapshot, ids: &[TraceId]) -> HashSet<u64> {
    ids.iter().flat_map(|id| snapshot.segments_with_trace(id)).map(|segment| segment.id()).collect()
}
