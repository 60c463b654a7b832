//! What a backup of an open store copies.

use std::collections::BTreeMap;

use napi_derive::napi;
use serde::Serialize;
use varve_log::Log as _;
use varve_types::ErrorCode;

use crate::{
    error::{coded, lost},
    store::NativeStore,
};

/// `PinnedFiles` of `native/backup.ts`.
#[derive(Serialize)]
struct PinnedFiles {
    manifest: String,
    files: Vec<String>,
}

/// `JournalFiles` of `native/backup.ts`.
#[derive(Serialize)]
struct JournalFiles {
    files: Vec<JournalFile>,
    tails: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct JournalFile {
    path: String,
    bytes: u64,
}

#[napi]
impl NativeStore {
    /// Seals, and keeps the files that the manifest then names until [`Self::unpin`]; `PinnedFiles` as JSON.
    #[napi]
    pub async fn pin(&self) -> napi::Result<String> {
        let store = self.running()?;
        let pinning = move || {
            store.views.seal_now().map_err(|error| coded(ErrorCode::Io, error))?;
            let pinned = store.views.pin().map_err(|error| coded(ErrorCode::Io, error))?;
            let files = PinnedFiles {
                manifest: String::from_utf8_lossy(&pinned.manifest).into_owned(),
                files: pinned.files.iter().map(|path| path.display().to_string()).collect(),
            };
            *store.pinned.lock() = Some(pinned);
            serde_json::to_string(&files).map_err(|error| coded(ErrorCode::Internal, error))
        };
        tokio::task::spawn_blocking(pinning).await.map_err(|_| lost("pinning segments"))?
    }

    /// Lets them go.
    #[napi]
    pub async fn unpin(&self) -> napi::Result<()> {
        let pinned = self.running()?.pinned.lock().take();
        let letting_go = tokio::task::spawn_blocking(move || drop(pinned));
        letting_go.await.map_err(|_| lost("letting segments go"))
    }

    /// The journal's files with how far they are synced, which is at least up to the tails that are told;
    /// `JournalFiles` as JSON.
    #[napi]
    pub fn journal_files(&self) -> napi::Result<String> {
        let log = &self.running()?.log;
        let tail = |partition| (format!("{partition}"), log.tail(partition).to_string());
        let tails = log.partitions().into_iter().map(tail).collect();
        let file = |(path, bytes): (std::path::PathBuf, u64)| JournalFile {
            path: path.display().to_string(),
            bytes,
        };
        let files = log.file_ends().into_iter().map(file).collect();
        serde_json::to_string(&JournalFiles { files, tails })
            .map_err(|error| coded(ErrorCode::Internal, error))
    }
}
