//! Lets go of what is not needed any more, and keeps what is held.

use std::{
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    time::Duration,
};
use varve_types::{Lsn, PartitionId};

use super::{
    Shared,
    errand::Errand,
    machines::{Machines, Stopped},
};
use crate::{
    journal::{Claim, Room, WriteError, Writer},
    meta::MetaError,
    protocol::{Command, Hold, HoldError, Snapshot},
};

/// Holds are looked at this often, at most and at least.
const HOLD_WAIT_MIN: Duration = Duration::from_millis(100);
const HOLD_WAIT_MAX: Duration = Duration::from_mins(1);

impl Shared {
    /// Tells control that a snapshot has everything before these places. It is durable, and files that
    /// nobody needs are gone, when it answers; a log that has stopped does nothing.
    pub(super) fn trim(&self, snapshot: &Snapshot, up_to: &[(PartitionId, Lsn)]) {
        let covered = |&(partition, up_to): &(PartitionId, Lsn)| {
            let up_to = up_to.min(self.tail(partition));
            (partition, Command::Covered(snapshot.clone(), up_to))
        };
        let commands = up_to.iter().map(covered).collect();
        // No answer comes from a log that has stopped, which its status tells.
        let _stopped = self.carry_out(|answer| Errand::Control(commands, answer));
    }

    pub(super) fn hold(&self, hold: Hold) -> Result<(), HoldError> {
        let max_ms = self.settings.hold_max_age_ms;
        if hold.max_age_ms > max_ms {
            return Err(HoldError::TooLong { asked_ms: hold.max_age_ms, max_ms });
        }
        for (&partition, &from) in &hold.from {
            let tail = self.tail(partition);
            if from > tail {
                return Err(HoldError::Ahead { partition, from, tail });
            }
        }
        self.carry_out(|answer| Errand::Hold(hold, answer)).unwrap_or_else(|| self.no_holds())
    }

    pub(super) fn release(&self, name: &str) -> Result<bool, HoldError> {
        let name = Arc::from(name);
        self.carry_out(|answer| Errand::Release(name, answer)).unwrap_or_else(|| self.no_holds())
    }

    fn no_holds<T>(&self) -> Result<T, HoldError> {
        let reason = self.queue.read_only().unwrap_or_else(|| Arc::from("the log is closed"));
        Err(HoldError::Unavailable { reason })
    }

    /// Gives the log's thread an errand and waits until it is carried out; `None` from a log that has
    /// stopped.
    fn carry_out<T>(&self, errand: impl FnOnce(SyncSender<T>) -> Errand) -> Option<T> {
        let (answer, carried_out) = mpsc::sync_channel(1);
        self.queue.push_errand(errand(answer)).ok()?;
        carried_out.recv().ok()
    }
}

impl Machines {
    /// Tells control who needs records from where on, for all partitions together, and drops what
    /// nobody needs.
    pub(super) fn cover(
        &mut self,
        commands: &[(PartitionId, Command)],
        writer: &mut Writer,
    ) -> Result<(), Stopped> {
        let applied = self.control.apply(commands);
        let changed = applied.map(|_refusals| commands.iter().map(|(it, _)| *it).collect());
        self.let_go(changed, writer)
    }

    /// Sets a hold.
    pub(super) fn hold(
        &mut self,
        hold: &Hold,
        writer: &mut Writer,
    ) -> Result<Result<(), HoldError>, Stopped> {
        match self.control.hold(hold, self.runtime.clock.now_ms()) {
            Ok(Ok(())) => self.let_go(Ok(self.control.partitions().collect()), writer).map(Ok),
            Ok(refused) => Ok(refused),
            Err(error) => Ok(Err(unavailable(&error))),
        }
    }

    /// Lets a hold go; answers whether there was one.
    pub(super) fn release(
        &mut self,
        name: &str,
        writer: &mut Writer,
    ) -> Result<Result<bool, HoldError>, Stopped> {
        match self.control.release(name) {
            Ok(true) => {
                self.let_go(Ok(self.control.partitions().collect()), writer)?;
                Ok(Ok(true))
            }
            Ok(false) => Ok(Ok(false)),
            Err(error) => Ok(Err(unavailable(&error))),
        }
    }

    /// Lets go the holds that are too old; answers whether there were any.
    pub(super) fn expire_holds(&mut self, writer: &mut Writer) -> Result<bool, Stopped> {
        let changed = match self.control.expire(self.runtime.clock.now_ms()) {
            Ok(false) => return Ok(false),
            Ok(true) => Ok(self.control.partitions().collect()),
            Err(error) => Err(error),
        };
        self.let_go(changed, writer)?;
        Ok(true)
    }

    /// When holds are to be looked at; `None` while there are none.
    pub(super) fn hold_wait(&self) -> Option<Duration> {
        let left_ms = self.control.control().next_expiry_ms(self.runtime.clock.now_ms())?;
        // No sooner, should the disk refuse to note it; no later, should the clock jump.
        Some(Duration::from_millis(left_ms).clamp(HOLD_WAIT_MIN, HOLD_WAIT_MAX))
    }

    /// Drops what nobody needs after control has changed. It frees room also where the journal has none
    /// for the stores to note it: they are told by the next call that finds some.
    fn let_go(
        &mut self,
        changed: Result<Vec<PartitionId>, MetaError>,
        writer: &mut Writer,
    ) -> Result<(), Stopped> {
        let dropped = changed.and_then(|partitions| {
            self.untold.extend(partitions);
            let trim_point =
                |partition| Some((partition, self.control.list(partition)?.trim_point()));
            let places: Vec<_> = self.untold.iter().copied().filter_map(trim_point).collect();
            self.drop_below(&places)
        });
        self.trim_error = dropped.err().map(|error| Arc::from(error.to_string()));
        let mut room = Room::default();
        self.untold.iter().for_each(|_| room.add(None, 0));
        match writer.reserve(room.bytes(), Claim::Own) {
            Ok(()) => {}
            Err(WriteError::NoRoom(_)) => return Ok(()),
            Err(WriteError::Broken(reason)) => return Err(Stopped::Journal(reason)),
        }
        for partition in std::mem::take(&mut self.untold) {
            self.tell_list(partition);
        }
        self.settle(writer)
    }
}

fn unavailable(error: &MetaError) -> HoldError {
    HoldError::Unavailable { reason: Arc::from(error.to_string()) }
}
