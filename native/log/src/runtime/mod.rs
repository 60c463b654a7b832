//! The world as the log sees it: a clock, a disk, threads. Everything else in this crate is code
//! that a test can run against a clock that stands still or a disk that fails.

mod clock;

pub use clock::{Clock, RealClock};
