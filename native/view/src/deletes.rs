//! Erasure: rows that match a request are gone from the next query on, and from the disk once their
//! segments are rewritten.
//!
//! A request is about what is stored when it is made: memtables are sealed first, and it names the
//! segments that have such rows. Until it is due it can be cancelled; then compaction writes those
//! segments anew without the rows.

mod selector;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use varve_segment::Erasure;
use varve_types::{ErrorCode, Table, TenantId};

use self::selector::{InvalidPattern, Selector};
pub use self::selector::{LabelMatch, LineMatch, MatchKind};
use crate::{
    compaction::now_ms,
    error::SegmentReadError,
    manifest::{Manifest, SegmentEntry},
    memtable::TableKey,
    segment::Segment,
    state::{Shared, State},
};

/// Receipts that are kept; of more the oldest are forgotten.
const RECEIPTS_MAX: usize = 1_000;
const NS_PER_MS: i64 = 1_000_000;

/// What is to be erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDelete {
    /// Logs or samples.
    pub table: Table,
    /// The streams or series: all of these must hold.
    pub labels: Vec<LabelMatch>,
    /// The lines of logs: all of these must hold.
    #[serde(default)]
    pub lines: Vec<LineMatch>,
    /// First time, milliseconds since the epoch.
    pub from_ms: i64,
    /// Last time, whole millisecond included.
    pub to_ms: i64,
}

/// A request to erase, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteRequest {
    /// Unique in a store.
    pub id: u64,
    /// Whose.
    pub tenant: TenantId,
    /// What.
    pub what: NewDelete,
    /// When it was made, milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Until then it can be cancelled; after it segments are rewritten.
    pub due_at_ms: i64,
    /// Records that are hidden and not yet erased, by segment.
    pub pending: Vec<PendingSegment>,
    /// Records that are gone from the disk.
    pub records_erased: u64,
    /// Segments that were rewritten for it.
    pub segments_rewritten: u64,
    /// When the last one was.
    pub done_at_ms: Option<i64>,
}

/// A segment that still has rows to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingSegment {
    /// Its id.
    pub segment: u64,
    /// How many.
    pub records: u64,
}

/// Why a request to erase, or to cancel that, was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// A table that nothing can be erased of by labels.
    #[error("rows of {0} cannot be erased by labels; name logs or samples")]
    Table(&'static str),
    /// It would say nothing about what to erase.
    #[error("a delete request needs a label matcher that does not match the empty text; add one")]
    TooWide,
    /// The range is empty.
    #[error("the range ends ({to_ms} ms) before it starts ({from_ms} ms)")]
    Range {
        /// First.
        from_ms: i64,
        /// Last.
        to_ms: i64,
    },
    /// A pattern does not compile.
    #[error("the pattern '{pattern}' does not compile: {reason}")]
    Pattern {
        /// As it was sent.
        pattern: String,
        /// Why not.
        reason: String,
    },
    /// There is none with this id that could be cancelled.
    #[error("no delete request {0} waits; it was never made, is done, or was cancelled")]
    Unknown(u64),
    /// It is too late.
    #[error("delete request {0} is being carried out and cannot be cancelled any more")]
    Begun(u64),
    /// Rows could not be sealed, read, or the manifest not be written.
    #[error("{0}")]
    Io(String),
}

impl DeleteError {
    /// The code that crosses the binding.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Pattern { .. } => ErrorCode::RegexInvalid,
            Self::Io(_) => ErrorCode::Io,
            _ => ErrorCode::QueryInvalid,
        }
    }
}

impl From<InvalidPattern> for DeleteError {
    fn from(InvalidPattern { pattern, reason }: InvalidPattern) -> Self {
        Self::Pattern { pattern, reason }
    }
}

impl From<SegmentReadError> for DeleteError {
    fn from(error: SegmentReadError) -> Self {
        Self::Io(error.to_string())
    }
}

impl NewDelete {
    fn check(&self) -> Result<Selector, DeleteError> {
        if !matches!(self.table, Table::Logs | Table::Samples) {
            return Err(DeleteError::Table(self.table.name()));
        }
        if self.from_ms > self.to_ms {
            return Err(DeleteError::Range { from_ms: self.from_ms, to_ms: self.to_ms });
        }
        let selector = Selector::compile(&self.labels, &self.lines)?;
        if selector.matches_without_labels() {
            return Err(DeleteError::TooWide);
        }
        Ok(selector)
    }

    /// In the table's unit, both included.
    fn times(&self) -> (i64, i64) {
        match self.table {
            Table::Logs | Table::Spans => (
                self.from_ms.saturating_mul(NS_PER_MS),
                self.to_ms.saturating_mul(NS_PER_MS).saturating_add(NS_PER_MS - 1),
            ),
            Table::Samples | Table::Exemplars | Table::Metadata => (self.from_ms, self.to_ms),
        }
    }

    /// The segment without the rows, and how many records those are; `None` if it has none.
    fn hide(
        &self,
        selector: &Selector,
        segment: &Segment,
    ) -> Result<Option<(Segment, u64)>, SegmentReadError> {
        let line = |line: &str| selector.matches_line(line);
        segment.without(&Erasure {
            times: self.times(),
            label_set: &|text| selector.matches_labels(text),
            line: selector.has_lines().then_some(&line as &dyn Fn(&str) -> bool),
        })
    }
}

impl Shared {
    /// See [`crate::Store::create_delete`].
    pub(crate) fn create_delete(
        &self,
        tenant: &TenantId,
        what: NewDelete,
    ) -> Result<DeleteRequest, DeleteError> {
        let selector = what.check()?;
        self.seal_all().map_err(DeleteError::Io)?;
        let mut manifest = self.manifest.lock();
        let key = (tenant.clone(), what.table);
        let segments = self.state.read().segments.get(&key).cloned().unwrap_or_default();
        let (mut hidden, mut pending) = (Vec::new(), Vec::new());
        for segment in segments.iter() {
            if let Some((without, records)) = what.hide(&selector, segment)? {
                pending.push(PendingSegment { segment: segment.entry().id, records });
                hidden.push(Arc::new(without));
            }
        }
        let now_ms = now_ms();
        let period_ms =
            i64::try_from(self.settings.upkeep.delete_cancel_period_ms).unwrap_or(i64::MAX);
        let mut next = manifest.clone();
        let request = DeleteRequest {
            id: next.take_id(),
            tenant: tenant.clone(),
            what,
            created_at_ms: now_ms,
            due_at_ms: now_ms.saturating_add(period_ms),
            done_at_ms: pending.is_empty().then_some(now_ms),
            pending,
            records_erased: 0,
            segments_rewritten: 0,
        };
        next.deletes.push(request.clone());
        forget_receipts(&mut next);
        self.write_manifest(&mut manifest, next)?;
        self.state.write().exchange(&key, &hidden);
        Ok(request)
    }

    /// A tenant's requests, the newest first.
    pub(crate) fn list_deletes(&self, tenant: &TenantId) -> Vec<DeleteRequest> {
        let manifest = self.manifest.lock();
        manifest.deletes.iter().rev().filter(|one| one.tenant == *tenant).cloned().collect()
    }

    /// See [`crate::Store::cancel_delete`].
    pub(crate) fn cancel_delete(&self, tenant: &TenantId, id: u64) -> Result<(), DeleteError> {
        let mut manifest = self.manifest.lock();
        let mut next = manifest.clone();
        let is_it = |one: &DeleteRequest| one.id == id && one.tenant == *tenant;
        let waiting = next.deletes.iter().position(|one| is_it(one) && one.done_at_ms.is_none());
        let request = next.deletes.remove(waiting.ok_or(DeleteError::Unknown(id))?);
        if request.segments_rewritten > 0 || request.due_at_ms <= now_ms() {
            return Err(DeleteError::Begun(id));
        }
        let mut shown = Vec::new();
        for PendingSegment { segment, .. } in &request.pending {
            let Some(entry) = next.segments.iter().find(|entry| entry.id == *segment) else {
                continue;
            };
            let folder = self.folders.table(&entry.tenant, entry.table);
            let whole = Segment::open(entry.clone(), &folder, &self.texts)
                .map_err(|error| DeleteError::Io(error.to_string()))?;
            shown.push(Arc::new(hidden_by(&next, whole)?));
        }
        let key = (tenant.clone(), request.what.table);
        self.write_manifest(&mut manifest, next)?;
        self.state.write().exchange(&key, &shown);
        Ok(())
    }

    fn write_manifest(&self, manifest: &mut Manifest, next: Manifest) -> Result<(), DeleteError> {
        let folder = self.folders.manifest();
        next.write(&folder)
            .map_err(|error| DeleteError::Io(format!("writing {}: {error}", folder.display())))?;
        *manifest = next;
        Ok(())
    }

    /// A segment of which a request that is due has rows, and whose it is.
    pub(crate) fn segment_to_erase(
        &self,
        now_ms: i64,
        is_free: &dyn Fn(u64) -> bool,
    ) -> Option<(TableKey, u64)> {
        let manifest = self.manifest.lock();
        let due = manifest.deletes.iter().filter(|one| one.due_at_ms <= now_ms);
        due.flat_map(|one| {
            let key = (one.tenant.clone(), one.what.table);
            one.pending.iter().map(move |pending| (key.clone(), pending.segment))
        })
        // One that was set aside, damaged, stays pending: it is not erased.
        .find(|(_, id)| is_free(*id) && manifest.segments.iter().any(|entry| entry.id == *id))
    }
}

impl State {
    /// Puts segments in the place of those with the same ids.
    fn exchange(&mut self, key: &TableKey, by: &[Arc<Segment>]) {
        if let Some(segments) = self.segments.get_mut(key) {
            segments.exchange(by);
        }
    }
}

/// The segment without the rows that requests hide.
pub(crate) fn hidden_by(
    manifest: &Manifest,
    segment: Segment,
) -> Result<Segment, SegmentReadError> {
    let id = segment.entry().id;
    let mut segment = segment;
    let waiting = manifest.deletes.iter().filter(|one| one.done_at_ms.is_none());
    for request in waiting.filter(|one| one.pending.iter().any(|pending| pending.segment == id)) {
        let selector =
            Selector::compile(&request.what.labels, &request.what.lines).map_err(|error| {
                SegmentReadError::new(format!("delete request {}: {error}", request.id))
            })?;
        if let Some((without, _)) = request.what.hide(&selector, &segment)? {
            segment = without;
        }
    }
    Ok(segment)
}

/// Notes what requests that were made while a segment was set aside (since `since_ms`) have to erase of
/// it, now that it comes back: they are not done with before that.
pub(crate) fn catch_up(
    manifest: &mut Manifest,
    segment: &Segment,
    since_ms: i64,
) -> Result<(), DeleteError> {
    let SegmentEntry { id, tenant, table, .. } = segment.entry();
    for request in &mut manifest.deletes {
        let is_of_table = request.tenant == *tenant && request.what.table == *table;
        let knows_it = request.pending.iter().any(|pending| pending.segment == *id);
        if !is_of_table || knows_it || request.created_at_ms < since_ms {
            continue;
        }
        let selector = Selector::compile(&request.what.labels, &request.what.lines)?;
        if let Some((_, records)) = request.what.hide(&selector, segment)? {
            request.pending.push(PendingSegment { segment: *id, records });
            request.done_at_ms = None;
        }
    }
    Ok(())
}

/// Notes that segments with rows to be erased are gone.
pub(crate) fn settle(manifest: &mut Manifest, ids: &[u64], now_ms: i64) {
    for request in manifest.deletes.iter_mut().filter(|one| one.done_at_ms.is_none()) {
        for gone in request.pending.extract_if(.., |pending| ids.contains(&pending.segment)) {
            request.records_erased += gone.records;
            request.segments_rewritten += 1;
        }
        if request.pending.is_empty() {
            request.done_at_ms = Some(now_ms);
        }
    }
}

fn forget_receipts(manifest: &mut Manifest) {
    let done = manifest.deletes.iter().filter(|one| one.done_at_ms.is_some()).count();
    let mut too_many = done.saturating_sub(RECEIPTS_MAX);
    manifest.deletes.retain(|one| {
        let is_forgotten = too_many > 0 && one.done_at_ms.is_some();
        too_many -= usize::from(is_forgotten);
        !is_forgotten
    });
}
