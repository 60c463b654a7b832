//! The settings as `native/index.ts` sends them (`NativeSettings`).

use std::{collections::HashMap, path::PathBuf};

use serde::Deserialize;
use varve_wire::decode::Limits;

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
    pub(crate) dedupe_window_ms: u64,
    pub(crate) dedupe_keys_max: u32,
    pub(crate) memtable_max_bytes: u64,
    pub(crate) memtable_max_age_ms: u64,
    pub(crate) text_block_rows: u32,
    /// Of every tenant that has none of its own.
    pub(crate) limits: Limits,
    pub(crate) tenant_limits: HashMap<String, Limits>,
}
