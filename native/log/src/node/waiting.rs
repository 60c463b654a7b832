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

    /// Tells the requests that are complete, as far as all before them are: within a partition the
    /// calls come in the order of the offsets. Gives back what room they took.
    pub(super) fn tell(
        &mut self,
        mut fate: impl FnMut(Outcome) -> Result<Stored, AppendError>,
    ) -> u64 {
        let mut room_bytes = 0;
        while self.requests.front().is_some_and(|request| request.left == 0) {
            let Some(request) = self.requests.pop_front() else { break };
            room_bytes += request.room_bytes;
            for (done, outcome) in request.done.into_iter().zip(request.fates) {
                done(fate(outcome.unwrap_or(Outcome::Unknown)));
            }
        }
        room_bytes
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
