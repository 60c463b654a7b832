//! What waits for the log's thread: requests, bounded in bytes and refused at the door, and errands.

use parking_lot::{Condvar, Mutex};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use varve_types::PartitionId;

use super::errand::Errand;
use crate::{Append, AppendError, Done, journal::Room, protocol::Record};

/// One request's records, and what is known of them before their place is.
pub(super) struct Request {
    pub(super) records: Vec<Pending>,
    /// The most that its frames take in a file, schemas apart.
    pub(super) room_bytes: u64,
}

/// A record that waits.
pub(super) struct Pending {
    pub(super) partition: PartitionId,
    pub(super) record: Record,
    pub(super) done: Done,
}

impl Request {
    pub(super) fn new(appends: Vec<Append>) -> Self {
        let mut room = Room::default();
        for append in &appends {
            room.add(Some(&append.tenant), append.payload.len() as u64);
        }
        let room_bytes = room.bytes();
        Self { records: appends.into_iter().map(Pending::new).collect(), room_bytes }
    }

    /// Tells every record that it is not stored.
    pub(super) fn refuse(self, error: &AppendError) {
        for pending in self.records {
            (pending.done)(Err(error.clone()));
        }
    }
}

impl Pending {
    fn new(append: Append) -> Self {
        let Append { partition, tenant, schema_id, rows, session, idempotency_key, payload, done } =
            append;
        let record = Record {
            session,
            idempotency_key,
            // The leader's business.
            append_time_ms: 0,
            tenant,
            schema_id,
            rows,
            payload,
        };
        Self { partition, record, done }
    }
}

/// What the log's thread does next.
pub(super) enum Work {
    /// Requests that make one group.
    Group(Vec<Request>),
    /// Something else, in its turn.
    Errand(Errand),
    /// Nothing came in time.
    Nothing,
    /// The door is shut and the queue is empty.
    Over,
}

/// Whether requests are taken.
#[derive(Clone, Debug)]
enum Door {
    Open,
    /// What is in the queue is still written.
    Closed,
    ReadOnly(Arc<str>),
}

struct State {
    door: Door,
    requests: VecDeque<Request>,
    errands: VecDeque<Errand>,
    /// Of the requests in the queue, and of those in the group that is being written.
    waiting_bytes: u64,
}

/// The queue before the log's thread.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    max_bytes: u64,
}

impl Queue {
    pub(super) fn new(max_bytes: u64) -> Self {
        let state = State {
            door: Door::Open,
            requests: VecDeque::new(),
            errands: VecDeque::new(),
            waiting_bytes: 0,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), max_bytes }
    }

    /// Takes a request in, or says why not. One that is larger than the bound goes alone.
    pub(super) fn push(&self, request: Request) -> Result<(), AppendError> {
        let mut state = self.state.lock();
        match &state.door {
            Door::Open => {}
            Door::Closed => return Err(AppendError::Closed),
            Door::ReadOnly(reason) => {
                return Err(AppendError::ReadOnly { reason: Arc::clone(reason) });
            }
        }
        let waiting_bytes = state.waiting_bytes;
        if waiting_bytes > 0 && waiting_bytes + request.room_bytes > self.max_bytes {
            return Err(AppendError::Overloaded { waiting_bytes, max_bytes: self.max_bytes });
        }
        state.waiting_bytes += request.room_bytes;
        state.requests.push_back(request);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes an errand in; gives it back where nobody runs errands any more.
    pub(super) fn push_errand(&self, errand: Errand) -> Result<(), Errand> {
        let mut state = self.state.lock();
        if !matches!(state.door, Door::Open) {
            return Err(errand);
        }
        state.errands.push_back(errand);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for work, `wait` at the longest: requests that fit into `group_max_bytes` together, at
    /// least one, or an errand.
    pub(super) fn take(&self, group_max_bytes: u64, wait: Option<Duration>) -> Work {
        let mut state = self.state.lock();
        loop {
            if let Some(errand) = state.errands.pop_front() {
                return Work::Errand(errand);
            }
            if !state.requests.is_empty() {
                return Work::Group(state.take_group(group_max_bytes));
            }
            if !matches!(state.door, Door::Open) {
                return Work::Over;
            }
            match wait {
                None => self.changed.wait(&mut state),
                Some(wait) => {
                    if self.changed.wait_for(&mut state, wait).timed_out() {
                        return Work::Nothing;
                    }
                }
            }
        }
    }

    /// Says that these bytes do not wait any more.
    pub(super) fn release(&self, room_bytes: u64) {
        let mut state = self.state.lock();
        state.waiting_bytes = state.waiting_bytes.saturating_sub(room_bytes);
    }

    /// Takes no more. What is in the queue is still done.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if matches!(state.door, Door::Open) {
            state.door = Door::Closed;
        }
        self.changed.notify_all();
    }

    /// Takes no more requests, ever, and gives back those in the queue. Errands are dropped, and who
    /// waits for one is told by that.
    pub(super) fn turn_read_only(&self, reason: &Arc<str>) -> Vec<Request> {
        let mut state = self.state.lock();
        if !matches!(state.door, Door::ReadOnly(_)) {
            state.door = Door::ReadOnly(Arc::clone(reason));
        }
        state.waiting_bytes = 0;
        state.errands.clear();
        self.changed.notify_all();
        state.requests.drain(..).collect()
    }

    pub(super) fn waiting_bytes(&self) -> u64 {
        self.state.lock().waiting_bytes
    }

    /// Why no request is ever taken again.
    pub(super) fn read_only(&self) -> Option<Arc<str>> {
        match &self.state.lock().door {
            Door::ReadOnly(reason) => Some(Arc::clone(reason)),
            Door::Open | Door::Closed => None,
        }
    }
}

impl State {
    fn take_group(&mut self, group_max_bytes: u64) -> Vec<Request> {
        let mut group_bytes = 0;
        let mut fitting = 0;
        for request in &self.requests {
            group_bytes += request.room_bytes;
            if fitting > 0 && group_bytes > group_max_bytes {
                break;
            }
            fitting += 1;
        }
        self.requests.drain(..fitting).collect()
    }
}
