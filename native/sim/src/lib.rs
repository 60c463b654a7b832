//! The log's simulator: a cluster of 1 to 7 nodes in one thread, driven by one seed (log-core,
//! section 14). Network, disks, clocks and crashes are simulated; the protocol's state machines are
//! the ones that production runs.

pub mod client;
pub mod clock;
pub mod counts;
pub mod coverage;
pub mod disk;
pub mod faults;
mod host;
pub mod invariants;
pub mod network;
pub mod node;
pub mod plan;
mod queue;
pub mod random;
pub mod reference;
pub mod run;
pub mod trace;
mod traffic;
mod weather;
pub mod world;
