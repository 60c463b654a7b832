//! Reads records: finds them in the index, reads neighbours at once, checks each.

use bytes::Bytes;
use std::{ops::Range, sync::Arc};
use varve_types::{Epoch, Lsn, Offset, PartitionId, TenantId};

use super::{
    Frame,
    damage::{Damage, LostRange},
    entries::Place,
    frame_header::{FRAME_HEADER_BYTES, FrameHeader, frame_bytes},
    index::{EpochIndex, Index, JournalFile},
};
use crate::ReadError;

/// Two records with no more than this between them are read at once. More would cost more than
/// another call does: with records of 1 KiB in four partitions, 4 KiB here replay at 0.39 GB/s and
/// 512 bytes at 0.63 (`journal_bench`).
const GAP_MAX_BYTES: u64 = 512;
/// No more than this is read at once, unless one record is larger. A payload keeps alive what was
/// read with it.
const STRETCH_MAX_BYTES: u64 = 1 << 20;

/// Neighbouring offsets of one partition and epoch in one file.
pub(super) struct Extent {
    file: Arc<JournalFile>,
    tenants: Arc<Vec<Option<TenantId>>>,
    first: Lsn,
    places: Vec<Place>,
}

/// Finds the records of `range`, until `max_bytes` of payload are gathered or one is missing.
pub(super) fn plan(
    index: &Index,
    partition: PartitionId,
    range: Range<Lsn>,
    max_bytes: u64,
) -> Result<Vec<Extent>, ReadError> {
    let Some(known) = index.partitions.get(&partition) else { return Ok(Vec::new()) };
    let (from, trim_point) = (range.start, known.trim_point);
    if from < trim_point {
        // Who drives the journal knows of snapshots.
        return Err(ReadError::Trimmed { partition, trim_point, snapshot: None });
    }
    let mut plan = Plan { extents: Vec::new(), gathered_bytes: 0, max_bytes };
    if range.is_empty() {
        return Ok(plan.extents);
    }
    for (&epoch, held) in known.epochs.range(from.epoch.0..=range.end.epoch.0) {
        let first = if epoch == from.epoch.0 { from.offset.0 } else { 0 };
        let end = if epoch == range.end.epoch.0 { range.end.offset.0 } else { u64::MAX };
        let next = plan.add(index, Epoch(epoch), held, first..end);
        if plan.gathered_bytes >= max_bytes && !plan.extents.is_empty() {
            break;
        }
        if let Some((held_again, reason)) = held.hole(next).filter(|_| next < end) {
            if plan.extents.is_empty() {
                let (from, next) = (Lsn::new(epoch, next), Lsn::new(epoch, held_again.min(end)));
                return Err(ReadError::Lost { partition, from, next, reason });
            }
            // What was found first is read first.
            break;
        }
    }
    Ok(plan.extents)
}

/// Why records of an extent were not read.
pub(super) enum Unread {
    /// The file does not answer.
    Io(ReadError),
    /// A record is not what was written there.
    Damaged { sequence: u64, damage: Damage },
}

struct Plan {
    extents: Vec<Extent>,
    gathered_bytes: u64,
    max_bytes: u64,
}

impl Plan {
    /// Adds an epoch's records from the first offset on. Answers the first that it did not add.
    fn add(&mut self, index: &Index, epoch: Epoch, held: &EpochIndex, offsets: Range<u64>) -> u64 {
        let mut next = offsets.start;
        let before = held.runs.range(..=next).next_back();
        let start = before.map_or(next, |(first, _)| *first);
        for (&first, run) in held.runs.range(start..) {
            let run_end = offsets.end.min(first + run.places.len() as u64);
            if run_end <= next && first < next {
                continue;
            }
            let Some(file) = index.file(run.sequence).filter(|_| first <= next) else { break };
            let wanted = (next - first) as usize..run_end.saturating_sub(first) as usize;
            let at = Lsn { epoch, offset: Offset(next) };
            let mut places = Vec::new();
            for place in run.places.get(wanted).unwrap_or_default() {
                places.push(*place);
                self.gathered_bytes += u64::from(place.payload_bytes);
                if self.gathered_bytes >= self.max_bytes {
                    break;
                }
            }
            if places.is_empty() {
                break;
            }
            next += places.len() as u64;
            let (file, tenants) = (Arc::clone(&file.file), Arc::clone(&file.tenants));
            self.extents.push(Extent { file, tenants, first: at, places });
            if self.gathered_bytes >= self.max_bytes {
                break;
            }
        }
        next
    }
}

impl Extent {
    /// How many records it has.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Reads the records and appends them to `frames`; ends at the first that does not read.
    pub(super) fn read(
        &self,
        partition: PartitionId,
        frames: &mut Vec<Frame>,
    ) -> Result<(), Unread> {
        let mut lsn = self.first;
        let mut rest = self.places.as_slice();
        while let Some(first) = rest.first() {
            let (stretch, after) = rest.split_at(stretch_len(rest));
            rest = after;
            let start = first.position();
            let end = stretch.last().map_or(start, |last| payload_end(*last));
            let mut bytes = vec![0; (end - start) as usize];
            let read = self.file.file.read_exact_at(&mut bytes, start);
            read.map_err(|source| {
                Unread::Io(ReadError::Io { path: self.file.path.clone(), source })
            })?;
            let bytes = Bytes::from(bytes);
            for place in stretch {
                let at = (place.position() - start) as usize;
                let frame = bytes.slice(at..at + FRAME_HEADER_BYTES + place.payload_bytes as usize);
                let next = Lsn::new(lsn.epoch.0, lsn.offset.0 + 1);
                let read = self.frame(partition, lsn, &frame);
                frames.push(read.map_err(|reason| Unread::Damaged {
                    sequence: self.file.sequence,
                    damage: Damage {
                        path: self.file.path.clone(),
                        position: place.position(),
                        end: place.position() + frame_bytes(u64::from(place.payload_bytes)),
                        reason: reason.into(),
                        lost: vec![LostRange { partition, from: lsn, next }],
                        is_known: true,
                    },
                })?);
                lsn = next;
            }
        }
        Ok(())
    }

    /// Checks a record's bytes and takes it from them.
    fn frame(&self, partition: PartitionId, lsn: Lsn, bytes: &Bytes) -> Result<Frame, String> {
        let Some(header) = bytes.first_chunk() else {
            return Err("the frame is shorter than its header".to_owned());
        };
        let header = FrameHeader::decode(header, self.file.salt).map_err(|it| it.to_string())?;
        let found = (header.partition, header.epoch, header.offset);
        if !header.kind.is_record() || found != (partition.to_u64(), lsn.epoch.0, lsn.offset.0) {
            return Err(format!("another frame than that of record {lsn}"));
        }
        let payload = bytes.slice(FRAME_HEADER_BYTES..);
        if crc32c::crc32c(&payload) != header.payload_crc {
            return Err("the payload's checksum does not match".to_owned());
        }
        let tenant = match (header.tenant as usize).checked_sub(1) {
            None => None,
            Some(number) => match self.tenants.get(number) {
                Some(Some(tenant)) => Some(tenant.clone()),
                Some(None) | None => {
                    return Err(format!("tenant {} is not named in the file", header.tenant));
                }
            },
        };
        Ok(Frame::of(&header, partition, tenant, payload))
    }
}

fn payload_end(place: Place) -> u64 {
    place.position() + FRAME_HEADER_BYTES as u64 + u64::from(place.payload_bytes)
}

/// How many of the first records are read at once; at least one.
fn stretch_len(places: &[Place]) -> usize {
    let Some(first) = places.first() else { return 0 };
    let joined = places.windows(2).take_while(|pair| match pair {
        [before, after] => {
            after.position() - payload_end(*before) <= GAP_MAX_BYTES
                && payload_end(*after) - first.position() <= STRETCH_MAX_BYTES
        }
        _ => false,
    });
    1 + joined.count()
}
