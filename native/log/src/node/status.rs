//! What an operator asks of a journal.

use std::{collections::BTreeMap, sync::Arc};
use varve_types::{Lsn, PartitionId};

use super::{Journal, machines::Machines};
use crate::{
    HoldStatus,
    journal::{Damage, DiskStatus},
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
    /// Partitions that hold records or held some, in order.
    pub partitions: Vec<PartitionStatus>,
    /// Who keeps records from being trimmed by name, also who did so for too long.
    pub holds: Vec<HoldStatus>,
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
    /// Who keeps the trim point where it is, by name; `None` where nobody ever said from where on
    /// records are needed.
    pub held_by: Option<Arc<str>>,
}

/// What only the log's thread knows.
#[derive(Clone, Default)]
pub(super) struct MachineStatus {
    keys_remembered: u64,
    trim_error: Option<Arc<str>>,
    held_by: BTreeMap<PartitionId, Arc<str>>,
    pub(super) holds: Vec<HoldStatus>,
}

impl MachineStatus {
    pub(super) fn of(machines: &Machines) -> Self {
        let keys = |(_, machine): (_, &Partition)| machine.producers().table.keys_len() as u64;
        let holder = |(partition, machine): (PartitionId, &Partition)| {
            let holders = machine.epochs()?.holders();
            let (name, _) = holders.iter().min_by_key(|(_, holder)| holder.place)?;
            Some((partition, Arc::clone(name)))
        };
        Self {
            keys_remembered: machines.iter().map(keys).sum(),
            trim_error: machines.trim_error.clone(),
            held_by: machines.iter().filter_map(holder).collect(),
            holds: HoldStatus::all(machines.control.control()),
        }
    }
}

impl Journal {
    /// How the journal is doing.
    pub fn status(&self) -> JournalStatus {
        let shared = &self.shared;
        let files = shared.files.status();
        let machines = shared.machine_status.lock().clone();
        let partitions =
            files.partitions.into_iter().map(|(partition, trim_point, held_records)| {
                let tail = shared.tail(partition);
                let held_by = machines.held_by.get(&partition).cloned();
                PartitionStatus { partition, tail, trim_point, held_records, held_by }
            });
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
            keys_remembered: machines.keys_remembered,
            group_bytes_total: counters.group_bytes_total,
            syncs_total: counters.syncs_total,
            sync_us_total: counters.sync_us_total,
            last_sync_us: counters.last_sync_us,
            max_sync_us: counters.max_sync_us,
            read_only: shared.queue.read_only(),
            trim_error: machines.trim_error,
            damages: files.damages,
            damages_total: files.damages_total,
            partitions: partitions.collect(),
            holds: machines.holds,
        }
    }
}
