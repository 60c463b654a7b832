//! The log's one thread: a group, a sync, the news of it, the next group.
//!
//! A group is whatever arrived while the one before was synced, so there is no timer: alone, a
//! request waits for one sync; under load, many share one.

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};

use varve_types::PartitionId;

use super::{
    GROUP_MAX_BYTES, Shared,
    errand::Errand,
    machines::{Machines, Stopped},
    queue::{Request, Work},
    status::MachineStatus,
    waiting::Waiting,
};
use crate::{
    AppendError, Stored,
    journal::{Claim, DiskShortage, WriteError, Writer},
    meta::MetaError,
    protocol::{Event, Outcome},
};

/// While the disk is full, writing is tried again this often.
const STALLED_WAIT: Duration = Duration::from_millis(250);

/// The thread's own state. What others may see of it is in [`Shared`].
pub(super) struct Writing {
    shared: Arc<Shared>,
    writer: Writer,
    machines: Machines,
    waiting: Waiting,
}

/// Turns the log read-only should its thread panic: who appends must not wait for ever.
struct PanicGuard(Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.refuse_for_ever(&Arc::from("the writer stopped by a fault of its own"));
        }
    }
}

impl Writing {
    pub(super) fn new(shared: Arc<Shared>, writer: Writer, machines: Machines) -> Self {
        Self { shared, writer, machines, waiting: Waiting::default() }
    }

    /// Works until the door is shut and the queue is empty, or a write fails.
    pub(super) fn run(mut self) {
        let _guard = PanicGuard(Arc::clone(&self.shared));
        loop {
            let group_max_bytes = GROUP_MAX_BYTES.min(self.shared.files.group_max_bytes());
            let stalled = self.machines.stalled.as_ref().map(|_| STALLED_WAIT);
            let waits = [self.machines.timers.wait(), self.machines.hold_wait(), stalled];
            let wait = waits.into_iter().flatten().min();
            let stopped = match self.shared.queue.take(group_max_bytes, wait) {
                Work::Group(requests) => self.append(requests),
                Work::Errand(errand) => self.run_errand(errand),
                Work::Nothing => Ok(()),
                Work::Over => break,
            };
            self.machines.give_timers();
            let stopped = stopped.and_then(|()| self.expire_holds());
            if let Err(stopped) = stopped.and_then(|()| self.settle()) {
                return self.stop(&stopped);
            }
        }
        if let Some(shortage) = self.machines.stalled.take() {
            self.waiting.refuse_all(&AppendError::DiskFull(shortage));
        }
        if let Err(WriteError::Broken(reason)) = self.writer.close() {
            self.shared.refuse_for_ever(&reason);
        }
    }

    /// Hands the requests' records to the machines. Where there is no room for them the machines are
    /// not asked, and nothing has happened.
    fn append(&mut self, requests: Vec<Request>) -> Result<(), Stopped> {
        if let Some(shortage) = self.machines.stalled.clone() {
            self.refuse(requests, shortage);
            return Ok(());
        }
        let room_bytes = requests.iter().map(|request| request.room_bytes).sum();
        match self.writer.reserve(room_bytes, Claim::Append) {
            Ok(()) => {}
            Err(WriteError::NoRoom(shortage)) => {
                self.refuse(requests, shortage);
                return Ok(());
            }
            Err(WriteError::Broken(reason)) => {
                self.enter(requests);
                return Err(Stopped::Journal(reason));
            }
        }
        let records = requests.iter().flat_map(|request| &request.records);
        let created = self.machines.create(records.map(|pending| pending.partition));
        if let Err(Stopped::Meta(error)) = &created
            && error.is_full()
        {
            let shortage = self.shared.files.found_full();
            self.refuse(requests, shortage);
            return Ok(());
        }
        self.enter(requests);
        created
    }

    /// Nothing has happened, and the requests may come again.
    fn refuse(&self, requests: Vec<Request>, shortage: DiskShortage) {
        self.shared.queue.release(requests.iter().map(|request| request.room_bytes).sum());
        let error = AppendError::DiskFull(shortage);
        for request in requests {
            request.refuse(&error);
        }
    }

    fn enter(&mut self, requests: Vec<Request>) {
        let Self { waiting, machines, .. } = self;
        for request in requests {
            waiting.enter(request, |number, partition, record| {
                machines.give(partition, Event::Append(number, record));
            });
        }
    }

    /// Lets the machines come to rest, shows what is committed, and then tells who waits.
    fn settle(&mut self) -> Result<(), Stopped> {
        self.machines.settle(&mut self.writer)?;
        let news = std::mem::take(&mut self.machines.news);
        let changed = news.tails.keys().chain(news.lists.keys()).copied().collect::<BTreeSet<_>>();
        self.shared.places.show(news.tails, news.lists);
        for (request, outcome) in news.outcomes {
            self.waiting.settle(request, outcome);
        }
        let complete = self.waiting.take_complete(fate);
        *self.shared.duplicates_total.lock() += complete.duplicates();
        // Before anybody is told: who sends on at once finds room, and a status that counts this.
        self.shared.queue.release(complete.room_bytes);
        self.note(changed);
        complete.tell();
        self.machines.snapshot_producers();
        Ok(())
    }

    /// Notes what happened to these partitions, and bounds what all of them remember.
    fn note(&mut self, changed: BTreeSet<PartitionId>) {
        let mut status = self.shared.machine_status.lock();
        status.note(&self.machines, changed);
        if status.has_too_many_keys(self.machines.settings.producers) {
            let over = self.machines.share_keys();
            status.note(&self.machines, over);
        }
    }

    fn stop(mut self, stopped: &Stopped) {
        let reason = match stopped {
            Stopped::Journal(reason) => Arc::clone(reason),
            Stopped::Meta(MetaError { path, source }) => {
                Arc::from(format!("writing {} failed: {source}", path.display()))
            }
        };
        // First the door, so that nobody who is told so gets in again.
        self.shared.refuse_for_ever(&reason);
        self.waiting.refuse_all(&AppendError::ReadOnly { reason });
    }

    fn run_errand(&mut self, errand: Errand) -> Result<(), Stopped> {
        let Self { machines, writer, .. } = self;
        let answer: Box<dyn FnOnce()> = match errand {
            Errand::Control(commands, answer) => {
                machines.cover(&commands, writer)?;
                Box::new(move || send(&answer, ()))
            }
            Errand::Hold(hold, answer) => {
                let outcome = machines.hold(&hold, writer)?;
                Box::new(move || send(&answer, outcome))
            }
            Errand::Release(name, answer) => {
                let outcome = machines.release(&name, writer)?;
                Box::new(move || send(&answer, outcome))
            }
        };
        self.settle()?;
        self.publish_status();
        answer();
        Ok(())
    }

    fn expire_holds(&mut self) -> Result<(), Stopped> {
        if self.machines.expire_holds(&mut self.writer)? {
            self.publish_status();
        }
        Ok(())
    }

    fn publish_status(&self) {
        *self.shared.machine_status.lock() = MachineStatus::of(&self.machines);
    }
}

fn send<T>(answer: &SyncSender<T>, outcome: T) {
    // Whoever asked and went away does not want to know.
    let _gone = answer.send(outcome);
}

/// What a machine's outcome is to whoever appends.
fn fate(outcome: Outcome) -> Result<Stored, AppendError> {
    match outcome {
        Outcome::Stored(lsn) => Ok(Stored::New(lsn)),
        Outcome::Duplicate(lsn) => Ok(Stored::Duplicate(lsn)),
        Outcome::DuplicateTooOld => Ok(Stored::Before),
        Outcome::OutOfSequence { expected } => Err(AppendError::OutOfSequence { expected }),
        Outcome::UnknownSession => Err(AppendError::UnknownSession),
        Outcome::Overloaded(too_much) => Err(AppendError::Overloaded {
            waiting_bytes: too_much.in_flight_bytes,
            max_bytes: too_much.in_flight_bytes,
        }),
        Outcome::NotLeader(_) | Outcome::Unknown => Err(AppendError::ReadOnly {
            reason: Arc::from("this node stopped to lead; what was being written may be stored"),
        }),
    }
}

impl Shared {
    /// Takes nothing any more, and tells those who wait.
    pub(super) fn refuse_for_ever(&self, reason: &Arc<str>) {
        let error = AppendError::ReadOnly { reason: Arc::clone(reason) };
        for request in self.queue.turn_read_only(reason) {
            request.refuse(&error);
        }
    }
}
