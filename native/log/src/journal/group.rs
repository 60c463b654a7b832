//! A group: the frames that one sync makes durable. It is closed by a frame that says how many they
//! are and, once more, which records are among them.

use std::collections::HashMap;
use varve_types::TenantId;

use super::{
    FrameKind,
    entries::Place,
    frame_header::{FRAME_HEADER_BYTES, FrameHeader, frame_bytes},
};
use crate::fields::Fields;

/// What one summary takes in a group end's payload.
const SUMMARY_BYTES: usize = 32;

/// The empty group at the end of a closed file.
pub(super) const CLOSING_GROUP_BYTES: u64 = FRAME_HEADER_BYTES as u64;

/// Frames of one kind, partition and epoch, with offsets that follow each other. By it a start knows
/// what it lost where a frame's header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) kind: FrameKind,
    /// `PartitionId::to_u64`.
    pub(super) partition: u64,
    pub(super) epoch: u32,
    pub(super) first_offset: u64,
    pub(super) count: u32,
}

impl Summary {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.partition.to_le_bytes());
        out.extend_from_slice(&self.first_offset.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&[self.kind as u8, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// `None` for a kind that is not known: its frames do not read either.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (partition, first_offset) = (fields.u64(), fields.u64());
        let (epoch, count) = (fields.u32(), fields.u32());
        let [kind, ..] = fields.u64().to_le_bytes();
        let kind = FrameKind::from_number(kind)?;
        Some(Self { kind, partition, epoch, first_offset, count })
    }
}

/// What a group end says of its group.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GroupSummary {
    pub(super) frames: Vec<Summary>,
    /// Tenants that the group names for the file, with their numbers.
    pub(super) tenants: Vec<(u32, TenantId)>,
}

impl GroupSummary {
    fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.frames.len() * SUMMARY_BYTES);
        for summary in &self.frames {
            summary.encode(&mut payload);
        }
        for (number, tenant) in &self.tenants {
            let name = tenant.as_str().as_bytes();
            let summary = Summary {
                kind: FrameKind::Tenant,
                partition: u64::from(*number),
                epoch: 0,
                first_offset: 0,
                count: name.len() as u32,
            };
            summary.encode(&mut payload);
            payload.extend_from_slice(name);
            payload.resize(payload.len().next_multiple_of(SUMMARY_BYTES), 0);
        }
        payload
    }

    /// Reads a group end's payload, whose checksum was compared.
    pub(super) fn decode(mut payload: &[u8]) -> Self {
        let mut group = Self::default();
        while let Some((bytes, rest)) = payload.split_at_checked(SUMMARY_BYTES) {
            payload = rest;
            let Some(summary) = Summary::decode(bytes) else { continue };
            if summary.kind != FrameKind::Tenant {
                group.frames.push(summary);
                continue;
            }
            let name_bytes = summary.count as usize;
            let padded = name_bytes.next_multiple_of(SUMMARY_BYTES);
            let (name, rest) = payload.split_at_checked(padded).unwrap_or_default();
            payload = rest;
            let name = name.get(..name_bytes).and_then(|name| str::from_utf8(name).ok());
            let tenant = name.and_then(|name| TenantId::parse(name).ok());
            group.tenants.extend(tenant.map(|tenant| (summary.partition as u32, tenant)));
        }
        group
    }
}

/// What a frame with such a payload takes of a group at most, its part of the group's end included.
pub(super) fn frame_room_bytes(payload_bytes: u64) -> u64 {
    frame_bytes(payload_bytes) + SUMMARY_BYTES as u64
}

/// What the frame of a tenant's name takes at most, and the name in the group's end.
pub(super) fn tenant_room_bytes() -> u64 {
    let name_bytes = TenantId::MAX_BYTES as u64;
    frame_room_bytes(name_bytes) + name_bytes.next_multiple_of(SUMMARY_BYTES as u64)
}

/// What a group takes at most besides its frames.
pub(super) fn group_room_bytes() -> u64 {
    // One byte stands for the last summary's padding.
    frame_bytes(1)
}

/// Builds the bytes of one group.
pub(super) struct GroupBuilder {
    bytes: Vec<u8>,
    number: u64,
    start: u64,
    salt: u32,
    frames: u32,
    summary: GroupSummary,
    /// Place in `summaries` of the last one of each.
    last_of: HashMap<(FrameKind, u64, u32), usize>,
}

impl GroupBuilder {
    /// An empty group that will be written at `start`. `buffer` is emptied and used for its bytes.
    pub(super) fn new(mut buffer: Vec<u8>, number: u64, start: u64, salt: u32) -> Self {
        buffer.clear();
        let (summary, last_of) = (GroupSummary::default(), HashMap::new());
        Self { bytes: buffer, number, start, salt, frames: 0, summary, last_of }
    }

    /// Adds a frame. Says where it will be.
    pub(super) fn push(&mut self, header: &FrameHeader, payload: &[u8]) -> Place {
        let place = self.put(header, payload);
        self.frames += 1;
        if !header.kind.is_journals_own() {
            self.summarize(header);
        }
        place
    }

    /// Adds the frame of a tenant's name.
    pub(super) fn push_tenant(&mut self, number: u32, tenant: &TenantId) {
        let name = tenant.as_str().as_bytes();
        let header = FrameHeader {
            payload_bytes: name.len() as u32,
            payload_crc: crc32c::crc32c(name),
            tenant: number,
            ..FrameHeader::new(FrameKind::Tenant, self.number)
        };
        self.push(&header, name);
        self.summary.tenants.push((number, tenant.clone()));
    }

    fn put(&mut self, header: &FrameHeader, payload: &[u8]) -> Place {
        debug_assert_eq!(header.group, self.number, "a frame says which group it is of");
        debug_assert_eq!(header.payload_bytes as usize, payload.len(), "and how long it is");
        let position = self.start + self.bytes.len() as u64;
        let end = self.bytes.len() + header.frame_bytes() as usize;
        self.bytes.reserve(end - self.bytes.len());
        header.encode(self.salt, &mut self.bytes);
        self.bytes.extend_from_slice(payload);
        self.bytes.resize(end, 0);
        Place::new(position, header.payload_bytes)
    }

    fn summarize(&mut self, header: &FrameHeader) {
        let FrameHeader { kind, partition, epoch, offset, .. } = *header;
        let known = self.last_of.get(&(kind, partition, epoch));
        if let Some(last) = known.and_then(|at| self.summary.frames.get_mut(*at))
            && kind.is_record()
            && last.first_offset + u64::from(last.count) == offset
        {
            last.count += 1;
            return;
        }
        self.last_of.insert((kind, partition, epoch), self.summary.frames.len());
        self.summary.frames.push(Summary {
            kind,
            partition,
            epoch,
            first_offset: offset,
            count: 1,
        });
    }

    /// Closes the group and gives its bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let payload = self.summary.encode();
        let header = FrameHeader {
            payload_bytes: payload.len() as u32,
            payload_crc: crc32c::crc32c(&payload),
            offset: self.start,
            rows: self.frames,
            ..FrameHeader::new(FrameKind::GroupEnd, self.number)
        };
        self.put(&header, &payload);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_summary_is_read_back_as_it_was_written(
            frames in prop::collection::vec((1..9u8, any::<[u64; 2]>(), any::<[u32; 2]>()), 0..5),
            tenants in prop::collection::vec((any::<u32>(), "[a-z]{1,150}"), 0..4),
        ) {
            let summary = |(kind, [partition, first_offset], [epoch, count]): (u8, [u64; 2], [u32; 2])| Summary {
                kind: FrameKind::from_number(kind).unwrap(), partition, epoch, first_offset, count,
            };
            let tenant = |(number, name): (u32, String)| (number, TenantId::parse(&name).unwrap());
            let group = GroupSummary {
                frames: frames.into_iter().map(summary).collect(),
                tenants: tenants.into_iter().map(tenant).collect(),
            };
            prop_assert_eq!(GroupSummary::decode(&group.encode()), group);
        }
    }
}
