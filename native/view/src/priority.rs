//! How threads make room for others where there is not enough of the processors.

/// What a thread does, by how long it can wait: how much more often those that take appends in get the
/// processor. It is shared by weights; a step of the thread's number is a fifth of its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// No more often.
    Equal,
    /// Three times as often: somebody waits for the answer, but a sender's records cannot be had again.
    Queries,
    /// Ten times as often: what is sealed later is only in memory meanwhile. With an equal share a
    /// sender waits for whole slices of it (bench: acknowledgements at half load).
    Sealing,
    /// Thirty times as often: nobody waits for a merge.
    Compaction,
}

impl Priority {
    /// What is added to the thread's number; 19 is the most.
    const fn nice(self) -> i32 {
        match self {
            Self::Equal => 0,
            Self::Queries => 5,
            Self::Sealing => 10,
            Self::Compaction => 15,
        }
    }

    /// Gives this thread the priority for the rest of its life: no thread may raise its own again.
    pub fn take(self) {
        if self == Self::Equal {
            return;
        }
        // SAFETY: both calls take numbers and touch no memory of ours. An error leaves the priority as it
        // is, and the thread is then only less polite.
        #[cfg(target_os = "linux")]
        unsafe {
            let thread = libc::gettid();
            libc::setpriority(libc::PRIO_PROCESS, thread.cast_unsigned(), self.nice());
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
