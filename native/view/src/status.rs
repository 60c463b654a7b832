//! What an operator asks of the views.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use varve_types::{Lsn, PartitionId, Table, TenantId};

use crate::{
    compaction::CompactionStatus, memtable::Memtable, quarantine::Quarantined, state::State,
};

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
    /// What is missing for that, as answers say it.
    pub quarantine: Vec<String>,
    /// Records that the log has lost before they were sealed, as this start met them: from where to
    /// where, and what is damaged.
    pub log_lost: Vec<String>,
    /// Text indexes that turned out damaged since the start; their segments are read without.
    pub text_indexes_damaged: u64,
    /// Memory of the filters of trace ids, span ids and attributes.
    pub trace_filter_bytes: u64,
    /// What was merged since the start.
    pub compaction: CompactionStatus,
    /// Bytes of files that were removed since the start.
    pub freed_bytes_total: u64,
    /// Bytes of segments that retention let go, and took from others, since the start.
    pub expired_bytes_total: u64,
    /// Why retention could not look for what is due, or let it go; `None` after it could.
    pub retention_error: Option<String>,
    /// Rows by tenant and table.
    pub tables: Vec<TableStatus>,
    /// Where replay would start, by partition.
    pub covered: Vec<CoveredPosition>,
}

/// The rows of one tenant and table.
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
    /// Rows that are not sealed yet.
    pub memtable_rows: u64,
    /// Bytes of those.
    pub memtable_bytes: u64,
}

/// The first place of a partition that no segment holds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoveredPosition {
    /// Which partition, as `logs/0`.
    pub partition: String,
    /// The place, as `epoch:offset`.
    pub up_to: String,
}

pub(crate) fn of(state: &State) -> StoreStatus {
    let memtables =
        || state.memtables.sealing.as_deref().into_iter().chain([&state.memtables.active]);
    let segments = || state.segments.values().flat_map(|list| list.iter());
    let keys: BTreeSet<_> = memtables()
        .flat_map(|memtable| memtable.tables().map(|(key, _)| key))
        .chain(state.segments.keys())
        .collect();
    let table = |key: &(TenantId, Table)| {
        let segments = state.segments.get(key).map_or(&[][..], |list| list);
        TableStatus {
            tenant: key.0.clone(),
            table: key.1,
            segments: segments.len() as u64,
            records: segments.iter().map(|segment| segment.entry().records).sum(),
            bytes: segments.iter().map(|segment| segment.size_bytes()).sum(),
            memtable_rows: memtables().map(|memtable| memtable.size_of(key).rows).sum(),
            memtable_bytes: memtables().map(|memtable| memtable.size_of(key).bytes).sum(),
        }
    };
    StoreStatus {
        memtable_bytes: memtables().map(Memtable::bytes).sum(),
        memtable_rows: memtables().map(Memtable::rows).sum(),
        seals_total: state.seals_total,
        seal_error: state.seal_error.clone(),
        quarantined: state.quarantined,
        quarantine: state.quarantine.iter().map(Quarantined::warning).collect(),
        log_lost: state.log_lost.clone(),
        text_indexes_damaged: segments().filter(|segment| segment.is_text_damaged()).count() as u64,
        trace_filter_bytes: state.segments.values().map(|list| list.filters().bytes()).sum(),
        compaction: state.compaction.clone(),
        freed_bytes_total: state.freed_bytes_total,
        expired_bytes_total: state.expired_bytes_total,
        retention_error: state.retention_error.clone(),
        tables: keys.into_iter().map(table).collect(),
        covered: positions(&state.covered),
    }
}

fn positions(covered: &BTreeMap<PartitionId, Lsn>) -> Vec<CoveredPosition> {
    covered
        .iter()
        .map(|(partition, up_to)| CoveredPosition {
            partition: partition.to_string(),
            up_to: up_to.to_string(),
        })
        .collect()
}
