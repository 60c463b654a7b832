//! What the views promise, over a log in memory and a real folder.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail by panicking, as tests do")]

mod as_of;
mod boot;
mod compaction;
mod contents;
mod deletes;
mod editions;
mod faults;
mod filters;
mod journal;
mod requests;
mod retention;
mod support;
mod upkeep;
