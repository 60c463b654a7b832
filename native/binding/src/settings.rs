//! The settings as `native/index.ts` sends them (`NativeSettings`).

use std::{collections::HashMap, path::PathBuf};

use serde::Deserialize;
use varve_types::{Table, TenantId};
use varve_view::LabelMatch;
use varve_wire::decode::{Limits, MetricTranslation};

/// Names are the settings' of `docs/configuration.md`; sizes in bytes, times in milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) partitions: u32,
    pub(crate) tenant_partitions: u32,
    pub(crate) journal_file_bytes: u64,
    pub(crate) write_buffer_size_bytes: u64,
    pub(crate) segment_size_bytes: u64,
    pub(crate) epoch_timeout_ms: u64,
    pub(crate) coordinator_count: u32,
    pub(crate) disk_free_min_bytes: u64,
    pub(crate) disk_free_min_percent: u32,
    pub(crate) hold_max_age_ms: u64,
    pub(crate) subscribe_credit_bytes: u64,
    pub(crate) dedupe_window_ms: u64,
    pub(crate) dedupe_keys_max: u32,
    pub(crate) dedupe_keys_total_max: u32,
    pub(crate) memtable_max_bytes: u64,
    pub(crate) memtable_max_age_ms: u64,
    pub(crate) text_block_rows: u32,
    pub(crate) filter_attributes: Vec<String>,
    pub(crate) compaction_segments_min: usize,
    pub(crate) compaction_window_ms: u64,
    pub(crate) compaction_cpu_percent_max: u32,
    pub(crate) delete_cancel_period_ms: u64,
    pub(crate) retention: Vec<RetentionRule>,
    pub(crate) stream_retention: Vec<StreamRetentionRule>,
    pub(crate) expired_rewrite_period_ms: u64,
    pub(crate) queries_running_max: u32,
    pub(crate) kept_rows_max_bytes: u64,
    pub(crate) syslog_time_zone: String,
    pub(crate) metric_translation: MetricTranslation,
    /// Of every tenant that has none of its own.
    pub(crate) limits: Limits,
    pub(crate) tenant_limits: HashMap<String, Limits>,
}

/// How long a tenant's rows of a table are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetentionRule {
    /// `None`: all that have no rule of their own.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) table: Table,
    /// 0: any age.
    pub(crate) max_age_ms: u64,
    /// 0: any size.
    pub(crate) max_bytes: u64,
}

/// How long streams or series are kept that a selector matches.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StreamRetentionRule {
    /// `None`: of all tenants that have no rule of their own for the table.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) table: Table,
    /// 0: any age.
    pub(crate) max_age_ms: u64,
    /// 0: any size.
    pub(crate) max_bytes: u64,
    /// All must hold.
    pub(crate) labels: Vec<LabelMatch>,
    pub(crate) priority: u32,
}

/// All rules, as `varve store retention` sends them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetentionRules {
    pub(crate) rules: Vec<RetentionRule>,
    pub(crate) streams: Vec<StreamRetentionRule>,
}
