//! SQL: statements over the tables `logs`, `spans` and `samples`, run by DataFusion.
//!
//! [`SqlEngine::run`] takes one [`SqlRequest`] to one [`SqlAnswer`]. All tables of a statement are read at
//! one instant; which segments and rows are read is decided here, by time, label sets, trace ids and the
//! text index, before DataFusion sees a row (docs/sql.md).

mod as_of;
mod conditions;
mod encode;
mod engine;
mod error;
mod guard;
mod guarded;
mod label_sets;
mod provider;
mod request;
mod run;
mod scan;
mod session;
mod statement;
mod tables;
mod wanted;

pub use self::{
    encode::SqlFormat,
    engine::SqlEngine,
    error::{Place, SqlError},
    request::{SqlAnswer, SqlRequest},
};

#[cfg(test)]
mod tests;
