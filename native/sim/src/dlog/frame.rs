//! The journal's frames as the world and the machines see them.

use super::Mutant;
use crate::{
    client::fingerprint,
    disk::{self, Slot},
    node,
};
use varve_log::protocol::{Found, Frame, Origin, Record};
use varve_types::{Lsn, Offset};

impl node::Frame for Frame {
    fn record(&self) -> Option<(Lsn, u64)> {
        match self {
            Self::Data { lsn, record, .. } => Some((*lsn, fingerprint(&record.payload))),
            Self::Seal(_) | Self::Trim(_) => None,
        }
    }

    fn size_bytes(&self) -> u64 {
        match self {
            Self::Data { record, .. } => record.payload.len() as u64,
            Self::Seal(_) | Self::Trim(_) => 0,
        }
    }
}

pub(super) fn record(frame: Frame) -> Option<Record> {
    match frame {
        Frame::Data { record, .. } => Some(record),
        Frame::Seal(_) | Frame::Trim(_) => None,
    }
}

/// What a start finds on the disk.
pub(super) fn found(mutant: Mutant, slots: &[Slot<Frame>]) -> impl Iterator<Item = Found> {
    slots.iter().filter_map(move |slot| match slot.found() {
        disk::Found::Whole(Frame::Data { lsn, tail, origin, .. }) => Some(Found::Records {
            epoch: lsn.epoch,
            from: lsn.offset,
            to: Offset(lsn.offset.0 + 1),
            leader: match origin {
                Origin::Append(leader) => Some(*leader),
                Origin::Repair => None,
            },
            tail: *tail,
        }),
        disk::Found::Whole(Frame::Seal(epoch)) => Some(Found::Seal(*epoch)),
        disk::Found::Whole(Frame::Trim(trim_point)) => Some(Found::Trim(*trim_point)),
        disk::Found::PayloadDamaged(lsn) => {
            (mutant != Mutant::DamagedIsAbsent).then_some(Found::Damaged(lsn))
        }
        disk::Found::Unreadable => {
            (mutant != Mutant::ForgetsUnreadable).then_some(Found::Unreadable)
        }
    })
}
