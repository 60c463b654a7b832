//! What every part of one query shares: its snapshots, its budget, its counters.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hashbrown::HashSet;
use varve_columnar::answer::{Answer, Outcome, QueryStats};
use varve_types::{Table, TenantId};
use varve_view::{AsOf, AsOfError, DamagedSegment, Segment, Snapshot, Store};

use crate::{
    budget::{BudgetTracker, CancelToken},
    error::QueryError,
    fates::{Fate, Fates},
    kept_rows::KeptRows,
    plan::{self, NotePlace, Query},
    tables::tables_of,
};

/// The label that says whose a stream or series is, in a read of several tenants.
pub(crate) const TENANT_LABEL: &str = "__tenant_id__";

/// Where queries get their rows from.
pub trait Sources {
    /// All of one tenant's rows of one table, as they are now; empty for a tenant that has none.
    fn snapshot(&self, tenant: &TenantId, table: Table) -> Snapshot;

    /// Several of them, as they are at one instant where the source can tell.
    fn snapshots(&self, of: &[(TenantId, Table)]) -> Vec<Snapshot> {
        of.iter().map(|(tenant, table)| self.snapshot(tenant, *table)).collect()
    }

    /// The same, without what was appended after a position.
    fn snapshots_as_of(
        &self,
        of: &[(TenantId, Table)],
        as_of: &AsOf,
    ) -> Result<Vec<Snapshot>, AsOfError> {
        let position = match as_of {
            AsOf::Position(position) => position,
            AsOf::TimeMs(at_ms) => {
                // Only the store knows when there was which position.
                return Err(AsOfError::TooEarly { asked_ms: *at_ms, first_ms: None });
            }
        };
        let snapshots = self.snapshots(of).into_iter().zip(of);
        Ok(snapshots.map(|(one, (_, table))| one.as_of(*table, position)).collect())
    }

    /// Takes a damaged segment out of later snapshots; `false` where that cannot be done.
    fn set_aside(&self, _damaged: &DamagedSegment, _reason: &str) -> bool {
        false
    }
}

impl Sources for Store {
    fn snapshot(&self, tenant: &TenantId, table: Table) -> Snapshot {
        Store::snapshot(self, tenant, table)
    }

    fn snapshots(&self, of: &[(TenantId, Table)]) -> Vec<Snapshot> {
        Store::snapshots(self, of)
    }

    fn snapshots_as_of(
        &self,
        of: &[(TenantId, Table)],
        as_of: &AsOf,
    ) -> Result<Vec<Snapshot>, AsOfError> {
        Store::snapshots_as_of(self, of, as_of)
    }

    fn set_aside(&self, damaged: &DamagedSegment, reason: &str) -> bool {
        Store::set_aside(self, damaged, reason)
    }
}

/// One running query.
pub(crate) struct ExecContext {
    tenants: Vec<(TenantId, BTreeMap<Table, Snapshot>)>,
    /// What the query may still cost.
    pub(crate) budget: BudgetTracker,
    /// Where rows of segments are kept for later queries; `None`: nowhere.
    pub(crate) kept_rows: Option<Arc<KeptRows>>,
    notes: Mutex<Notes>,
}

/// What a query tells besides its answer.
#[derive(Default)]
struct Notes {
    stats: QueryStats,
    fates: Fates,
    warnings: Vec<Note>,
    infos: Vec<Note>,
}

/// One text that is told.
struct Note {
    text: String,
    place: Place,
}

/// Where in the query's text a note points to.
enum Place {
    None,
    /// Not known before the node that tells it is done: then to what stands there.
    Pending(About),
    /// `line:column`.
    Known(String),
}

/// What of a node a note is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// What it computes with.
    Input,
    /// Its quantile or ratio.
    Param,
}

impl ExecContext {
    /// Takes the snapshots of every tenant and table that the plan reads.
    pub(crate) fn open(
        query: &Query,
        sources: &dyn Sources,
        kept_rows: Option<&Arc<KeptRows>>,
        cancel: &CancelToken,
        started: Instant,
    ) -> Result<Self, QueryError> {
        let budget = BudgetTracker::start(&query.budget, cancel, started);
        let tables = tables_of(&query.plan);
        let as_of = query.as_of.as_ref().map(plan::AsOf::read).transpose()?;
        let parsed = query.tenants.iter().map(|name| TenantId::parse(name));
        let names: Vec<TenantId> = parsed
            .collect::<Result<_, _>>()
            .map_err(|error| QueryError::invalid(error.to_string()))?;
        let mut taken = take(sources, &names, tables, as_of.as_ref())?.into_iter();
        let mut tenants = Vec::with_capacity(names.len());
        let mut notes = Notes::default();
        for tenant in names {
            let snapshots: BTreeMap<_, _> = tables.iter().copied().zip(taken.by_ref()).collect();
            for warning in snapshots.values().flat_map(|snapshot| &snapshot.warnings) {
                push_once(&mut notes.warnings, warning.clone(), Place::None);
            }
            notes.stats.segments_total +=
                snapshots.values().map(|snapshot| snapshot.segments.len() as u64).sum::<u64>();
            tenants.push((tenant, snapshots));
        }
        // Of what is read as of a position an edition is made for this query alone.
        let kept_rows = kept_rows.filter(|kept| kept.is_on() && query.as_of.is_none()).cloned();
        Ok(Self { tenants, budget, kept_rows, notes: Mutex::new(notes) })
    }

    /// Each tenant's rows of a table, with the value of [`TENANT_LABEL`] where several are read.
    pub(crate) fn snapshots(
        &self,
        table: Table,
    ) -> impl Iterator<Item = (Option<&TenantId>, &Snapshot)> {
        let federated = self.is_federated();
        self.tenants.iter().filter_map(move |(tenant, snapshots)| {
            snapshots.get(&table).map(|snapshot| (federated.then_some(tenant), snapshot))
        })
    }

    /// Whether several tenants are read, so that streams have [`TENANT_LABEL`].
    pub(crate) fn is_federated(&self) -> bool {
        self.tenants.len() > 1
    }

    /// Leaves out rows that were told before: calls `keep` with each tenant's snapshot.
    pub(crate) fn narrow<E>(
        &mut self,
        table: Table,
        mut keep: impl FnMut(usize, &mut Snapshot) -> Result<(), E>,
    ) -> Result<(), E> {
        let fates = &mut self.notes.get_mut().unwrap_or_else(PoisonError::into_inner).fates;
        for (tenant, (_, snapshots)) in self.tenants.iter_mut().enumerate() {
            if let Some(snapshot) = snapshots.get_mut(&table) {
                let before = snapshot.segments.clone();
                keep(tenant, snapshot)?;
                let kept: HashSet<_> = snapshot.segments.iter().map(|one| one.id()).collect();
                for gone in before.iter().filter(|one| !kept.contains(&one.id())) {
                    fates.tell(gone.id(), Fate::OtherTime);
                }
            }
        }
        Ok(())
    }

    /// The segments of a snapshot whose first and last times overlap with what is asked for; the others
    /// are counted as left out.
    pub(crate) fn segments_in_time<'s>(
        &self,
        snapshot: &'s Snapshot,
        overlaps: impl Fn((i64, i64)) -> bool,
    ) -> Vec<&'s Arc<Segment>> {
        let is_in_time = |segment: &&Arc<Segment>| overlaps(segment.time_range());
        let (in_time, others): (Vec<_>, Vec<_>) = snapshot.segments.iter().partition(is_in_time);
        self.tell_all(others, Fate::OtherTime);
        in_time
    }

    /// Says what becomes of a segment, as far as one part of the query knows it.
    pub(crate) fn tell(&self, segment: &Segment, fate: Fate) {
        self.notes().fates.tell(segment.id(), fate);
    }

    /// The same of several segments.
    pub(crate) fn tell_all<'s>(
        &self,
        segments: impl IntoIterator<Item = &'s Arc<Segment>>,
        fate: Fate,
    ) {
        let fates = &mut self.notes().fates;
        segments.into_iter().for_each(|segment| fates.tell(segment.id(), fate));
    }

    /// Adds to the query's counters; to be called once per segment or batch, not per row.
    pub(crate) fn count(&self, more: &QueryStats) {
        let stats = &mut self.notes().stats;
        stats.rows_read += more.rows_read;
        stats.bytes_read += more.bytes_read;
        stats.rows_matched += more.rows_matched;
        stats.memtable_rows_read += more.memtable_rows_read;
        stats.traces_read += more.traces_read;
    }

    /// Tells the user why the answer may be partial or surprising; the same text only once.
    pub(crate) fn warn(&self, text: String) {
        push_once(&mut self.notes().warnings, text, Place::None);
    }

    /// The same, pointing to where in the query's text the node stands that is being evaluated.
    pub(crate) fn warn_about(&self, about: About, text: String) {
        push_once(&mut self.notes().warnings, text, Place::Pending(about));
    }

    /// Tells the user something that is no warning; the same text only once.
    pub(crate) fn inform(&self, text: String) {
        push_once(&mut self.notes().infos, text, Place::Pending(About::Input));
    }

    /// A node with this place is done: what it told, and its operands had no place for, points there.
    pub(crate) fn place_notes(&self, place: &NotePlace) {
        let notes = &mut *self.notes();
        for note in notes.warnings.iter_mut().chain(&mut notes.infos) {
            if let Place::Pending(about) = note.place {
                note.place = Place::Known(match about {
                    About::Input => place.input.clone(),
                    About::Param => place.param.clone(),
                });
            }
        }
    }

    /// The finished query.
    pub(crate) fn finish(self, answer: Answer, elapsed: Duration) -> Outcome {
        let Notes { mut stats, fates, warnings, infos } =
            self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        fates.count(&mut stats);
        stats.memory_peak_bytes = self.budget.memory_peak_bytes();
        stats.elapsed_ns = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let told = |notes: Vec<Note>| notes.into_iter().map(Note::told).collect();
        Outcome { answer, warnings: told(warnings), infos: told(infos), stats }
    }

    // Counters are whole after each call, so a panic elsewhere leaves nothing half-written in them.
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Snapshots of some tables of each tenant, all at one position.
fn take(
    sources: &dyn Sources,
    tenants: &[TenantId],
    tables: &[Table],
    as_of: Option<&AsOf>,
) -> Result<Vec<Snapshot>, QueryError> {
    let of_tenant = |tenant: &TenantId| {
        let tenant = tenant.clone();
        tables.iter().map(move |&table| (tenant.clone(), table))
    };
    let keys: Vec<_> = tenants.iter().flat_map(of_tenant).collect();
    Ok(match as_of {
        Some(as_of) => sources.snapshots_as_of(&keys, as_of)?,
        None => sources.snapshots(&keys),
    })
}

impl Note {
    fn told(self) -> String {
        match self.place {
            Place::Known(place) => format!("{} ({place})", self.text),
            Place::None | Place::Pending(_) => self.text,
        }
    }
}

/// Of the same text told at several places the last one is shown.
fn push_once(notes: &mut Vec<Note>, text: String, place: Place) {
    match notes.iter_mut().find(|note| note.text == text) {
        Some(note) => note.place = place,
        None => notes.push(Note { text, place }),
    }
}

#[cfg(test)]
mod tests;
