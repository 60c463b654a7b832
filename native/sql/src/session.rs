//! What statements run in: settings, functions, memory.

use std::sync::Arc;

use datafusion::{
    common::Result,
    execution::{
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::MemoryPool,
        runtime_env::RuntimeEnvBuilder,
        session_state::{SessionState, SessionStateBuilder},
    },
    prelude::{SessionConfig, SessionContext},
};

use crate::{guard::Guard, guarded::GuardJoins};

/// Functions whose answer can be longer than what they are given by any factor: one row of it could take
/// all memory, which no pool counts.
const WITHOUT_BOUND: [&str; 7] =
    ["array_repeat", "array_resize", "list_repeat", "list_resize", "lpad", "repeat", "rpad"];

/// A session of one statement.
pub(crate) fn state(
    threads: usize,
    pool: Arc<dyn MemoryPool>,
    guard: &Arc<Guard>,
) -> Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_information_schema(true)
        .with_default_catalog_and_schema("varve", "public");
    config.options_mut().sql_parser.collect_spans = true;
    // What does not fit in memory is refused: a query must not fill the disk that the journal is on.
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_disk_manager_builder(disk)
        .build_arc()?;
    Ok(SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_physical_optimizer_rule(Arc::new(GuardJoins(guard.clone())))
        .build())
}

/// Takes away functions that a statement could end the process with.
pub(crate) fn without_dangers(context: &SessionContext) {
    for name in WITHOUT_BOUND {
        context.deregister_udf(name);
    }
}
