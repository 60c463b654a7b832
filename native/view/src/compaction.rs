//! Compaction: small segments become large ones, clustered anew, in the background.
//!
//! New segments are written and synced first; then one manifest names them and no longer those that
//! they were made of; then queries see them; the old files go once no query reads them. What a kill
//! leaves at any step is not named by the manifest, and is removed at the next start.

mod error;
mod merging;
mod pace;
mod plan;
mod progress;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use varve_segment::SegmentError;

pub use self::progress::CompactionStatus;
pub(crate) use self::{error::CompactError, progress::Compaction};
use self::{
    merging::Merging,
    pace::Pace,
    plan::{Candidate, Rules, Window},
    progress::Step,
};
use crate::{
    clock::now_ms,
    deletes,
    error::{SegmentReadError, panic_text},
    memtable::TableKey,
    priority::Priority,
    retention,
    segment::Segment,
    state::Shared,
};

/// How often the thread looks whether there is something to merge.
const TICK: Duration = Duration::from_secs(1);
/// A window is merged as far as it goes once nothing came for this long.
const QUIET_MS: i64 = 30 * 60 * 1_000;
/// Makes also a window that is not over look as if it were.
const EVERYTHING_IS_QUIET_MS: i64 = i64::MIN / 4;

/// Whether only what pays is merged, or all that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zeal {
    WhatPays,
    AllThatCan,
}

/// What a job works on.
struct Job {
    key: TableKey,
    inputs: Vec<Arc<Segment>>,
}

impl Shared {
    /// The compaction thread.
    pub(crate) fn compact_until_stopped(&self) {
        Priority::Compaction.take();
        loop {
            self.remove_retired();
            let did_something = matches!(self.compact_once(Zeal::WhatPays), Ok(true));
            let mut signal = self.signal.lock();
            if !signal.stop && !did_something {
                self.stopping.wait_for(&mut signal, TICK);
            }
            if signal.stop {
                return;
            }
        }
    }

    /// Merges until there is nothing left to merge.
    pub(crate) fn compact_all(&self) -> Result<(), String> {
        while self.compact_once(Zeal::AllThatCan).map_err(|error| error.to_string())? {}
        self.remove_retired();
        Ok(())
    }

    /// Lets go what is due, and writes every segment anew that has rows which are too old: each once,
    /// though more of the rows that it leaves may be too old by then. Of several errors the first is told.
    pub(crate) fn expire_all(&self) -> Result<(), String> {
        let mut done = self.expire(now_ms());
        for (key, id) in self.segments_to_rewrite() {
            let compaction = self.compaction.lock();
            // It may be merged by now, or more of it hidden.
            let shown = self.state.read().shown(&key, id).cloned();
            let Some(segment) = shown.filter(|one| retention::is_to_rewrite(one)) else { continue };
            let job = Job { key, inputs: vec![segment] };
            if let Err(error) = self.run(&job, &compaction, now_ms()) {
                let is_stop = matches!(error, CompactError::Stopped);
                self.set_aside_of(&job, &error);
                done = done.and(Err(error));
                if is_stop {
                    break;
                }
            }
        }
        self.remove_retired();
        done.map_err(|error| error.to_string())
    }

    /// Runs one job, if there is one.
    fn compact_once(&self, zeal: Zeal) -> Result<bool, CompactError> {
        let mut compaction = self.compaction.lock();
        let now_ms = now_ms();
        let rewrite = || Some((self.next_rewrite(&compaction, now_ms)?, true));
        let merge = || Some((self.next_merge(&compaction, zeal, now_ms)?, false));
        let erasure = self.next_erasure(&compaction, now_ms).map(|job| (job, false));
        let job = erasure.or_else(|| {
            if compaction.has_rewritten {
                merge().or_else(rewrite)
            } else {
                rewrite().or_else(merge)
            }
        });
        let Some((job, is_rewrite)) = job else { return Ok(false) };
        compaction.has_rewritten = is_rewrite;
        // As in sealing, a row that makes a library panic must not end compaction for good.
        let done = catch_unwind(AssertUnwindSafe(|| self.run(&job, &compaction, now_ms)))
            .unwrap_or_else(|panic| Err(CompactError::Panicked(panic_text(&*panic))));
        if let Err(error) = done {
            if !matches!(error, CompactError::Stopped) {
                self.set_aside_of(&job, &error);
                let at = Instant::now();
                compaction.failed.extend(job.inputs.iter().map(|one| (one.entry().id, at)));
                self.state.write().compaction.error = Some(error.to_string());
            }
            return Err(error);
        }
        Ok(true)
    }

    /// Takes the input away that made a merge fail, if it is damaged: the others can be merged then.
    fn set_aside_of(&self, job: &Job, error: &CompactError) {
        let damaged = match error {
            CompactError::Read(error) => error.damaged().cloned(),
            CompactError::Segment(SegmentError::Damaged { path, .. }) => {
                let input = job.inputs.iter().find(|input| input.has_file(path));
                input.map(|input| input.as_damaged())
            }
            _ => None,
        };
        if let Some(damaged) = damaged {
            // If that fails too, the merge is tried again later, and this with it.
            drop(self.set_aside(&damaged, &error.to_string()));
        }
    }

    /// A segment with rows that are due to be erased is rewritten alone.
    fn next_erasure(&self, compaction: &Compaction, now_ms: i64) -> Option<Job> {
        let is_free = |id| compaction.is_free(id);
        let (key, id) = self.segment_to_erase(now_ms, &is_free)?;
        let state = self.state.read();
        let segment = state.segments.get(&key)?.iter().find(|one| one.entry().id == id)?.clone();
        drop(state);
        Some(Job { key, inputs: vec![segment] })
    }

    /// A segment with rows that are too old is too, once they may not stay on the disk any longer.
    fn next_rewrite(&self, compaction: &Compaction, now_ms: i64) -> Option<Job> {
        let is_free = |id| compaction.is_free(id);
        let (key, segment) = self.segment_to_rewrite(now_ms, &is_free)?;
        Some(Job { key, inputs: vec![segment] })
    }

    fn next_merge(&self, compaction: &Compaction, zeal: Zeal, now_ms: i64) -> Option<Job> {
        let settings = &self.settings.upkeep;
        if settings.segments_min == 0 && zeal == Zeal::WhatPays {
            return None;
        }
        let state = self.state.read();
        state.segments.iter().find_map(|(key, segments)| {
            let candidates: Vec<Candidate> = segments
                .iter()
                .map(|segment| {
                    let entry = segment.entry();
                    Candidate {
                        size_bytes: entry.size_bytes,
                        rows: entry.rows,
                        times: entry.time_range,
                        sealed_at_ms: entry.sealed_at_ms,
                        // Merged, hidden rows would be gone before their time.
                        is_free: compaction.is_free(entry.id)
                            && segment.requests().is_empty()
                            && segment.shows_rows(),
                    }
                })
                .collect();
            let rules = Rules {
                segment_size_bytes: settings.segment_size_bytes,
                segments_min: settings.segments_min,
                window: Window::new(key.1, settings.window_ms),
                now_ms,
                quiet_ms: match zeal {
                    Zeal::WhatPays => QUIET_MS,
                    Zeal::AllThatCan => EVERYTHING_IS_QUIET_MS,
                },
            };
            let job = plan::next_job(&candidates, &rules)?;
            let inputs = job.into_iter().filter_map(|at| segments.get(at).cloned()).collect();
            Some(Job { key: key.clone(), inputs })
        })
    }

    fn run(&self, job: &Job, compaction: &Compaction, now_ms: i64) -> Result<(), CompactError> {
        self.check_free_space(job)?;
        let mut pace = Pace::new(self);
        let merging = Merging { shared: self, key: &job.key, inputs: &job.inputs, now_ms };
        let outputs = merging.write(&mut pace)?;
        compaction.reached(Step::Written);
        // What has become too old meanwhile is not shown again.
        let outputs = match self.all_without_due(&outputs) {
            Ok(shown) => shown,
            Err(error) => {
                merging.discard(&outputs);
                return Err(error.into());
            }
        };
        let mut manifest = self.manifest.lock();
        if !self.are_shown(job) {
            // Rows were erased, or expired, in the meantime: what was written would bring them back. The
            // next look for a job finds the segments as they are now.
            merging.discard(&outputs);
            return Ok(());
        }
        let mut next = manifest.clone();
        let ids: Vec<u64> = job.inputs.iter().map(|input| input.entry().id).collect();
        deletes::settle(&mut next, &ids, now_ms);
        next.replace(&ids, outputs.iter().map(|output| output.entry().clone()));
        let folder = self.folders.manifest();
        // If only the sync fails, a restart may find either manifest: all files stay.
        next.write(&folder).map_err(CompactError::io(&folder))?;
        *manifest = next;
        compaction.reached(Step::Named);
        self.show(job, &ids, &outputs);
        drop(manifest);
        compaction.reached(Step::Shown);
        Ok(())
    }

    /// Whether queries still see the inputs as they were read.
    fn are_shown(&self, job: &Job) -> bool {
        let state = self.state.read();
        // What is too old meanwhile is hidden of the outputs too; what is over a size is not known of them.
        job.inputs.iter().all(|input| {
            state.shown(&job.key, input.id()).is_some_and(|one| {
                one.requests() == input.requests() && one.over_rules() == input.over_rules()
            })
        })
    }

    fn all_without_due(
        &self,
        outputs: &[Arc<Segment>],
    ) -> Result<Vec<Arc<Segment>>, SegmentReadError> {
        let now_ms = now_ms();
        outputs.iter().map(|output| self.without_due(output.clone(), &[], now_ms)).collect()
    }

    /// Outputs take the place of their inputs, in one step for every query.
    fn show(&self, job: &Job, ids: &[u64], outputs: &[Arc<Segment>]) {
        let mut state = self.state.write();
        if let Some(segments) = state.segments.get_mut(&job.key) {
            segments.replace(ids, outputs);
        }
        let bytes =
            |segments: &[Arc<Segment>]| segments.iter().map(|one| one.size_bytes()).sum::<u64>();
        if job.inputs.iter().any(|input| input.due_since_ms().is_some()) {
            state.expired_bytes_total += bytes(&job.inputs).saturating_sub(bytes(outputs));
        }
        let status = &mut state.compaction;
        status.merges_total += 1;
        status.segments_merged_total += job.inputs.len() as u64;
        status.read_bytes_total += bytes(&job.inputs);
        status.written_bytes_total += bytes(outputs);
        status.error = None;
        drop(state);
        self.retired.lock().extend(job.inputs.iter().cloned());
    }

    fn check_free_space(&self, job: &Job) -> Result<(), CompactError> {
        let inputs: u64 = job.inputs.iter().map(|input| input.size_bytes()).sum();
        let folder = self.folders.segments();
        let disk = fs4::statvfs(&folder).map_err(CompactError::io(&folder))?;
        let needed_bytes = inputs + self.settings.disk_reserve.of(disk.total_space());
        let free_bytes = disk.available_space();
        if free_bytes < needed_bytes {
            return Err(CompactError::DiskFull { free_bytes, needed_bytes });
        }
        Ok(())
    }

    /// Removes the files of segments that were replaced and that no query reads any more.
    pub(crate) fn remove_retired(&self) {
        let mut waiting = self.retired.lock();
        let gone = waiting.extract_if(.., |segment| Segment::is_last(segment));
        let gone: Vec<_> = gone.collect();
        drop(waiting);
        let freed = gone.iter().map(|segment| segment.remove_files()).sum::<u64>();
        self.state.write().freed_bytes_total += freed;
    }
}

#[cfg(test)]
mod tests;
