//! Threads, as the log may start them.

use std::{io, thread};

/// Starts threads.
pub trait Threads: Send + Sync {
    /// Runs `work` beside the caller, under a name of at most 15 bytes (what Linux keeps of it).
    fn spawn(&self, name: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<Box<dyn Running>>;
}

/// A thread that was started.
pub trait Running: Send {
    /// Returns when its work is over, also when that ended in a panic.
    fn join(self: Box<Self>);
}

/// The machine's threads.
#[derive(Clone, Copy, Debug)]
pub struct RealThreads;

impl Threads for RealThreads {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts threads")]
    fn spawn(&self, name: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<Box<dyn Running>> {
        let handle = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Box::new(RealThread(handle)))
    }
}

struct RealThread(thread::JoinHandle<()>);

impl Running for RealThread {
    fn join(self: Box<Self>) {
        // A panic was printed by its own thread, and the writer leaves the journal read-only.
        let _panicked = self.0.join();
    }
}
