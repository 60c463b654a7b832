//! Statements over a small shop, from memtables, from segments, and from both.

mod answers;
mod limits;
mod pruning;
mod shop;
mod windows;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use varve_query::CancelToken;
use varve_view::Store;

use crate::{SqlAnswer, SqlEngine, SqlError, SqlRequest};

pub(crate) fn request(statement: &str) -> SqlRequest {
    serde_json::from_value(json!({
        "tenants": ["test"],
        "statement": statement,
        "format": "json",
        "rowsMax": 10_000,
        "budget": {
            "deadlineMs": 60_000,
            "memoryMaxBytes": 64 << 20,
            "seriesMax": 1_000,
            "samplesMax": 1_000_000,
        },
    }))
    .unwrap()
}

pub(crate) fn run(store: &Arc<Store>, request: SqlRequest) -> Result<SqlAnswer, SqlError> {
    let engine = SqlEngine::start(2).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(engine.run(request, store.clone(), CancelToken::default()))
}

/// The whole JSON answer.
pub(crate) fn answer(store: &Arc<Store>, statement: &str) -> Json {
    let answer =
        run(store, request(statement)).unwrap_or_else(|error| panic!("{statement}: {error}"));
    serde_json::from_slice(&answer.body).unwrap()
}

/// Its rows.
pub(crate) fn rows(store: &Arc<Store>, statement: &str) -> Json {
    answer(store, statement)["rows"].take()
}

/// The same rows from memtables, from segments, and from both.
#[track_caller]
pub(crate) fn assert_rows(statement: &str, expected: &Json) {
    for stored in shop::Stored::ALL {
        let (store, _folder) = shop::store(stored);
        assert_eq!(&rows(&store, statement), expected, "{stored:?}: {statement}");
    }
}

/// The lines of a plan, as EXPLAIN shows it.
pub(crate) fn plan(store: &Arc<Store>, statement: &str) -> String {
    let rows = rows(store, &format!("EXPLAIN {statement}"));
    let plans = rows.as_array().unwrap().iter().map(|row| row[1].as_str().unwrap().to_owned());
    plans.collect::<Vec<_>>().join("\n")
}
