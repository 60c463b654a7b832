//! Erasure, retention, and positions to read as of.

use napi_derive::napi;
use serde::Serialize;
use varve_query::plan::AsOf;
use varve_types::{ErrorCode, TenantId};
use varve_view::{AsOfError, DeleteError, NewDelete};

use crate::{
    error::{coded, lost},
    settings::RetentionRules,
    store::{NativeStore, retention},
};

#[napi]
impl NativeStore {
    /// Hides rows at once and erases them later; `what_json` is a `NewDelete`. The request as JSON.
    #[napi]
    pub async fn create_delete(&self, tenant: String, what_json: String) -> napi::Result<String> {
        let views = self.running()?.views.clone();
        let tenant = parse_tenant(&tenant)?;
        let what: NewDelete = serde_json::from_str(&what_json)
            .map_err(|error| coded(ErrorCode::QueryInvalid, format!("delete request: {error}")))?;
        let request = tokio::task::spawn_blocking(move || views.create_delete(&tenant, what))
            .await
            .map_err(|_| lost("creating a delete request"))?
            .map_err(|error| refused(&error))?;
        json(&request)
    }

    /// A tenant's requests as JSON, the newest first.
    #[napi]
    pub async fn list_deletes(&self, tenant: String) -> napi::Result<String> {
        let views = self.running()?.views.clone();
        let tenant = parse_tenant(&tenant)?;
        // It may wait for a sealing to end.
        let requests = tokio::task::spawn_blocking(move || views.list_deletes(&tenant))
            .await
            .map_err(|_| lost("listing delete requests"))?;
        json(&requests)
    }

    /// Shows the rows again, unless some are erased already.
    #[napi]
    pub async fn cancel_delete(&self, tenant: String, id: i64) -> napi::Result<()> {
        let views = self.running()?.views.clone();
        let tenant = parse_tenant(&tenant)?;
        let id = u64::try_from(id)
            .map_err(|_| coded(ErrorCode::QueryInvalid, format!("no delete request {id}")))?;
        tokio::task::spawn_blocking(move || views.cancel_delete(&tenant, id))
            .await
            .map_err(|_| lost("cancelling a delete request"))?
            .map_err(|error| refused(&error))
    }

    /// What retention by these rules would let go now, as JSON.
    #[napi]
    pub async fn expired(&self, rules_json: String) -> napi::Result<String> {
        let RetentionRules { rules, streams } = serde_json::from_str(&rules_json)
            .map_err(|error| coded(ErrorCode::Internal, format!("not rules: {error}")))?;
        let settings = retention(&rules, &streams)?;
        let views = self.running()?.views.clone();
        let expired = tokio::task::spawn_blocking(move || views.expired(&settings))
            .await
            .map_err(|_| lost("looking for what is too old"))?
            .map_err(|error| coded(ErrorCode::Io, error))?;
        json(&expired)
    }

    /// Lets go what is too old, or too much, by the store's own rules.
    #[napi]
    pub async fn expire(&self) -> napi::Result<()> {
        let views = self.running()?.views.clone();
        tokio::task::spawn_blocking(move || views.expire_now())
            .await
            .map_err(|_| lost("letting go what is too old"))?
            .map_err(|error| coded(ErrorCode::Io, error))
    }

    /// The position as of `as_of_json` (of the plan's `AsOf`), or now, as text.
    #[napi]
    pub fn position(&self, as_of_json: Option<String>) -> napi::Result<String> {
        let invalid = |error: AsOfError| coded(ErrorCode::QueryInvalid, error);
        let as_of: Option<AsOf> = as_of_json
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(|error| coded(ErrorCode::QueryInvalid, format!("as of: {error}")))?;
        let as_of = as_of.map(|as_of| as_of.read()).transpose().map_err(invalid)?;
        let position = self.running()?.views.position(as_of.as_ref()).map_err(invalid)?;
        Ok(position.to_string())
    }
}

fn parse_tenant(name: &str) -> napi::Result<TenantId> {
    TenantId::parse(name).map_err(|error| coded(ErrorCode::TenantInvalid, error.to_string()))
}

fn refused(error: &DeleteError) -> napi::Error {
    coded(error.code(), error.to_string())
}

fn json(value: &impl Serialize) -> napi::Result<String> {
    serde_json::to_string(value).map_err(|error| coded(ErrorCode::Internal, error))
}
