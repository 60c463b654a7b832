//! What the views are told.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use varve_log::DiskReserve;
use varve_segment::FilterAttributes;
use varve_types::{Table, TenantId};

use crate::deletes::{LabelMatch, Selector};

/// Settings of the views. None has a default; tests and benchmarks begin with [`Self::quiet`].
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The data directory: `segments/`, `manifest/` and `quarantine/` are in it.
    pub data_dir: PathBuf,
    /// Bytes of the log that replay holds at once ([`varve_log::Subscribe`]).
    pub subscribe_credit_bytes: u64,
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
    /// Attributes whose values are in the filters of segments.
    pub filter_attributes: FilterAttributes,
    /// What compaction leaves free on the disk.
    pub disk_reserve: DiskReserve,
    /// What is done with segments in the background.
    pub upkeep: UpkeepSettings,
}

impl StoreSettings {
    /// Of a store with one partition that does nothing by itself: no test's few rows are sealed,
    /// merged or removed before it is asked for.
    #[must_use]
    pub fn quiet(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            subscribe_credit_bytes: 1 << 20,
            partitions: 1,
            tenant_partitions: 1,
            memtable_max_bytes: 64 << 20,
            memtable_max_age_ms: 3_600_000,
            text_block_rows: 4,
            filter_attributes: FilterAttributes::default(),
            disk_reserve: DiskReserve::NONE,
            upkeep: UpkeepSettings::OFF,
        }
    }
}

/// What is done with segments in the background.
#[derive(Clone, Debug)]
pub struct UpkeepSettings {
    /// Of this many segments of about one size one is made; 0: none are merged.
    pub segments_min: usize,
    /// The largest that is made: `log.segment_size`.
    pub segment_size_bytes: u64,
    /// Rows of different windows of time are kept apart.
    pub window_ms: u64,
    /// Share of one core that it takes while appends are under way.
    pub cpu_percent_max: u32,
    /// How long a request to erase can be cancelled before segments are rewritten.
    pub delete_cancel_period_ms: u64,
    /// How long after its first row is too old a segment is written anew without such rows.
    pub expired_rewrite_period_ms: u64,
    /// How long rows are kept.
    pub retention: RetentionSettings,
}

impl UpkeepSettings {
    /// Segments are merged only when it is asked for, and kept for good.
    pub const OFF: Self = Self {
        segments_min: 0,
        segment_size_bytes: 256 << 20,
        window_ms: 24 * 3_600_000,
        cpu_percent_max: 100,
        delete_cancel_period_ms: 24 * 3_600_000,
        expired_rewrite_period_ms: 24 * 3_600_000,
        retention: RetentionSettings {
            standard: BTreeMap::new(),
            tenants: BTreeMap::new(),
            streams: Vec::new(),
        },
    };
}

/// How long rows of a tenant and table, or of some streams or series of it, are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Of each row, by its time; 0: any age.
    pub max_age_ms: u64,
    /// On disk; 0: any size.
    pub max_bytes: u64,
}

/// How long rows are kept.
#[derive(Clone, Debug, Default)]
pub struct RetentionSettings {
    /// Of tenants that are not named.
    pub standard: BTreeMap<Table, Retention>,
    /// Of tenants that are; a table that is not named is kept as others' are.
    pub tenants: BTreeMap<(TenantId, Table), Retention>,
    /// Of some streams or series.
    pub streams: Vec<StreamRetention>,
}

impl RetentionSettings {
    pub(crate) fn of(&self, tenant: &TenantId, table: Table) -> Retention {
        let own = self.tenants.get(&(tenant.clone(), table));
        own.or_else(|| self.standard.get(&table)).copied().unwrap_or_default()
    }

    /// Every rule that there is.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Retention> {
        let tables = self.standard.values().chain(self.tenants.values());
        tables.chain(self.streams.iter().map(|rule| &rule.kept))
    }

    /// The rules for streams of a tenant: where it has rules of its own they take the place of the
    /// others'.
    pub(crate) fn of_streams(
        &self,
        tenant: &TenantId,
        table: Table,
    ) -> impl Iterator<Item = &StreamRetention> {
        let has_own = self.tenants.contains_key(&(tenant.clone(), table));
        self.streams.iter().filter(move |one| {
            let is_meant = match &one.tenant {
                Some(own) => own == tenant,
                None => !has_own,
            };
            is_meant && one.table == table
        })
    }
}

/// A rule for the streams, or series, that a selector matches.
#[derive(Clone, Debug)]
pub struct StreamRetention {
    /// `None`: of tenants that have no rules of their own for the table.
    pub tenant: Option<TenantId>,
    /// Logs, samples or exemplars.
    pub table: Table,
    /// Of several rules that match the one with the highest counts, of equals that which keeps shortest.
    pub priority: u32,
    /// How long.
    pub kept: Retention,
    selector: Arc<Selector>,
}

impl StreamRetention {
    /// A rule; all labels must match.
    ///
    /// # Errors
    ///
    /// A pattern that does not compile, as a sentence.
    pub fn new(
        tenant: Option<TenantId>,
        table: Table,
        labels: &[LabelMatch],
        priority: u32,
        kept: Retention,
    ) -> Result<Self, String> {
        let selector = Selector::compile(labels, &[]).map_err(|error| error.to_string())?;
        Ok(Self { tenant, table, priority, kept, selector: Arc::new(selector) })
    }

    /// Whether a label set, given by its text, is meant.
    pub(crate) fn matches(&self, label_set: &str) -> bool {
        self.selector.matches_labels(label_set)
    }
}
