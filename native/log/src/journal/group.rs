//! A group: the frames that one sync makes durable, closed by a frame that says how many they are.

use super::{
    frame::{FRAME_HEADER_BYTES, FrameHeader, FrameKind},
    index::Place,
};

/// Builds the bytes of one group.
pub(super) struct GroupBuilder {
    bytes: Vec<u8>,
    number: u64,
    start: u64,
    salt: u32,
    frames: u32,
}

impl GroupBuilder {
    /// An empty group that will be written at `start`. `buffer` is emptied and used for its bytes.
    pub(super) fn new(mut buffer: Vec<u8>, number: u64, start: u64, salt: u32) -> Self {
        buffer.clear();
        Self { bytes: buffer, number, start, salt, frames: 0 }
    }

    /// Adds a frame. Says where it will be.
    pub(super) fn push(&mut self, header: &FrameHeader, payload: &[u8]) -> Place {
        debug_assert_eq!(header.group, self.number, "a frame says which group it is of");
        debug_assert_eq!(header.payload_bytes as usize, payload.len(), "and how long it is");
        let position = self.start + self.bytes.len() as u64;
        let end = self.bytes.len() + header.frame_bytes() as usize;
        self.bytes.reserve(end - self.bytes.len());
        header.encode(self.salt, &mut self.bytes);
        self.bytes.extend_from_slice(payload);
        self.bytes.resize(end, 0);
        self.frames += 1;
        Place::new(position, header.payload_bytes)
    }

    /// Closes the group and gives its bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let header = FrameHeader {
            offset: self.start,
            rows: self.frames,
            ..FrameHeader::new(FrameKind::GroupEnd, self.number)
        };
        self.bytes.reserve(FRAME_HEADER_BYTES);
        header.encode(self.salt, &mut self.bytes);
        self.bytes
    }
}
