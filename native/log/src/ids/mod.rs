//! Numbers that are never given twice: sparse append counters, and Snowflake ids and hybrid times, whose
//! fences are such counters (log-core, section 9).

mod coordinators;
mod counter;
mod fenced;
mod hybrid;
mod snowflake;

pub use coordinators::{Coordinators, CoordinatorsError, SEQUENCES_MAX, Service};
pub use counter::{Counter, CounterError, CounterSettings};
pub use fenced::{FencedError, SNOWFLAKE_EPOCH_UNIX_MS};
pub use hybrid::{HybridTime, HybridTimes};
pub use snowflake::{COORDINATORS_MAX, IDS_PER_MS, SnowflakeIds};
