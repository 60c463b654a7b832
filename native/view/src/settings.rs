//! What the views are told.

use std::path::PathBuf;

/// Settings of the views. None has a default.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The data directory: `segments/`, `manifest/` and `quarantine/` are in it.
    pub data_dir: PathBuf,
    /// Of each log.
    pub partitions: u32,
    /// Over how many of them one tenant is spread.
    pub tenant_partitions: u32,
    /// Size of all memtables at which they are sealed.
    pub memtable_max_bytes: u64,
    /// Age at which they are sealed.
    pub memtable_max_age_ms: u64,
    /// Rows that the text index finds as one block.
    pub text_block_rows: u32,
}
