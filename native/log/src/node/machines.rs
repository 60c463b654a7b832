//! The protocol's machines of all partitions on this node, and what carries out what they want done:
//! messages to oneself, frames into the journal's next group, commands to control.
//!
//! Nothing waits here: events are given, then [`Machines::settle`] goes on until every machine is at
//! rest, with one group for all frames that came up together.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
};
use varve_types::{Lsn, PartitionId};

use super::{
    control_store::ControlStore,
    frames,
    producer_snapshots::{ProducerSnapshots, Tables},
    timers::{Due, Timers},
};
use crate::{
    ReadError,
    journal::{DiskShortage, Files, Frame, WriteError, Writer},
    meta::MetaError,
    producers::{ProducerSettings, ProducerTable, fair_share},
    protocol::{
        Command, Copysets, Effect, EpochList, Event, Incarnation, KnownProducers, Nodeset, Now,
        Outcome, Partition, PartitionSettings, PartitionStart, ReadToken, RequestId, WriteToken,
    },
    runtime::Runtime,
};

/// What bounds bytes in flight is the queue before the machines, for all partitions together.
const WINDOW_MAX_BYTES: u64 = u64::MAX / 2;

/// What the machines are run with.
#[derive(Clone, Copy, Debug)]
pub(super) struct MachineSettings {
    pub(super) me: Incarnation,
    pub(super) epoch_timeout_ms: u64,
    pub(super) producers: ProducerSettings,
}

/// See the module.
pub(super) struct Machines {
    pub(super) settings: MachineSettings,
    nodeset: Nodeset,
    pub(super) runtime: Runtime,
    files: Arc<Files>,
    snapshots: ProducerSnapshots,
    pub(super) control: ControlStore,
    partitions: BTreeMap<PartitionId, Partition>,
    pub(super) timers: Timers,
    /// Partitions whose machines have not been told of control's newest list.
    pub(super) untold: BTreeSet<PartitionId>,
    /// Why the last trim could not be made durable, or its files not be removed. The next tries again.
    pub(super) trim_error: Option<Arc<str>>,
    events: VecDeque<(PartitionId, Event)>,
    /// Kept for its memory.
    effects: Vec<Effect>,
    wanted: Wanted,
    /// The disk is full, and what is wanted waits until there is room.
    pub(super) stalled: Option<DiskShortage>,
    /// What settled since the last look.
    pub(super) news: News,
}

/// What is to be done for all machines together.
#[derive(Default)]
struct Wanted {
    frames: Vec<Frame>,
    writes: Vec<(PartitionId, WriteToken)>,
    commands: Vec<(PartitionId, Command)>,
    drops: Vec<(PartitionId, Lsn)>,
}

/// What callers want to know.
#[derive(Default)]
pub(super) struct News {
    /// In the order in which they came to an end.
    pub(super) outcomes: Vec<(RequestId, Outcome)>,
    /// Tails of the epochs that this node leads.
    pub(super) tails: BTreeMap<PartitionId, Lsn>,
    /// Lists that machines were told.
    pub(super) lists: BTreeMap<PartitionId, Arc<EpochList>>,
}

/// Why the machines cannot go on.
#[derive(Debug)]
pub(super) enum Stopped {
    /// A group is not known to be on disk.
    Journal(Arc<str>),
    /// Control's file, or one beside it, could not be written.
    Meta(MetaError),
}

impl From<MetaError> for Stopped {
    fn from(error: MetaError) -> Self {
        Self::Meta(error)
    }
}

impl Machines {
    pub(super) fn new(
        settings: MachineSettings,
        control: ControlStore,
        files: Arc<Files>,
        runtime: Runtime,
        data_dir: PathBuf,
    ) -> Self {
        Self {
            nodeset: Nodeset::of_one(settings.me.node),
            settings,
            files,
            snapshots: ProducerSnapshots::new(runtime.clone(), data_dir),
            control,
            partitions: BTreeMap::new(),
            timers: Timers::new(Arc::clone(&runtime.clock)),
            runtime,
            untold: BTreeSet::new(),
            trim_error: None,
            events: VecDeque::new(),
            effects: Vec::new(),
            wanted: Wanted::default(),
            stalled: None,
            news: News::default(),
        }
    }

    /// Brings up the partitions of the lives before: each gets a new epoch, with this node as its
    /// leader, once [`Machines::settle`] is done. `producers`: of all that the journal holds.
    pub(super) fn bring_up(
        &mut self,
        mut producers: BTreeMap<PartitionId, ProducerTable>,
    ) -> Result<(), MetaError> {
        let in_journal = self.files.partitions().into_iter();
        let unlisted = in_journal.filter(|&partition| self.control.list(partition).is_none());
        let lists = unlisted.filter_map(|partition| {
            Some((partition, frames::epochs_of(&self.files, partition, &self.nodeset)?))
        });
        let lists = lists.collect();
        self.control.restore(lists)?;
        let known: Vec<_> = self.control.partitions().collect();
        for partition in known {
            // A crash may have come before the journal noted what control had let go already. No record
            // is between.
            let trim_point = self.control.list(partition).map(|list| list.trim_point());
            let up_to = frames::end_of(&self.files, partition).max(trim_point.unwrap_or_default());
            let table = producers.remove(&partition);
            let table = table.unwrap_or_else(|| ProducerTable::new(self.settings.producers));
            self.start(partition, KnownProducers { table, up_to });
            self.give(partition, Event::Recover(self.nodeset.clone()));
        }
        Ok(())
    }

    /// Makes the first epoch of partitions that there are not yet. On an error there is none of them.
    pub(super) fn create(
        &mut self,
        partitions: impl Iterator<Item = PartitionId>,
    ) -> Result<(), Stopped> {
        let new: Vec<_> = partitions.filter(|it| !self.partitions.contains_key(it)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.control.create(&new, self.settings.me, &self.nodeset)?;
        for partition in new {
            let table = ProducerTable::new(self.settings.producers);
            self.start(partition, KnownProducers::none(table));
        }
        Ok(())
    }

    fn start(&mut self, partition: PartitionId, producers: KnownProducers) {
        let start = PartitionStart {
            me: self.settings.me,
            settings: PartitionSettings {
                copysets: Copysets::All,
                copyset_seed: partition.to_u64(),
                window_max_bytes: WINDOW_MAX_BYTES,
                epoch_timeout_ms: self.settings.epoch_timeout_ms,
            },
            condition: crate::protocol::Condition::Whole,
            found: frames::found(&self.files, partition, self.settings.me.node),
            producers,
        };
        self.partitions.insert(partition, Partition::start(start));
        self.give(partition, Event::Started);
    }

    /// A partition's machine.
    pub(super) fn get(&self, partition: PartitionId) -> Option<&Partition> {
        self.partitions.get(&partition)
    }

    /// All machines.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PartitionId, &Partition)> {
        self.partitions.iter().map(|(partition, machine)| (*partition, machine))
    }

    /// Lets something happen to a partition, and all that follows from it in memory.
    pub(super) fn give(&mut self, partition: PartitionId, event: Event) {
        self.events.push_back((partition, event));
        let now = Now::from(&*self.runtime.clock);
        while let Some((partition, event)) = self.events.pop_front() {
            let Some(machine) = self.partitions.get_mut(&partition) else { continue };
            let mut effects = std::mem::take(&mut self.effects);
            machine.step(now, event, &mut effects);
            for effect in effects.drain(..) {
                self.carry_out(partition, effect);
            }
            self.effects = effects;
        }
    }

    /// Lets the timers run out that are due.
    pub(super) fn give_timers(&mut self) {
        while let Some(Due { partition, timer }) = self.timers.next_due() {
            self.give(partition, Event::Timer(timer));
        }
    }

    /// Writes, proposes and drops until nothing is wanted any more, or nothing can be written now.
    pub(super) fn settle(&mut self, writer: &mut Writer) -> Result<(), Stopped> {
        self.stalled = None;
        while self.stalled.is_none() {
            if !self.wanted.frames.is_empty() {
                self.write(writer)?;
            } else if !self.wanted.commands.is_empty() {
                self.command()?;
            } else if !self.wanted.drops.is_empty() {
                let drops = std::mem::take(&mut self.wanted.drops);
                let dropped = self.drop_below(&drops);
                self.trim_error = dropped.err().map(|error| Arc::from(error.to_string()));
            } else {
                break;
            }
        }
        Ok(())
    }

    fn write(&mut self, writer: &mut Writer) -> Result<(), Stopped> {
        let written = writer.write(&self.wanted.frames);
        if let Err(WriteError::NoRoom(shortage)) = written {
            self.stalled = Some(shortage);
            return Ok(());
        }
        self.wanted.frames.clear();
        let tokens = std::mem::take(&mut self.wanted.writes);
        let reason = match written {
            Ok(()) => {
                for (partition, token) in tokens {
                    self.give(partition, Event::Written(token));
                }
                return Ok(());
            }
            Err(error) => Arc::from(error.to_string()),
        };
        for (partition, token) in tokens {
            self.give(partition, Event::WriteFailed(token));
        }
        Err(Stopped::Journal(reason))
    }

    fn command(&mut self) -> Result<(), Stopped> {
        let commands = std::mem::take(&mut self.wanted.commands);
        // A refused command is answered like an applied one: by the list as it is.
        let _refusals = self.control.apply(&commands)?;
        for (partition, _) in commands {
            self.tell_list(partition);
        }
        Ok(())
    }

    pub(super) fn tell_list(&mut self, partition: PartitionId) {
        if let Some(list) = self.control.list(partition).cloned() {
            self.news.lists.insert(partition, Arc::clone(&list));
            self.give(partition, Event::Control(list));
        }
    }

    pub(super) fn drop_below(&mut self, places: &[(PartitionId, Lsn)]) -> Result<(), MetaError> {
        self.files.trim(places)?;
        self.remove_trimmed()
    }

    /// Removes the files that no partition needs. What is known of producers outlives them: nothing
    /// else says that a retry was stored.
    pub(super) fn remove_trimmed(&mut self) -> Result<(), MetaError> {
        if !self.files.has_trimmed() {
            return Ok(());
        }
        let (needed, covers_below) = (self.files.trimmed_below(), self.files.active_sequence());
        self.snapshots.cover(needed, covers_below, || tables_of(&self.partitions))?;
        self.files.remove_trimmed()
    }

    /// Has the partitions that remember most keys forget the oldest, where all have too many together.
    /// Answers which partitions forgot some.
    pub(super) fn share_keys(&mut self) -> Vec<PartitionId> {
        let keys_of = |machine: &Partition| machine.producers().table.keys_len();
        let lens: Vec<_> = self.partitions.values().map(keys_of).collect();
        let Some(share) = fair_share(&lens, self.settings.producers.dedupe_keys_total_max) else {
            return Vec::new();
        };
        let over = self.iter().filter(|(_, machine)| keys_of(machine) > share);
        let over: Vec<_> = over.map(|(partition, _)| partition).collect();
        for &partition in &over {
            self.give(partition, Event::ForgetKeys { keep: share as u32 });
        }
        over
    }

    /// Begins a snapshot of producers where one is due. Nothing is in flight.
    pub(super) fn snapshot_producers(&mut self) {
        let bytes = self.files.group_bytes_total();
        if self.snapshots.is_due(bytes) {
            let tables = tables_of(&self.partitions);
            self.snapshots.begin(bytes, self.files.active_sequence(), tables);
        }
    }

    fn carry_out(&mut self, partition: PartitionId, effect: Effect) {
        let me = self.settings.me.node;
        match effect {
            Effect::Send(to, message) => {
                debug_assert!(to == me, "a nodeset of one has nobody else");
                self.events.push_back((partition, Event::Received(me, message)));
            }
            Effect::Write(token, frame) => {
                self.wanted.frames.push(frames::to_journal(partition, frame));
                self.wanted.writes.push((partition, token));
            }
            Effect::Read { token, epoch, from, to, max_bytes } => {
                let range = Lsn { epoch, offset: from }..Lsn { epoch, offset: to };
                self.read(partition, token, range, max_bytes);
            }
            Effect::SetTimer(in_ms, timer) => self.timers.set(in_ms, partition, timer),
            Effect::Complete(request, outcome) => self.news.outcomes.push((request, outcome)),
            Effect::ReadControl => {
                if let Some(list) = self.control.list(partition).cloned() {
                    self.news.lists.insert(partition, Arc::clone(&list));
                    self.events.push_back((partition, Event::Control(list)));
                }
            }
            Effect::Propose(command) => self.wanted.commands.push((partition, command)),
            Effect::DropBelow(place) => self.wanted.drops.push((partition, place)),
            Effect::Leads(epoch) => {
                self.news.tails.insert(partition, Lsn::new(epoch.0, 0));
            }
            Effect::Committed(epoch, offset) => {
                self.news.tails.insert(partition, Lsn { epoch, offset });
            }
            // What the journal holds told all producers when the partition came up: there is no
            // newer snapshot of them. Nobody subscribes or asks for the tail through a machine here: who
            // follows drives a reader beside this thread. The rest is told for people.
            Effect::NeedProducers(_)
            | Effect::CompleteTail(..)
            | Effect::Given(..)
            | Effect::Lost(..)
            | Effect::Trimmed(..)
            | Effect::SteppedDown(_)
            | Effect::Closing { .. } => {}
        }
    }

    fn read(
        &mut self,
        partition: PartitionId,
        token: ReadToken,
        range: std::ops::Range<Lsn>,
        max_bytes: u64,
    ) {
        let event = match self.files.read(partition, range.start, range.end, max_bytes) {
            Ok(read) => {
                let records = read.into_iter().filter_map(frames::record_of).collect();
                Event::Read(token, records)
            }
            Err(ReadError::Lost { from, .. }) => Event::Damaged(from),
            // Not read now: whoever asked asks again.
            Err(_) => Event::Read(token, Vec::new()),
        };
        self.events.push_back((partition, event));
    }
}

/// What is known of all producers.
fn tables_of(partitions: &BTreeMap<PartitionId, Partition>) -> Tables {
    let table = |(&partition, machine): (&PartitionId, &Partition)| {
        (partition, machine.producers().table.encode_snapshot())
    };
    partitions.iter().map(table).collect()
}
