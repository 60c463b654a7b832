//! State and upkeep of the store.

use std::collections::BTreeMap;

use napi_derive::napi;
use serde::Serialize;
use varve_log::{
    FollowerKind, FollowerStatus, Hold, HoldStatus, JournalStatus, Lag, Log as _, SYNC_BOUNDS_US,
};
use varve_query::KeptRowsStatus;
use varve_types::{ErrorCode, Lsn, PartitionId};
use varve_view::StoreStatus;

use crate::{
    clock::now_ns,
    error::{coded, lost},
    store::NativeStore,
    tenants::TenantActivity,
};

/// `NativeStatus` of `native/index.ts`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    journal: JournalState,
    views: StoreStatus,
    kept_rows: KeptRowsStatus,
    tenants: Vec<TenantActivity>,
}

/// [`JournalStatus`] as JSON: the log knows no serde.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JournalState {
    incarnation: u64,
    files: u64,
    bytes: u64,
    disk: DiskState,
    waiting_bytes: u64,
    waiting_max_bytes: u64,
    oldest_file_held_by: Vec<String>,
    groups_total: u64,
    group_bytes_total: u64,
    records_total: u64,
    duplicates_total: u64,
    keys_remembered: u64,
    keys_forgotten_total: u64,
    syncs_total: u64,
    sync_us_total: u64,
    last_sync_us: u64,
    max_sync_us: u64,
    read_only: Option<String>,
    trim_error: Option<String>,
    damages: Vec<String>,
    damages_total: u64,
    unknown_frames_total: u64,
    cut_tail: Option<String>,
    seals_total: u64,
    repairs_total: u64,
    sync_bounds_us: [u64; SYNC_BOUNDS_US.len()],
    sync_counts: Vec<u64>,
    partitions: Vec<PartitionState>,
    holds: Vec<HoldState>,
    followers: Vec<FollowerState>,
}

/// [`FollowerStatus`] as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FollowerState {
    name: String,
    kind: &'static str,
    lag_records: u64,
    lag_bytes: u64,
    oldest_ms: Option<i64>,
}

impl From<&FollowerStatus> for FollowerState {
    fn from(FollowerStatus { name, kind, lag }: &FollowerStatus) -> Self {
        let kind = match kind {
            FollowerKind::Snapshot => "snapshot",
            FollowerKind::Subscription => "subscription",
        };
        let Lag { records, bytes, oldest_ms } = *lag;
        Self { name: name.to_string(), kind, lag_records: records, lag_bytes: bytes, oldest_ms }
    }
}

/// A hold; places are `epoch:offset`, by partition.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HoldState {
    name: String,
    owner: String,
    set_at_ms: i64,
    max_age_ms: u64,
    expired: bool,
    places: BTreeMap<String, String>,
    kept_records: u64,
    kept_bytes: u64,
    oldest_kept_ms: Option<i64>,
}

impl From<(&HoldStatus, &Lag)> for HoldState {
    fn from((hold, lag): (&HoldStatus, &Lag)) -> Self {
        let text =
            |(partition, place): (&PartitionId, &Lsn)| (partition.to_string(), place.to_string());
        Self {
            name: hold.name.to_string(),
            owner: hold.owner.to_string(),
            set_at_ms: hold.set_at_ms,
            max_age_ms: hold.max_age_ms,
            expired: hold.expired,
            places: hold.places.iter().map(text).collect(),
            kept_records: lag.records,
            kept_bytes: lag.bytes,
            oldest_kept_ms: lag.oldest_ms,
        }
    }
}

/// [`varve_log::DiskStatus`] as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DiskState {
    folder: String,
    free_bytes: u64,
    total_bytes: u64,
    min_bytes: u64,
    resume_bytes: Option<u64>,
}

/// One partition of the journal; places are `epoch:offset`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartitionState {
    partition: String,
    tail: String,
    trim_point: String,
    held_records: u64,
    held_bytes: u64,
    oldest_held_ms: Option<i64>,
    held_by: Option<String>,
}

impl From<JournalStatus> for JournalState {
    fn from(status: JournalStatus) -> Self {
        Self {
            incarnation: status.incarnation,
            files: status.files,
            bytes: status.bytes,
            disk: DiskState {
                folder: status.disk.dir.display().to_string(),
                free_bytes: status.disk.free_bytes,
                total_bytes: status.disk.total_bytes,
                min_bytes: status.disk.min_bytes,
                resume_bytes: status.disk.resume_bytes,
            },
            waiting_bytes: status.waiting_bytes,
            waiting_max_bytes: status.waiting_max_bytes,
            oldest_file_held_by: status
                .oldest_file_held_by
                .iter()
                .map(ToString::to_string)
                .collect(),
            groups_total: status.groups_total,
            group_bytes_total: status.group_bytes_total,
            records_total: status.records_total,
            duplicates_total: status.duplicates_total,
            keys_remembered: status.keys_remembered,
            keys_forgotten_total: status.keys_forgotten_total,
            syncs_total: status.syncs_total,
            sync_us_total: status.sync_us_total,
            last_sync_us: status.last_sync_us,
            max_sync_us: status.max_sync_us,
            read_only: status.read_only.map(|reason| reason.to_string()),
            trim_error: status.trim_error.map(|reason| reason.to_string()),
            damages: status.damages.iter().map(ToString::to_string).collect(),
            damages_total: status.damages_total,
            unknown_frames_total: status.unknown_frames_total,
            cut_tail: status.cut_tail.map(|it| it.to_string()),
            seals_total: status.seals_total,
            repairs_total: status.repairs_total,
            sync_bounds_us: SYNC_BOUNDS_US,
            sync_counts: status.sync_counts,
            holds: status.holds.iter().zip(&status.hold_lags).map(HoldState::from).collect(),
            followers: status.followers.iter().map(FollowerState::from).collect(),
            partitions: status
                .partitions
                .iter()
                .map(|one| PartitionState {
                    partition: one.partition.to_string(),
                    tail: one.tail.to_string(),
                    trim_point: one.trim_point.to_string(),
                    held_records: one.held_records,
                    held_bytes: one.held_bytes,
                    oldest_held_ms: one.oldest_held_ms,
                    held_by: one.held_by.as_deref().map(ToOwned::to_owned),
                })
                .collect(),
        }
    }
}

#[napi]
impl NativeStore {
    /// State of journal and views as JSON.
    #[napi]
    pub fn status(&self) -> napi::Result<String> {
        let store = self.running()?;
        let status = Status {
            journal: store.log.status().into(),
            views: store.views.status(),
            kept_rows: store.kept_rows.status(),
            tenants: store.tenants.active(now_ns() / 1_000_000),
        };
        serde_json::to_string(&status).map_err(|error| coded(ErrorCode::Internal, error))
    }

    /// Keeps records from being trimmed: from now on (`tail`) or from the first that there is, for
    /// `max_age_ms` unless it is set again. A hold of that name is moved on, or begins its age anew.
    #[napi]
    pub async fn hold(
        &self,
        name: String,
        owner: String,
        max_age_ms: f64,
        from_tail: bool,
    ) -> napi::Result<()> {
        let log = self.running()?.log.clone();
        let held = tokio::task::spawn_blocking(move || {
            let tails = |partition| (partition, log.tail(partition));
            let from = if from_tail {
                log.partitions().into_iter().map(tails).collect()
            } else {
                BTreeMap::new()
            };
            let max_age_ms = max_age_ms as u64;
            log.hold(Hold { name: name.into(), owner: owner.into(), max_age_ms, from })
        });
        held.await.map_err(|_| lost("setting a hold"))?.map_err(|error| coded(error.code(), error))
    }

    /// Lets a hold go; whether there was one.
    #[napi]
    pub async fn release(&self, name: String) -> napi::Result<bool> {
        let log = self.running()?.log.clone();
        let released = tokio::task::spawn_blocking(move || log.release(&name));
        released.await.map_err(|_| lost("releasing"))?.map_err(|error| coded(error.code(), error))
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

    /// Merges segments as far as it goes; resolves when that is done.
    #[napi]
    pub async fn compact(&self) -> napi::Result<()> {
        let store = self.running()?;
        let views = store.views.clone();
        tokio::task::spawn_blocking(move || views.compact_now())
            .await
            .map_err(|_| lost("compaction"))?
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
