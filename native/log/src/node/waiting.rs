//! Requests whose records are with the machines: what became of each, until all of a request is known.

use std::collections::VecDeque;

use super::queue::Request;
use crate::{
    AppendError, Done, Stored,
    protocol::{Outcome, RequestId},
};

/// See the module. Records are numbered in the order in which they come.
#[derive(Default)]
pub(super) struct Waiting {
    next: u64,
    requests: VecDeque<InMachines>,
}

/// Requests of whose records all is known, and nothing is told yet.
#[derive(Default)]
pub(super) struct Complete {
    /// What they took in the queue.
    pub(super) room_bytes: u64,
    fates: Vec<(Done, Result<Stored, AppendError>)>,
}

impl Complete {
    /// Records that were there before.
    pub(super) fn duplicates(&self) -> u64 {
        let is_duplicate = |(_, fate): &&(Done, Result<Stored, AppendError>)| {
            matches!(fate, Ok(Stored::Duplicate(_) | Stored::Before))
        };
        self.fates.iter().filter(is_duplicate).count() as u64
    }

    /// Tells who waits.
    pub(super) fn tell(self) {
        for (done, fate) in self.fates {
            done(fate);
        }
    }
}

struct InMachines {
    first: u64,
    room_bytes: u64,
    done: Vec<Done>,
    fates: Vec<Option<Outcome>>,
    left: usize,
}

impl Waiting {
    /// Notes a request, and hands out its records with their numbers.
    pub(super) fn enter(
        &mut self,
        request: Request,
        mut each: impl FnMut(RequestId, varve_types::PartitionId, crate::protocol::Record),
    ) {
        let Request { records, room_bytes } = request;
        let (first, left) = (self.next, records.len());
        self.next += left as u64;
        let mut done = Vec::with_capacity(left);
        for (pending, number) in records.into_iter().zip(first..) {
            done.push(pending.done);
            each(RequestId(number), pending.partition, pending.record);
        }
        self.requests.push_back(InMachines {
            first,
            room_bytes,
            done,
            fates: vec![None; left],
            left,
        });
    }

    /// Notes what became of a record.
    pub(super) fn settle(&mut self, RequestId(number): RequestId, outcome: Outcome) {
        let behind = self.requests.partition_point(|request| request.first <= number);
        let Some(request) = behind.checked_sub(1).and_then(|at| self.requests.get_mut(at)) else {
            return;
        };
        let at = (number - request.first) as usize;
        if let Some(fate @ None) = request.fates.get_mut(at) {
            *fate = Some(outcome);
            request.left -= 1;
        }
    }

    /// Takes out the requests that are complete, as far as all before them are: within a partition
    /// the calls come in the order of the offsets.
    pub(super) fn take_complete(
        &mut self,
        mut fate: impl FnMut(Outcome) -> Result<Stored, AppendError>,
    ) -> Complete {
        let mut complete = Complete::default();
        while self.requests.front().is_some_and(|request| request.left == 0) {
            let Some(request) = self.requests.pop_front() else { break };
            complete.room_bytes += request.room_bytes;
            let fates = request.fates.into_iter().map(|it| fate(it.unwrap_or(Outcome::Unknown)));
            complete.fates.extend(request.done.into_iter().zip(fates));
        }
        complete
    }

    /// Tells all that are left: none is known to be stored.
    pub(super) fn refuse_all(&mut self, error: &AppendError) {
        for request in self.requests.drain(..) {
            for done in request.done {
                done(Err(error.clone()));
            }
        }
    }
}
