//! Reads committed records: finds them in the index, reads neighbours at once, checks each.

use bytes::Bytes;
use std::sync::Arc;
use varve_types::{Lsn, PartitionId, TenantId};

use super::{
    frame::{FRAME_HEADER_BYTES, FrameHeader, FrameKind},
    index::{Index, JournalFile, Place},
};
use crate::{ReadError, Record};

/// Two records with no more than this between them are read at once. More would cost more than
/// another call does: with records of 1 KiB in four partitions, 4 KiB here replay at 0.39 GB/s and
/// 512 bytes at 0.63 (`journal_bench`).
const GAP_MAX_BYTES: u64 = 512;
/// No more than this is read at once, unless one record is larger. A payload keeps alive what was
/// read with it.
const STRETCH_MAX_BYTES: u64 = 1 << 20;

/// Neighbouring offsets of one partition in one file.
pub(super) struct Extent {
    file: Arc<JournalFile>,
    tenants: Arc<Vec<TenantId>>,
    first_offset: u64,
    places: Vec<Place>,
}

/// Finds the records from `from` on, until `max_bytes` of payload are gathered.
pub(super) fn plan(
    index: &Index,
    partition: PartitionId,
    from: Lsn,
    max_bytes: u64,
) -> Result<Vec<Extent>, ReadError> {
    let trim_point = index.partitions.get(&partition).map_or(Lsn::default(), |it| it.trim_point);
    if from < trim_point {
        return Err(ReadError::Trimmed { partition, trim_point });
    }
    let mut extents = Vec::new();
    let mut gathered_bytes = 0;
    for file in index.files.iter().filter(|file| file.file.epoch >= from.epoch.0) {
        let Some(run) = file.runs.get(&partition) else { continue };
        let wanted = if file.file.epoch == from.epoch.0 { from.offset.0 } else { 0 };
        if wanted >= run.next_offset() {
            continue;
        }
        if extents.is_empty() && run.first_offset > wanted {
            // Files were taken away by hand. Say so, rather than skip records silently.
            let trim_point = Lsn::new(file.file.epoch, run.first_offset);
            return Err(ReadError::Trimmed { partition, trim_point });
        }
        let first_offset = run.first_offset.max(wanted);
        let mut places = Vec::new();
        for place in run.places.iter().skip((first_offset - run.first_offset) as usize) {
            places.push(*place);
            gathered_bytes += u64::from(place.payload_bytes);
            if gathered_bytes >= max_bytes {
                break;
            }
        }
        let (file, tenants) = (Arc::clone(&file.file), Arc::clone(&file.tenants));
        extents.push(Extent { file, tenants, first_offset, places });
        if gathered_bytes >= max_bytes {
            break;
        }
    }
    Ok(extents)
}

impl Extent {
    /// How many records it has.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Reads the records and appends them to `records`.
    pub(super) fn read(
        &self,
        partition: PartitionId,
        records: &mut Vec<Record>,
    ) -> Result<(), ReadError> {
        let mut offset = self.first_offset;
        let mut rest = self.places.as_slice();
        while let Some(first) = rest.first() {
            let (stretch, after) = rest.split_at(stretch_len(rest));
            rest = after;
            let start = first.position();
            let end = stretch.last().map_or(start, |last| payload_end(*last));
            let mut bytes = vec![0; (end - start) as usize];
            let read = self.file.file.read_exact_at(&mut bytes, start);
            read.map_err(|source| ReadError::Io { path: self.file.path.clone(), source })?;
            let bytes = Bytes::from(bytes);
            for place in stretch {
                let at = (place.position() - start) as usize;
                let frame = bytes.slice(at..at + FRAME_HEADER_BYTES + place.payload_bytes as usize);
                let lsn = Lsn::new(self.file.epoch, offset);
                records.push(self.record(partition, lsn, &frame).map_err(|reason| {
                    ReadError::Damaged {
                        partition,
                        path: self.file.path.clone(),
                        position: place.position(),
                        reason,
                    }
                })?);
                offset += 1;
            }
        }
        Ok(())
    }

    /// Checks a frame and takes the record from it.
    fn record(&self, partition: PartitionId, lsn: Lsn, frame: &Bytes) -> Result<Record, String> {
        let Some(header) = frame.first_chunk() else {
            return Err("the frame is shorter than its header".to_owned());
        };
        let header = FrameHeader::decode(header, self.file.salt).map_err(|it| it.to_string())?;
        let found = (header.kind, header.partition, header.epoch, header.offset);
        if found != (FrameKind::Data, partition.to_u64(), lsn.epoch.0, lsn.offset.0) {
            return Err(format!("another frame than that of record {lsn}"));
        }
        let payload = frame.slice(FRAME_HEADER_BYTES..);
        if crc32c::crc32c(&payload) != header.payload_crc {
            return Err("the payload's checksum does not match".to_owned());
        }
        let Some(tenant) = self.tenants.get(header.tenant as usize) else {
            return Err(format!("tenant {} is not named in the file", header.tenant));
        };
        Ok(Record {
            partition,
            lsn,
            tenant: tenant.clone(),
            schema_id: header.schema_id,
            rows: header.rows,
            append_time_ms: header.append_time_ms,
            idempotency_key: header.idempotency_key,
            payload,
        })
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
