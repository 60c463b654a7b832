//! One statement, from its text to the answer's bytes.

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    common::DataFusionError,
    execution::{
        context::SQLOptions,
        memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool},
        session_state::SessionState,
    },
    prelude::SessionContext,
    sql::parser::Statement,
};
use futures::StreamExt as _;
use varve_query::{QueryError, Sources, plan::AsOf};
use varve_types::TenantId;
use varve_view::Snapshot;

use crate::{
    encode::{Closing, Encoder},
    error::SqlError,
    guard::Guard,
    provider::VarveTable,
    request::{SqlAnswer, SqlRequest},
    scan::Tenants,
    session,
    statement::{self, Parsed},
    tables::SqlTable,
};

/// Where rows come from, shared with the threads that read them.
pub(crate) type SharedSources = Arc<dyn Sources + Send + Sync>;

/// Runs a statement. A segment that turns out damaged is set aside, and the answer is made anew from the
/// others, with a warning.
pub(crate) async fn run(
    request: &SqlRequest,
    sources: &SharedSources,
    guard: &Arc<Guard>,
    threads: usize,
) -> Result<SqlAnswer, SqlError> {
    loop {
        let answer = once(request, sources, guard, threads).await;
        let Err(error) = answer else { return answer };
        let error = guard.take_failure().map_or(error, SqlError::Query);
        match &error {
            // The rest answers; the next snapshot says what is missing.
            SqlError::Query(QueryError::Read(read))
                if read.damaged().is_some_and(|one| sources.set_aside(one, &read.to_string())) => {}
            _ => return Err(error),
        }
    }
}

async fn once(
    request: &SqlRequest,
    sources: &SharedSources,
    guard: &Arc<Guard>,
    threads: usize,
) -> Result<SqlAnswer, SqlError> {
    let memory_max = request.budget.memory_max_bytes;
    let failed = |error: DataFusionError| SqlError::of(error, memory_max);
    let Parsed { statement, as_of } = statement::parse(&request.statement)?;
    let as_of = one_moment(request.as_of.as_ref(), as_of)?;
    let pool: Arc<dyn MemoryPool> =
        Arc::new(GreedyMemoryPool::new(usize::try_from(memory_max).unwrap_or(usize::MAX)));
    let state = session::state(threads, pool.clone(), guard).map_err(failed)?;
    let tables = tables_of(&state, &statement).map_err(failed)?;
    let context = SessionContext::new_with_state(state);
    session::without_dangers(&context);
    let warnings = register(&context, request, as_of.as_ref(), (sources, guard), &tables)?;
    let state = context.state();
    let plan = state.statement_to_plan(statement).await.map_err(failed)?;
    let only_read =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    only_read.verify_plan(&plan).map_err(failed)?;
    let frame = context.execute_logical_plan(plan).await.map_err(failed)?;
    let batches = frame.execute_stream().await.map_err(failed)?;
    let collecting = Collecting { request, guard, pool: &pool, warnings };
    collecting.collect(batches).await
}

/// As of when a statement reads, which it says itself or whoever sent it.
fn one_moment(asked: Option<&AsOf>, named: Option<AsOf>) -> Result<Option<AsOf>, SqlError> {
    if let (Some(asked), Some(named)) = (asked, &named)
        && asked != named
    {
        let text = "the request's as_of and the statement's FOR SYSTEM_TIME AS OF are different moments; leave out one of them";
        return Err(SqlError::statement(text));
    }
    Ok(named.or_else(|| asked.cloned()))
}

/// The tables that a statement names.
fn tables_of(
    state: &SessionState,
    statement: &Statement,
) -> Result<BTreeSet<SqlTable>, DataFusionError> {
    let named = state.resolve_table_references(statement)?;
    Ok(named.iter().filter_map(|reference| SqlTable::named(reference.table())).collect())
}

/// Makes the tables known, all as they are at one instant; those that the statement does not read are
/// empty. Gives what is missing from them.
fn register(
    context: &SessionContext,
    request: &SqlRequest,
    as_of: Option<&AsOf>,
    (sources, guard): (&SharedSources, &Arc<Guard>),
    read: &BTreeSet<SqlTable>,
) -> Result<Vec<String>, SqlError> {
    let tenants: Vec<TenantId> = request
        .tenants
        .iter()
        .map(|name| TenantId::parse(name).map_err(|error| SqlError::statement(error.to_string())))
        .collect::<Result<_, _>>()?;
    let keys: Vec<_> = read
        .iter()
        .flat_map(|table| tenants.iter().map(|tenant| (tenant.clone(), table.stored())))
        .collect();
    let taken = match as_of {
        Some(as_of) => as_of.read().and_then(|as_of| sources.snapshots_as_of(&keys, &as_of)),
        None => Ok(sources.snapshots(&keys)),
    };
    let taken = taken.map_err(|error| SqlError::from(QueryError::from(error)))?;
    let mut snapshots = taken.into_iter().zip(keys).peekable();
    let mut warnings = Vec::new();
    for table in SqlTable::ALL {
        let mut of_table: Vec<(TenantId, Snapshot)> = Vec::new();
        while let Some((snapshot, (tenant, _))) =
            snapshots.next_if(|(_, (_, stored))| *stored == table.stored())
        {
            warnings.extend(snapshot.warnings.iter().cloned());
            of_table.push((tenant, snapshot));
        }
        let tenants = Tenants(of_table.into());
        let provider = VarveTable { table, tenants, guard: guard.clone() };
        context
            .register_table(table.name(), Arc::new(provider))
            .map_err(|error| SqlError::of(error, request.budget.memory_max_bytes))?;
    }
    Ok(warnings)
}

/// An answer while its rows come.
struct Collecting<'a> {
    request: &'a SqlRequest,
    guard: &'a Guard,
    pool: &'a Arc<dyn MemoryPool>,
    warnings: Vec<String>,
}

impl Collecting<'_> {
    async fn collect(
        mut self,
        mut batches: datafusion::execution::SendableRecordBatchStream,
    ) -> Result<SqlAnswer, SqlError> {
        let memory_max = self.request.budget.memory_max_bytes;
        let failed = |error: DataFusionError| SqlError::of(error, memory_max);
        let of_arrow = |error| SqlError::of(DataFusionError::from(error), memory_max);
        let held = MemoryConsumer::new("answer").register(self.pool);
        let mut encoder = Encoder::new(self.request.format, &batches.schema()).map_err(of_arrow)?;
        let mut rows = 0_u64;
        while let Some(batch) = batches.next().await {
            self.guard.check()?;
            let batch = batch.map_err(failed)?;
            let room = self.request.rows_max - rows;
            let taken = batch.num_rows().min(usize::try_from(room).unwrap_or(usize::MAX));
            encoder.write(&batch.slice(0, taken)).map_err(of_arrow)?;
            held.try_resize(encoder.len()).map_err(failed)?;
            rows += taken as u64;
            if taken < batch.num_rows() {
                self.warnings.push(cut_at(self.request.rows_max));
                break;
            }
        }
        let stats = self.guard.stats(rows);
        let closing = Closing { warnings: &self.warnings, stats: &stats };
        let body = encoder.finish(&closing).map_err(of_arrow)?;
        Ok(SqlAnswer { body, warnings: self.warnings, stats })
    }
}

fn cut_at(rows_max: u64) -> String {
    format!(
        "the answer was cut after {rows_max} rows, and there are more; aggregate, add a LIMIT, or raise query.sql_rows_max"
    )
}
