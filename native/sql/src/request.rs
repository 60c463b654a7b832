//! What is asked, and what is answered.

use serde::Deserialize;
use varve_columnar::answer::QueryStats;
use varve_query::plan::{AsOf, Budget};

use crate::encode::SqlFormat;

/// One statement, and whom it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqlRequest {
    /// Whose rows it reads.
    pub tenants: Vec<String>,
    /// Its text.
    pub statement: String,
    /// How the answer is written.
    pub format: SqlFormat,
    /// The most rows that are answered.
    pub rows_max: u64,
    /// As of when; nothing: now.
    #[serde(default)]
    pub as_of: Option<AsOf>,
    /// What it may cost; memory is bounded by `memory_max_bytes`.
    pub budget: Budget,
}

/// A whole answer.
#[derive(Debug)]
pub struct SqlAnswer {
    /// As the request's format says.
    pub body: Vec<u8>,
    /// Why it may be partial; JSON has them in its body as well.
    pub warnings: Vec<String>,
    /// What it took.
    pub stats: QueryStats,
}
