//! The log's simulator: a cluster of 1 to 7 nodes in one thread, driven by one seed (log-core,
//! section 14). Network, disks, clocks and crashes are simulated in virtual time; what runs on the
//! nodes is whatever implements [`node::Node`], and the world knows nothing of it. The invariants
//! are checked from outside, by somebody who sees everything.

pub mod client;
pub mod clock;
pub mod counts;
pub mod coverage;
pub mod disk;
pub mod dlog;
pub mod faults;
mod host;
pub mod invariants;
pub mod network;
pub mod node;
pub mod numbers;
pub mod plan;
mod queue;
pub mod random;
mod register;
pub mod run;
pub mod trace;
mod traffic;
mod weather;
pub mod world;
