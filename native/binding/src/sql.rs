//! One SQL statement in, a response body out.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use varve_sql::{SqlAnswer, SqlError, SqlRequest};
use varve_types::ErrorCode;

use crate::{
    error::coded,
    query::{CancelToken, QueryStatistics},
    store::NativeStore,
};

/// What became of a statement: one of the two.
#[napi(object)]
pub struct SqlResult {
    /// Its answer.
    pub answer: Option<SqlResponse>,
    /// What is wrong with the statement.
    pub refusal: Option<SqlRefusal>,
}

/// The answer to a statement.
#[napi(object)]
pub struct SqlResponse {
    /// Whole, in the format that was asked for.
    pub body: Buffer,
    /// Why it may be partial.
    pub warnings: Vec<String>,
    /// What it took.
    pub stats: QueryStatistics,
}

/// What is wrong with a statement.
#[napi(object)]
pub struct SqlRefusal {
    /// For its author.
    pub message: String,
    /// Where in its text, from 1; none where that is not known.
    pub line: Option<f64>,
    /// In characters, from 1.
    pub column: Option<f64>,
}

#[napi]
impl NativeStore {
    /// Runs a `SqlRequest`, given as JSON.
    #[napi]
    pub async fn sql(&self, request_json: String, token: &CancelToken) -> napi::Result<SqlResult> {
        let store = self.running()?;
        let cancel = token.token();
        let request: SqlRequest = serde_json::from_str(&request_json)
            .map_err(|error| coded(ErrorCode::Internal, format!("not a statement: {error}")))?;
        let _permit = store
            .queries
            .acquire()
            .await
            .map_err(|_| coded(ErrorCode::Closed, "the store is closed"))?;
        match store.sql.run(request, store.views.clone(), cancel).await {
            Ok(answer) => Ok(SqlResult { answer: Some(answer.into()), refusal: None }),
            Err(error @ SqlError::Statement { .. }) => Ok(SqlResult {
                answer: None,
                refusal: Some(SqlRefusal {
                    message: error.to_string(),
                    line: error.place().map(|place| place.line as f64),
                    column: error.place().map(|place| place.column as f64),
                }),
            }),
            Err(error) => Err(coded(error.code(), &error)),
        }
    }
}

impl From<SqlAnswer> for SqlResponse {
    fn from(SqlAnswer { body, warnings, stats }: SqlAnswer) -> Self {
        Self { body: body.into(), warnings, stats: QueryStatistics::from(&stats) }
    }
}
