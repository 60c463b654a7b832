//! When memtables are sealed, and how what was sealed takes their place.

use std::{
    collections::BTreeMap,
    io,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::MutexGuard;
use varve_types::{Lsn, PartitionId};

use crate::{
    clock::now_ms,
    manifest::Manifest,
    memtable::{Memtable, Memtables, TableKey},
    opening,
    priority::Priority,
    sealing::{NewSegments, SealError, Sealing},
    segment::Segment,
    state::Shared,
};

/// How often the sealing thread looks at the memtables' age.
const TICK: Duration = Duration::from_millis(200);
/// After a failed sealing, how long until the next try; twice as long after each further one, …
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// … up to this.
const RETRY_LAST: Duration = Duration::from_mins(1);

impl Shared {
    /// The sealing thread.
    pub(crate) fn seal_until_stopped(&self) {
        let mut retry = RETRY_FIRST;
        while self.wait() {
            if !self.is_due() {
                continue;
            }
            if self.seal_if_due().is_ok() {
                retry = RETRY_FIRST;
                continue;
            }
            let mut signal = self.signal.lock();
            let until = Instant::now() + retry;
            while !signal.stop && !self.signalled.wait_until(&mut signal, until).timed_out() {}
            retry = (2 * retry).min(RETRY_LAST);
        }
    }

    /// Waits until a memtable is full or a tick is over; `false` to stop.
    fn wait(&self) -> bool {
        let mut signal = self.signal.lock();
        if !signal.stop && !signal.full {
            self.signalled.wait_for(&mut signal, TICK);
        }
        signal.full = false;
        !signal.stop
    }

    fn is_due(&self) -> bool {
        let state = self.state.read();
        let max_age = Duration::from_millis(self.settings.memtable_max_age_ms);
        let active = &state.memtables.active;
        state.memtables.sealing.is_some()
            || active.bytes() > self.settings.memtable_max_bytes
            || active.first_at().is_some_and(|at| at.elapsed() >= max_age)
    }

    /// Seals all that is in memtables now.
    pub(crate) fn seal_all(&self) -> Result<(), String> {
        // What an earlier try could not seal comes first, on its own.
        if self.state.read().memtables.sealing.is_some() {
            self.seal()?;
        }
        self.seal()
    }

    /// Seals, unless someone else did while this waited for them.
    fn seal_if_due(&self) -> Result<(), String> {
        let manifest = self.manifest.lock();
        if self.is_due() { self.seal_with(manifest, Priority::Sealing) } else { Ok(()) }
    }

    /// Seals one memtable: the one that an earlier try could not, or else the active one.
    fn seal(&self) -> Result<(), String> {
        // Somebody waits for it.
        self.seal_with(self.manifest.lock(), Priority::Equal)
    }

    fn seal_with(
        &self,
        mut manifest: MutexGuard<'_, Manifest>,
        priority: Priority,
    ) -> Result<(), String> {
        let Some(memtable) = self.memtable_to_seal() else { return Ok(()) };
        // One that has grown this far shows that sealing does not keep up.
        let is_late = memtable.bytes() > self.settings.memtable_max_bytes / 4 * 5;
        let sealing = Sealing {
            folders: &self.folders,
            texts: &self.texts,
            text_block_rows: self.settings.text_block_rows,
            filter_attributes: &self.settings.filter_attributes,
            // The other half is for appends and queries.
            workers: (thread::available_parallelism().map_or(1, NonZero::get) / 2).max(1),
            priority: if is_late { Priority::Equal } else { priority },
        };
        // A row that makes a library panic must not end sealing for good without a word: the
        // memtable stays, and the status says why.
        let sealed = catch_unwind(AssertUnwindSafe(|| sealing.seal(&memtable, &mut manifest)))
            .unwrap_or_else(|panic| Err(SealError::of_panic(&*panic)));
        match sealed {
            Ok(segments) => {
                let segments = self.not_yet_due(segments);
                self.swap(segments, &manifest.covered);
            }
            Err(error) => {
                let reason = error.to_string();
                self.state.write().seal_error = Some(reason.clone());
                return Err(reason);
            }
        }
        // Without it nothing is lost but how far back one can read as of a time.
        drop(self.write_timeline());
        drop(manifest);
        let covered: Vec<_> = memtable.next().iter().map(|(&at, &up_to)| (at, up_to)).collect();
        self.log.trim(&opening::snapshot(), &covered);
        Ok(())
    }

    /// The segments without rows that are too old. One that cannot be read is shown as it is: the next
    /// look at what is due tells why.
    fn not_yet_due(&self, segments: NewSegments) -> NewSegments {
        let now_ms = now_ms();
        let shown = |(key, segment): (TableKey, Arc<Segment>)| {
            let shown = self.without_due(segment.clone(), &[], now_ms);
            (key, shown.unwrap_or(segment))
        };
        segments.into_iter().map(shown).collect()
    }

    fn write_timeline(&self) -> io::Result<()> {
        // Those who append and query wait for the state, so nothing is thinned with it in hand.
        let mut timeline = self.state.read().timeline.clone();
        let thinned = timeline.thinned(now_ms());
        self.state.write().timeline.adopt(thinned.clone());
        timeline.adopt(thinned);
        timeline.write(&self.folders.manifest())
    }

    fn memtable_to_seal(&self) -> Option<Arc<Memtable>> {
        let Memtables { active, sealing } = &mut self.state.write().memtables;
        if sealing.is_none() && active.rows() > 0 {
            *sealing = Some(Arc::new(std::mem::take(active)));
        }
        sealing.clone()
    }

    /// Segments take the place of the memtable they were made of, in one step for every query.
    fn swap(&self, segments: NewSegments, covered: &BTreeMap<PartitionId, Lsn>) {
        let mut state = self.state.write();
        for (key, segment) in segments {
            state.segments.entry(key).or_default().push(segment);
        }
        state.memtables.sealing = None;
        state.seals_total += 1;
        state.seal_error = None;
        state.covered.clone_from(covered);
    }
}
