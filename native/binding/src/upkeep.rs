//! Checking and repairing a data directory that no store has open.

use std::{
    num::NonZero,
    sync::{Arc, atomic::Ordering},
    thread,
};

use napi_derive::napi;
use parking_lot::Mutex;
use serde::Serialize;
use varve_log::{DataDirLock, Journal, Log, Runtime};
use varve_types::{ErrorCode, TenantId};
use varve_view::{CheckSettings, Depth, RepairSettings, UpkeepProgress, check, repair};

use crate::{
    error::{coded, lost},
    settings::Settings,
    store::journal_settings,
};

/// `UpkeepProgress` of `native/upkeep.ts`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    segments: u64,
    segments_total: u64,
    bytes: u64,
    bytes_total: u64,
}

/// A data directory that is looked after: locked, and nothing of it open.
#[napi]
pub struct NativeUpkeep {
    settings: Settings,
    progress: Arc<UpkeepProgress>,
    lock: Mutex<Option<DataDirLock>>,
}

#[napi]
impl NativeUpkeep {
    /// Locks the data directory, which must be there.
    #[napi(factory)]
    pub async fn open(settings_json: String) -> napi::Result<Self> {
        let settings: Settings = serde_json::from_str(&settings_json)
            .map_err(|error| coded(ErrorCode::Internal, format!("not settings: {error}")))?;
        if !settings.data_dir.is_dir() {
            let reason =
                format!("{} is no folder; name the data directory", settings.data_dir.display());
            return Err(coded(ErrorCode::Io, reason));
        }
        let data_dir = settings.data_dir.clone();
        let lock = tokio::task::spawn_blocking(move || DataDirLock::acquire(&data_dir))
            .await
            .map_err(|_| lost("locking the data directory"))?
            .map_err(|error| coded(error.code(), error))?;
        Ok(Self { settings, progress: Arc::default(), lock: Mutex::new(Some(lock)) })
    }

    /// Looks at every file that the manifest names; a `CheckReport` as JSON. `fast`: rows are not decoded.
    #[napi]
    pub async fn check(&self, tenant: Option<String>, fast: bool) -> napi::Result<String> {
        let tenant = tenant.map(|name| TenantId::parse(&name)).transpose();
        let tenant = tenant.map_err(|error| coded(ErrorCode::TenantInvalid, error))?;
        let settings = CheckSettings {
            data_dir: self.settings.data_dir.clone(),
            tenant,
            depth: if fast { Depth::Checksums } else { Depth::Rows },
            workers: workers(),
        };
        let progress = self.progress.clone();
        let report = tokio::task::spawn_blocking(move || check(&settings, &progress))
            .await
            .map_err(|_| lost("checking the store"))?
            .map_err(|error| coded(error.code(), error))?;
        serde_json::to_string(&report).map_err(|error| coded(ErrorCode::Internal, error))
    }

    /// Mends what can be; a `RepairReport` as JSON. `dry_run`: only says what it would do.
    #[napi]
    pub async fn repair(&self, dry_run: bool) -> napi::Result<String> {
        let settings = RepairSettings {
            data_dir: self.settings.data_dir.clone(),
            dry_run,
            text_block_rows: self.settings.text_block_rows,
            filter_attributes: self.settings.filter_attributes.iter().map(String::as_str).collect(),
            workers: workers(),
        };
        let journal = journal_settings(&self.settings);
        let progress = self.progress.clone();
        let repairing = move || {
            let mut log: Option<Arc<Journal>> = None;
            let mut open_log = || {
                let opened = Journal::open(journal.clone(), Runtime::real());
                let opened = Arc::new(opened.map_err(|error| error.to_string())?);
                log = Some(opened.clone());
                Ok(opened as Arc<dyn Log>)
            };
            let report = repair(&settings, &mut open_log, &progress);
            if let Some(log) = log {
                log.close();
            }
            report
        };
        let report = tokio::task::spawn_blocking(repairing)
            .await
            .map_err(|_| lost("repairing the store"))?
            .map_err(|error| coded(error.code(), error))?;
        serde_json::to_string(&report).map_err(|error| coded(ErrorCode::Internal, error))
    }

    /// How far it is, as JSON.
    #[napi]
    pub fn progress(&self) -> napi::Result<String> {
        let progress = Progress {
            segments: self.progress.segments.load(Ordering::Relaxed),
            segments_total: self.progress.segments_total.load(Ordering::Relaxed),
            bytes: self.progress.bytes.load(Ordering::Relaxed),
            bytes_total: self.progress.bytes_total.load(Ordering::Relaxed),
        };
        serde_json::to_string(&progress).map_err(|error| coded(ErrorCode::Internal, error))
    }

    /// Gives the data directory free.
    #[napi]
    pub fn close(&self) {
        drop(self.lock.lock().take());
    }
}

fn workers() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
