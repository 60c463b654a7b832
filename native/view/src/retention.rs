//! Retention: rows that are too old, or over a size, are not shown; segments in which nothing is left go
//! in one manifest, others are written anew without such rows by compaction.
//!
//! What is due is hidden a little before: twice a minute what will be due within the next one, of short
//! ages more often. What is not sealed yet is looked at when it is read, and when it is sealed.

mod known;
mod memtable;
mod policy;
mod sweep;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use serde::Serialize;
use varve_types::{Table, TenantId};

pub(crate) use self::{known::Retiring, policy::Policy};
use self::{
    policy::Ahead,
    sweep::{AT_ONCE_MS, Fate, Sweep},
};
use crate::{
    clock::now_ms,
    compaction::CompactError,
    deletes,
    error::{SegmentReadError, panic_text},
    memtable::TableKey,
    segment::Segment,
    settings::RetentionSettings,
    snapshot::Snapshot,
    state::{Shared, State},
};

/// A segment was written at least this long ago before it is written anew because rows are too old.
const REWRITE_PERIOD_MIN_MS: i64 = 10 * 60_000;

/// What retention lets go of one tenant and table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expired {
    /// Whose.
    pub tenant: TenantId,
    /// Of which table.
    pub table: Table,
    /// Segments that go as a whole.
    pub segments: u64,
    /// Records in them.
    pub records: u64,
    /// Their size on disk.
    pub bytes: u64,
    /// Segments of which a part goes: they are written anew.
    pub segments_in_part: u64,
    /// Records of that part; of samples by the share of time.
    pub records_in_part: u64,
    /// About how many bytes that part has on disk.
    pub bytes_in_part: u64,
}

impl Shared {
    /// The retention thread.
    pub(crate) fn expire_until_stopped(&self) {
        let tick = policy::tick(&self.settings.upkeep.retention);
        loop {
            let mut signal = self.signal.lock();
            if !signal.stop {
                self.stopping.wait_for(&mut signal, tick);
            }
            if signal.stop {
                return;
            }
            drop(signal);
            self.expire_or_tell();
        }
    }

    /// Looks for what is due; why that failed is in the status.
    pub(crate) fn expire_or_tell(&self) {
        // Neither the thread nor a start ends with it.
        let done = catch_unwind(AssertUnwindSafe(|| self.expire(now_ms())));
        let reason = match done {
            Ok(done) => done.err().map(|error| error.to_string()),
            Err(panic) => Some(format!("retention panicked: {}", panic_text(&*panic))),
        };
        self.state.write().retention_error = reason;
    }

    /// What retention by these settings would let go now.
    pub(crate) fn expired(
        &self,
        settings: &RetentionSettings,
        now_ms: i64,
    ) -> Result<Vec<Expired>, SegmentReadError> {
        let mut expired = Vec::new();
        for ((tenant, table), segments) in self.lists() {
            let policy = Policy::of(settings, &tenant, table);
            let sweep = Sweep {
                policy: &policy,
                known: &mut Retiring::default(),
                now_ms,
                ahead: Ahead::No,
            };
            let mut one = Expired::of(&tenant, table);
            let mut failed = Vec::new();
            for fate in sweep.run(&segments, &mut failed) {
                one.add(&fate);
            }
            if let Some(error) = failed.into_iter().next() {
                return Err(error);
            }
            if one.segments + one.segments_in_part > 0 {
                expired.push(one);
            }
        }
        Ok(expired)
    }

    /// Hides what is due, and lets segments go in which nothing is left: one manifest without them, then
    /// no query sees them, then their files are removed.
    ///
    /// A segment that turns out damaged is set aside. The error is the first of another kind; what is due
    /// elsewhere is let go all the same.
    pub(crate) fn expire(&self, now_ms: i64) -> Result<(), CompactError> {
        let settings = &self.settings.upkeep.retention;
        let (mut gone, mut hidden, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        let mut retiring = self.retiring.lock();
        for ((tenant, table), segments) in self.lists() {
            let policy = Policy::of(settings, &tenant, table);
            let sweep = Sweep { policy: &policy, known: &mut retiring, now_ms, ahead: Ahead::Yes };
            for fate in sweep.run(&segments, &mut failed) {
                match fate {
                    Fate::Gone(segment) => gone.push(segment),
                    Fate::InPart { whole, left, .. } => hidden.push((whole, left)),
                }
            }
        }
        retiring.forget_gone();
        drop(retiring);
        self.let_go(gone, hidden, now_ms)?;
        let mut first = None;
        for error in failed {
            let set_aside = |damaged| self.set_aside(damaged, &error.to_string());
            if error.damaged().is_none_or(|damaged| set_aside(damaged).is_err()) {
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Exchanges segments for what is left of them, and takes others away.
    fn let_go(
        &self,
        mut gone: Vec<Arc<Segment>>,
        mut hidden: Vec<(Arc<Segment>, Arc<Segment>)>,
        now_ms: i64,
    ) -> Result<(), CompactError> {
        if gone.is_empty() && hidden.is_empty() {
            return Ok(());
        }
        let mut manifest = self.manifest.lock();
        let mut state = self.state.write();
        // A merge or a request to erase may have come between: then the next look sees what is left.
        hidden.retain(|(whole, _)| state.shows(whole));
        gone.retain(|segment| state.shows(segment));
        for (_, left) in &hidden {
            state.exchange(std::slice::from_ref(left));
        }
        drop(state);
        if gone.is_empty() {
            return Ok(());
        }
        let ids: Vec<u64> = gone.iter().map(|segment| segment.entry().id).collect();
        let mut next = manifest.clone();
        next.replace(&ids, std::iter::empty());
        deletes::settle(&mut next, &ids, now_ms);
        let folder = self.folders.manifest();
        next.write(&folder).map_err(CompactError::io(&folder))?;
        *manifest = next;
        let mut state = self.state.write();
        for segments in state.segments.values_mut() {
            segments.replace(&ids, &[]);
        }
        state.expired_bytes_total += gone.iter().map(|one| one.size_bytes()).sum::<u64>();
        drop(state);
        drop(manifest);
        self.retired.lock().extend(gone);
        Ok(())
    }

    /// The segment without rows that are too old, or of rules that are over their size, for one that is
    /// about to be shown.
    pub(crate) fn without_due(
        &self,
        segment: Arc<Segment>,
        over_rules: &[usize],
        now_ms: i64,
    ) -> Result<Arc<Segment>, SegmentReadError> {
        let entry = segment.entry();
        let policy = Policy::of(&self.settings.upkeep.retention, &entry.tenant, entry.table);
        let left = sweep::without_due(&policy, &segment, over_rules, now_ms, Ahead::Yes)?;
        Ok(left.map_or(segment, |(left, _)| Arc::new(left)))
    }

    /// A segment with rows that have been too old for as long as they may stay on the disk, counted from
    /// when it was written at the earliest: one at the boundary, of which rows are due all the time, is
    /// written anew once in that period.
    pub(crate) fn segment_to_rewrite(
        &self,
        now_ms: i64,
        is_free: &dyn Fn(u64) -> bool,
    ) -> Option<(TableKey, Arc<Segment>)> {
        let period_ms =
            i64::try_from(self.settings.upkeep.expired_rewrite_period_ms).unwrap_or(i64::MAX);
        let period_ms = period_ms.max(REWRITE_PERIOD_MIN_MS);
        let is_it = |segment: &&Arc<Segment>| {
            let is_due = |since_ms: i64| {
                let since_ms = since_ms.max(segment.entry().sealed_at_ms);
                since_ms.saturating_add(period_ms) <= now_ms
            };
            let is_due = |since_ms| since_ms == AT_ONCE_MS || is_due(since_ms);
            let is_ours = is_to_rewrite(segment) && is_free(segment.id());
            is_ours && segment.due_since_ms().is_some_and(is_due)
        };
        let state = self.state.read();
        state
            .segments
            .iter()
            .find_map(|(key, segments)| Some((key.clone(), segments.iter().find(is_it)?.clone())))
    }

    /// All segments that have rows which are too old beside others.
    pub(crate) fn segments_to_rewrite(&self) -> Vec<(TableKey, u64)> {
        let ids = |(key, segments): (TableKey, Vec<Arc<Segment>>)| {
            let ids: Vec<_> =
                segments.iter().filter(|one| is_to_rewrite(one)).map(|one| one.id()).collect();
            ids.into_iter().map(move |id| (key.clone(), id))
        };
        self.lists().into_iter().flat_map(ids).collect()
    }

    /// What is not sealed yet without rows that are too old.
    pub(crate) fn not_too_old(&self, key: &TableKey, mut snapshot: Snapshot) -> Snapshot {
        let policy = Policy::of(&self.settings.upkeep.retention, &key.0, key.1);
        if !policy.keeps_all() {
            policy.shown(&mut snapshot.memtable, now_ms());
        }
        snapshot
    }

    fn lists(&self) -> Vec<(TableKey, Vec<Arc<Segment>>)> {
        let state = self.state.read();
        let lists = state.segments.iter().map(|(key, segments)| (key.clone(), segments.to_vec()));
        let mut lists: Vec<_> = lists.collect();
        lists.sort_by(|a, b| a.0.cmp(&b.0));
        lists
    }
}

/// Whether a segment hides rows that are too old, shows others, and may be written anew: rows that a
/// request hides would be gone before their time.
pub(crate) fn is_to_rewrite(segment: &Segment) -> bool {
    segment.due_since_ms().is_some() && segment.shows_rows() && segment.requests().is_empty()
}

impl Expired {
    fn of(tenant: &TenantId, table: Table) -> Self {
        Self {
            tenant: tenant.clone(),
            table,
            segments: 0,
            records: 0,
            bytes: 0,
            segments_in_part: 0,
            records_in_part: 0,
            bytes_in_part: 0,
        }
    }

    fn add(&mut self, fate: &Fate) {
        match fate {
            Fate::Gone(segment) => {
                self.segments += 1;
                self.records += segment.entry().records;
                self.bytes += segment.size_bytes();
            }
            Fate::InPart { whole, records, .. } => {
                let entry = whole.entry();
                let share = u128::from(*records) * u128::from(entry.size_bytes)
                    / u128::from(entry.records.max(1));
                self.segments_in_part += 1;
                self.records_in_part += records;
                self.bytes_in_part += u64::try_from(share).unwrap_or(u64::MAX);
            }
        }
    }
}

impl State {
    /// Whether queries see just this segment.
    fn shows(&self, segment: &Arc<Segment>) -> bool {
        let entry = segment.entry();
        let shown = self.shown(&(entry.tenant.clone(), entry.table), entry.id);
        shown.is_some_and(|one| Arc::ptr_eq(one, segment))
    }
}
