//! State and upkeep of the store.

use napi_derive::napi;
use varve_types::ErrorCode;

use crate::{
    error::{coded, coded_with_causes, lost},
    store::NativeStore,
};

#[napi]
impl NativeStore {
    /// State of journal and views as JSON.
    #[napi]
    pub fn status(&self) -> napi::Result<String> {
        let store = self.running()?;
        serde_json::to_string(&store.views.status())
            .map_err(|error| coded_with_causes(ErrorCode::Internal, &error))
    }

    /// Seals memtables now; resolves when their segments are durable.
    #[napi]
    pub async fn seal(&self) -> napi::Result<()> {
        let store = self.running()?;
        let views = store.views.clone();
        tokio::task::spawn_blocking(move || views.seal_now())
            .await
            .map_err(|_| lost("sealing"))?
            .map_err(|error| coded(ErrorCode::Io, error))
    }

    /// Stops accepting, writes and syncs what was accepted, and gives the data directory free.
    #[napi]
    pub async fn close(&self) -> napi::Result<()> {
        let Some(store) = self.take() else { return Ok(()) };
        store.decoders.close();
        store.queries.close();
        tokio::task::spawn_blocking(move || store.close()).await.map_err(|_| lost("closing"))
    }
}
