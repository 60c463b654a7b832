//! The world as the log sees it: a clock, a disk, threads. Everything else in this crate is code
//! that a test can run against a clock that stands still or a disk that fails.

mod clock;
pub mod crash_disk;
mod disk;
pub mod faults;
mod lock;
mod threads;

pub use clock::{Clock, RealClock};
pub use disk::{Disk, DiskFile, DiskSpace, RealDisk};
pub use lock::{DataDirLock, DataDirLockError};
pub use threads::{RealThreads, Running, Threads};

use std::sync::Arc;

/// What a log is run by.
#[derive(Clone)]
pub struct Runtime {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Keeps the files.
    pub disk: Arc<dyn Disk>,
    /// Runs the writer.
    pub threads: Arc<dyn Threads>,
}

impl Runtime {
    /// This machine's.
    #[must_use]
    pub fn real() -> Self {
        Self {
            clock: Arc::new(RealClock::default()),
            disk: Arc::new(RealDisk),
            threads: Arc::new(RealThreads),
        }
    }
}
