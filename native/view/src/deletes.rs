//! Erasure: rows that match a request are gone from the next query on, and from the disk once their
//! segments are rewritten.
//!
//! A request is about what is stored when it is made: memtables are sealed first, and it names the
//! segments that have such rows. Until it is due it can be cancelled; then compaction writes those
//! segments anew without the rows.

mod compiled;
mod request;
mod selector;
mod span_selector;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use varve_types::TenantId;

use self::compiled::Compiled;
pub(crate) use self::selector::Selector;
pub use self::{
    request::{DeleteError, DeleteRequest, NewDelete, PendingSegment},
    selector::{LabelMatch, LineMatch, MatchKind},
    span_selector::{SpanField, SpanMatch, ValueType},
};
use crate::{
    clock::now_ms,
    entry::SegmentEntry,
    error::SegmentReadError,
    manifest::Manifest,
    memtable::TableKey,
    segment::Segment,
    state::{Shared, State},
};

/// Receipts that are kept; of more the oldest are forgotten.
const RECEIPTS_MAX: usize = 1_000;

impl Shared {
    /// See [`crate::Store::create_delete`].
    pub(crate) fn create_delete(
        &self,
        tenant: &TenantId,
        what: NewDelete,
    ) -> Result<DeleteRequest, DeleteError> {
        let compiled = what.check()?;
        self.seal_all().map_err(DeleteError::Io)?;
        let id = self.manifest.lock().take_id();
        let keys: Vec<TableKey> =
            what.tables().iter().map(|&table| (tenant.clone(), table)).collect();
        // Rows may have to be read, which takes its time: meanwhile segments are made and changed.
        let mut looked_at = HashMap::new();
        self.look_at(&keys, &compiled, id, &mut looked_at)?;
        let mut manifest = self.manifest.lock();
        let now_shown = self.look_at(&keys, &compiled, id, &mut looked_at)?;
        let mut next = manifest.clone();
        let (mut hidden, mut pending) = (Vec::new(), Vec::new());
        for edition in now_shown {
            if let Some(Some((without, records))) = looked_at.remove(&edition) {
                pending.push(PendingSegment { segment: without.id(), records });
                hidden.push(Arc::new(without));
            }
        }
        let now_ms = now_ms();
        let period_ms =
            i64::try_from(self.settings.upkeep.delete_cancel_period_ms).unwrap_or(i64::MAX);
        let request = DeleteRequest {
            id,
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
        self.state.write().exchange(&hidden);
        Ok(request)
    }

    /// Looks at segments of these tables that were not looked at before, by edition. Answers which editions
    /// are shown now.
    fn look_at(
        &self,
        keys: &[TableKey],
        compiled: &Compiled<'_>,
        id: u64,
        looked_at: &mut HashMap<u64, Option<(Segment, u64)>>,
    ) -> Result<Vec<u64>, DeleteError> {
        let mut shown = Vec::new();
        for key in keys {
            let segments = self.state.read().segments.get(key).cloned().unwrap_or_default();
            for segment in segments.iter() {
                shown.push(segment.edition());
                if let Entry::Vacant(place) = looked_at.entry(segment.edition()) {
                    place.insert(compiled.hide(id, segment)?);
                }
            }
        }
        Ok(shown)
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
            let key = (entry.tenant.clone(), entry.table);
            let shown_now = self.state.read().shown(&key, *segment).cloned();
            let folder = self.folders.table(&entry.tenant, entry.table);
            let whole = Segment::open(entry.clone(), &folder, &self.texts)
                .map_err(|error| DeleteError::Io(error.to_string()))?;
            let (whole, over_rules) = match &shown_now {
                Some(edition) => (whole.sharing_files_of(edition), edition.over_rules()),
                None => (whole, &[][..]),
            };
            let whole = Arc::new(hidden_by(&next, whole)?);
            shown.push(self.without_due(whole, over_rules, now_ms())?);
        }
        self.write_manifest(&mut manifest, next)?;
        self.state.write().exchange(&shown);
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
        let pending = due.flat_map(|one| one.pending.iter().map(|pending| pending.segment));
        // One that was set aside, damaged, stays pending: it is not erased.
        pending.filter(|&id| is_free(id)).find_map(|id| {
            let entry = manifest.segments.iter().find(|entry| entry.id == id)?;
            Some(((entry.tenant.clone(), entry.table), id))
        })
    }
}

impl State {
    /// Puts segments in the place of those with the same ids.
    pub(crate) fn exchange(&mut self, by: &[Arc<Segment>]) {
        for segment in by {
            let entry = segment.entry();
            let key = (entry.tenant.clone(), entry.table);
            if let Some(segments) = self.segments.get_mut(&key) {
                segments.exchange(std::slice::from_ref(segment));
            }
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
        let compiled = request.what.compile().map_err(|error| {
            SegmentReadError::new(format!("delete request {}: {error}", request.id))
        })?;
        if let Some((without, _)) = compiled.hide(request.id, &segment)? {
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
        let is_of_table = request.tenant == *tenant && request.what.tables().contains(table);
        let knows_it = request.pending.iter().any(|pending| pending.segment == *id);
        if !is_of_table || knows_it || request.created_at_ms < since_ms {
            continue;
        }
        let compiled = request.what.compile()?;
        if let Some((_, records)) = compiled.hide(request.id, segment)? {
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
