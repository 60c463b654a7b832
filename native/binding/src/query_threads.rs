//! The threads that queries run on: apart from those that appends need, and behind them.

use std::io;

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use varve_view::Priority;

/// One thread for each query that runs, and those that help them.
pub(crate) struct QueryThreads(Option<Runtime>);

impl QueryThreads {
    /// `running_max`: how many queries run at once.
    pub(crate) fn start(running_max: u32) -> io::Result<Self> {
        // Of the process, so that a store which is opened again has them already; nothing but queries asks
        // for their help.
        drop(
            rayon::ThreadPoolBuilder::new()
                .thread_name(|at| format!("varve-query-{at}"))
                .start_handler(|_| Priority::Queries.take())
                .build_global(),
        );
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(running_max.max(1) as usize)
            .thread_name("varve-query")
            .on_thread_start(|| Priority::Queries.take())
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a query to its end on a thread of its own; `None` once they are stopped.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce() -> T + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        self.0.as_ref().map(|runtime| runtime.spawn_blocking(query))
    }
}

impl Drop for QueryThreads {
    /// Where the last query lets go of the store, no thread may be waited for.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
