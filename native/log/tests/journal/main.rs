//! The journal beyond the log's contract: what it makes of crashes, rot, and disks that fail.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail by panicking, as tests do")]
#![allow(clippy::disallowed_methods, reason = "a test changes files behind the journal's back")]

mod crashes;
mod disk_full;
mod exhaustive;
mod faults;
mod files;
mod followers;
mod reading;
mod real_faults;
mod recovery;
mod remembered;
mod support;
