//! Numbers that are never given twice: sparse append counters, and Snowflake ids whose fence is such
//! a counter (log-core, section 9).

mod coordinators;
mod counter;
mod snowflake;

pub use coordinators::{Coordinators, CoordinatorsError, Service};
pub use counter::{Counter, CounterError, CounterSettings};
pub use snowflake::{
    COORDINATORS_MAX, IDS_PER_MS, SNOWFLAKE_EPOCH_UNIX_MS, SnowflakeError, SnowflakeIds,
};
