//! The one thread that writes: a group, a sync, the news of it, the next group.
//!
//! A group is whatever arrived while the one before was synced, so there is no timer: alone, a
//! request waits for one sync; under load, many share one.

use std::{collections::HashMap, sync::Arc};
use varve_types::{Lsn, Offset, PartitionId};

use super::{
    GROUP_MAX_BYTES, Shared,
    queue::{Pending, Request},
};
use crate::{
    AppendError, Done, Stored,
    journal::{Frame, WriteError, Writer},
};

/// The thread's own state. Nothing here is durable or seen by others.
pub(super) struct Writing {
    shared: Arc<Shared>,
    writer: Writer,
}

/// Records with their places, and what is to be said once they are durable.
#[derive(Default)]
struct Placed {
    frames: Vec<Frame>,
    done: Vec<(Done, Stored)>,
    tails: HashMap<PartitionId, u64>,
}

/// Turns the journal read-only should the writer panic: who appends must not wait for ever.
struct PanicGuard(Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.refuse_for_ever(&Arc::from("the writer stopped by a fault of its own"));
        }
    }
}

impl Writing {
    pub(super) fn new(shared: Arc<Shared>, writer: Writer) -> Self {
        Self { shared, writer }
    }

    /// Writes until the door is shut and the queue is empty, or a write fails.
    pub(super) fn run(mut self) {
        let _guard = PanicGuard(Arc::clone(&self.shared));
        loop {
            let group_max_bytes = GROUP_MAX_BYTES.min(self.shared.request_max_bytes());
            let Some(requests) = self.shared.queue.take_group(group_max_bytes) else { break };
            let room_bytes = requests.iter().map(|request| request.room_bytes).sum();
            self.write(requests, room_bytes);
            if self.shared.queue.read_only().is_some() {
                return;
            }
        }
        if let Err(WriteError::Broken(reason)) = self.writer.close() {
            self.shared.refuse_for_ever(&reason);
        }
    }

    /// Writes the requests as one group, and tells each record its place.
    fn write(&mut self, requests: Vec<Request>, room_bytes: u64) {
        let placed = self.place(requests);
        let shared = &self.shared;
        // Of what was there already, and is durable, nothing is written.
        let has_new = !placed.frames.is_empty();
        let written = if has_new { self.writer.write(&placed.frames) } else { Ok(()) };
        let error = match written {
            Ok(()) => {
                shared.committed(&placed);
                shared.queue.release(room_bytes);
                for (done, stored) in placed.done {
                    done(Ok(stored));
                }
                return;
            }
            Err(WriteError::NoRoom { free_bytes, min_bytes }) => {
                shared.queue.release(room_bytes);
                AppendError::DiskFull { free_bytes, min_bytes }
            }
            Err(WriteError::Broken(reason)) => {
                // First the door, so that nobody who is told so gets in again.
                shared.refuse_for_ever(&reason);
                AppendError::ReadOnly { reason }
            }
        };
        for (done, _) in placed.done {
            done(Err(error.clone()));
        }
    }

    /// Gives every record that is not there already its place.
    fn place(&self, requests: Vec<Request>) -> Placed {
        let shared = &self.shared;
        let append_time_ms = shared.runtime.clock.now_ms();
        let (tails, producers) = (shared.tails.read(), shared.producers.lock());
        let mut placed = Placed::default();
        let mut in_group = HashMap::new();
        for Pending { mut frame, done } in requests.into_iter().flat_map(|it| it.records) {
            let (partition, key) = (frame.partition, frame.idempotency_key);
            let known = in_group.get(&(partition, key)).copied();
            if key != 0
                && let Some(lsn) = known.or_else(|| producers.find(partition, key, append_time_ms))
            {
                placed.done.push((done, Stored::Duplicate(lsn)));
                continue;
            }
            let committed = tails.get(&partition).copied().unwrap_or_default();
            let next = placed.tails.entry(partition).or_insert(committed);
            frame.offset = Offset(*next);
            frame.committed_tail = Offset(committed);
            frame.append_time_ms = append_time_ms;
            *next += 1;
            let lsn: Lsn = frame.lsn();
            if key != 0 {
                in_group.insert((partition, key), lsn);
            }
            placed.done.push((done, Stored::New(lsn)));
            placed.frames.push(frame);
        }
        placed
    }
}

impl Shared {
    /// Makes what is on disk readable, and its senders' retries known.
    fn committed(&self, placed: &Placed) {
        let is_duplicate = |(_, stored): &&(Done, Stored)| matches!(stored, Stored::Duplicate(_));
        *self.duplicates_total.lock() += placed.done.iter().filter(is_duplicate).count() as u64;
        let keyed = |frame: &Frame| Some((frame.partition, frame.committed_record()?));
        let keyed: Vec<_> = placed.frames.iter().filter_map(keyed).collect();
        if !keyed.is_empty() {
            self.producers.lock().committed(&keyed);
        }
        self.tails.write().extend(&placed.tails);
    }

    /// Takes nothing any more, and tells those who wait.
    fn refuse_for_ever(&self, reason: &Arc<str>) {
        let error = AppendError::ReadOnly { reason: Arc::clone(reason) };
        for request in self.queue.turn_read_only(reason) {
            request.refuse(&error);
        }
    }
}
