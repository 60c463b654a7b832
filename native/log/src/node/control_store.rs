//! Control of a node that is alone: the epoch lists of all partitions and the holds. It answers as a
//! control group of many nodes would: commands are applied one after another, each only to the
//! version it was made for, and told after they are durable.
//!
//! On disk it is one small file, and beside it what changed since that was written: a command costs the
//! lists that it changes, not all there are.

mod bytes;
mod changes;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use varve_types::PartitionId;

use crate::{
    meta::{Meta, MetaError},
    protocol::{
        Command, CommandRefused, Control, EpochList, Hold, HoldError, Incarnation, Nodeset,
    },
    runtime::Disk,
};
use changes::Changes;

const NAME: &str = "control";
const MAGIC: [u8; 8] = *b"VARVECTL";
/// Changes are gathered up to this, or to the size of the whole where that is more: then it is
/// written whole again, which thus costs no more than the changes did.
const CHANGES_MAX_BYTES: u64 = 64 << 10;

/// The epoch lists of this node's partitions, and the holds.
pub(super) struct ControlStore {
    disk: Arc<dyn Disk>,
    data_dir: PathBuf,
    control: Control,
    /// Counts how often it was written whole.
    generation: u64,
    whole_bytes: u64,
    changes_max_bytes: u64,
    /// Since then; `None` where it has to be written whole before anything else.
    changes: Option<Changes>,
}

impl ControlStore {
    /// Reads the lists; none if there is no file.
    pub(super) fn open(disk: Arc<dyn Disk>, data_dir: PathBuf) -> Result<Self, MetaError> {
        let meta = Meta::of(&*disk, &data_dir);
        let damaged = || meta.damaged(NAME, &"its lists do not add up");
        let (mut control, generation) = match meta.read(NAME, MAGIC)? {
            Some(body) => bytes::decode(&body).ok_or_else(damaged)?,
            None => (Control::default(), 0),
        };
        let found = changes::read(&*disk, meta.dir(), generation)?;
        for body in found.bodies {
            for (partition, list) in bytes::decode_lists(&body).ok_or_else(damaged)? {
                control.set(partition, Some(list));
            }
        }
        Ok(Self {
            disk,
            data_dir,
            control,
            // Changes whose file was lost must not be taken for those of the next one.
            generation: generation.max(found.generation),
            whole_bytes: 0,
            changes_max_bytes: CHANGES_MAX_BYTES,
            // Whether they are durable is not known.
            changes: None,
        })
    }

    /// All of it.
    pub(super) const fn control(&self) -> &Control {
        &self.control
    }

    /// A partition's list, if it has one.
    pub(super) fn list(&self, partition: PartitionId) -> Option<&Arc<EpochList>> {
        self.control.list(partition)
    }

    /// All partitions that have a list.
    pub(super) fn partitions(&self) -> impl Iterator<Item = PartitionId> + '_ {
        self.control.lists().keys().copied()
    }

    /// The newest life of this node that led anything.
    pub(super) fn newest_incarnation(&self) -> u64 {
        let lists = self.control.lists().values();
        let leaders = lists.flat_map(|list| list.epochs().map(|it| it.leader.number));
        leaders.max().unwrap_or_default()
    }

    /// Takes lists of partitions that have none here, as if they had been here before.
    pub(super) fn restore(
        &mut self,
        restored: Vec<(PartitionId, EpochList)>,
    ) -> Result<(), MetaError> {
        let partitions: Vec<_> = restored.iter().map(|(partition, _)| *partition).collect();
        self.change(&partitions, |control| {
            for (partition, list) in restored {
                control.restore(partition, list);
            }
        })
    }

    /// Gives new partitions their first epoch; durable when it answers.
    pub(super) fn create(
        &mut self,
        partitions: &[PartitionId],
        leader: Incarnation,
        nodeset: &Nodeset,
    ) -> Result<(), MetaError> {
        self.change(partitions, |control| {
            for partition in partitions {
                control.create(*partition, leader, nodeset);
            }
        })
    }

    /// Applies commands, each to its partition's list: all that are applied are durable when it
    /// answers, together. On an error none is.
    pub(super) fn apply(
        &mut self,
        commands: &[(PartitionId, Command)],
    ) -> Result<Vec<Result<(), CommandRefused>>, MetaError> {
        let partitions: Vec<_> = commands.iter().map(|(partition, _)| *partition).collect();
        self.change(&partitions, |control| {
            let outcomes = commands.iter().filter_map(|(at, command)| control.apply(*at, command));
            outcomes.collect()
        })
    }

    /// Sets a hold; durable when it answers.
    pub(super) fn hold(
        &mut self,
        hold: &Hold,
        now_ms: i64,
    ) -> Result<Result<(), HoldError>, MetaError> {
        let mut control = self.control.clone();
        if let Err(refused) = control.hold(hold, now_ms) {
            return Ok(Err(refused));
        }
        self.replace(control).map(Ok)
    }

    /// Lets a hold go; answers whether there was one.
    pub(super) fn release(&mut self, name: &str) -> Result<bool, MetaError> {
        let mut control = self.control.clone();
        let released = control.release(name);
        if released {
            self.replace(control)?;
        }
        Ok(released)
    }

    /// Lets go the holds that are too old; answers whether there were any.
    pub(super) fn expire(&mut self, now_ms: i64) -> Result<bool, MetaError> {
        if self.control.next_expiry_ms(now_ms) != Some(0) {
            return Ok(false);
        }
        let mut control = self.control.clone();
        control.expire(now_ms);
        self.replace(control)?;
        Ok(true)
    }

    /// Changes the lists of these partitions, and no others. On an error they are as they were.
    fn change<T>(
        &mut self,
        partitions: &[PartitionId],
        change: impl FnOnce(&mut Control) -> T,
    ) -> Result<T, MetaError> {
        let before: BTreeMap<_, _> =
            partitions.iter().map(|at| (*at, self.control.list(*at).cloned())).collect();
        let outcome = change(&mut self.control);
        let version = |list: Option<&Arc<EpochList>>| list.map(|list| list.version());
        let changed = before.iter().filter_map(|(partition, before)| {
            let now = self.control.list(*partition)?;
            (version(before.as_ref()) != version(Some(now))).then(|| (*partition, Arc::clone(now)))
        });
        let changed: Vec<_> = changed.collect();
        if changed.is_empty() {
            return Ok(outcome);
        }
        if let Err(error) = self.write(&changed) {
            for (partition, list) in before {
                self.control.set(partition, list);
            }
            return Err(error);
        }
        Ok(outcome)
    }

    /// Makes it durable that these lists changed.
    fn write(&mut self, changed: &[(PartitionId, Arc<EpochList>)]) -> Result<(), MetaError> {
        let body = bytes::encode_lists(changed.iter().map(|(partition, list)| (partition, list)));
        let max_bytes = self.changes_max_bytes.max(self.whole_bytes);
        match self.changes.take_if(|file| file.bytes_with(&body) <= max_bytes) {
            Some(mut file) => {
                let added = file.add(&*self.disk, &body);
                self.changes = Some(file).filter(Changes::is_sound);
                added
            }
            None => self.write_whole(),
        }
    }

    fn replace(&mut self, control: Control) -> Result<(), MetaError> {
        let before = std::mem::replace(&mut self.control, control);
        self.write_whole().inspect_err(|_| self.control = before)
    }

    /// Should it fail, it may be there after a crash all the same: no change to the one before counts
    /// any more.
    fn write_whole(&mut self) -> Result<(), MetaError> {
        self.changes = None;
        self.generation += 1;
        let meta = Meta::of(&*self.disk, &self.data_dir);
        let body = bytes::encode(&self.control, self.generation);
        meta.write(NAME, MAGIC, &body)?;
        self.whole_bytes = body.len() as u64;
        self.changes = Some(Changes::none(meta.dir(), self.generation));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
