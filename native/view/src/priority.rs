//! Which threads get the processor first.

/// What a thread does, by how long it can wait. What takes appends in has no number: it comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for the answer, but a sender's records cannot be had again.
    Queries,
    /// Nobody waits.
    Compaction,
}

impl Priority {
    /// What is added to the thread's priority number; 19 is the most. The processor is shared by weights: beside
    /// one with 0 a thread with 5 gets a quarter and one with 15 a thirtieth of what both want.
    #[cfg(target_os = "linux")]
    const fn nice(self) -> i32 {
        match self {
            Self::Queries => 5,
            Self::Compaction => 15,
        }
    }
}

/// Gives this thread its priority. Where the system does not, it works at that of the others.
pub fn set_priority(priority: Priority) {
    // SAFETY: both calls take numbers and touch no memory of ours. An error leaves the priority as it is.
    #[cfg(target_os = "linux")]
    unsafe {
        let thread = libc::gettid();
        libc::setpriority(libc::PRIO_PROCESS, thread.cast_unsigned(), priority.nice());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = priority;
}
