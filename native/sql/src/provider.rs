//! Tables as DataFusion asks for them.

use std::{fmt, sync::Arc};

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{
        Column, DFSchema, Result,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::{ExecutionPlan, PhysicalExpr},
};

use crate::{
    conditions::Conditions,
    guard::Guard,
    label_sets::{LabelSets, columns_for},
    scan::{Projected, Pruned, RowPredicate, Scan, ScanExec, Tenants, Wanted, plan},
    tables::{LabelSetPart, Origin, SqlTable},
};

/// A table at one instant.
pub(crate) struct VarveTable {
    pub(crate) table: SqlTable,
    /// Each tenant's rows.
    pub(crate) tenants: Tenants,
    pub(crate) guard: Arc<Guard>,
}

impl fmt::Debug for VarveTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VarveTable").field("table", &self.table).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for VarveTable {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// The scan holds every filter against every row that it shows.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let of = |filter: &&Expr| {
            if filter.is_volatile() {
                TableProviderFilterPushDown::Unsupported
            } else {
                TableProviderFilterPushDown::Exact
            }
        };
        Ok(filters.iter().map(of).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = self.planned(state, projection, filters, limit);
        let scan = scan.map_err(|error| self.guard.keep(error))?;
        Ok(Arc::new(ScanExec::new(scan, state.config().target_partitions())))
    }
}

impl VarveTable {
    fn planned(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Scan> {
        let schema = self.table.schema();
        let conditions = Conditions::of(self.table, filters);
        let all = || (0..schema.fields().len()).collect();
        let shown = Projected::of(&schema, projection.cloned().unwrap_or_else(all))?;
        let of_rows = conditions.of_times.iter().chain(&conditions.of_rows);
        let mut columns: Vec<usize> = of_rows
            .clone()
            .flat_map(Expr::column_refs)
            .filter_map(|column| schema.index_of(&column.name).ok())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let filtered = Projected::of(&schema, columns)?;
        let predicates = physical(state, of_rows, &filtered.schema)?;
        let predicates = predicates
            .into_iter()
            .enumerate()
            .map(|(at, expr)| RowPredicate { expr, only_times: at < conditions.of_times.len() });
        let predicates: Vec<_> = predicates.collect();
        let shared: Vec<Field> = columns_for(self.table)
            .map(|column| Field::new(column.name, column.data_type.clone(), true))
            .collect();
        let label_set_predicates =
            physical(state, conditions.of_label_sets.iter(), &Arc::new(Schema::new(shared)))?;
        let wanted = Wanted {
            table: self.table,
            conditions: &conditions,
            label_set_predicates: &label_set_predicates,
            parts: &self.parts(&[&shown, &filtered], &conditions.of_label_sets),
            guard: &self.guard,
        };
        let mut pruned = Pruned::default();
        let mut pieces = Vec::new();
        let mut label_sets = Vec::with_capacity(self.tenants.0.len());
        for (number, (tenant, snapshot)) in self.tenants.0.iter().enumerate() {
            let mut sets = LabelSets::new(tenant.as_str().into());
            plan(&wanted, number, snapshot, &mut sets, (&mut pieces, &mut pruned))?;
            label_sets.push(sets);
        }
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.latest_ns()));
        pruned.rows = pieces.iter().map(|piece| piece.row_count()).sum();
        self.guard.count_segments(&pruned);
        Ok(Scan {
            table: self.table,
            tenants: self.tenants.clone(),
            label_sets: label_sets.into(),
            pieces: pieces.into(),
            times: conditions.times,
            pruned,
            predicates,
            filtered,
            shown,
            limit,
            guard: self.guard.clone(),
        })
    }

    /// What will be asked of label sets.
    fn parts(&self, projected: &[&Projected], filters: &[Expr]) -> Vec<LabelSetPart> {
        let fields = projected.iter().flat_map(|one| one.schema.fields().iter());
        let names = fields.map(|field| field.name().clone());
        let filtered = filters.iter().flat_map(Expr::column_refs).map(|column| column.name.clone());
        let mut parts: Vec<LabelSetPart> = names
            .chain(filtered)
            .filter_map(|name| match self.table.column(&name)?.origin {
                Origin::LabelSet(part) => Some(part),
                Origin::Tenant | Origin::Stored(..) => None,
            })
            .collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }
}

fn physical<'e>(
    state: &dyn Session,
    filters: impl Iterator<Item = &'e Expr>,
    schema: &SchemaRef,
) -> Result<Vec<Arc<dyn PhysicalExpr>>> {
    let schema = DFSchema::try_from(schema.clone())?;
    filters
        .map(|filter| {
            let unqualified = unqualified(filter.clone())?;
            state.create_physical_expr(unqualified, &schema)
        })
        .collect()
}

fn unqualified(filter: Expr) -> Result<Expr> {
    filter
        .transform(|expr| {
            Ok(match expr {
                Expr::Column(column) if column.relation.is_some() => {
                    Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
                }
                other => Transformed::no(other),
            })
        })
        .map(|transformed| transformed.data)
}
