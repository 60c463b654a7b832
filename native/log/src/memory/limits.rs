//! What a log in memory takes: by default all that comes.

use parking_lot::Mutex;
use std::{path::Path, sync::Arc};

use crate::{AppendError, DiskShortage};

/// Bounds on bytes of payload. Each is refused as a log on disk refuses what is over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Of one request.
    pub request_max_bytes: u64,
    /// Of requests that wait for those before them. One that is larger goes alone.
    pub waiting_max_bytes: u64,
    /// Of all records that are kept.
    pub kept_max_bytes: u64,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self { request_max_bytes: u64::MAX, waiting_max_bytes: u64::MAX, kept_max_bytes: u64::MAX }
    }
}

impl MemoryLimits {
    pub(super) const fn check_request(self, size_bytes: u64) -> Result<(), AppendError> {
        let max_bytes = self.request_max_bytes;
        if size_bytes > max_bytes {
            return Err(AppendError::TooLarge { size_bytes, max_bytes });
        }
        Ok(())
    }

    pub(super) fn check_room(self, kept_bytes: u64, size_bytes: u64) -> Result<(), AppendError> {
        let free_bytes = self.kept_max_bytes.saturating_sub(kept_bytes);
        if size_bytes <= free_bytes {
            return Ok(());
        }
        let dir = Arc::from(Path::new("memory"));
        let (needed_bytes, resume_bytes) = (size_bytes, size_bytes);
        Err(DiskShortage { dir, free_bytes, needed_bytes, resume_bytes }.into())
    }
}

/// Bytes of requests that wait for their turn.
#[derive(Default)]
pub(super) struct Turns {
    waiting_bytes: Mutex<u64>,
}

/// A request that waits, until it is dropped.
pub(super) struct Waits<'a> {
    turns: &'a Turns,
    size_bytes: u64,
}

impl Turns {
    pub(super) fn wait(&self, size_bytes: u64, max_bytes: u64) -> Result<Waits<'_>, AppendError> {
        let mut waiting_bytes = self.waiting_bytes.lock();
        if *waiting_bytes > 0 && *waiting_bytes + size_bytes > max_bytes {
            return Err(AppendError::Overloaded { waiting_bytes: *waiting_bytes, max_bytes });
        }
        *waiting_bytes += size_bytes;
        Ok(Waits { turns: self, size_bytes })
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        *self.turns.waiting_bytes.lock() -= self.size_bytes;
    }
}
