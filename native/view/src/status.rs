//! What an operator asks of the views.

use serde::Serialize;
use varve_types::{Table, TenantId};

/// The views at one moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// Bytes of rows that are not sealed yet.
    pub memtable_bytes: u64,
    /// As many rows.
    pub memtable_rows: u64,
    /// Sealings since the start.
    pub seals_total: u64,
    /// Why the last sealing failed; `None` after one that did not.
    pub seal_error: Option<String>,
    /// Segments that were set aside because they could not be read.
    pub quarantined: u64,
    /// Sealed rows by tenant and table.
    pub tables: Vec<TableStatus>,
}

/// The segments of one tenant and table.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableStatus {
    /// Whose.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
    /// How many segments.
    pub segments: u64,
    /// Rows in them; samples count each.
    pub records: u64,
    /// Their size on disk.
    pub bytes: u64,
}
