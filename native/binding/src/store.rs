//! The open store: log, views, and what bounds the work on them.

use std::{num::NonZero, sync::Arc, thread};

use napi_derive::napi;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use varve_log::{
    DataDirLock, DiskReserve, Journal, JournalSettings, Log, ProducerSettings, Runtime,
};
use varve_query::KeptRows;
use varve_sql::SqlEngine;
use varve_types::ErrorCode;
use varve_view::{
    Pinned, Retention, RetentionSettings, Store, StoreSettings, StreamRetention, UpkeepSettings,
};

use crate::{
    error::{coded, lost},
    query_threads::QueryThreads,
    settings::{RetentionRule, Settings, StreamRetentionRule},
    syslog,
    tenants::Tenants,
};

/// All that a process keeps open in one data directory.
pub(crate) struct Running {
    pub(crate) views: Arc<Store>,
    pub(crate) tenants: Tenants,
    /// Decoding is all CPU: more at once than cores would only hold more memory.
    pub(crate) decoders: Semaphore,
    /// In turns that TypeScript gives, which holds to the same bound.
    pub(crate) queries: Semaphore,
    pub(crate) query_threads: QueryThreads,
    /// What metric queries over logs keep for each other.
    pub(crate) kept_rows: Arc<KeptRows>,
    /// Statements run here, so that they never hold a thread that appends need.
    pub(crate) sql: SqlEngine,
    pub(crate) log: Arc<Journal>,
    /// What a backup copies.
    pub(crate) pinned: Mutex<Option<Pinned>>,
    /// Given back last.
    _lock: DataDirLock,
}

impl Running {
    fn open(settings: Settings) -> napi::Result<Self> {
        let syslog_zone = syslog::zone(&settings.syslog_time_zone)?;
        let lock =
            DataDirLock::acquire(&settings.data_dir).map_err(|error| coded(error.code(), error))?;
        let disk_reserve = disk_reserve(&settings);
        let journal = journal_settings(&settings);
        let log =
            Journal::open(journal, Runtime::real()).map_err(|error| coded(error.code(), error))?;
        let log = Arc::new(log);
        let views = Store::open(
            log.clone(),
            StoreSettings {
                data_dir: settings.data_dir,
                subscribe_credit_bytes: settings.subscribe_credit_bytes,
                partitions: settings.partitions,
                tenant_partitions: settings.tenant_partitions,
                memtable_max_bytes: settings.memtable_max_bytes.min(settings.segment_size_bytes),
                memtable_max_age_ms: settings.memtable_max_age_ms,
                text_block_rows: settings.text_block_rows,
                filter_attributes: settings.filter_attributes.into_iter().collect(),
                disk_reserve,
                upkeep: UpkeepSettings {
                    segments_min: settings.compaction_segments_min,
                    segment_size_bytes: settings.segment_size_bytes,
                    window_ms: settings.compaction_window_ms,
                    cpu_percent_max: settings.compaction_cpu_percent_max,
                    delete_cancel_period_ms: settings.delete_cancel_period_ms,
                    expired_rewrite_period_ms: settings.expired_rewrite_period_ms,
                    retention: retention(&settings.retention, &settings.stream_retention)?,
                },
            },
        )
        .map_err(|error| coded(error.code(), error))?;
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            views: Arc::new(views),
            tenants: Tenants::new(
                settings.limits,
                settings.tenant_limits,
                syslog_zone,
                settings.metric_translation,
            ),
            decoders: Semaphore::new(cores),
            queries: Semaphore::new(settings.queries_running_max as usize),
            query_threads: QueryThreads::start(settings.queries_running_max)
                .map_err(|error| coded(ErrorCode::Io, format!("threads for queries: {error}")))?,
            kept_rows: Arc::new(KeptRows::new(settings.kept_rows_max_bytes)),
            sql: SqlEngine::start(cores)
                .map_err(|error| coded(ErrorCode::Io, format!("threads for SQL: {error}")))?,
            log,
            pinned: Mutex::default(),
            _lock: lock,
        })
    }

    /// The log first: what it has accepted reaches the views before they close.
    pub(crate) fn close(&self) {
        self.log.close();
        self.views.close();
    }
}

fn disk_reserve(settings: &Settings) -> DiskReserve {
    DiskReserve {
        min_bytes: settings.disk_free_min_bytes,
        min_percent: settings.disk_free_min_percent,
    }
}

pub(crate) fn journal_settings(settings: &Settings) -> JournalSettings {
    JournalSettings {
        dir: settings.data_dir.clone(),
        partitions: settings.partitions,
        file_bytes: settings.journal_file_bytes,
        write_buffer_max_bytes: settings.write_buffer_size_bytes,
        epoch_timeout_ms: settings.epoch_timeout_ms,
        coordinator_count: settings.coordinator_count,
        disk_reserve: disk_reserve(settings),
        hold_max_age_ms: settings.hold_max_age_ms,
        producers: ProducerSettings {
            dedupe_window_ms: settings.dedupe_window_ms,
            dedupe_keys_max: settings.dedupe_keys_max,
            dedupe_keys_total_max: settings.dedupe_keys_total_max,
            ..ProducerSettings::default()
        },
    }
}

pub(crate) fn retention(
    rules: &[RetentionRule],
    streams: &[StreamRetentionRule],
) -> napi::Result<RetentionSettings> {
    let mut settings = RetentionSettings::default();
    for rule in rules {
        let kept = Retention { max_age_ms: rule.max_age_ms, max_bytes: rule.max_bytes };
        match &rule.tenant {
            Some(tenant) => drop(settings.tenants.insert((tenant.clone(), rule.table), kept)),
            None => drop(settings.standard.insert(rule.table, kept)),
        }
    }
    for StreamRetentionRule { tenant, table, max_age_ms, max_bytes, labels, priority } in streams {
        let kept = Retention { max_age_ms: *max_age_ms, max_bytes: *max_bytes };
        let rule = StreamRetention::new(tenant.clone(), *table, labels, *priority, kept)
            .map_err(|reason| coded(ErrorCode::Internal, format!("retention: {reason}")))?;
        settings.streams.push(rule);
    }
    Ok(settings)
}

/// One open data directory.
#[napi]
pub struct NativeStore {
    running: Mutex<Option<Arc<Running>>>,
}

#[napi]
impl NativeStore {
    /// Locks the data directory, recovers the journal and the views.
    #[napi(factory)]
    pub async fn open(settings_json: String) -> napi::Result<Self> {
        let settings: Settings = serde_json::from_str(&settings_json)
            .map_err(|error| coded(ErrorCode::Internal, format!("not settings: {error}")))?;
        let running = tokio::task::spawn_blocking(move || Running::open(settings))
            .await
            .map_err(|_| lost("opening the store"))??;
        Ok(Self { running: Mutex::new(Some(Arc::new(running))) })
    }

    pub(crate) fn running(&self) -> napi::Result<Arc<Running>> {
        self.running.lock().clone().ok_or_else(|| coded(ErrorCode::Closed, "the store is closed"))
    }

    /// The store, which nobody gets from here any more.
    pub(crate) fn take(&self) -> Option<Arc<Running>> {
        self.running.lock().take()
    }
}
