//! Requests that wait for the writer: bounded in bytes, refused at the door.

use parking_lot::{Condvar, Mutex};
use std::{collections::VecDeque, sync::Arc};
use varve_types::{Epoch, Lsn};

use crate::{
    Append, AppendError, Done,
    journal::{Frame, FrameKind, Room},
};

/// One request's records, and what is known of them before their place is.
pub(super) struct Request {
    pub(super) records: Vec<Pending>,
    /// The most that its frames take in a file, schemas apart.
    pub(super) room_bytes: u64,
}

/// A record that waits. Its offset, time and committed tail are filled in when it is written.
pub(super) struct Pending {
    pub(super) frame: Frame,
    pub(super) done: Done,
}

impl Request {
    /// Computes checksums here, on the thread of who appends: the writer's is the only one there is.
    pub(super) fn new(appends: Vec<Append>, epoch: Epoch) -> Self {
        let mut room = Room::default();
        for append in &appends {
            room.add(Some(&append.tenant), append.payload.len() as u64);
        }
        let room_bytes = room.bytes();
        let records = appends.into_iter().map(|append| Pending::new(append, epoch)).collect();
        Self { records, room_bytes }
    }

    /// Tells every record that it is not stored.
    pub(super) fn refuse(self, error: &AppendError) {
        for pending in self.records {
            (pending.done)(Err(error.clone()));
        }
    }
}

impl Pending {
    fn new(append: Append, epoch: Epoch) -> Self {
        let Append { partition, tenant, schema_id, rows, idempotency_key, payload, done } = append;
        let frame = Frame {
            tenant: Some(tenant),
            schema_id,
            rows,
            idempotency_key,
            payload_crc: crc32c::crc32c(&payload),
            payload,
            ..Frame::new(FrameKind::Data, partition, Lsn::new(epoch.0, 0))
        };
        Self { frame, done }
    }
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
    /// Of the requests in the queue, and of those in the group that is being written.
    waiting_bytes: u64,
}

/// The queue before the writer.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    max_bytes: u64,
}

impl Queue {
    pub(super) fn new(max_bytes: u64) -> Self {
        let state = State { door: Door::Open, requests: VecDeque::new(), waiting_bytes: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), max_bytes }
    }

    /// Takes a request in, or says why not.
    pub(super) fn push(&self, request: Request) -> Result<(), AppendError> {
        let mut state = self.state.lock();
        match &state.door {
            Door::Open => {}
            Door::Closed => return Err(AppendError::Closed),
            Door::ReadOnly(reason) => {
                return Err(AppendError::ReadOnly { reason: Arc::clone(reason) });
            }
        }
        if state.waiting_bytes + request.room_bytes > self.max_bytes {
            let waiting_bytes = state.waiting_bytes;
            return Err(AppendError::Overloaded { waiting_bytes, max_bytes: self.max_bytes });
        }
        state.waiting_bytes += request.room_bytes;
        state.requests.push_back(request);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for requests and takes those that fit into `group_max_bytes` together, at least one.
    /// `None` once the door is shut and the queue is empty.
    pub(super) fn take_group(&self, group_max_bytes: u64) -> Option<Vec<Request>> {
        let mut state = self.state.lock();
        while state.requests.is_empty() {
            if !matches!(state.door, Door::Open) {
                return None;
            }
            self.changed.wait(&mut state);
        }
        let mut group_bytes = 0;
        let mut fitting = 0;
        for request in &state.requests {
            group_bytes += request.room_bytes;
            if fitting > 0 && group_bytes > group_max_bytes {
                break;
            }
            fitting += 1;
        }
        Some(state.requests.drain(..fitting).collect())
    }

    /// Says that these bytes do not wait any more.
    pub(super) fn release(&self, room_bytes: u64) {
        self.state.lock().waiting_bytes -= room_bytes;
    }

    /// Takes no more requests. Those in the queue are still written.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if matches!(state.door, Door::Open) {
            state.door = Door::Closed;
        }
        self.changed.notify_all();
    }

    /// Takes no more requests, ever, and gives back those in the queue.
    pub(super) fn turn_read_only(&self, reason: &Arc<str>) -> Vec<Request> {
        let mut state = self.state.lock();
        if !matches!(state.door, Door::ReadOnly(_)) {
            state.door = Door::ReadOnly(Arc::clone(reason));
        }
        state.waiting_bytes = 0;
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
