//! What an operator asks of a journal.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use varve_types::{Lsn, PartitionId};

use super::{Journal, Shared, machines::Machines};
use crate::{
    FollowerKind, FollowerStatus, HoldStatus, followers,
    journal::{CutTail, Damage, DiskStatus, Lag},
    producers::ProducerSettings,
    protocol::Partition,
};

/// A journal at one moment.
#[derive(Clone, Debug)]
pub struct JournalStatus {
    /// How often the node has started: leaders of one life never lead on in the next.
    pub incarnation: u64,
    /// How many files there are.
    pub files: u64,
    /// Bytes of whole groups in them. On disk the file that is written takes `file_bytes`.
    pub bytes: u64,
    /// Partitions that keep the oldest file from being removed: seal and trim these to free space.
    pub oldest_file_held_by: Vec<PartitionId>,
    /// The disk that the files are on.
    pub disk: DiskStatus,
    /// Bytes of requests that wait for the disk.
    pub waiting_bytes: u64,
    /// How many may: past it requests are refused.
    pub waiting_max_bytes: u64,
    /// Groups written since the start.
    pub groups_total: u64,
    /// Records written since the start.
    pub records_total: u64,
    /// Records that were there already, by their idempotency keys.
    pub duplicates_total: u64,
    /// Idempotency keys by which a retry would be known again.
    pub keys_remembered: u64,
    /// Keys that were forgotten before their window ended, for want of room.
    pub keys_forgotten_total: u64,
    /// Bytes of the groups.
    pub group_bytes_total: u64,
    /// Syncs of groups since the start.
    pub syncs_total: u64,
    /// How long they took together, in microseconds.
    pub sync_us_total: u64,
    /// How long the last sync took, in microseconds.
    pub last_sync_us: u64,
    /// How long the slowest sync since the start took, in microseconds.
    pub max_sync_us: u64,
    /// Why nothing is written any more; `None` while the journal is sound.
    pub read_only: Option<Arc<str>>,
    /// Why the last trim could not be made durable, or its files not be removed. The next tries again.
    pub trim_error: Option<Arc<str>>,
    /// Stretches of the files that are damaged, as far as that was found.
    pub damages: Vec<Damage>,
    /// How many were found since the start, also in files that are gone.
    pub damages_total: u64,
    /// Those among them of which nothing is known: any frame may have been there.
    pub unknown_frames_total: u64,
    /// What this start did not find whole at the end of the journal, and cut.
    pub cut_tail: Option<CutTail>,
    /// Epochs sealed since the start.
    pub seals_total: u64,
    /// Records that were written again since the start, because a store lacked them.
    pub repairs_total: u64,
    /// Syncs by how long they took ([`crate::SYNC_BOUNDS_US`]); last those that took longer.
    pub sync_counts: Vec<u64>,
    /// Partitions that hold records or held some, in order.
    pub partitions: Vec<PartitionStatus>,
    /// Who keeps records from being trimmed by name, also who did so for too long.
    pub holds: Vec<HoldStatus>,
    /// What each of them keeps, in the same order.
    pub hold_lags: Vec<Lag>,
    /// Who follows the log, and how far behind each is.
    pub followers: Vec<FollowerStatus>,
}

/// One partition of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// Which.
    pub partition: PartitionId,
    /// The first place that is not committed yet.
    pub tail: Lsn,
    /// The first place that may still be read.
    pub trim_point: Lsn,
    /// Records from there to the tail: what a start would replay.
    pub held_records: u64,
    /// Of their payloads.
    pub held_bytes: u64,
    /// When the oldest of them was appended, in milliseconds since 1970, where that is known.
    pub oldest_held_ms: Option<i64>,
    /// Who keeps the trim point where it is, by name; `None` where nobody ever said from where on
    /// records are needed.
    pub held_by: Option<Arc<str>>,
}

/// What only the log's thread knows.
#[derive(Clone, Default)]
pub(super) struct MachineStatus {
    keys: BTreeMap<PartitionId, Keys>,
    all_keys: Keys,
    trim_error: Option<Arc<str>>,
    held_by: BTreeMap<PartitionId, Arc<str>>,
    pub(super) holds: Vec<HoldStatus>,
}

/// How many keys of requests are remembered, and were forgotten too early.
#[derive(Clone, Copy, Default)]
struct Keys {
    remembered: u64,
    forgotten_total: u64,
}

impl MachineStatus {
    pub(super) fn of(machines: &Machines) -> Self {
        let holds = HoldStatus::all(machines.control.control());
        let mut status = Self { holds, ..Self::default() };
        status.note(machines, machines.iter().map(|(partition, _)| partition));
        status
    }

    /// Takes in what happened to these partitions. The log's thread does so after each group, so it must
    /// not look at the others.
    pub(super) fn note(
        &mut self,
        machines: &Machines,
        changed: impl IntoIterator<Item = PartitionId>,
    ) {
        for partition in changed {
            let Some(machine) = machines.get(partition) else { continue };
            let table = &machine.producers().table;
            let (remembered, forgotten_total) =
                (table.keys_len() as u64, table.keys_forgotten_total());
            let keys = Keys { remembered, forgotten_total };
            let before = self.keys.insert(partition, keys).unwrap_or_default();
            let all = &mut self.all_keys;
            all.remembered = (all.remembered + remembered).saturating_sub(before.remembered);
            // Only more are ever forgotten, unless a partition takes another's table.
            all.forgotten_total += forgotten_total.saturating_sub(before.forgotten_total);
            match holder(machine) {
                Some(name) => drop(self.held_by.insert(partition, name)),
                None => drop(self.held_by.remove(&partition)),
            }
        }
        self.trim_error.clone_from(&machines.trim_error);
    }

    /// Whether more keys are remembered than may be.
    pub(super) const fn has_too_many_keys(&self, settings: ProducerSettings) -> bool {
        self.all_keys.remembered > settings.dedupe_keys_total_max as u64
    }
}

/// Who keeps the trim point where it is.
fn holder(machine: &Partition) -> Option<Arc<str>> {
    let holders = machine.epochs()?.holders();
    let (name, _) = holders.iter().min_by_key(|(_, holder)| holder.place)?;
    Some(Arc::clone(name))
}

impl Journal {
    /// The files, the oldest first, each with where its last synced group ends. What is behind that, of the
    /// last one, is being written.
    pub fn file_ends(&self) -> Vec<(PathBuf, u64)> {
        self.shared.files.ends()
    }

    /// How the journal is doing.
    pub fn status(&self) -> JournalStatus {
        let shared = &self.shared;
        let files = shared.files.status();
        let machines = shared.machine_status.lock().clone();
        let partitions =
            files.partitions.into_iter().map(|(partition, trim_point, lag)| PartitionStatus {
                partition,
                tail: shared.tail(partition),
                trim_point,
                held_records: lag.records,
                held_bytes: lag.bytes,
                oldest_held_ms: lag.oldest_ms,
                held_by: machines.held_by.get(&partition).cloned(),
            });
        let lag_of = |hold: &HoldStatus| {
            shared.files.lag(hold.places.iter().map(|(partition, place)| (*partition, *place)))
        };
        let counters = files.counters;
        JournalStatus {
            incarnation: shared.incarnation,
            files: files.files,
            bytes: files.bytes,
            oldest_file_held_by: files.oldest_file_held_by,
            disk: files.disk,
            waiting_bytes: shared.queue.waiting_bytes(),
            waiting_max_bytes: shared.settings.write_buffer_max_bytes,
            groups_total: counters.groups_total,
            records_total: counters.records_total,
            duplicates_total: *shared.duplicates_total.lock(),
            keys_remembered: machines.all_keys.remembered,
            keys_forgotten_total: machines.all_keys.forgotten_total,
            group_bytes_total: counters.group_bytes_total,
            syncs_total: counters.syncs_total,
            sync_us_total: counters.sync_us_total,
            last_sync_us: counters.last_sync_us,
            max_sync_us: counters.max_sync_us,
            read_only: shared.queue.read_only(),
            trim_error: machines.trim_error,
            damages: files.damages,
            damages_total: files.damages_total,
            unknown_frames_total: files.unknown_frames_total,
            cut_tail: files.cut_tail,
            seals_total: counters.seals_total,
            repairs_total: counters.repairs_total,
            sync_counts: counters.sync_counts.to_vec(),
            partitions: partitions.collect(),
            hold_lags: machines.holds.iter().map(lag_of).collect(),
            holds: machines.holds,
            followers: self.followers(),
        }
    }

    fn followers(&self) -> Vec<FollowerStatus> {
        let Shared { places, files, .. } = &*self.shared;
        let lists = places.lists();
        let begins: Vec<_> = lists.iter().map(|(at, list)| (*at, list.trim_point())).collect();
        let named = |kind| move |(name, needs)| (kind, name, needs);
        let by_snapshots = followers::by_snapshots(&lists).into_iter();
        let subscribed = places.followers.needs(&begins).into_iter();
        let found = by_snapshots.map(named(FollowerKind::Snapshot));
        let found = found.chain(subscribed.map(named(FollowerKind::Subscription)));
        followers::statuses(found, |needs| files.lag(needs))
    }
}
