//! Runs statements on threads of their own, so that they never keep appends or other queries waiting.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    time::{MissedTickBehavior, interval},
};
use varve_query::{CancelToken, QueryError, Sources};
use varve_view::Priority;

use crate::{
    error::SqlError,
    guard::Guard,
    request::{SqlAnswer, SqlRequest},
    run,
};

/// Of each thread, as far as it is touched: long chains of operators become deep trees, which are walked.
const STACK_BYTES: usize = 128 << 20;

/// How often a running statement is asked whether anybody still waits for it.
const WATCH_INTERVAL: Duration = Duration::from_millis(20);

/// Threads that statements run on.
#[derive(Debug)]
pub struct SqlEngine {
    runtime: Option<Runtime>,
    /// Where statements are watched: they may keep all of the others busy.
    watching: Option<Runtime>,
    threads: usize,
}

impl SqlEngine {
    /// Starts so many threads.
    pub fn start(threads: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("varve-sql")
            .on_thread_start(|| Priority::Queries.take())
            .thread_stack_size(STACK_BYTES)
            .build()?;
        let watching = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("varve-sql-watch")
            .enable_time()
            .build()?;
        Ok(Self { runtime: Some(runtime), watching: Some(watching), threads })
    }

    /// Runs one statement to its end, or until it is cancelled or past its deadline.
    pub async fn run(
        &self,
        request: SqlRequest,
        sources: Arc<dyn Sources + Send + Sync>,
        cancel: CancelToken,
    ) -> Result<SqlAnswer, SqlError> {
        let (Some(runtime), Some(watching)) = (&self.runtime, &self.watching) else {
            return Err(gone());
        };
        let guard = Arc::new(Guard::new(cancel, Instant::now(), request.budget.deadline_ms));
        let threads = self.threads;
        let watched = guard.clone();
        let mut running =
            runtime.spawn(async move { run::run(&request, &sources, &guard, threads).await });
        let mut watching = watching.spawn(async move { watch(&watched).await });
        let ended = tokio::select! {
            biased;
            ended = &mut running => {
                watching.abort();
                ended.unwrap_or_else(|_| Err(gone()))
            }
            stopped = &mut watching => {
                running.abort();
                Err(stopped.map_or_else(|_| gone(), SqlError::Query))
            }
        };
        ended
    }
}

impl Drop for SqlEngine {
    fn drop(&mut self) {
        // It may be dropped where waiting is not allowed.
        for runtime in [self.runtime.take(), self.watching.take()].into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}

/// Ends with the reason for which the statement has to.
async fn watch(guard: &Guard) -> QueryError {
    let mut ticks = interval(WATCH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = guard.check() {
            return error;
        }
    }
}

/// For a statement whose task ended in a panic; the panic itself is on standard error.
fn gone() -> SqlError {
    SqlError::Internal { message: "the statement ended unexpectedly".to_owned() }
}
