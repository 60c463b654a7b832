//! The protocol's records and frames as the journal has them, and what the journal holds as the
//! protocol's store wants to know it.

use std::collections::BTreeMap;
use varve_types::{Epoch, Lsn, Offset, PartitionId};

use crate::{
    journal::{self, Files, FrameKind, HeldEpoch},
    protocol::{EpochEntry, EpochList, Found, Frame, Incarnation, NodeId, Nodeset, Origin, Record},
};

/// A frame that a store writes.
pub(super) fn to_journal(partition: PartitionId, frame: Frame) -> journal::Frame {
    match frame {
        Frame::Data { lsn, record, tail, origin } => journal::Frame {
            is_repair: matches!(origin, Origin::Repair),
            leader: match origin {
                Origin::Append(leader) => leader.number,
                Origin::Repair => 0,
            },
            committed_tail: tail,
            append_time_ms: record.append_time_ms,
            session: record.session,
            schema_id: record.schema_id,
            rows: record.rows,
            idempotency_key: record.idempotency_key,
            tenant: Some(record.tenant),
            payload_crc: crc32c::crc32c(&record.payload),
            payload: record.payload,
            ..journal::Frame::new(FrameKind::Data, partition, lsn)
        },
        Frame::Seal(epoch) => {
            journal::Frame::new(FrameKind::Seal, partition, Lsn { epoch, offset: Offset(0) })
        }
        Frame::Trim(place) => journal::Frame::new(FrameKind::Trim, partition, place),
    }
}

/// A record that was read; `None` for a frame that holds none of a tenant's.
pub(super) fn record_of(frame: journal::Frame) -> Option<Record> {
    Some(Record {
        session: frame.session,
        idempotency_key: frame.idempotency_key,
        append_time_ms: frame.append_time_ms,
        tenant: frame.tenant?,
        schema_id: frame.schema_id,
        rows: frame.rows,
        payload: frame.payload,
    })
}

/// What the journal holds of a partition.
///
/// On the only store of a nodeset what is durable is committed, so the tail of each epoch is where its
/// records end. What is damaged below it is lost, which reading tells (`ReadError::Lost`): there is no
/// other store that could be asked, and a recovery that waited for one would wait for ever.
pub(super) fn found(files: &Files, partition: PartitionId, node: NodeId) -> Vec<Found> {
    let mut found = Vec::new();
    for here in files.epochs(partition) {
        let (epoch, tail) = (here.epoch, end(&here));
        let leader = here.leader.map(|number| Incarnation { node, number });
        found.extend(here.held.into_iter().map(|range| Found::Records {
            epoch,
            from: range.start,
            to: range.end,
            leader,
            tail,
        }));
    }
    found.extend(files.sealed(partition).map(Found::Seal));
    found.push(Found::Trim(files.trim_point(partition)));
    found
}

/// The offset behind all records of an epoch that are here, or were before they were damaged.
fn end(here: &HeldEpoch) -> Offset {
    here.held.iter().chain(&here.lost).map(|range| range.end).max().unwrap_or_default()
}

/// The place behind all that the journal holds, or held, of a partition.
pub(super) fn end_of(files: &Files, partition: PartitionId) -> Lsn {
    let trim_point = files.trim_point(partition);
    let last = files.epochs(partition).last().map(|it| Lsn { epoch: it.epoch, offset: end(it) });
    last.map_or(trim_point, |last| last.max(trim_point))
}

/// The epoch list of a partition that control lost: each epoch of which the journal knows ends where
/// its records end, and the last one is open, led by nobody. `None` if the journal knows of none.
pub(super) fn epochs_of(
    files: &Files,
    partition: PartitionId,
    nodeset: &Nodeset,
) -> Option<EpochList> {
    let trim_point = files.trim_point(partition);
    let here = files.epochs(partition);
    let last = here.last().map(|it| it.epoch).max(files.sealed(partition));
    let last = last.max(Some(trim_point.epoch)).filter(|epoch| epoch.0 > 0)?;
    let first = here.first().map_or(last, |it| it.epoch.min(last));
    let node = *nodeset.stores().first()?;
    let entry = |number: u32| {
        let epoch = Epoch(number);
        let held = here.iter().find(|it| it.epoch == epoch);
        let leader = held.and_then(|it| it.leader).unwrap_or_default();
        let end = (epoch < last).then(|| held.map(end).unwrap_or_default());
        let leader = Incarnation { node, number: leader };
        EpochEntry { epoch, leader, nodeset: nodeset.clone(), end }
    };
    let epochs = (first.0..=last.0).map(entry).collect();
    EpochList::from_parts(0, epochs, BTreeMap::new(), trim_point.max(Lsn::new(1, 0)))
}
